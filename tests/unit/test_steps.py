"""Goal: a status event has the same values whether it becomes a row alone or columns among thousands.

Method: odd times and missing members through the encoded bytes; both ways are compared value by value.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract.codec import admit, encode, seconds_of
from producers.contract.envelope import Event, StatusChangedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Applicant, Channel, Status
from streams.warehouse import rows, steps
from streams.warehouse.block import Block, Span
from tests.builders import START, WARD, closing, retraction, status

ARRIVED_MS = 1_760_000_000_123
_ZONES = (b"Z", b"+07:00", b"-03:30", b"+05:45", b"+14:00")
_FRACTIONS = (b"", b".5", b".0005", b".9995", b".999999", b".123", b".000001")
_clock = st.tuples(st.sampled_from(_FRACTIONS), st.sampled_from(_ZONES))


def odd(index: int, clocks: list[tuple[bytes, bytes]], **members: Any) -> bytes:
    """An event whose times are rewritten: another fraction and offset for each."""
    parts = encode(status(index, at=START + timedelta(seconds=index), **members)).split(b"+07:00")
    found = [part + b"".join(clock) for part, clock in zip(parts[:-1], clocks, strict=False)]
    return b"".join([*found, parts[-1]])


def both(values: list[bytes]) -> tuple[list[rows.Row], list[rows.Row]]:
    """What comes of the messages one by one, and as columns."""
    key, partition, single, block = WARD.encode(), PARTITION_OF_WARD[WARD], [], Block()
    span = Span("topic-id", "dossier.events", partition, 0, -1)
    for offset, value in enumerate(values):
        event, time_s = admit(value, key, partition, ARRIVED_MS / 1000)
        assert not hasattr(event.data, "clock")
        single.append(rows.event_row(event, time_s, ARRIVED_MS, ("topic-id", partition, offset)))
        block.take_event(span, value, key, offset, ARRIVED_MS)
    return sorted(single, key=lambda row: row[-1]), sorted(block.events, key=lambda row: row[-1])


@given(
    clocks=st.lists(_clock, min_size=4, max_size=4),
    days=st.integers(-20_000, 40_000),
    due=st.booleans(),
    finished=st.booleans(),
)
def test_status_event_with_odd_times_has_the_same_values_both_ways(
    clocks: list[tuple[bytes, bytes]], days: int, due: bool, finished: bool
) -> None:
    moment = START + timedelta(days=days, hours=7)
    values = [
        odd(
            seq,
            clocks[seq:] + clocks[:seq],
            received_at=START,
            due_at=moment if due else None,
            finished_at=START + timedelta(hours=31) if finished else None,
        )
        for seq in (1, 2, 3)
    ]
    single, many = both(values)
    assert single == many


def test_events_of_all_kinds_in_one_block_have_the_same_values_both_ways() -> None:
    full = status(
        1,
        status=Status.DONE,
        channel=Channel.ONLINE,
        due_at=START,
        finished_at=START + timedelta(days=3),
        applicant=Applicant.BUSINESS,
        service_level=3,
        paid_online=True,
        digitised=False,
    )
    step = status(2, status=Status.DONE)
    events: list[Event] = [
        full,
        step,
        retraction(3, step, at=START + timedelta(hours=1)),
        closing(4, {Status.RECEIVED: 4}),
    ]
    single, many = both([encode(event) for event in events])
    assert single == many


@pytest.mark.parametrize("count", [1, 1_999, 2_000, 2_001, 4_500])
def test_block_of_any_size_keeps_every_row(count: int) -> None:
    single, many = both([encode(status(seq + 1)) for seq in range(count)])
    assert single == many


@given(moment=st.datetimes(timezones=st.timezones() | st.just(START.tzinfo)))
def test_seconds_are_those_of_timestamp(moment: Any) -> None:
    assert seconds_of(moment) == moment.timestamp()


def test_columns_of_a_zone_with_rules_are_exact() -> None:
    paris = status(1, received_at=START.astimezone(ZoneInfo("Europe/Paris")))
    assert isinstance(paris, StatusChangedEvent)
    at = ("topic-id", 0, 0)
    (row,) = zip(*steps.columns_of([steps.step_of(paris, 1.5, ARRIVED_MS, at)]), strict=True)
    assert row == rows.event_row(paris, 1.5, ARRIVED_MS, at)
