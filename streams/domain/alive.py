"""Is a ward alive? By what was heard of it, its office hours and a deadline.

A ward is silent once nothing was heard of it for `silent_after` of open office hours without a break, counted
from the later of its last sign of life and the opening. So an office that opens after a weekend has the whole
time before it is. The closing neither begins a silence nor ends one: an office that was silent when it closed
has the word `closed`, with `since_ms`, and is silent still when it opens; only what is heard ends it.

All instants are milliseconds since 1970. A span of open hours includes its first and excludes its last
millisecond. Spans that meet, also at midnight, are one span.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Final, NamedTuple

from streams.domain.calendar import HOURS, OfficeCalendar, office_calendar
from streams.domain.certificate import Certificate
from streams.domain.days import DAY_S, OFFSET_S, day_number

NEVER: Final = "never"
SILENT: Final = "silent"
BEHIND: Final = "behind"
ACTIVE: Final = "active"
CLOSED: Final = "closed"
QUIET: Final = "quiet"

_DAY_MS: Final = DAY_S * 1000
_OFFSET_MS: Final = OFFSET_S * 1000
_MINUTE_MS: Final = 60_000
_EPOCH: Final = date(1970, 1, 1)
# How far is looked ahead for an open office, and back for the beginning of a span that has no end.
_LOOK_DAYS: Final = 60

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When something counts. Seconds, unless the name says otherwise."""

    active_s: int = 900
    silent_after_s: int = 900
    behind_pending: int = 20
    hole_grace_s: int = 60
    hole_old_s: int = 900
    skew_max_s: int = 120
    # A finished day should be declared by this minute of the next working day.
    declare_by_minute: int = 540
    recent_days: int = 7


class Override(NamedTuple):
    """Hours that a ward has for itself on some days; no spans: closed. `silent_after_s` 0: as usual."""

    first: date
    last: date
    spans: Spans
    silent_after_s: int = 0


class Span(NamedTuple):
    """The office is open from `start_ms` up to, not including, `end_ms`."""

    start_ms: int
    end_ms: int


class WardHours:
    """One ward's office hours. Of overrides that meet on a day the last one given counts."""

    def __init__(
        self,
        overrides: Sequence[Override] = (),
        calendar: OfficeCalendar | None = None,
        hours: Spans = HOURS,
    ) -> None:
        self._overrides = tuple(reversed(overrides))
        self._calendar = calendar or office_calendar()
        self._hours = tuple(hours)

    def of_day(self, day: date) -> Spans:
        """The open hours of a day, in minutes; none: closed."""
        override = self._override(day)
        if override is not None:
            return override.spans
        return self._hours if self._calendar.is_working_day(day) else ()

    def silent_after_s(self, at_ms: int, usual_s: int) -> int:
        """After how long without a sign of life the ward is silent at an instant."""
        override = self._override(day_of(at_ms))
        return (override.silent_after_s if override else 0) or usual_s

    def present(self, at_ms: int) -> Span | None:
        """The open span that holds an instant, or None if the office is closed."""
        span = next(self.following(at_ms), None)
        return span if span is not None and span.start_ms <= at_ms else None

    def following(self, at_ms: int) -> Iterator[Span]:
        """The span that holds an instant, if any, and those after it, in order."""
        waiting: Span | None = None
        for span in self._all_spans(at_ms):
            if waiting is not None and waiting.end_ms == span.start_ms:
                waiting = Span(waiting.start_ms, span.end_ms)
                continue
            if waiting is not None and waiting.end_ms > at_ms:
                yield waiting
            waiting = span
        if waiting is not None and waiting.end_ms > at_ms:
            yield waiting

    def is_working_day(self, day: date) -> bool:
        """Whether the office opens at all on that day."""
        return bool(self.of_day(day))

    def day_to_declare(self, at_ms: int, declare_by_minute: int) -> date | None:
        """The newest working day whose totals should be declared by now.

        A day is due at `declare_by_minute` of the working day that follows it.
        """
        today = day_of(at_ms)
        minute = (at_ms + _OFFSET_MS) % _DAY_MS // _MINUTE_MS
        due = self.is_working_day(today) and minute >= declare_by_minute
        # Before the hour, the last day that opened still holds the right to be declared late.
        skip = 0 if due else 1
        for back in range(1, _LOOK_DAYS):
            day = today - timedelta(days=back)
            if self.is_working_day(day):
                if skip == 0:
                    return day
                skip -= 1
        return None

    def _override(self, day: date) -> Override | None:
        return next((one for one in self._overrides if one.first <= day <= one.last), None)

    def _all_spans(self, at_ms: int) -> Iterator[Span]:
        """Day by day, from the day on which the span that holds an instant began."""
        day = day_of(at_ms)
        for _ in range(_LOOK_DAYS):
            before, spans = self._spans(day - timedelta(days=1)), self._spans(day)
            if not before or not spans or before[-1].end_ms != spans[0].start_ms:
                break
            day -= timedelta(days=1)
        last = day_of(at_ms) + timedelta(days=_LOOK_DAYS)
        while day <= last:
            yield from self._spans(day)
            day += timedelta(days=1)

    def _spans(self, day: date) -> list[Span]:
        midnight = (day - _EPOCH).days * _DAY_MS - _OFFSET_MS
        return [
            Span(midnight + start * _MINUTE_MS, midnight + end * _MINUTE_MS)
            for start, end in sorted(self.of_day(day))
        ]


