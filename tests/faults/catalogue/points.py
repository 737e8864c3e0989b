"""A process that dies exactly between two steps: the crash points of `producers.contract.crash`."""

from __future__ import annotations

import time
from typing import Final

from tests.faults.catalogue.base import Fault
from tests.faults.city import City
from tests.faults.process import point_file

_WAIT_S: Final = 15.0


class Armed:
    """A process that was restarted so that it dies at a point. Ask `died` until it has; then `disarm`."""

    def __init__(self, city: City, name: str, point: str) -> None:
        self.city, self.name = city, name
        self._own = name in city.senders
        self._died = False
        if self._own:
            city.arm(name, point)
            return
        point_file(name).write_text(point, encoding="ascii")
        self._old, self._armed = city.pid(name), 0
        city.kill(name)

    def died(self) -> bool:
        """Whether it has, by itself: the armed life has ended."""
        if self._own:
            self._died = self._died or self.city.pid(self.name) == 0
            return self._died
        now = self.city.pid(self.name)
        if not self._armed:
            self._armed = now if now != self._old else 0
        self._died = self._died or bool(self._armed and now != self._armed)
        return self._died

    def disarm(self) -> None:
        """From now on it lives as usual. If it came to no such point, it is killed here, not later unseen."""
        if self._own:
            self.city.disarm(self.name)
        else:
            point_file(self.name).unlink(missing_ok=True)
        if self._died:
            self.city.counted_kill(self.name)
        else:
            self.city.kill(self.name)


class _Point(Fault):
    """It is killed and comes back armed; it dies at the point, and comes back."""

    group = "crash points"
    kill = True
    process = ""
    point = ""

    def target(self) -> str:
        if self.process == "outbox":
            return self.sender("outbox")
        return self.process or self.worker()

    def inject(self) -> str:
        armed = Armed(self.city, self.target(), f"{self.point}:{self.rng.randint(1, 3)}")
        deadline = time.monotonic() + _WAIT_S
        while not armed.died() and time.monotonic() < deadline:
            self.city.sleep(0.1)
        died = armed.died()
        armed.disarm()
        return f"{armed.name} {'died at' if died else 'did not come to'} {self.point}"


class WorkerApplied(_Point):
    id, name, point = "F4p", "worker-dies-before-changelog", "worker.applied"
    expectation = "nothing of the chunk is kept; it is read again"


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
