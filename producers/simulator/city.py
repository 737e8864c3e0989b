"""All events of a ward, day by day, in the order of their time; the same for ever from the same profile.

Every ward and every day of reception has its own random generator, seeded with text: a ward can be
generated alone, and neither PYTHONHASHSEED nor the process matters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from random import Random
from typing import Final, NamedTuple

from producers.contract.envelope import DayClosedEvent, SequencedEvent, StatusChangedEvent, wrap
from producers.contract.events import DayClosed, Retracted
from producers.contract.vocabulary import Channel, Status
from producers.simulator.lifecycle import (
    LOOKBACK_DAYS,
    REFUSED_SHARE,
    Dossier,
    Step,
    draw_received,
    draw_reception,
    draw_refused,
)
from producers.simulator.messages import payload_of, type_of_step
from producers.simulator.mix import draw_channel, online_share, traits_of
from producers.simulator.office import office_of
from producers.simulator.plan import plan_of
from producers.simulator.profile import Profile
from producers.simulator.times import DAY_S, day_number, day_of, moment, start_of

_CLOSED_S: Final = DAY_S - 1


class WardDay(NamedTuple):
    """What one ward sends on one day; the last event is its `DayClosed`."""

    day: date
    ward: str
    events: list[SequencedEvent]


class _Due(NamedTuple):
    """A step that waits for its day. Sorts by time, then by the order of the ward's dossiers."""

    at: int
    dossier_number: int
    step_number: int
    dossier: Dossier
    step: Step


def city_days(profile: Profile, wards: Iterable[str] | None = None) -> Iterator[WardDay]:
    """The days of all (or these) wards; the city's days go on together."""
    chosen = [ward_days(profile, ward) for ward in (profile.wards if wards is None else wards)]
    while True:
        for days in chosen:
            following = next(days, None)
            if following is None:
                return
            yield following


def city_events(profile: Profile, wards: Iterable[str] | None = None) -> Iterator[SequencedEvent]:
    """The events of `city_days`, one by one."""
    for ward_day in city_days(profile, wards):
        yield from ward_day.events


def ward_events(profile: Profile, ward: str) -> Iterator[SequencedEvent]:
    """All events of one ward, in order."""
    return city_events(profile, (ward,))


def ward_days(profile: Profile, ward: str) -> Iterator[WardDay]:
    """The days of one ward, first to last. Steps after the last day are cut: those dossiers stay open."""
    waiting: defaultdict[int, list[_Due]] = defaultdict(list)
    seq = number = 0
    for day, submitted in _submissions(profile, ward):
        for serial, dossier in enumerate(submitted, 1):
            dossier.code = f"H26.{ward}-{day:%y%m%d}-{serial:04d}"
            number += 1
            for i, step in enumerate(dossier.steps):
                waiting[step.at // DAY_S].append(_Due(step.at, number, i, dossier, step))
        due = sorted(waiting.pop(day_number(day), ()))
        events = list(_day_events(due, ward, profile.epoch, seq))
        events.append(_closing(events, ward, profile.epoch, day, seq))
        seq += len(events)
        yield WardDay(day, ward, events)


def _submissions(profile: Profile, ward: str) -> Iterator[tuple[date, list[Dossier]]]:
    """The dossiers submitted on each day, in order; drawn by day of reception, so some days ahead."""
    first, last = day_number(profile.first_day), day_number(profile.last_day)
    by_day: defaultdict[int, list[Dossier]] = defaultdict(list)
    drawn = first
    for day in range(first, last + 1):
        while drawn <= day + LOOKBACK_DAYS:
            for dossier in _draw_day(profile, ward, drawn):
                by_day[dossier.submitted // DAY_S].append(dossier)
            drawn += 1
        yield day_of(day), sorted(by_day.pop(day, ()), key=_submitted)


def _submitted(dossier: Dossier) -> int:
    return dossier.submitted


def _draw_day(profile: Profile, ward: str, day: int) -> Iterator[Dossier]:
    """The dossiers that reach the ward's desk on a day.

    Days after the profile's last are drawn too: of theirs, what was submitted before the end is waiting.
    """
    rng = Random(f"{profile.seed}/{ward}/{day_of(day).isoformat()}")  # noqa: S311 (a simulation, not a secret)
    office = office_of(profile.first_day, profile.last_day)
    traits = traits_of(profile.seed, ward)
    plan = plan_of(profile)[ward]
    i = day - day_number(profile.first_day)
    tail = plan[-1] if office.works_on(day) else 0
    online = online_share(traits, i / len(plan)) if office.works_on(day) else 1.0
    earliest = start_of(profile.first_day)
    for _ in range(plan[i] if i < len(plan) else tail):
        channel = draw_channel(rng, online)
        at = draw_reception(rng, office, day)
        yield draw_received(rng, office, traits, channel, at, earliest)
        if channel is not Channel.COUNTER and rng.random() < REFUSED_SHARE:
            at = draw_reception(rng, office, day)
            yield draw_refused(rng, channel, at, earliest)


def _day_events(due: list[_Due], ward: str, epoch: str, seq: int) -> Iterator[SequencedEvent]:
    for at, _, _, dossier, step in due:
        seq += 1
        yield wrap(type_of_step(step), payload_of(dossier, ward, step, epoch, seq), moment(at))


def _closing(events: list[SequencedEvent], ward: str, epoch: str, day: date, seq: int) -> SequencedEvent:
    """The day's control totals, net of what was taken back; a day without events has seqs 0 and 0."""
    closed = DayClosed(
        ward=ward,
        epoch=epoch,
        seq=seq + len(events) + 1,
        day=day,
        counts=net_counts(events),
        first_seq=seq + 1 if events else 0,
        last_seq=seq + len(events) if events else 0,
    )
    return wrap(DayClosedEvent, closed, moment(start_of(day) + _CLOSED_S))


def net_counts(events: Iterable[SequencedEvent]) -> dict[Status, int]:
    """Events per status, less those taken back; a status that did not occur is left out."""
    counts: Counter[Status] = Counter()
    for event in events:
        data = event.data
        if isinstance(data, Retracted):
            counts[data.of.status] -= 1
        elif isinstance(event, StatusChangedEvent):
            counts[event.data.status] += 1
    return {status: counts[status] for status in sorted(counts) if counts[status]}
