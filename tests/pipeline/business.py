"""A second way to count: a few hundred dossiers with all that makes counting hard, and their figures in plain
Python.

Nothing here reads SQL or the books; only the calendar of working days is the domain's. Every path is one
that a dossier can take; on top of it come wrong steps that are taken back, repetitions, seqs used twice,
and any order of arrival.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any, Final

from producers.contract.envelope import SequencedEvent, StatusChangedEvent
from producers.contract.vocabulary import Channel, Status
from streams.domain.calendar import office_calendar
from tests.builders import HANOI, retraction, status

CALENDAR: Final = office_calendar()
WARDS: Final = ("00070", "00004")
FIRST: Final = datetime(2025, 7, 28, tzinfo=HANOI)
# Over the National Day, whose days off move with the weekend.
DAYS: Final = 42
TODAY: Final = date(2025, 9, 22)
# Code, field, limit, unit; the last one is in no list.
PROCEDURES: Final = (
    ("2.000815", "chung-thuc", 0, "cutoff15h"),
    ("1.004873", "ho-tich", 3, "workday"),
    ("1.013225", "xay-dung", 15, "day"),
    ("1.999999", "khac", 0, ""),
)
ENDS: Final = {3, 7, 8, 9, 10}
DUE: Final = ("due_date.reported@1", "due_date.procedure@1")
CLOCKS: Final = ("", "+supplement.pause@1", "+supplement.restart@1")


@dataclass
class Dossier:
    """One dossier and the steps that are true of it."""

    ward: str
    procedure: tuple[str, str, int, str]
    channel: Channel
    received: datetime
    due: datetime | None
    paid: bool | None
    digitised: bool | None
    steps: list[StatusChangedEvent] = field(default_factory=list)

    def path(self) -> list[tuple[datetime, int]]:
        """Time and status of each step, in order."""
        return sorted((one.time, int(one.data.status)) for one in self.steps)


class Town:
    """Random dossiers of two wards and every message that tells of them."""

    def __init__(self, seed: int, dossiers: int) -> None:
        self._rng = Random(seed)
        self._seqs: Counter[str] = Counter()
        self.messages: list[SequencedEvent] = []
        self.dossiers = [self._dossier(number) for number in range(dossiers)]

    def _dossier(self, number: int) -> Dossier:
        rng = self._rng
        received = FIRST + timedelta(days=rng.randrange(DAYS), minutes=rng.randrange(7 * 60, 19 * 60))
        due = (
            None
            if rng.random() < 0.2
            else received + timedelta(days=rng.randrange(6), hours=rng.randrange(5))
        )
        said = (None, True, False)
        one = Dossier(
            rng.choice(WARDS), rng.choice(PROCEDURES), rng.choice(list(Channel)), received, due,
            rng.choice(said), rng.choice(said),
        )  # fmt: skip
        at = received
        for code in self._codes():
            if at.date() > TODAY - timedelta(2):
                break
            self._step(one, number, at, code)
            at += timedelta(minutes=rng.choice([7, 95, 700, 2300, 6000]), seconds=rng.randrange(60))
        return one

    def _codes(self) -> Iterator[int]:
        rng = self._rng
        if rng.random() < 0.1:
            yield from (1, 3)
            return
        yield 2
        yield 4
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            yield 5
            if rng.random() < 0.7:
                yield 4
        if rng.random() < 0.8:
            end = rng.choice([7, 8, 9, 9, 9, 9, 9])
            yield end
            if end == 9 and rng.random() < 0.7:
                yield 10

    def _step(self, one: Dossier, number: int, at: datetime, code: int) -> None:
        true = self._event(one, number, at, code)
        one.steps.append(true)
        self.messages.append(true)
        fate = self._rng.random()
        if fate < 0.1:
            wrong = self._event(one, number, at + timedelta(minutes=1), self._rng.choice([5, 8, 9]))
            self._seqs[one.ward] += 1
            self.messages += [wrong, retraction(self._seqs[one.ward], wrong, at=at + timedelta(minutes=9))]
        elif fate < 0.2:
            self.messages.append(true)

    def _event(self, one: Dossier, number: int, at: datetime, code: int) -> StatusChangedEvent:
        self._seqs[one.ward] += 1
        ended = code in (9, 10) and self._rng.random() < 0.95
        return status(
            self._seqs[one.ward],
            ward=one.ward,
            at=at,
            status=Status(code),
            dossier=f"H26.{one.ward}-250701-{number:04d}",
            procedure=one.procedure[0],
            field=one.procedure[1],
            channel=one.channel,
            received_at=one.received,
            due_at=one.due,
            finished_at=at if ended else None,
            paid_online=one.paid,
            digitised=one.digitised,
        )

    def reused(self) -> list[StatusChangedEvent]:
        """Later messages under seqs that were used before: none of them counts."""
        chosen = self._rng.sample([one for one in self.messages if isinstance(one, StatusChangedEvent)], 12)
        return [
            status(one.data.seq, ward=one.data.ward, at=one.time, status=Status.DONE, finished_at=one.time)
            for one in chosen
        ]


@cache
def number_of(day: date) -> int:
    """Working days from a day long ago to the end of this one."""
    return sum(
        CALENDAR.is_working_day(date(2025, 1, 1) + timedelta(n))
        for n in range((day - date(2025, 1, 1)).days + 1)
    )


@cache
def workday(number: int) -> date:
    """The working day with this number."""
    day = date(2025, 1, 1)
    while number_of(day) < number:
        day += timedelta(1)
    return day


def due_by_procedure(procedure: tuple[str, str, int, str], start: datetime) -> date | None:
    """Day by day, as the rule says it."""
    _, _, limit, unit = procedure
    day = start.astimezone(HANOI).date()
    if unit == "cutoff15h":
        if CALENDAR.is_working_day(day) and start.astimezone(HANOI).hour < 15:
            return day
        return workday(number_of(day) + 1)
    if unit == "workday":
        return workday(number_of(day) + limit)
    if unit == "day":
        day += timedelta(limit)
        return day if CALENDAR.is_working_day(day) else workday(number_of(day) + 1)
    return None


@dataclass
class Finish:
    """A finishing step that counts, with its waits."""

    dossier: Dossier
    day: date
    at: datetime | None
    waits: list[tuple[datetime, datetime]]

    def minutes(self, clock: str) -> int:
        """Working minutes under one way to treat supplements."""
        assert self.at is not None
        if clock == "supplement.restart@1" and self.waits:
            return CALENDAR.minutes_between(self.waits[-1][1], self.at)
        gross = CALENDAR.minutes_between(self.dossier.received, self.at)
        if clock != "supplement.pause@1":
            return gross
        return gross - sum(CALENDAR.minutes_between(*wait) for wait in self.waits)

    def judged(self, due_rule: str, clock: str) -> str:
        """early, on_time, overdue or unjudged."""
        if self.at is None:
            return "unjudged"
        due = self._due(due_rule, clock)
        if due is None:
            return "on_time" if due_rule == DUE[0] else "unjudged"
        at = self.at
        if clock == "+supplement.pause@1":
            at -= sum((end - start for start, end in self.waits), timedelta())
        day = at.astimezone(HANOI).date()
        return "early" if day < due else "on_time" if day == due else "overdue"

    def _due(self, rule: str, clock: str) -> date | None:
        one = self.dossier
        resumed = self.waits[-1][1] if clock == "+supplement.restart@1" and self.waits else None
        if rule == DUE[1]:
            return due_by_procedure(one.procedure, resumed or one.received)
        if one.due is None or resumed is None:
            return one.due and one.due.astimezone(HANOI).date()
        due = one.due.astimezone(HANOI).date()
        moved = number_of(due) + number_of(resumed.astimezone(HANOI).date()) - number_of(one.received.date())
        return max(due, workday(moved))


def finishes(dossiers: list[Dossier]) -> Iterator[Finish]:
    """Every counted step with status 9."""
    for one in dossiers:
        path = one.path()
        for step in one.steps:
            if step.data.status is Status.DONE:
                at = step.data.finished_at
                waits = [
                    (max(start, one.received), min(end, at))
                    for (start, code), (end, _) in pairwise(path)
                    if at is not None and code == 5 and start < at
                ]
                yield Finish(one, step.time.date(), at, waits)


def flows(
    dossiers: list[Dossier], key: Callable[[Dossier], Any], bucket: Callable[[date], date]
) -> dict[Any, Any]:
    """Per key and period: opening, received, ended, closing; closing is counted dossier by dossier."""
    counts: dict[Any, Counter[str]] = defaultdict(Counter)
    for one in dossiers:
        for at, code in one.path():
            what = {2: "received", 7: "ended", 8: "ended", 9: "ended"}.get(code)
            if what:
                counts[key(one), bucket(at.date())][what] += 1
    found = {}
    for (name, period), count in counts.items():
        mine = [one for one in dossiers if key(one) == name]
        last = max(day for day in span() if bucket(day) == period)
        closing = sum(is_open(one, last) for one in mine)
        found[name, period] = (
            closing - count["received"] + count["ended"],
            count["received"],
            count["ended"],
            closing,
        )
    return found


def span() -> list[date]:
    """All days of the story, and to its end."""
    return [FIRST.date() + timedelta(n) for n in range((TODAY - FIRST.date()).days + 60)]


def is_open(one: Dossier, day: date) -> bool:
    """Received and not ended at the end of a day."""
    path = one.path()
    if not any(code == 2 for _, code in path):
        return False
    gone = min((at.date() for at, code in path if code in ENDS), default=date.max)
    return one.received.date() <= day < gone


def backlog(dossiers: list[Dossier], rule: str, day: date) -> tuple[int, int, int, int, int]:
    """Backlog, within, due soon, overdue and without a due day at the end of a day."""
    late = soon = none = 0
    held = [one for one in dossiers if is_open(one, day)]
    for one in held:
        due = due_by_procedure(one.procedure, one.received) if rule == DUE[1] else one.due and one.due.date()
        none += due is None
        late += due is not None and due < day
        soon += due in (day, day + timedelta(1))
    return len(held), len(held) - late, soon, late, none


def quantile(values: list[int], level: float) -> int:
    """The low median, and the value that so many do not exceed."""
    ordered = sorted(values)
    if level == 0.5:
        return ordered[(len(ordered) - 1) // 2]
    return ordered[min(int(level * len(ordered)), len(ordered) - 1)]
