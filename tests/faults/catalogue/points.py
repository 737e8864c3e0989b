"""A process that dies exactly between two steps: the crash points of `producers.contract.crash`."""

from __future__ import annotations

from tests.faults.catalogue.base import Fault

_KEY = "FAULTS_CRASH_AT"


class _Point(Fault):
    """The supervised process is killed and comes back armed; it dies at the point and comes back."""

    group = "crash points"
    kill = True
    process = ""
    point = ""

    def inject(self) -> str:
        self._armed = self.process or self.worker()
        self.city.override(self._armed, **{_KEY: f"{self.point}:{self.rng.randint(1, 3)}"})
        old = self.city.pid(self._armed)
        self.city.kill(self._armed)
        armed, self._died = 0, False
        for _ in range(150):
            self.city.sleep(0.1)
            now = self.city.pid(self._armed)
            if armed and now != armed:
                self._died = True
                break
            armed = armed or (now if now != old else 0)
        self.city.forget(self._armed, _KEY)
        if not self._died:
            # It came to no such point in time: it must not die there later, unseen.
            self.city.kill(self._armed)
            return f"{self._armed} did not come to {self.point} within 15 s"
        self.city.kills["worker" if self._armed.startswith("worker") else self._armed] += 1
        return f"{self._armed} died at {self.point}"


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


class _SenderPoint(Fault):
    """The same for a sender, which the harness starts itself."""

    group = "crash points"
    kill = True
    point = ""

    def inject(self) -> str:
        name = self.sender("outbox")
        nth = self.rng.randint(1, 4)
        died = self.city.die_at(name, f"{self.point}:{nth}", 12.0)
        return f"{name} {'died at' if died else 'did not come to'} {self.point}"


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
