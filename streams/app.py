"""The stream worker: one Faust app with one agent and one table, started, watched and ended here.

`run_worker` ends the process in one of these ways:
- code 0 after SIGTERM or SIGINT: the chunk in work is finished, its offsets are committed, the group is left;
- code 70 when something failed or stalled: nothing unfinished is committed, the supervisor starts it again;
- `Stop` before anything is read, when a topic is not what the contract says: a person must act.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import faust
import mode
import msgspec

from producers.contract.signing import Verifier
from producers.contract.topics import (
    BROKER_VALUE_BYTES_MAX,
    EVENTS_TOPIC,
    PARTITIONS,
    changelog_topic,
    topic_specs,
)
from streams.agent import EXIT_FAILED, BookKeeper
from streams.table import BookTable, create_table
from streams.topics_setup import wait_for_topics
from streams.transport import ChunkConsumer, ChunkTransport
from streams.watchdog import Limits, Watchdog

_log: Final = logging.getLogger(__name__)
_DRAIN_S: Final = 4.0
_STOP_S: Final = 4.0


class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one worker."""

    bootstrap: str
    app_id: str = "dongbo"
    events_topic: str = EVENTS_TOPIC
    data_dir: Path = Path("var")
    session_timeout_s: float = 6.0
    heartbeat_s: float = 2.0
    poll_records_max: int = 5000
    # A moment for other workers that start at the same time to join before recovery begins.
    recovery_delay_s: float = 0.5
    # Faust and aiokafka log every step of every rebalance at INFO, each with tables of 24 lines.
    framework_log_level: str = "WARNING"
    limits: Limits = Limits()
    # None where no signatures are asked for: headers are then not even read.
    verify: Verifier | None = None


class Worker:
    """A running worker: its app, its keeper, its watchdog."""

    def __init__(self, config: WorkerConfig) -> None:
        self.config = config
        self.started_s = time.time()
        (config.data_dir / "faust").mkdir(parents=True, exist_ok=True)
        self.app = create_app(config)
        self.table = self.app.books
        self.keeper = self.app.keeper
        self.watchdog = Watchdog(self.app, config.bootstrap, config.events_topic, config.limits)

    def health(self) -> dict[str, Any]:
        """State for health endpoints and metrics. Thread-safe; works while the event loop is blocked."""
        return {
            "app_id": self.config.app_id,
            "pid": os.getpid(),
            "started_s": self.started_s,
            "rebalances": self.app.rebalancing_count,
            "generation": self.app.consumer_generation_id,
            "records": len(self.table.records),
            "changelog_skipped": self.table.records.skipped,
            "counts": msgspec.to_builtins(self.keeper.counts),
        } | self.watchdog.health()


class BookApp(faust.App):
    """A Faust app with our agent and table."""

    logger = logging.getLogger("faust.app.books")
    books: BookTable
    keeper: BookKeeper


def create_app(config: WorkerConfig) -> BookApp:
    """The app with its agent and table; nothing is started, nothing connected."""
    app = BookApp(config.app_id, **_settings(config))
    app.transport = ChunkTransport([_broker(config)], app, with_headers=config.verify is not None)
    topic = app.topic(config.events_topic, value_serializer="raw", key_serializer="raw", value_type=bytes)
    app.books = create_table(app)
    app.keeper = BookKeeper(app, app.books.records, changelog_topic(config.app_id), config.verify)
    app.books.on_recover(app.keeper.heal)
    app.agent(topic, name="keep", concurrency=1, supervisor_strategy=mode.CrashingSupervisor)(app.keeper.run)
    return app


def _broker(config: WorkerConfig) -> Any:
    return faust.utils.urls.urllist(f"kafka://{config.bootstrap}", default_scheme="kafka")[0]


