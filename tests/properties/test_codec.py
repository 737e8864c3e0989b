"""Goal: the codec gives back what went in, and answers anything else with a Reject, in bounded time.

Method: events are drawn from the types themselves; wrong messages are random bytes, random JSON, and correct
messages with drawn damage.
"""

from __future__ import annotations

import json
import time
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from producers.contract.codec import admit, decode, encode
from producers.contract.envelope import (
    DayClosedEvent,
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    Event,
    RetractedEvent,
    StatusChangedEvent,
    wrap,
    wrap_heartbeat,
)
from producers.contract.errors import Reject
from producers.contract.events import DayClosed, Difficulty, Heartbeat, Retracted, StatusChanged
from producers.contract.examples import EXAMPLES
from producers.contract.reasons import REASONS
from producers.contract.topics import PARTITION_OF_WARD, VALUE_BYTES_MAX, partition_of
from producers.contract.vocabulary import Applicant, Channel, Status
from producers.contract.wards import WARDS

ARRIVED_S = 1_893_456_000.0  # 2030-01-01T00:00:00Z
# A message at the bound takes some milliseconds; the slack is for a busy machine.
ADMIT_MAX_S = 1.0
WARD = "00070"

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2020, 1, 3), datetime(2029, 12, 30), timezones=zones)  # noqa: DTZ001
wards = st.sampled_from(sorted(WARDS))
epochs = st.from_regex(r"(?!.*[0-9]{9})[0-9A-Za-z_-]{1,40}", fullmatch=True)
seqs = st.integers(1, 2**53)
text_codes = st.from_regex(r"(?!.*[0-9]{9})[A-Za-z0-9._-]{1,40}", fullmatch=True)
dossiers = st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{1,5}){0,3}-([0-9]{6}|[0-9]{8})-[0-9]{4,7}", fullmatch=True)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def statuses_of(ward: st.SearchStrategy[str]) -> st.SearchStrategy[StatusChanged]:
    return st.builds(
        StatusChanged,
        ward=ward,
        epoch=epochs,
        seq=seqs,
        dossier=dossiers,
        procedure=st.from_regex(r"[0-9]\.[0-9]{6}(\.[0-9A-Z]{2,3}){0,4}", fullmatch=True),
        field=st.from_regex(r"[a-z][a-z-]{0,39}", fullmatch=True),
        channel=st.sampled_from(Channel),
        status=st.sampled_from(Status),
        received_at=moments,
        due_at=maybe(moments),
        finished_at=maybe(moments),
        applicant=maybe(st.sampled_from(Applicant)),
        service_level=maybe(st.integers(2, 4)),
        paid_online=maybe(st.booleans()),
        digitised=maybe(st.booleans()),
    )


