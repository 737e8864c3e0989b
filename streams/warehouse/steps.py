"""Status events into columns, many at once: the same values as `rows.event_row` makes one by one.

Nearly every message is a status event, and what is done column by column needs no call for each value. A test
compares the two ways, so that a value never depends on which of them an event took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timezone
from typing import Any, Final

import msgspec

from producers.contract.codec import seconds_of
from producers.contract.envelope import StatusChangedEvent
from producers.contract.events import StatusChanged
from streams.domain.calendar import office_calendar
from streams.domain.days import DAY_S, OFFSET_S
from streams.domain.lifecycle import timeliness
from streams.warehouse.rows import STATUS_TYPE, clamp

Columns = list[Sequence[Any]]
# The payload's members in their order, then the event's time, its arrival, topic id, partition and offset.
Step = tuple[Any, ...]

members: Final[Callable[[StatusChanged], tuple[Any, ...]]] = msgspec.structs.astuple
_minutes_between: Final = office_calendar().minutes_between_s


def step_of(event: StatusChangedEvent, time_s: float, arrived_ms: int, at: tuple[str, int, int]) -> Step:
    """What is kept of an admitted status event until its block is written."""
    return (*members(event.data), time_s, arrived_ms, *at)


def columns_of(steps: Sequence[Step]) -> Columns:
    """The columns of `tables.EVENTS`; at least one step."""
    (ward, epoch, seq, dossier, procedure, field, channel, status, received, due, finished,
     applicant, level, paid, digitised, time_s, arrived, topic_id, partition, offset) = zip(
        *steps, strict=True
    )  # fmt: skip
    count = len(steps)
    received_s, due_s, finished_s = _seconds(received), _seconds(due), _seconds(finished)
    lateness, minutes = _ended(received_s, due_s, finished_s)
    return [
        ward,
        epoch,
        seq,
        [STATUS_TYPE] * count,
        [int(moment * 1000 + 0.5) for moment in time_s],
        [int(moment + OFFSET_S) // DAY_S for moment in time_s],
        arrived,
        dossier,
        procedure,
        field,
        [word._value_ for word in channel],
        [word._value_ for word in status],
        _milliseconds(received_s),
        _milliseconds(due_s),
        _milliseconds(finished_s),
        ["" if word is None else word._value_ for word in applicant],
        [number or 0 for number in level],
        [-1 if said is None else int(said) for said in paid],
        [-1 if said is None else int(said) for said in digitised],
        lateness,
        minutes,
        [""] * count,
        [0] * count,
        [""] * count,
        topic_id,
        partition,
        offset,
    ]


def _seconds(moments: Sequence[datetime | None]) -> list[Any]:
    """`seconds_of` each; one origin does for all, since moments of other offsets are subtracted rightly."""
    zone = next((moment.tzinfo for moment in moments if moment is not None), None)
    origin = datetime.fromtimestamp(0, zone if type(zone) is timezone else UTC)
    return [
        None
        if moment is None
        else seconds_of(moment)
        if (passed := moment - origin).microseconds
        else passed.days * DAY_S + passed.seconds
        for moment in moments
    ]


def _milliseconds(moments_s: list[Any]) -> list[Any]:
    return [None if moment is None else clamp(int(moment * 1000 + 0.5)) for moment in moments_s]


def _ended(received_s: list[Any], due_s: list[Any], finished_s: list[Any]) -> tuple[list[str], list[int]]:
    """Timeliness and minutes, as `lifecycle.entry_of` has them."""
    lateness, minutes = ["open"] * len(finished_s), [0] * len(finished_s)
    for index, moment in enumerate(finished_s):
        if moment is not None:
            lateness[index] = timeliness(moment, due_s[index])
            minutes[index] = _minutes_between(received_s[index], moment)
    return lateness, minutes
