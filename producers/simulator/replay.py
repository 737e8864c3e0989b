"""From a profile into the outbox, and on from where an earlier run stopped.

The events of a profile are always the same, so the position of a replay is what the outbox already has of
each ward: nothing else is stored, and a run after a complete one appends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from itertools import groupby
from typing import Final

from producers.contract.envelope import Payload, SequencedEvent
from producers.contract.errors import OutboxFull, Stop
from producers.outbox import Draft, Outbox
from producers.simulator.city import WardDay, city_days
from producers.simulator.profile import Profile

# One transaction of the outbox: long enough that its sync costs nothing, short enough to show progress.
BATCH_MAX: Final = 2_000
FULL_WAIT_S: Final = 0.2

Progress = Callable[[date, int], None]


def pause() -> None:
    """Leave the publisher some time."""
    time.sleep(FULL_WAIT_S)


def replay(
    profile: Profile,
    outbox: Outbox,
    wards: Iterable[str] | None = None,
    progress: Progress | None = None,
    wait: Callable[[], None] = pause,
) -> int:
    """Append what the outbox does not have yet; return how many events that were.

    The city's days go on together. After each, `progress` is told the day and the number so far. While the
    outbox is full, `wait` is called until the publisher has made room; it may raise to give up.

    :raises Stop: the outbox is of another epoch, or someone else appends to it
    """
    if outbox.epoch != profile.epoch:
        raise Stop(
            "replay_epoch",
            f"the outbox is of epoch {outbox.epoch}, the profile of {profile.epoch}",
            f"Give the replay an outbox of its own, with epoch {profile.epoch}",
        )
    appended = 0
    for day, ward_days in groupby(city_days(profile, wards), key=_day):
        for batch in _batches(_missing(outbox, ward_days), min(BATCH_MAX, outbox.pending_max)):
            _append(outbox, batch, wait)
            appended += len(batch)
        if progress:
            progress(day, appended)
    return appended


def _day(ward_day: WardDay) -> date:
    return ward_day.day


def _missing(outbox: Outbox, ward_days: Iterable[WardDay]) -> Iterator[SequencedEvent]:
    for ward_day in ward_days:
        following = outbox.next_seq(ward_day.ward)
        yield from (event for event in ward_day.events if event.data.seq >= following)


def _batches(events: Iterator[SequencedEvent], size: int) -> Iterator[list[Draft]]:
    batch: list[Draft] = []
    for event in events:
        batch.append(Draft(type(event), partial(_unchanged, event.data), event.time, event.data.ward))
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _unchanged(data: Payload, epoch: str, seq: int) -> Payload:
    """The payload as generated. Asked within the outbox's transaction: another seq adds nothing at all."""
    if (data.epoch, data.seq) != (epoch, seq):
        raise Stop(
            "replay_position",
            f"ward {data.ward} would get seq {seq} for the event {data.seq}",
            "Let one replay at a time append to this outbox, and nothing else",
        )
    return data


def _append(outbox: Outbox, batch: list[Draft], wait: Callable[[], None]) -> None:
    while True:
        try:
            outbox.append_mixed(batch)
        except OutboxFull:
            wait()
        else:
            return