class Alive(NamedTuple):
    """How a ward is. `since_ms`: silent since, also where the office has closed meanwhile, else 0.

    `deadline_ms`: silent then if nothing comes.
    """

    word: str
    open: bool
    since_ms: int
    deadline_ms: int | None


def alive(certificate: Certificate, hours: WardHours, at_ms: int, limits: Thresholds) -> Alive:
    """Judge a ward for an instant, by what was heard up to it."""
    span = hours.present(at_ms)
    if not certificate.known:
        return Alive(NEVER, span is not None, 0, None)
    deadline = silent_at(hours, certificate.heard_ms, at_ms, limits.silent_after_s)
    if deadline is not None and deadline <= at_ms:
        return Alive(SILENT if span else CLOSED, span is not None, deadline, deadline)
    return Alive(_heard(certificate, span, at_ms, limits), span is not None, 0, deadline)


def _heard(certificate: Certificate, span: Span | None, at_ms: int, limits: Thresholds) -> str:
    if certificate.pending >= limits.behind_pending:
        return BEHIND
    if certificate.arrived_ms and at_ms - certificate.arrived_ms <= limits.active_s * 1000:
        return ACTIVE
    return CLOSED if span is None else QUIET


def silent_at(hours: WardHours, heard_ms: int, at_ms: int, usual_s: int) -> int | None:
    """The instant from which a ward that was last heard at `heard_ms` is silent, seen from `at_ms`.

    In the past if it has been silent since; None if its office does not open for long enough in the days to
    come.
    """
    for span in chain(hours.following(heard_ms), hours.following(at_ms)):
        begin_ms = max(heard_ms, span.start_ms)
        day_ms = max(begin_ms, min(at_ms, span.end_ms - 1))
        deadline = begin_ms + hours.silent_after_s(day_ms, usual_s) * 1000
        if deadline < span.end_ms:
            return deadline
    return None


def idle_until(hours: WardHours, proven_ms: int, at_ms: int, usual_s: int) -> int:
    """Up to which instant, at most `at_ms`, an office had nothing to do after `proven_ms`: it was closed.

    An instant so near a closing that the ward was not silent before it is as good as the closing, afterwards.
    """
    spans = hours.following(proven_ms)
    span = next(spans, None)
    if span is not None and span.start_ms <= proven_ms:
        near_ms = span.end_ms - hours.silent_after_s(span.end_ms - 1, usual_s) * 1000
        if at_ms < span.end_ms or proven_ms < near_ms:
            return proven_ms
        span = next(spans, None)
    return at_ms if span is None else min(at_ms, span.start_ms)


def day_of(at_ms: int) -> date:
    """The day in Hanoi of an instant."""
    return _EPOCH + timedelta(days=day_number(at_ms / 1000))


def parse_spans(minutes: Iterable[int]) -> Spans:
    """Open hours from a flat list: from, to, from, to."""
    flat = list(minutes)
    return tuple(zip(flat[::2], flat[1::2], strict=True))
