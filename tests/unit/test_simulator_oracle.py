"""An oracle that follows the simulated events one by one, knows the rules by itself, and stops at a breach.

Other tests feed it whole cities; the tests here show that it does notice breaches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from producers.contract import codec
from producers.contract.envelope import DayClosedEvent, SequencedEvent, StatusChangedEvent
from producers.contract.events import DayClosed, Retracted, StatusChanged
from producers.contract.procedures import PROCEDURES
from producers.contract.vocabulary import Channel, Status
from producers.simulator.city import ward_events
from producers.simulator.office import due_at, office_of
from producers.simulator.profile import Profile, scaled
from producers.simulator.times import local_seconds

FOLLOWING: Final[dict[int, set[int]]] = {
    0: {1, 2},
    1: {2, 3},
    2: {4, 7},
    4: {5, 6, 7, 8, 9},
    5: {4},
    6: {4},
    9: {10},
    3: set(),
    7: set(),
    8: set(),
    10: set(),
}


class Oracle:
    """Follows one city; after the last event its members are the net totals."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.office = office_of(profile.first_day, profile.last_day)
        self.events = self.retracted = self.status_2_events = self.status_2_retracted = 0
        self.seqs: Counter[str] = Counter()
        self.last_time: dict[str, datetime] = {}
        self.of_dossier: defaultdict[str, list[StatusChangedEvent]] = defaultdict(list)
        self.counts: defaultdict[tuple[str, date], Counter[Status]] = defaultdict(Counter)
        self.first_seq: dict[tuple[str, date], int] = {}
        self.closed: set[tuple[str, date]] = set()

    def feed(self, event: SequencedEvent) -> None:
        """Check one event, given all before it."""
        codec.check(event)
        assert codec.decode(codec.encode(event)) == event
        ward, day = event.data.ward, event.time.date()
        self.events += 1
        self.seqs[ward] += 1
        assert event.data.seq == self.seqs[ward]
        assert event.data.epoch == self.profile.epoch
        assert event.time >= self.last_time.get(ward, event.time)
        assert self.profile.first_day <= day <= self.profile.last_day
        assert (ward, day) not in self.closed
        self.last_time[ward] = event.time
        if isinstance(event.data, DayClosed):
            return self._closed(event.data, event.time)
        self.first_seq.setdefault((ward, day), event.data.seq)
        if isinstance(event.data, Retracted):
            return self._retracted(event.data, day)
        assert isinstance(event, StatusChangedEvent)
        return self._status(event, day)

    def _status(self, event: StatusChangedEvent, day: date) -> None:
        data, before = event.data, self.of_dossier[event.data.dossier]
        assert event.subject == data.dossier
        assert data.status in FOLLOWING[before[-1].data.status if before else 0]
        assert data.status is Status.PROCESSING or data.status not in [e.data.status for e in before]
        assert not before or event.time >= before[-1].time
        assert data.field == PROCEDURES[data.procedure].field
        if not before:
            assert data.dossier.startswith(f"H26.{data.ward}-{day:%y%m%d}-")
            assert (data.channel is Channel.COUNTER) == (data.status is Status.RECEIVED)
        before.append(event)
        self.counts[data.ward, day][data.status] += 1
        self.status_2_events += data.status is Status.RECEIVED
        self._check_moments(event, before)

    def _check_moments(self, event: StatusChangedEvent, before: list[StatusChangedEvent]) -> None:
        data = event.data
        if data.status in (Status.REGISTERED, Status.NOT_ACCEPTED):
            assert data.received_at == before[0].time
            assert data.due_at is None
        else:
            received = next(e.time for e in before if e.data.status is Status.RECEIVED)
            assert data.received_at == received
        if data.status in (Status.WITHDRAWN, Status.STOPPED, Status.DONE):
            assert data.finished_at == event.time
        elif data.status is Status.RETURNED:
            assert data.finished_at == before[-2].time
        else:
            assert data.finished_at is None
        if data.status is not Status.REGISTERED:
            self._check_hours(event)

    def _check_hours(self, event: StatusChangedEvent) -> None:
        at = local_seconds(event.time)
        if event.data.status in (Status.RECEIVED, Status.NOT_ACCEPTED) and not self.office.works_on(
            at // 86_400
        ):
            assert 8 <= event.time.hour < 11
            assert event.data.channel is not Channel.COUNTER
        else:
            assert self.office.is_open(at)

    def _retracted(self, data: Retracted, day: date) -> None:
        """Only the dossier's newest event is taken back, on its own day, word for word."""
        wrong = self.of_dossier[data.of.dossier].pop()
        assert (wrong.data, wrong.time) == (data.of, data.of_time)
        assert wrong.time.date() == day
        self.counts[data.ward, day][data.of.status] -= 1
        self.retracted += 1
        self.status_2_retracted += data.of.status is Status.RECEIVED

    def _closed(self, data: DayClosed, time: datetime) -> None:
        assert (time.date(), time.strftime("%H:%M:%S")) == (data.day, "23:59:59")
        assert data.counts == {s: n for s, n in self.counts[data.ward, data.day].items() if n}
        first = self.first_seq.get((data.ward, data.day), 0)
        assert (data.first_seq, data.last_seq) == (first, data.seq - 1 if first else 0)
        self.closed.add((data.ward, data.day))

    def finish(self) -> None:
        """Check what can be known only at the end."""
        assert self.closed == {(ward, day) for ward in self.profile.wards for day in self.profile.days}
        assert self.status_2_events - self.status_2_retracted == self.profile.dossiers
        assert len(self.received()) == self.profile.dossiers
        for events in self.of_dossier.values():
            data = events[-1].data
            if data.status not in (Status.REGISTERED, Status.NOT_ACCEPTED):
                assert data.due_at == due_at(PROCEDURES[data.procedure], data.received_at)

    def received(self) -> set[str]:
        """Dossiers with a status 2 that stands."""
        return {
            code
            for code, events in self.of_dossier.items()
            if any(event.data.status is Status.RECEIVED for event in events)
        }

    def net(self) -> Counter[Status]:
        """Events per status that stand, in the whole city."""
        return sum(self.counts.values(), Counter())


