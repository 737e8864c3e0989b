"""A process that dies exactly between two steps: the crash points of `producers.contract.crash`."""

from __future__ import annotations

import time
from typing import Final

from tests.faults.catalogue.base import Fault, NoEffect
from tests.faults.city import City
from tests.faults.process import point_file, told_file


class Armed:
    """A process whose lives die at a point, until one has. Ask `died` until then; `disarm` in any case."""

    def __init__(self, city: City, name: str, point: str) -> None:
        self.city, self.name, self._point = city, name, point.split(":")[0]
        told_file(name).unlink(missing_ok=True)
        point_file(name).write_text(point, encoding="ascii")
        city.kill(name)

    def died(self) -> bool:
        """Whether it has, at the very point: any other death arms the next life as well."""
        told = told_file(self.name)
        return told.exists() and told.read_text(encoding="ascii") == self._point

    def disarm(self) -> bool:
        """From now on it lives as usual; whether it died. Else it is killed here, not later unseen."""
        died = self.forget()
        if died:
            self.city.counted_kill(self.name)
        else:
            self.city.kill(self.name)
        return died

    def forget(self) -> bool:
        """No life is armed any more; whether one came to the point."""
        died = self.died()
        point_file(self.name).unlink(missing_ok=True)
        told_file(self.name).unlink(missing_ok=True)
        return died


class _Point(Fault):
    """It is killed and comes back armed; it dies at the point, and comes back. Others go on meanwhile."""

    group = "crash points"
    kill = True
    hold_s = (60.0, 60.0)
    nth_max = 3
    process = ""
    point = ""
    _armed: Armed | None = None

    def target(self) -> str:
        if self.process == "outbox":
            return self.sender("outbox")
        return self.process or self.worker()

    def seconds(self) -> float:
        return super().seconds() * self.city.plan.patience

    def inject(self) -> str:
        self._name, self._nth = self.target(), self.rng.randint(1, self.nth_max)
        self._arm()
        return f"{self._name} armed to die at {self.point}"

    def _arm(self) -> None:
        """As soon as no other point of the same process is waited for."""
        if self._armed is None and not point_file(self._name).exists():
            self._armed = Armed(self.city, self._name, f"{self.point}:{self._nth}")

    def over(self) -> bool:
        self._arm()
        return self._armed is not None and self._armed.died()

    def heal(self) -> str:
        if self._armed is None or not self._armed.disarm():
            raise NoEffect(f"{self._name} did not come to {self.point}")
        return f"{self._name} died at {self.point}"


class WorkerApplied(_Point):
    id, name, point = "F4p", "worker-dies-before-changelog", "worker.applied"
    expectation = "nothing of the chunk is kept; it is read again"


class WorkerBlocked(_Point):
    """Its event loop, not the process: what runs in threads goes on, so that it looks alive from outside."""

    id, name, point, kill = "F13", "worker-loop-blocked", "worker.applied", False
    nth_max = 1
    expectation = "blocked longer than its session: its wards move or wait, what it does late is not counted"
    _block_s: Final = 20.0
    _since = 0.0

    def _arm(self) -> None:
        if self._armed is None and not point_file(self._name).exists():
            point = f"{self.point}:{self._nth} {self._block_s:g}"
            self._armed = Armed(self.city, self._name, point)

    def over(self) -> bool:
        """Not when it is blocked, but when it goes on."""
        self._arm()
        if self._armed is not None and self._armed.died():
            self._since = self._since or time.monotonic()
            return time.monotonic() - self._since > self._block_s + 1.0
        return False

    def heal(self) -> str:
        if self._armed is None or not self._armed.forget():
            raise NoEffect(f"{self._name} did not come to {self.point}")
        return f"{self._name} did nothing for {self._block_s:g} s in its event loop"


class WorkerWritten(_Point):
    id, name, point = "F5", "worker-dies-after-changelog", "worker.written"
    expectation = "the chunk is in the changelog and read again: repeated, not counted twice"


class WorkerCompleted(_Point):
    id, name, point = "F6", "worker-dies-before-commit", "worker.completed"
    expectation = "the same, for a chunk that was completed"


class LoaderRead(_Point):
    id, name, point, process = "F15p", "loader-dies-before-insert", "loader.read", "loader"
    expectation = "the same offsets are read again"


class LoaderInserted(_Point):
    id, name, point, process = "F17", "loader-dies-between-tables", "loader.inserted", "loader"
    expectation = "some tables have the block's rows; after the restart all have, once"


class LoaderRows(_Point):
    id, name, point, process = "F17c", "loader-dies-before-coverage", "loader.rows", "loader"
    expectation = "rows are there and coverage does not say so; it does after the restart"


class LoaderStored(_Point):
    id, name, point, process = "F16", "loader-dies-before-commit", "loader.stored", "loader"
    expectation = "the block is written again and replaces itself"


class LoaderCommitted(_Point):
    id, name, point, process = "F16c", "loader-dies-after-commit", "loader.committed", "loader"
    expectation = "the next one begins behind the block"


class GatewayConfirmed(_Point):
    id, name, point, process = "F2p", "gateway-dies-before-answer", "gateway.confirmed", "gateway"
    expectation = "Kafka has the events, the ward posts them again: counted once"


class GatewayJudged(_Point):
    id, name, point, process = "F1p", "gateway-dies-before-kafka", "gateway.judged", "gateway"
    expectation = "the ward has no answer and posts again"


class MonitorCut(_Point):
    id, name, point, process = "F52m", "monitor-dies-in-a-cut", "monitor.cut", "monitor"
    nth_max = 1  # it comes there every ten seconds at most, and only when everything is read
    expectation = "the cut is published wholly by the next one, or not at all"


class _SenderPoint(_Point):
    process = "outbox"


class OutboxAppend(_SenderPoint):
    id, name, point = "F1a", "outbox-dies-before-commit", "outbox.append"
    expectation = "nothing of the transaction is there, and nothing was promised"


class OutboxAppended(_SenderPoint):
    id, name, point = "F1b", "outbox-dies-after-commit", "outbox.appended"
    expectation = "the events are there; the ward's system finds them and goes on behind them"


class PublisherQueued(_SenderPoint):
    id, name, point = "F1q", "publisher-dies-before-ack", "publisher.queued"
    expectation = "sent again in order"


class PublisherDelivered(_SenderPoint):
    id, name, point = "F2", "publisher-dies-after-ack", "publisher.delivered"
    expectation = "twice on the wire, counted once"


class OutboxAcknowledge(_SenderPoint):
    id, name, point = "F2a", "outbox-dies-before-noting", "outbox.acknowledge"
    expectation = "twice on the wire, counted once"


FAULTS: tuple[type[Fault], ...] = (
    WorkerApplied,
    WorkerBlocked,
    WorkerWritten,
    WorkerCompleted,
    LoaderRead,
    LoaderInserted,
    LoaderRows,
    LoaderStored,
    LoaderCommitted,
    GatewayConfirmed,
    GatewayJudged,
    MonitorCut,
    OutboxAppend,
    OutboxAppended,
    PublisherQueued,
    PublisherDelivered,
    OutboxAcknowledge,
)

# Where each point of `producers.contract.crash` is met: the process that must die there.
PROCESS_OF: Final = {
    "outbox": "outbox",
    "publisher": "outbox",
    "gateway": "gateway",
    "worker": "worker-0",
    "loader": "loader",
    "monitor": "monitor",
    "migrate": "migrate",
}
