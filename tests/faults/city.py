"""A city of the harness's own: the real supervisor with every process, senders, proxies between them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from ops.city.prepare import address, prepare, store
from ops.identity import registry_path
from ops.settings import REPOSITORY, Settings
from ops.stack import supervise
from ops.stack.process import free_port
from producers.contract.errors import DongBoError, Stop, Unavailable
from producers.contract.topics import changelog_topic
from producers.contract.wards import WARDS
from producers.identity.tokens import Tokens
from streams.topics_setup import admin
from streams.warehouse.store import Store
from tests.faults import pace
from tests.faults.plan import Extra, Plan
from tests.faults.process import LISTENERS, OVERRIDES, armed
from tests.faults.proxy import Proxy
from tests.faults.sender import Config
from tests.faults.standing import Standing

T = TypeVar("T")

PROGRAMS: Final = ("kafka", "clickhouse", "worker", "loader", "monitor", "gateway")
_LISTENERS: Final = ("WARDS", "WORKERS", "LOADER")
_RESTART_S: Final = 1.0
_BOOTS: Final = 3
_DISK: Final = "6g"
_REMOUNTS: Final = 50
_COMPACTION: Final = {
    "segment.ms": "60000",
    "min.compaction.lag.ms": "300000",
    "max.compaction.lag.ms": "360000",
    "min.cleanable.dirty.ratio": "0.2",
}
# Whatever ends the harness ends its processes.
_TIED: Final = (sys.executable, "-m", "ops.stack.process")


class City(Standing):
    """Started by `start`; whoever drives it calls `tick` often, which starts dead senders again."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan, self.extra = folder, plan, Extra()
        self.proxies = {name: Proxy(free_port()) for name in _LISTENERS}
        self.settings = Settings(
            data_dir=folder / "city",
            kafka_bootstrap=f"127.0.0.1:{free_port()}",
            clickhouse_port=free_port(),
            gateway_port=free_port(),
            dashboard_port=free_port(),
            worker_health_port=min(free_port(), 60_000),
            loader_health_port=free_port(),
            monitor_health_port=free_port(),
            worker_count=plan.workers,
            hole_grace_s=10,
            hole_ask_after_s=5,
            hole_ask_again_s=5,
            ward_silent_after_s=30,
            gateway_rate_events_s=5_000,
        )
        self.proxies["clickhouse"] = Proxy(self.settings.clickhouse_port)
        self.proxies["gateway"] = Proxy(self.settings.gateway_port)
        self.kills: Counter[str] = Counter()
        self.log: list[str] = []
        self._overrides: dict[str, dict[str, str]] = {}
        self._stack: supervise.City | None = None
        self._senders: dict[str, Config] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, float] = {}
        self._mounted = False
        self.store = store(self.settings)

    # Start and end

    def start(self) -> None:
        """Everything up, topics and tables made, senders not yet."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.ledgers.mkdir(exist_ok=True)
        self._mounted = self.plan.own_disk and self._mount()
        listeners = {name: (self.proxies[name].target, self.proxies[name].port) for name in _LISTENERS}
        os.environ[LISTENERS] = json.dumps(listeners)
        os.environ[OVERRIDES] = str(self.folder / "overrides.json")
        for name in ("worker", "loader", "gateway"):
            listener = {"worker": "WORKERS", "loader": "LOADER"}.get(name, "WARDS")
            self.override(name, DONGBO_KAFKA_BOOTSTRAP=f"127.0.0.1:{self.proxies[listener].port}")
        self.override("loader", DONGBO_CLICKHOUSE_PORT=str(self.proxies["clickhouse"].port))
        self.boot()
        prepare(self.settings)
        self._compact_soon()
        self._open_offices()

    def _compact_soon(self) -> None:
        """The changelog keeps a day in production; here minutes, so that a recovery reads no more than there.

        No process is away for longer than that, and no cut is asked as of which revisions were needed.
        """
        resource = ConfigResource(ConfigResource.Type.TOPIC, changelog_topic(self.settings.app_id))
        for name, value in _COMPACTION.items():
            resource.add_incremental_config(
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            )
        client = self.admin()  # held: its future ends with it
        client.incremental_alter_configs([resource])[resource].result(20)

    def _open_offices(self) -> None:
        """Day and night, so that a ward can be silent whenever a campaign runs."""
        self.store.command(
            "INSERT INTO office_overrides SELECT code, today() - 1, today() + 2, [0, 1440], 0, 'faults', 1,"
            " false FROM wards FINAL"
        )

    def _mount(self) -> bool:
        """A file system of its own for ClickHouse, so that it can be full; only root may mount one."""
        self._disk.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "dongbo-faults", str(self._disk)]
        return os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0

    @property
    def _disk(self) -> Path:
        return self.settings.data_dir / "clickhouse"

    def fill_clickhouse(self, full: bool) -> bool:
        """Leave its file system no space, or give it back; whether that is possible here."""
        if not self._mounted:
            return False
        for _ in range(_REMOUNTS):  # what is written between the two calls makes it smaller than it is full
            found = os.statvfs(self._disk)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            options = f"remount,size={used if full else _DISK}"
            if subprocess.run(["mount", "-o", options, str(self._disk)], check=False).returncode == 0:
                return True
        return False

    def boot(self) -> None:
        """The supervisor and its processes."""
        for attempt in range(1, _BOOTS + 1):
            try:
                self._stack = supervise.start(self.settings, PROGRAMS, entry=("-m", "tests.faults.process"))
                return
            except Stop:  # a machine that is busy with others' work: supervisord came too late
                if attempt == _BOOTS:
                    raise

    def stop(self) -> None:
        """Senders first, in order; then the city."""
        self._senders.clear()
        for sender in self._running.values():
            sender.send_signal(signal.SIGCONT)
            sender.terminate()
        for sender in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                sender.wait(20)
            sender.kill()
            sender.wait()
        if self._stack is not None:
            for process in (one for one in self.processes() if one.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGCONT)
            self._stack.stop()
        if self._mounted:
            subprocess.run(["umount", "-l", str(self._disk)], check=False)
        self.store.close()
        for proxy in self.proxies.values():
            proxy.close()

    def reset(self) -> None:
        """The host's power: every process at once, the supervisor as well; then everything starts again."""
        assert self._stack is not None
        children = [process.pid for process in self.processes() if process.pid]
        # Stopped first, else it would start one anew that was killed a moment before itself.
        os.kill(self._stack.pid, signal.SIGSTOP)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for name in self._running:
            self.kill(name)
        os.kill(self._stack.pid, signal.SIGKILL)
        self._stack.wait(20)
        self._stack.stop()
        self.kills["host"] += 1
        self.boot()

    # Processes

    def processes(self) -> list[supervise.Process]:
        """Those under the supervisor; none while it is away."""
        try:
            return supervise.processes(self.settings)
        except Unavailable:
            return []

    def pid(self, name: str) -> int:
        """0 if it does not run."""
        own = self._running.get(name)
        if own is not None:
            return own.pid if own.poll() is None else 0
        return next((p.pid for p in self.processes() if p.name == name), 0)

    def pids(self) -> dict[str, int]:
        """Of all that run now: under the supervisor, and the wards' senders."""
        own = {name: self.pid(name) for name in self._running}
        found = {one.name: one.pid for one in self.processes()} | own
        return {name: pid for name, pid in found.items() if pid}

    def signal(self, name: str, number: int) -> bool:
        """Send a signal; whether there was a process to take it."""
        pid = self.pid(name)
        if not pid:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def kill(self, name: str) -> bool:
        """kill -9, counted."""
        done = self.signal(name, signal.SIGKILL)
        if done:
            self.counted_kill(name)
        return done

    def dead_meanwhile(self, name: str, work: Callable[[], T]) -> T | None:
        """kill -9 a supervised process and do something before it comes back; None if it did not run."""
        assert self._stack is not None
        pid = self.pid(name)
        if not pid:
            return None
        # The supervisor would start it at once.
        os.kill(self._stack.pid, signal.SIGSTOP)
        try:
            os.kill(pid, signal.SIGKILL)
            self.counted_kill(name)
            while not _dead(pid):
                time.sleep(0.05)
            return work()
        finally:
            os.kill(self._stack.pid, signal.SIGCONT)

    def counted_kill(self, name: str) -> None:
        """A process died by SIGKILL."""
        self.kills["worker" if name.startswith("worker") else name] += 1

    def halt(self, *names: str) -> None:
        """Stop supervised processes as an operator does, and wait until they have ended."""
        for name in names:
            with contextlib.suppress(Unavailable):  # its answer may take longer than the client waits
                supervise.halt(self.settings, name)
            deadline = time.monotonic() + 90
            while self.pid(name.split(":")[-1]) and time.monotonic() < deadline:
                self.sleep(0.2)

    def unhalt(self, *names: str) -> None:
        """Start them again."""
        for name in names:
            with contextlib.suppress(Unavailable):
                supervise.begin(self.settings, name)

    def override(self, name: str, **values: str) -> None:
        """What the next life of a process finds in its environment."""
        self._overrides[name] = self._overrides.get(name, {}) | values
        self._write_overrides()

    def _write_overrides(self) -> None:
        path = self.folder / "overrides.json"
        path.with_suffix(".new").write_text(json.dumps(self._overrides))
        path.with_suffix(".new").replace(path)

    def spawn(self, name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Another process of the city beside the supervised ones; the caller ends it."""
        with (self.folder / f"{name}-extra.log").open("ab") as log:
            return subprocess.Popen(
                [*_TIED, sys.executable, "-m", "tests.faults.process", name],
                env=os.environ | self.settings.environment() | environment,
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
            )

    # Senders

    @property
    def ledgers(self) -> Path:
        return self.folder / "ledgers"

    @property
    def senders(self) -> list[str]:
        return list(self._senders)

    def configs(self) -> list[Config]:
        return list(self._senders.values())

    def begin(self, tau_s: float = 0.0) -> None:
        """Let the wards begin: most through outboxes, some through the gateway, some directly.

        Without a time constant evenly over the time of the plan.
        """
        pace.write(self.ledgers, pace.Pace(time.time(), 1.0, tau_s, self.plan.seconds))
        codes = list(WARDS)[: self.plan.wards]
        gateway, direct = codes[::16][:6], codes[5::13][:9]
        others = [code for code in codes if code not in {*gateway, *direct}]
        tokens = Tokens(registry_path(self.settings))
        keys = {ward: tokens.issue(ward, "faults") for ward in gateway}
        tokens.close()
        for index in range(3):
            self._add(f"outbox-{index}", "outbox", others[index::3])
        self._add("gateway-wards", "gateway", gateway, keys)
        self._add("direct", "direct", direct)

    def _add(self, name: str, kind: str, wards: list[str], tokens: dict[str, str] | None = None) -> None:
        config = Config(
            name=name,
            kind=kind,
            seed=self.plan.seed,
            epoch=f"{name}-{self.plan.seed}",
            wards=wards,
            each=self.plan.each,
            folder=str(self.ledgers),
            bootstrap=f"127.0.0.1:{self.proxies['WARDS'].port}",
            topic=self.settings.events_topic,
            gateway=f"http://127.0.0.1:{self.proxies['gateway'].port}",
            tokens=tokens or {},
        )
        (self.ledgers / f"{name}.json").write_bytes(msgspec.json.encode(config))
        self._senders[name] = config
        self._run(name)

    def config_of(self, name: str) -> Config:
        """A sender's."""
        return self._senders[name]

    def _run(self, name: str) -> None:
        with (self.ledgers / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*_TIED, sys.executable, "-m", "tests.faults.sender", str(self.ledgers / f"{name}.json")],
                env=os.environ | armed(name),
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
            )

    def tick(self) -> None:
        """Start senders that have ended, a second after that: what a ward's service manager does."""
        for name in self._senders:
            if self._running[name].poll() is None:
                self._ended.pop(name, None)
            elif time.monotonic() - self._ended.setdefault(name, time.monotonic()) > _RESTART_S:
                self._ended.pop(name)
                self._run(name)

    def sleep(self, seconds: float) -> None:
        """Let time pass, keeping the senders alive."""
        deadline = time.monotonic() + seconds
        while True:
            self.tick()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(0.2, left))

    def patiently(self, sql: str) -> None:
        """A statement that takes a fault back: until ClickHouse takes it."""
        deadline = time.monotonic() + 90
        while True:
            try:
                self.store.command(sql)
                return
            except DongBoError:
                if time.monotonic() > deadline:
                    raise
                self.sleep(0.3)

    def give_token(self, sender: str, ward: str, token: str) -> None:
        """A ward's system gets a new token, and is restarted to take it."""
        config = self._senders[sender]
        self._senders[sender] = msgspec.structs.replace(config, tokens=config.tokens | {ward: token})
        (self.ledgers / f"{sender}.json").write_bytes(msgspec.json.encode(self._senders[sender]))
        self.signal(sender, signal.SIGTERM)

    def admin(self) -> Any:
        """Kafka's admin client, past the proxies. The newest is held: what it was asked ends with it."""
        self._admin = admin(self.settings.kafka_bootstrap)
        return self._admin

    def fresh_store(self, request_timeout_s: int = 300) -> Store:
        """A store of the caller's own."""
        return Store(replace(address(self.settings), request_timeout_s=request_timeout_s))

    def well(self) -> bool:
        """Whether every supervised process runs."""
        running = {p.name for p in self.processes() if p.state == "RUNNING"}
        workers = {f"worker-{n}" for n in range(self.plan.workers)}
        return running >= {"kafka", "clickhouse", "loader", "monitor", "gateway"} | workers


def _dead(pid: int) -> bool:
    """Gone, or a zombie that nobody has asked for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