def follow(profile: Profile, events: list[SequencedEvent]) -> Oracle:
    """Feed a whole city and finish."""
    oracle = Oracle(profile)
    for event in events:
        oracle.feed(event)
    oracle.finish()
    return oracle


PROFILE = scaled(60, ("00004",))


def test_oracle_true_city_passes() -> None:
    assert follow(PROFILE, list(ward_events(PROFILE, "00004"))).events > 100


def test_oracle_missing_event_is_noticed() -> None:
    events = list(ward_events(PROFILE, "00004"))
    with pytest.raises(AssertionError):
        follow(PROFILE, events[:10] + events[11:])


def test_oracle_swapped_events_are_noticed() -> None:
    events = list(ward_events(PROFILE, "00004"))
    with pytest.raises(AssertionError):
        follow(PROFILE, [events[1], events[0], *events[2:]])


def _changed(event: SequencedEvent) -> SequencedEvent:
    if isinstance(event, DayClosedEvent):
        counts = {**event.data.counts, Status.RECEIVED: event.data.counts.get(Status.RECEIVED, 0) + 1}
        return replace(event, data=replace(event.data, counts=counts))
    assert isinstance(event.data, StatusChanged)
    return replace(event, data=replace(event.data, received_at=event.data.received_at - timedelta(seconds=1)))


@pytest.mark.parametrize("kind", [DayClosedEvent, StatusChangedEvent])
def test_oracle_changed_event_is_noticed(kind: type[SequencedEvent]) -> None:
    events = list(ward_events(PROFILE, "00004"))
    at = next(i for i, event in enumerate(events) if isinstance(event, kind))
    events[at] = _changed(events[at])
    with pytest.raises(AssertionError):
        follow(PROFILE, events)
