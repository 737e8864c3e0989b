"""Processes that die, hang, are asked to go too often, come too many."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import ClassVar

from tests.faults.catalogue.base import Fault


class _Killed(Fault):
    group = "processes"
    kill = True

    def target(self) -> str:
        raise NotImplementedError

    def inject(self) -> str:
        name = self.target()
        return f"kill -9 {name}" if self.city.kill(name) else f"{name} was not running"


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

    def target(self) -> str:
        raise NotImplementedError

    def inject(self) -> str:
        self._name = self.target()
        self._pid = self.city.pid(self._name)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGSTOP)
        return f"SIGSTOP {self._name}"

    def heal(self) -> None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGCONT)


class WorkerStopped(_Stopped):
    id, name = "F12", "worker-stopped"
    names = ("worker-0", "worker-1")
    expectation = "stopped longer than its session and woken: what it writes late changes no total"

    def target(self) -> str:
        return self.worker()


class LoaderStopped(_Stopped):
    id, name = "F18", "loader-stopped"
    names = ("loader",)
    expectation = "a zombie's late insert replaces itself"

    def target(self) -> str:
        return "loader"


class ClickHouseStopped(_Stopped):
    id, name = "F21h", "clickhouse-hangs"
    names = ("clickhouse", "loader")
    expectation = "it accepts and does not answer: the loader keeps its place in the group and waits"

    def target(self) -> str:
        return "clickhouse"


class KafkaStopped(_Stopped):
    id, name = "F23s", "kafka-hangs"
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


class Rebalances(Fault):
    id, name, group = "F10", "workers-come-and-go", "processes"
    expectation = "at each rebalance wards move; what the old worker still does is not counted"

    def inject(self) -> str:
        for round_number in range(3):
            extra = self.city.spawn("worker", {"DONGBO_WORKER_INDEX": "9"})
            self.city.sleep(self.rng.uniform(2.5, 5.0))
            extra.send_signal(signal.SIGKILL if round_number % 2 else signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                extra.wait(15)
            extra.kill()
            extra.wait()
        self.city.kills["worker"] += 1
        return "a third worker came and went three times, once by kill -9"


class SecondWorkerOfOneIndex(Fault):
    id, name, group = "F33", "two-workers-of-one-folder", "processes"
    expectation = "the second refuses to start, the first goes on"

    def inject(self) -> str:
        second = self.city.spawn("worker", {"DONGBO_WORKER_INDEX": "0"})
        deadline = time.monotonic() + 20
        while second.poll() is None and time.monotonic() < deadline:
            self.city.sleep(0.2)
        ended = second.poll()
        second.kill()
        second.wait()
        if ended in (None, 0) and self.city.pid("worker-0"):
            raise AssertionError(f"a second worker of index 0 did not refuse to start: {ended}")
        return f"a second worker of index 0 ended with {ended}"


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
    LoaderStopped,
    ClickHouseStopped,
    KafkaStopped,
    OutboxStopped,
    MonitorStopped,
    WorkerStorm,
    LoaderStorm,
    GatewayStorm,
    Rebalances,
    SecondWorkerOfOneIndex,
)
