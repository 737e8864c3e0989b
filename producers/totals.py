"""A ward's control totals by day, from its own outbox: what `DayClosed` declares.

Invariants: a day's counts are its status events less those taken back, as the city's book has them; a day
whose counts have changed since it was declared is due again, so late events and retractions correct it.

Known limits: only this outbox's events count (a ward that sends by two declares by neither); a day of which
the outbox no longer keeps the beginning is never declared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import Final

from producers.contract.codec import decode
from producers.contract.envelope import DayClosedEvent, Event, RetractedEvent, StatusChangedEvent
from producers.contract.errors import Refused
from producers.contract.events import DayClosed
from producers.contract.vocabulary import Status
from producers.outbox import Draft, Outbox

HANOI: Final = timezone(timedelta(hours=7))
# Days without any event are declared as well (nothing is not silence), but not further back than this.
EMPTY_DAYS_MAX: Final = 31
_SEQ_END: Final = 2**53 + 1
_DAY: Final = timedelta(days=1)


@dataclass
class _Day:
    counts: Counter[Status] = field(default_factory=Counter)
    first_seq: int = 0
    last_seq: int = 0

    def net(self) -> dict[Status, int]:
        return {status: count for status, count in sorted(self.counts.items()) if count > 0}


class DayTotals:
    """The days of one ward in one outbox; one thread at a time. Each call first reads what is new."""

    def __init__(self, outbox: Outbox, ward: str) -> None:
        self._outbox, self._ward = outbox, ward
        self._seq = 0
        self._days: dict[date, _Day] = {}
        self._declared: dict[date, dict[Status, int]] = {}
        self._retractions: dict[int, int] = {}
        self._partial_until = date.min

    def retraction_of(self, seq: int) -> int | None:
        """The seq of the event that takes `seq` back, None if there is none."""
        self._read()
        return self._retractions.get(seq)

    def due(self, today: date) -> list[date]:
        """Days before `today` that are not declared as they are now, oldest first."""
        self._read()
        if not self._days:
            return []
        first = max(min(self._days), today - EMPTY_DAYS_MAX * _DAY)
        empty = {first + n * _DAY for n in range(max(0, (today - first).days))}
        days = {day for day in self._days.keys() | empty if self._partial_until < day < today}
        return [day for day in sorted(days) if self._declared.get(day) != self._day(day).net()]

    def closing(self, day: date, now: datetime) -> Draft:
        """The event that declares a day as it is now.

        :raises Refused: the outbox no longer keeps the whole day
        """
        self._read()
        if day <= self._partial_until:
            raise Refused(
                "day_not_kept",
                f"Hộp gửi không còn giữ đủ sự kiện của ngày {day:%d/%m/%Y}, nên không tính được tổng",
                f"The outbox no longer keeps all events of {day}, so its totals cannot be counted",
            )
        return Draft(DayClosedEvent, partial(self._closed, day), now, self._ward)

    def _closed(self, day: date, epoch: str, seq: int) -> DayClosed:
        found = self._day(day)
        return DayClosed(
            ward=self._ward,
            epoch=epoch,
            seq=seq,
            day=day,
            counts=found.net(),
            first_seq=found.first_seq,
            last_seq=found.last_seq,
        )

    def _day(self, day: date) -> _Day:
        return self._days.get(day) or _Day()

    def _read(self) -> None:
        while rows := self._outbox.kept(self._ward, range(self._seq + 1, _SEQ_END)):
            for row in rows:
                event = decode(row.value)
                if row.seq > self._seq + 1:  # what is purged is the oldest: its last day is not whole
                    self._partial_until = event.time.astimezone(HANOI).date()
                self._take(event, row.seq)
                self._seq = row.seq

    def _take(self, event: Event, seq: int) -> None:
        if isinstance(event, StatusChangedEvent):
            day = self._days.setdefault(event.time.astimezone(HANOI).date(), _Day())
            day.counts[event.data.status] += 1
            day.first_seq, day.last_seq = day.first_seq or seq, seq
        elif isinstance(event, RetractedEvent):
            self._take_back(event, seq)
        elif isinstance(event, DayClosedEvent):
            counts = event.data.counts
            self._declared[event.data.day] = {status: counts[status] for status in sorted(counts)}

    def _take_back(self, event: RetractedEvent, seq: int) -> None:
        of = event.data.of
        if of.epoch != self._outbox.epoch or of.seq in self._retractions:
            return
        self._retractions[of.seq] = seq
        day = self._days.setdefault(event.data.of_time.astimezone(HANOI).date(), _Day())
        day.counts[of.status] -= 1
