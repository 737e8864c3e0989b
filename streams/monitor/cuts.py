"""The job that publishes the city's cuts: all that Kafka had by an instant, for ever the same.

A cut of the instant A is begun when every broker's clock has passed A. What Kafka has then includes all that
had arrived by A. The worker must have committed that far; what it wrote is in the changelog by then. The
loader must have committed that far, in events and in the changelog. Only then the wards are judged as of A,
and the cut's row is written, last. While that takes longer than until the next instant, the same cut
is waited for, and those in between are left out.

Known limit: where a topic is deleted and made again, what a group had committed in the old one seems to be a
proof until it commits anew; the loader stores that as an incident.

Several monitors may publish the same cut: they say the same, and the first row stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from producers.contract import crash
from producers.contract.errors import Unavailable
from producers.contract.wards import WARDS
from streams.domain.alive import day_of
from streams.domain.cut import GRID_MS, instant_of_cut, number_of_cut
from streams.monitor import rebuilds
from streams.monitor.config import MonitorConfig
from streams.monitor.conflicts import Conflicts
from streams.monitor.jobs import Context, Facts
from streams.monitor.judge import Judge, Ward
from streams.monitor.progress import Behind, Offsets, Progress
from streams.monitor.rows import CITY_CUT, WARD_STATES, insert
from streams.monitor.totals import FIGURES, totals
from streams.monitor.wards import row_of

EVERY_S: Final = 0.25
_POLL_S: Final = 0.1
# So long one run waits before it says in health what for, and goes on waiting.
_PATIENCE_S: Final = 5.0
# A cut that could not be made for so long is given up: what it needs is kept for two days only.
_GIVEN_UP_MS: Final = 3_600_000


@dataclass(slots=True)
class _Wanted:
    """A cut that is waited for, and what worker and loader must have committed for it."""

    number: int
    events: Offsets
    books: Offsets | None = None
    began_s: float = field(default_factory=time.monotonic)

    @property
    def at_ms(self) -> int:
        """Its instant."""
        return instant_of_cut(self.number)


class Cuts:
    """Publishes cuts, one after the other."""

    def __init__(
        self, config: MonitorConfig, conflicts: Conflicts, clock_ms: Callable[[], int] | None = None
    ) -> None:
        self._config = config
        self._progress = Progress(config)
        self._judge = Judge(config.limits, conflicts)
        self._clock_ms = clock_ms or _now_ms
        self._wanted: _Wanted | None = None
        self._newest: int | None = None
        self._facts: dict[str, Any] = {"number": None, "skipped": 0}

    def run(self, context: Context) -> Facts:
        """Publish the newest cut that is due, or say what keeps it.

        :raises Unavailable: worker or loader are not past its instant; the next run goes on waiting
        """
        if self._newest is None:
            self._newest = int(context.store.value("SELECT max(number) FROM city_cut") or 0)
        wanted = self._begin()
        if wanted is None:
            return self._facts
        self._wait(wanted, context)
        self._publish(wanted, context)
        return self._facts

    def _begin(self) -> _Wanted | None:
        """The cut to be made: the one that is waited for, else the newest that is due, else none."""
        wanted = self._wanted
        if wanted is not None and self._clock_ms() - wanted.at_ms < _GIVEN_UP_MS:
            return wanted
        step = self._config.cut_every_s * 1000 // GRID_MS
        due = number_of_cut(self._clock_ms() - round(self._config.cut_settle_s * 1000)) // step * step
        if self._newest is not None and due <= self._newest:
            return None
        self._wanted = _Wanted(due, self._progress.ends(self._config.events_topic))
        return self._wanted

    def _wait(self, wanted: _Wanted, context: Context) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while behind := self._behind(wanted):
            if time.monotonic() > deadline or context.stop.wait(_POLL_S):
                self._forget_what_is_gone(behind)
                raise _waiting(wanted, behind)

    def _forget_what_is_gone(self, behind: list[Behind]) -> None:
        """A topic that was made again, or lost its tail, ends before what is waited for: begin anew.

        Nobody would come past it before the new messages are as many as the old ones were.
        """
        ends = self._progress.ends(behind[0].topic)
        if any(one.needs > ends.get((one.topic, one.partition), 0) for one in behind):
            self._wanted = None

    def _behind(self, wanted: _Wanted) -> list[Behind]:
        config, progress = self._config, self._progress
        if wanted.books is None:
            behind = progress.behind("worker", config.app_id, wanted.events)
            if behind:
                return behind
            wanted.books = progress.ends(config.changelog_topic)
        return progress.behind("loader", config.loader_group, {**wanted.events, **wanted.books})

    def _publish(self, wanted: _Wanted, context: Context) -> None:
        proven_ms = self._clock_ms()
        if not self._taken(wanted, context):
            rebuilt = rebuilds.done(context.store)
            wards = self._judge.wards(context.store, wanted.at_ms, settled=True)
            figures = totals(context.store, wanted.at_ms)
            rebuilds.unchanged(context.store, rebuilt)
            now_ms = self._clock_ms()
            insert(
                context.store, WARD_STATES, [row_of(ward, cut=wanted.number, now_ms=now_ms) for ward in wards]
            )
            if crash.ARMED:
                crash.at("monitor.cut")
            insert(context.store, CITY_CUT, [cut_row(wanted.number, wards, figures, self._clock_ms())])
            self._facts["covered"] = sum(ward.judgement.covered for ward in wards)
        self._note(wanted, proven_ms)

    def _taken(self, wanted: _Wanted, context: Context) -> bool:
        """Whether another monitor has published it."""
        asked = {"number": wanted.number}
        return bool(context.store.value("SELECT count() FROM city_cut WHERE number = {number:UInt64}", asked))

    def _note(self, wanted: _Wanted, proven_ms: int) -> None:
        step = self._config.cut_every_s * 1000 // GRID_MS
        if self._facts["number"] is not None:
            self._facts["skipped"] += max(0, (wanted.number - self._facts["number"]) // step - 1)
        self._facts["number"] = self._newest = wanted.number
        self._facts["lag_ms"] = self._clock_ms() - wanted.at_ms
        self._facts["proven_ms"] = proven_ms - wanted.at_ms
        self._wanted = None


def _waiting(wanted: _Wanted, behind: list[Behind]) -> Unavailable:
    first, more = behind[0], len(behind) - 1
    others = f" and {more} more partitions" if more else ""
    return Unavailable(
        first.process,
        f"cut {wanted.number} waits: {first}{others}",
        f"See the {first.process}'s health; the cut is published once it is past it",
    )


def cut_row(number: int, wards: list[Ward], figures: dict[str, int], now_ms: int) -> tuple[Any, ...]:
    """The row of `city_cut`."""
    at_ms = instant_of_cut(number)
    covered = [ward.judgement for ward in wards if ward.judgement.covered]
    left_out = [ward for ward in wards if not ward.judgement.covered]
    return (
        number,
        at_ms,
        min((one.complete_ms for one in covered if one.complete_ms is not None), default=None),
        now_ms,
        figures["generation"],
        len(WARDS),
        len(covered),
        [ward.certificate.ward for ward in left_out],
        [ward.judgement.left_out for ward in left_out],
        figures["events"],
        sum(ward.certificate.missing for ward in wards),
        figures["rejected"],
        *(figures[name] for name in FIGURES[1:8]),
        day_of(at_ms),
        *(figures[name] for name in FIGURES[8:]),
        now_ms - at_ms,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
