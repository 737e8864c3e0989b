"""The watchdog: a thread that ends the process when it lives but does not work.

Faust's consumers have been seen to stop silently with the process alive (#175), recoveries and commits to
hang (#176, #596). So every few seconds the broker's end offsets are compared with what this worker has
read, finished and committed, by a thread that needs neither Faust's event loop nor its connection. `judge`
decides, and is pure.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from streams.topics_setup import admin

EXIT_STALLED: Final = 70
_log: Final = logging.getLogger(__name__)
_OFFSETS_TIMEOUT_S: Final = 4.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a worker may make no progress before it is ended."""

    check_every_s: float = 5.0
    stall_s_max: float = 60.0
    recovery_s_max: float = 120.0
    commit_age_s_max: float = 60.0


class Partition(msgspec.Struct, frozen=True):
    """One partition at one moment; offsets are the next to be written, read, finished and committed.

    `end` is None when the broker did not say. `moved_s` is when position or durable last moved, `pending_s`
    since when something durable waits for its commit, without any commit since (None: nothing waits).
    """

    position: int
    durable: int
    end: int | None
    moved_s: float
    pending_s: float | None = None
    committed: int | None = None


class Observation(msgspec.Struct, frozen=True):
    """What one look found. Times are seconds of a clock that never goes back."""

    now_s: float
    partitions: Mapping[int, Partition]
    recovering_since_s: float | None = None
    broker_answers: bool = True


class Verdict(msgspec.Struct, frozen=True):
    """`fault` is None, or a stable code: stalled, recovery_overdue, commit_overdue."""

    fault: str | None = None
    detail: str = ""


def judge(seen: Observation, limits: Limits) -> Verdict:
    """Whether the worker must be ended. While the broker is away nothing is: a restart would not help."""
    if not seen.broker_answers:
        return Verdict()
    if seen.recovering_since_s is not None:
        age = seen.now_s - seen.recovering_since_s
        late = age > limits.recovery_s_max
        return Verdict("recovery_overdue", f"recovering for {age:.0f} s") if late else Verdict()
    for number, partition in sorted(seen.partitions.items()):
        verdict = _judge_partition(number, partition, seen.now_s, limits)
        if verdict.fault:
            return verdict
    return Verdict()


def _judge_partition(number: int, partition: Partition, now_s: float, limits: Limits) -> Verdict:
    unread = partition.end is not None and partition.end > partition.position
    still = now_s - partition.moved_s
    if (unread or partition.position > partition.durable) and still > limits.stall_s_max:
        return Verdict(
            "stalled",
            f"partition {number}: end {partition.end}, read {partition.position}, "
            f"finished {partition.durable}, unmoved for {still:.0f} s",
        )
    waiting = 0.0 if partition.pending_s is None else now_s - partition.pending_s
    if waiting > limits.commit_age_s_max:
        return Verdict("commit_overdue", f"partition {number}: finished, but uncommitted for {waiting:.0f} s")
    return Verdict()


class Memory:
    """Turns successive readings into partitions with ages: when each last moved, since when it waits."""

    def __init__(self) -> None:
        self._last: dict[int, Partition] = {}

    def update(
        self, now_s: float, readings: Mapping[int, tuple[int, int, int | None]], ends: Mapping[int, int]
    ) -> dict[int, Partition]:
        """`readings`: (position, durable, committed) by partition."""
        self._last = {
            number: _age(self._last.get(number), now_s, reading, ends.get(number))
            for number, reading in readings.items()
        }
        return self._last


def _age(
    last: Partition | None, now_s: float, reading: tuple[int, int, int | None], end: int | None
) -> Partition:
    position, durable, committed = reading
    moved = last is None or (position, durable) != (last.position, last.durable)
    # What was read to its end stood still because nothing came, not because of a fault.
    idle = last is not None and last.end is not None and last.end <= last.position == last.durable
    moved_s = now_s if moved or idle or last is None else last.moved_s
    pending_s = None
    if committed != durable:
        fresh = last is None or last.pending_s is None or last.committed != committed
        pending_s = now_s if fresh or last is None else last.pending_s
    return Partition(position, durable, end, moved_s, pending_s, committed)


