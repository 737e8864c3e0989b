"""Goal: every reason for rejection is given for its own fault, and its text repeats nothing of the value.

Method: one correct message, changed in one place.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from producers.contract.codec import TIME_AHEAD_MAX_S, admit, encode
from producers.contract.errors import Reject
from producers.contract.examples import EXAMPLES
from producers.contract.reasons import REASONS
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS, VALUE_BYTES_MAX
from tests.builders import START, WARD, status

KEY = WARD.encode()
PARTITION = PARTITION_OF_WARD[WARD]
ARRIVED_S = START.timestamp() + 1.0


def changed(**members: Any) -> bytes:
    """A correct message with some of its CloudEvents members replaced."""
    return json.dumps(json.loads(encode(status(1))) | members).encode()


def changed_data(**members: Any) -> bytes:
    """A correct message with some members of its data replaced."""
    data = json.loads(encode(status(1)))["data"]
    return changed(data=data | members)


EPOCH_WITH_SPACE = json.loads(encode(status(1)))["data"] | {"epoch": "a b"}
FAULTS: list[tuple[str, bytes | None, str]] = [
    ("null_value", None, "$"),
    ("too_large", b" " * (VALUE_BYTES_MAX + 1), "$"),
    ("not_json", b"", "$"),
    ("not_json", b"\xff\xfe{", "$"),
    ("not_json", b'{"a":' * 10_000, "$"),
    ("bad_shape", b"[" * 60_000, "$"),
    ("not_json", b'{"type":', "$"),
    ("bad_shape", b"[]", "$"),
    ("bad_shape", b"null", "$"),
    ("bad_shape", changed(specversion="0.3"), "$.specversion"),
    ("bad_shape", changed(time="2025-07-01T08:00:00"), "$.time"),
    ("bad_shape", changed_data(status=11), "$.data.status"),
    ("bad_shape", changed(data=EPOCH_WITH_SPACE, id=f"{WARD}/a b/1"), "$.data.epoch"),
    ("unknown_type", b"{}", "$.type"),
    ("unknown_type", changed(type="dongbo.dossier.status-changed.v9"), "$.type"),
    ("unknown_ward", changed_data(ward="99999"), "$.data.ward"),
    ("identity_mismatch", changed(id=f"{WARD}/test/2"), "$.id"),
    ("identity_mismatch", changed(source="/wards/00004"), "$.source"),
    ("time_out_of_range", changed(time="2019-12-31T23:59:59+07:00"), "$.time"),
    ("time_out_of_range", changed(time="2025-07-02T08:00:02+07:00"), "$.time"),
]


@pytest.mark.parametrize(("code", "value", "member"), FAULTS)
def test_admit_of_a_fault_names_its_reason_and_place(code: str, value: bytes | None, member: str) -> None:
    with pytest.raises(Reject) as caught:
        admit(value, KEY, PARTITION, ARRIVED_S)
    assert (caught.value.code, caught.value.member) == (code, member)


@pytest.mark.parametrize(
    ("key", "partition", "code"),
    [
        (None, PARTITION, "identity_mismatch"),
        (b"00004", PARTITION, "identity_mismatch"),
        (KEY, (PARTITION + 1) % PARTITIONS, "misrouted"),
        (KEY, -1, "misrouted"),
    ],
)
def test_admit_under_another_key_or_partition_is_refused(
    key: bytes | None, partition: int, code: str
) -> None:
    with pytest.raises(Reject) as caught:
        admit(encode(status(1)), key, partition, ARRIVED_S)
    assert caught.value.code == code


def test_admit_gives_every_reason_there_is() -> None:
    assert {code for code, _, _ in FAULTS} | {"misrouted"} == set(REASONS)


@pytest.mark.parametrize("name", ["Nguyễn Văn A", "001099012345", "a@b.vn"])
def test_reject_text_never_repeats_the_value(name: str) -> None:
    faults = [
        changed_data(**{member: name}) for member in ("ward", "dossier", "status", "applicant", "channel")
    ]
    faults += [changed(**{member: name}) for member in ("type", "time", "id", "source", "specversion")]
    for value in faults:
        with pytest.raises(Reject) as caught:
            admit(value, KEY, PARTITION, ARRIVED_S)
        assert name not in str(caught.value)


def test_admit_at_the_bounds_of_time_takes_the_event() -> None:
    oldest = changed(time="2020-01-01T00:00:00+07:00")
    admit(oldest, KEY, PARTITION, ARRIVED_S)
    admit(changed(time=START.isoformat()), KEY, PARTITION, START.timestamp() - TIME_AHEAD_MAX_S)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.id)
def test_admit_of_every_example_twice_gives_the_same(event: Any) -> None:
    ward = event.data.ward
    first, again = (
        admit(encode(event), ward.encode(), PARTITION_OF_WARD[ward], event.time.timestamp()) for _ in range(2)
    )
    assert first == again