def _settings(config: WorkerConfig) -> dict[str, Any]:
    """Every setting that differs from Faust's default, with the reason where it is not plain."""
    return {
        "broker": _broker(config),
        "datadir": config.data_dir / "faust" / config.app_id,
        "autodiscover": False,
        "origin": "streams",
        # exactly_once lost events in a kill -9 test (robinhood#340); the state is a set union instead.
        "processing_guarantee": "at_least_once",
        # Never skip: with `latest`, recovery hangs for ever when segments were deleted (#651).
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 1024 * 1024,
        "broker_commit_interval": 1.0,
        "broker_max_poll_records": config.poll_records_max,
        # An idle worker cannot rejoin after the default of 1000 s (#134); the watchdog replaces this limit.
        "broker_max_poll_interval": 86_400.0,
        "broker_session_timeout": config.session_timeout_s,
        "broker_heartbeat_interval": config.heartbeat_s,
        # Must not be below the session timeout, or Faust refuses to start.
        "broker_request_timeout": max(60.0, config.session_timeout_s),
        # How long a rebalance waits for a member that lives but does not rejoin (stopped by SIGSTOP, say).
        "broker_rebalance_timeout": max(10.0, config.session_timeout_s),
        # Waiting for streams hangs rebalances (robinhood#402); an unfinished chunk is simply read again.
        "stream_wait_empty": False,
        # Counts chunks here. The transport hands out 8 at most, so the pressure logic, which can pause all
        # partitions for a second, never begins.
        "stream_buffer_maxsize": 64,
        "stream_recovery_delay": config.recovery_delay_s,
        "stream_processing_timeout": 60.0,
        "store": "memory://",
        # Fewer ways to recover; a standby would read every changelog a second time.
        "table_standby_replicas": 0,
        "recovery_consistency_check": True,
        # Faust's own declarations ignore partitions and replication of existing topics (robinhood#325).
        "topic_allow_declare": False,
        "topic_partitions": PARTITIONS,
        "topic_replication_factor": 1,
        "topic_disable_leader": True,
        "producer_acks": -1,
        # The default of 1200 s would be 20 minutes of silence.
        "producer_request_timeout": 60.0,
        "producer_max_request_size": BROKER_VALUE_BYTES_MAX,
        # Records of one chunk are sent together and awaited: lingering would only delay the last of them.
        "producer_linger": 0.0,
        "producer_threaded": False,
        "cython_optimizations": False,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "web_enabled": False,
        "debug": False,
        "worker_redirect_stdouts": False,
    }


def run_worker(config: WorkerConfig, on_ready: Callable[[Worker], None] | None = None) -> NoReturn:
    """Run a worker in this process, in the main thread, until a signal or a failure ends it.

    Waits (and says for what) while Kafka is away or topics are missing. `on_ready` is called as soon as
    there is a `Worker` whose `health()` can be served, which is before it has joined its group: see
    `health()["state"]`.

    :raises Stop: a topic is not what the contract says
    :raises SystemExit: 0, after a signal
    """
    for name in ("faust", "mode", "aiokafka"):
        logging.getLogger(name).setLevel(config.framework_log_level)
    wait_for_topics(config.bootstrap, topic_specs(config.events_topic, config.app_id))
    code = asyncio.run(_main(config, on_ready))
    logging.shutdown()
    sys.stdout.flush()
    if code:
        os._exit(code)
    raise SystemExit(0)


async def _main(config: WorkerConfig, on_ready: Callable[[Worker], None] | None) -> int:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, asked.set)
    worker = Worker(config)
    worker.watchdog.start()
    if on_ready is not None:
        on_ready(worker)
    failed = await _run_until(worker, asked)
    worker.watchdog.stop()
    if failed:
        return EXIT_FAILED
    await _end(worker)
    return 0


async def _run_until(worker: Worker, asked: asyncio.Event) -> bool:
    """Run until a signal (False) or a failure (True)."""
    start = asyncio.create_task(_start(worker))
    signalled = asyncio.create_task(asked.wait())
    await asyncio.wait({start, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if signalled.done():
        start.cancel()
        return False
    signalled.cancel()
    reason = start.exception() or worker.app.crash_reason
    _log.critical("the worker ended by itself: %r", reason, exc_info=reason)
    return True


async def _start(worker: Worker) -> None:
    await worker.app.start()
    _log.info(
        "ready: %s records, generation %s", len(worker.table.records), worker.app.consumer_generation_id
    )
    await worker.app.wait_until_stopped()


async def _end(worker: Worker) -> None:
    """Finish, commit, leave the group: bounded, because a supervisor kills after 10 s."""
    _log.info("ending: finishing what was read")
    consumer = worker.app.consumer
    assert isinstance(consumer, ChunkConsumer)
    with contextlib.suppress(Exception):
        if not await asyncio.wait_for(consumer.drain(_DRAIN_S), _DRAIN_S + 1):
            _log.warning("not everything was finished in %s s; the rest is read again", _DRAIN_S)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(worker.app.stop(), _STOP_S)
    _log.info("ended")