class Watchdog:
    """Observes one app every `limits.check_every_s`, and ends the process when `judge` says so."""

    def __init__(
        self,
        app: Any,
        bootstrap: str,
        topic: str,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._topic, self._limits, self._clock = app, topic, limits, clock
        self._bootstrap, self._admin = bootstrap, admin(bootstrap)
        self._memory = Memory()
        self._recovering_since_s: float | None = clock()
        self._stopped = threading.Event()
        self._seen: Observation | None = None
        self._verdict = Verdict()

    def start(self) -> None:
        """Begin to watch, from a daemon thread of its own."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching: the worker is ending."""
        self._stopped.set()

    def health(self) -> dict[str, Any]:
        """The last look, as plain values."""
        seen = self._seen
        now_s = self._clock()
        partitions = {} if seen is None else seen.partitions
        return {
            "state": "recovering" if self._recovering() else "ready",
            "broker_answers": seen is not None and seen.broker_answers,
            "fault": self._verdict.fault,
            "detail": self._verdict.detail,
            "partitions": {number: _plain(part, now_s) for number, part in sorted(partitions.items())},
        }

    def _watch(self) -> None:
        while not self._stopped.wait(self._limits.check_every_s):
            try:
                self._look()
            except Exception:
                # A watchdog that dies of its own fault would watch nothing; say it and look again.
                _log.exception("the watchdog could not look")

    def _look(self) -> None:
        progress = self._app.consumer.progress()
        readings = {
            tp.partition: (one.handed, one.durable, one.committed)
            for tp, one in progress.items()
            if tp.topic == self._topic
        }
        ends = self._ends(list(readings))
        now_s = self._clock()
        if not self._recovering():
            self._recovering_since_s = None
        else:
            # Ages begin anew afterwards: standing still meanwhile was no fault.
            self._memory = Memory()
            if self._recovering_since_s is None:
                self._recovering_since_s = now_s
        partitions = self._memory.update(now_s, readings, ends or {})
        self._seen = Observation(now_s, partitions, self._recovering_since_s, ends is not None)
        self._verdict = judge(self._seen, self._limits)
        if self._verdict.fault and not self._stopped.is_set():
            _log.critical("%s: %s; ending", self._verdict.fault, self._verdict.detail)
            logging.shutdown()
            os._exit(EXIT_STALLED)

    def _recovering(self) -> bool:
        """Whether the worker is on its way to its partitions: starting, rebalancing or recovering."""
        return bool(self._app.rebalancing or self._app.in_recovery or not self._app.tables.actives_ready)

    def _ends(self, partitions: list[int]) -> dict[int, int] | None:
        """The broker's end offsets; None if it does not answer."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(self._topic, number): latest for number in partitions}
        try:
            if not asked:
                self._admin.list_topics(self._topic, timeout=_OFFSETS_TIMEOUT_S)
                return {}
            futures = self._admin.list_offsets(
                asked,
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=_OFFSETS_TIMEOUT_S,
            )
            return {tp.partition: future.result(_OFFSETS_TIMEOUT_S).offset for tp, future in futures.items()}
        except (KafkaException, TimeoutError):
            # Asked for offsets, a client keeps the leaders' epochs that it has seen: once the broker was
            # restarted it answers FENCED_LEADER_EPOCH for ever, and the watchdog would be blind.
            self._admin = admin(self._bootstrap)
            return None


def _plain(partition: Partition, now_s: float) -> dict[str, Any]:
    return {
        "end": partition.end,
        "position": partition.position,
        "finished": partition.durable,
        "committed": partition.committed,
        "lag": None if partition.end is None else max(0, partition.end - partition.durable),
        "still_s": round(now_s - partition.moved_s, 1),
        "uncommitted_s": 0.0 if partition.pending_s is None else round(now_s - partition.pending_s, 1),
    }
