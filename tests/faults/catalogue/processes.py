"""Processes that die, hang, are asked to go too often, come too many."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import ClassVar

from ops.stack.process import free_port
from tests.faults.catalogue.base import Fault, NoEffect, Slow, Wanted


class _Killed(Fault):
    group = "processes"
    kill = True

    def target(self) -> str:
        raise NotImplementedError

    def inject(self) -> str:
        name = self.target()
        if not self.city.kill(name):
            raise NoEffect(f"{name} was not running")
        return f"kill -9 {name}"


class WorkerKilled(_Killed):
    id, name = "F4", "worker-killed"
    expectation = (
        "its wards go to the other worker, events since the last commit are repeated and not counted"
    )

    def target(self) -> str:
        return self.worker()


class LoaderKilled(_Killed):
    id, name = "F15", "loader-killed"
    expectation = "the same offsets are read again, the same rows replace themselves"

    def target(self) -> str:
        return "loader"


class OutboxKilled(_Killed):
    id, name = "F1", "outbox-killed"
    expectation = "what was appended is in the file and is sent after the restart, under the same seqs"

    def target(self) -> str:
        return self.sender("outbox")


class GatewayWardsKilled(_Killed):
    id, name = "F1g", "gateway-wards-killed"
    expectation = "wards that send over HTTP go on from their outboxes"

    def target(self) -> str:
        return self.sender("gateway")


class DirectKilled(_Killed):
    id, name = "F1d", "direct-client-killed"
    expectation = "a client without an outbox sends its last window again; it is counted once"

    def target(self) -> str:
        return self.sender("direct")


class GatewayKilled(_Killed):
    id, name = "F2g", "gateway-killed"
    expectation = "requests without an answer are posted again under the same ids"

    def target(self) -> str:
        return "gateway"


class MonitorKilled(_Killed):
    id, name = "F12m", "monitor-killed"
    expectation = "the next one publishes the same cuts; none changes"

    def target(self) -> str:
        return "monitor"


class ClickHouseKilled(_Killed):
    id, name = "F19", "clickhouse-killed"
    names = ("clickhouse", "loader")
    expectation = "the block in hand is written again, offsets are held meanwhile"

    def target(self) -> str:
        return "clickhouse"


class KafkaKilled(_Killed):
    id, name = "F23", "kafka-killed"
    names = ("kafka", "worker-0", "worker-1")
    expectation = "publishers send again what was not confirmed, consumers come back"

    def target(self) -> str:
        return "kafka"


class WorkersKilled(Fault):
    id, name, group, kill = "F4b", "all-workers-killed", "processes", True
    expectation = "nobody counts for a while; then everything is counted once"

    def inject(self) -> str:
        done = [self.city.kill(f"worker-{n}") for n in range(self.city.plan.workers)]
        if not all(done):
            raise NoEffect(f"only {sum(done)} workers ran")
        return f"kill -9 of {sum(done)} workers at once"


class EverythingKilled(Fault):
    id, name, group, kill, alone = "F55", "host-reset", "processes", True, True
    expectation = "every process dies at once, also the supervisor; after the start everything is exact"

    def inject(self) -> str:
        self.city.reset()
        return "kill -9 of every process at once, then a start"


class StartedWithoutKafka(Fault):
    id, name, group, alone = "F24", "kafka-comes-last", "processes", True
    hold_s = (6.0, 10.0)
    names = ("kafka", "worker-0", "loader")
    expectation = "everything starts before Kafka and ClickHouse, waits, says for what, and goes on by itself"
    _held: ClassVar[tuple[str, ...]] = ("kafka", "clickhouse")

    def inject(self) -> str:
        self.city.halt(*self._held)
        for name in ("loader", "monitor", "gateway", *(f"worker-{n}" for n in range(self.city.plan.workers))):
            self.city.kill(name)
        return "Kafka and ClickHouse stopped, everything else killed and started without them"

    def heal(self) -> None:
        self.city.unhalt(*self._held)


class _Stopped(Fault):
    group = "processes"
    hold_s = (9.0, 14.0)
    _name = ""
    _pid = 0

    def target(self) -> str:
        raise NotImplementedError

    def inject(self) -> str:
        self._name = self.target()
        self._pid = self.city.pid(self._name)
        if not self._pid or not self.city.signal(self._name, signal.SIGSTOP):
            raise NoEffect(f"{self._name} was not running")
        return f"SIGSTOP {self._name}"

    def heal(self) -> str | None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGCONT)
        return None


class WorkerStopped(_Stopped):
    id, name = "F12", "worker-stopped"
    expectation = "stopped longer than its session and woken: what it writes late changes no total"

    def target(self) -> str:
        return self.worker()

    def wanted(self) -> Wanted:
        return Wanted(lines=(self._name,))


class WorkerStoppedLong(WorkerStopped):
    id, name, alone, company = "F12l", "worker-stopped-long", True, "long"
    hold_s = (75.0, 80.0)
    expectation = "named by its own line within a minute; its wards are counted by the other worker meanwhile"


class LoaderStopped(_Stopped):
    id, name = "F18", "loader-stopped"
    names = ("loader",)
    expectation = "a zombie's late insert replaces itself"

    def target(self) -> str:
        return "loader"


class LoaderStoppedLong(LoaderStopped):
    id, name, alone, company = "F18l", "loader-stopped-long", True, "long"
    hold_s = (75.0, 80.0)
    expectation = "named within a minute, long before it is woken"


class ClickHouseStopped(_Stopped):
    # Alone: what the harness itself asks of it while injecting others would hold up the end of this one.
    id, name, alone = "F21h", "clickhouse-hangs", True
    names: tuple[str, ...] = ("clickhouse", "loader")
    expectation = "it accepts and does not answer: the loader keeps its place in the group and waits"

    def target(self) -> str:
        return "clickhouse"


class ClickHouseStoppedLong(ClickHouseStopped):
    id, name = "F21l", "clickhouse-hangs-long"
    names = ("clickhouse",)
    hold_s = (75.0, 80.0)
    expectation = "named within a minute by a status that does not hang with it; offsets are held"


class KafkaStopped(_Stopped):
    # Alone, for the same reason: messages of other faults are waited for.
    id, name, alone = "F23s", "kafka-hangs", True
    names = ("kafka",)
    expectation = "requests time out and are made again"

    def target(self) -> str:
        return "kafka"


class OutboxStopped(_Stopped):
    id, name = "F3s", "outbox-stopped"
    hold_s = (4.0, 8.0)
    expectation = "the ward catches up in order"

    def target(self) -> str:
        return self.sender("outbox")


class WardsSilent(OutboxStopped):
    id, name, alone = "F3l", "wards-silent", True
    hold_s = (75.0, 80.0)
    expectation = "exactly the wards of that outbox are told to be silent, within a minute"

    def wanted(self) -> Wanted:
        wards = self.city.config_of(self._name).wards if self._name else ()
        return Wanted(silent=frozenset(wards))


class MonitorStopped(_Stopped):
    id, name = "F12s", "monitor-stopped"
    names = ("monitor",)
    expectation = "cuts that were missed are skipped, none is published wrong"

    def target(self) -> str:
        return "monitor"


class _Storm(Fault):
    group = "processes"
    hold_s = (5.0, 5.0)

    def targets(self) -> list[str]:
        raise NotImplementedError

    def inject(self) -> str:
        names = self.targets()
        sent = 0
        for _ in range(4):
            sent += sum(self.city.signal(name, signal.SIGTERM) for name in names)
            self.city.sleep(0.4)
        if not sent:
            raise NoEffect(f"{', '.join(names)} not running")
        return f"{sent} times SIGTERM to {', '.join(names)}"


class WorkerStorm(_Storm):
    id, name = "F14", "worker-term-storm"
    expectation = "each ends in time, nothing is committed that was not counted"

    def targets(self) -> list[str]:
        return [f"worker-{n}" for n in range(self.city.plan.workers)]


class LoaderStorm(_Storm):
    id, name = "F14l", "loader-term-storm"
    expectation = "the block in hand is stored or read again"

    def targets(self) -> list[str]:
        return ["loader"]


class GatewayStorm(_Storm):
    id, name = "F14g", "gateway-term-storm"
    expectation = "requests in hand are answered or posted again"

    def targets(self) -> list[str]:
        return ["gateway", "monitor"]


class Rebalances(Slow):
    id, name, group = "F10", "workers-come-and-go", "processes"
    expectation = "at each rebalance wards move; what the old worker still does is not counted"

    def work(self) -> str:
        ended = [self._came_and_went(kill) for kill in (False, True, False)]
        if -signal.SIGKILL not in ended:
            raise NoEffect(f"the third worker ended by itself: {ended}")
        self.city.kills["worker"] += 1
        return f"a third worker came and went three times, once by kill -9: {ended}"

    def _came_and_went(self, kill: bool) -> int:
        settings = {"DONGBO_WORKER_INDEX": "9"}
        extra = self.city.spawn("worker", settings)
        time.sleep(self.rng.uniform(2.5, 5.0))
        extra.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return extra.wait(15)
        extra.kill()
        return extra.wait()


class SecondWorkerOfOneIndex(Slow):
    """Nothing of a worker is in its folder (`store=memory://`), so the port is what tells two of an index."""

    id, name, group = "F33", "two-workers-of-one-folder", "processes"
    expectation = "of one port the second refuses to start; of another port it is one more worker, and exact"

    def work(self) -> str:
        running = bool(self.city.pid("worker-0"))
        refused = self._second({}, 20.0)
        if not running or not self.city.pid("worker-0"):
            raise NoEffect("worker-0 was not running")
        if refused in (None, 0):
            raise AssertionError(f"a second worker of index 0 did not refuse to start: {refused}")
        joined = self._second({"DONGBO_WORKER_HEALTH_PORT": str(min(free_port(), 60_000))}, 8.0)
        if joined is not None:
            raise AssertionError(f"a worker in the same folder with a port of its own ended with {joined}")
        self.city.kills["worker"] += 1
        return f"a second worker of index 0 ended with {refused}; with its own port it worked, then kill -9"

    def _second(self, settings: dict[str, str], wait_s: float) -> int | None:
        """Its exit code; None if it had to be killed."""
        second = self.city.spawn("worker", settings | {"DONGBO_WORKER_INDEX": "0"})
        deadline = time.monotonic() + wait_s
        while second.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        ended = second.poll()
        second.kill()
        second.wait()
        return ended


FAULTS: tuple[type[Fault], ...] = (
    WorkerKilled,
    LoaderKilled,
    OutboxKilled,
    GatewayWardsKilled,
    DirectKilled,
    GatewayKilled,
    MonitorKilled,
    ClickHouseKilled,
    KafkaKilled,
    WorkersKilled,
    EverythingKilled,
    StartedWithoutKafka,
    WorkerStopped,
    WorkerStoppedLong,
    LoaderStopped,
    LoaderStoppedLong,
    ClickHouseStopped,
    ClickHouseStoppedLong,
    KafkaStopped,
    OutboxStopped,
    WardsSilent,
    MonitorStopped,
    WorkerStorm,
    LoaderStorm,
    GatewayStorm,
    Rebalances,
    SecondWorkerOfOneIndex,
)