statuses = statuses_of(wards)
retractions = wards.flatmap(
    lambda ward: st.builds(
        Retracted,
        ward=st.just(ward),
        epoch=epochs,
        seq=seqs,
        of=statuses_of(st.just(ward)),
        of_time=moments,
        reason=text_codes,
    )
)
closings = st.builds(
    DayClosed,
    ward=wards,
    epoch=epochs,
    seq=seqs,
    day=st.dates(date(1950, 1, 1), date(2199, 12, 31)),
    counts=st.dictionaries(st.sampled_from(Status), st.integers(0, 10**6)),
    first_seq=st.integers(0, 2**53),
    last_seq=st.integers(0, 2**53),
)
heartbeats = st.builds(
    Heartbeat,
    ward=wards,
    epoch=epochs,
    last_seq=st.integers(0, 2**53),
    outbox_pending=st.integers(0, 10**9),
    clock=moments,
)
difficulties = st.builds(
    Difficulty,
    ward=wards,
    epoch=epochs,
    seq=seqs,
    difficulty=text_codes,
    group=st.integers(1, 25),
    owner=maybe(text_codes),
    due=maybe(moments),
    code=maybe(text_codes),
)
DIFFICULTY_TYPES = (DifficultyReportedEvent, DifficultyAssignedEvent, DifficultyResolvedEvent)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(wrap, st.just(StatusChangedEvent), statuses, moments),
    st.builds(wrap, st.just(RetractedEvent), retractions, moments),
    st.builds(wrap, st.just(DayClosedEvent), closings, moments),
    st.builds(wrap_heartbeat, heartbeats),
    st.builds(wrap, st.sampled_from(DIFFICULTY_TYPES), difficulties, moments),
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["1", "2", "-1", "9" * 400, "\x00", "2025-07-01T08:00:00", "0001-01-01T00:00:00+14:00"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def judge(value: bytes | None, key: bytes | None = WARD.encode(), partition: int | None = None) -> str:
    """The reason's code, or `admitted`. Anything but an event or a Reject is a failure, as is taking long."""
    began = time.perf_counter()
    code = "admitted"
    try:
        admit(value, key, PARTITION_OF_WARD[WARD] if partition is None else partition, ARRIVED_S)
    except Reject as error:
        code = error.code
    assert time.perf_counter() - began < ADMIT_MAX_S
    assert code == "admitted" or code in REASONS
    return code


@given(events)
@settings(max_examples=300, deadline=None)
def test_encode_of_any_event_decodes_to_the_same_and_is_admitted(event: Event) -> None:
    value = encode(event)
    assert decode(value) == event
    assert encode(decode(value)) == value
    ward = event.data.ward
    assert judge(value, ward.encode(), PARTITION_OF_WARD[ward]) == "admitted"


@given(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=8), st.integers(-1, 30))
@example(b'{"a":' * 13_000, b"", 0)
@example(b'{"type":"' + b"\\u0000" * 10_000, b"", 0)
@example(b"9" * VALUE_BYTES_MAX, b"", 0)
@example(b'{"type":"\xed\xa0\x80"}', b"", 0)
@example(b'{"type":"\\ud800"}', b"", 0)
@settings(max_examples=500, deadline=None)
def test_admit_of_any_bytes_is_refused_with_a_reason(
    value: bytes | None, key: bytes | None, partition: int
) -> None:
    assert judge(value, key, partition) != "admitted"


@given(anything)
@settings(max_examples=300, deadline=None)
def test_admit_of_any_json_is_refused_with_a_reason(message: Any) -> None:
    assert judge(json.dumps(message).encode()) != "admitted"


@given(st.data())
@settings(max_examples=600, deadline=None)
def test_admit_of_a_message_with_members_replaced_gives_an_event_or_a_reason(data: st.DataObject) -> None:
    message = json.loads(encode(data.draw(st.sampled_from(EXAMPLES))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = message
        while True:
            member = data.draw(st.sampled_from(sorted(place)))
            if not isinstance(place[member], dict) or not place[member] or data.draw(st.booleans()):
                break
            place = place[member]
        if data.draw(st.booleans()):
            del place[member]
        else:
            place[member] = data.draw(anything)
        if not place or not message:
            break
    judge(json.dumps(message).encode())


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=600, deadline=None)
def test_admit_of_damaged_bytes_gives_an_event_or_a_reason(event: Event, data: st.DataObject) -> None:
    value = bytearray(encode(event))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not value:
            break
    judge(bytes(value))


@pytest.mark.parametrize("member", ["time", "received_at", "due_at", "finished_at"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_admit_of_a_moment_at_the_calendars_end_gives_an_event_or_a_reason(member: str, moment: str) -> None:
    message = json.loads(encode(EXAMPLES[1]))
    (message if member == "time" else message["data"])[member] = moment
    judge(json.dumps(message).encode())


@given(st.integers(VALUE_BYTES_MAX + 1, 4 * VALUE_BYTES_MAX))
@settings(max_examples=10, deadline=None)
def test_admit_of_a_value_beyond_the_bound_is_too_large(size: int) -> None:
    assert judge(encode(EXAMPLES[0]) + b" " * size) == "too_large"


@given(st.text())
@settings(max_examples=200)
def test_partition_of_any_key_is_one_of_the_contracts(key: str) -> None:
    key = key.encode(errors="ignore").decode()
    assert 0 <= partition_of(key) < 24
