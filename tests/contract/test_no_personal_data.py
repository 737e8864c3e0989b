"""No member of an event has room for a name, an identity number or a telephone number."""

from __future__ import annotations

import msgspec
import pytest

from producers.contract.codec import admit, encode
from producers.contract.errors import Reject
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from tests.builders import START, WARD, closing, retraction, status

ARRIVED_S = START.timestamp() + 3600
PEOPLE = ("Nguyễn Văn A", "Nguyen Van A", "001099012345", "0912345678", "a.nguyen@example.vn")
# The path of every member that holds text of the sender's own.
MEMBERS = ("subject", "data.dossier", "data.procedure", "data.field", "data.epoch", "id", "data.applicant")


def _with(path: str, text: str) -> bytes:
    event = msgspec.json.decode(encode(status(1)))
    *folders, last = path.split(".")
    target = event
    for folder in folders:
        target = target[folder]
    target[last] = text
    return msgspec.json.encode(event)


@pytest.mark.parametrize("path", MEMBERS)
@pytest.mark.parametrize("person", PEOPLE)
def test_admit_a_person_in_a_text_member_is_rejected_without_repeating_it(path: str, person: str) -> None:
    with pytest.raises(Reject) as rejected:
        admit(_with(path, person), WARD.encode(), PARTITION_OF_WARD[WARD], ARRIVED_S)
    assert person not in str(rejected.value)


@pytest.mark.parametrize("person", PEOPLE)
def test_admit_a_person_as_reason_of_a_retraction_is_rejected(person: str) -> None:
    event = msgspec.json.decode(encode(retraction(2, status(1))))
    event["data"]["reason"] = person
    with pytest.raises(Reject) as rejected:
        admit(msgspec.json.encode(event), WARD.encode(), PARTITION_OF_WARD[WARD], ARRIVED_S)
    assert person not in str(rejected.value)


def test_admit_an_unknown_member_is_dropped() -> None:
    event = msgspec.json.decode(encode(status(1)))
    event["data"]["ChuHoSo"] = "Nguyễn Văn A"
    found, _ = admit(msgspec.json.encode(event), WARD.encode(), PARTITION_OF_WARD[WARD], ARRIVED_S)
    assert b"Nguy" not in encode(found)


@pytest.mark.parametrize("member", ["first_seq", "last_seq", "counts"])
def test_admit_a_number_no_store_could_hold_is_rejected(member: str) -> None:
    event = msgspec.json.decode(encode(closing(1, {Status.RECEIVED: 1})))
    text = str(2**80)
    event["data"][member] = {"2": "NUMBER"} if member == "counts" else "NUMBER"
    value = msgspec.json.encode(event).replace(b'"NUMBER"', text.encode())
    with pytest.raises(Reject, match="bad_shape"):
        admit(value, WARD.encode(), PARTITION_OF_WARD[WARD], ARRIVED_S)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_admit_a_day_no_store_could_hold_is_rejected(day: str) -> None:
    for event, member in ((closing(1, {}), "day"), (retraction(2, status(1)), "of_time")):
        members = msgspec.json.decode(encode(event))
        members["data"][member] = day if member == "day" else f"{day}T00:00:00+07:00"
        with pytest.raises(Reject, match=r"time_out_of_range|bad_shape"):
            admit(msgspec.json.encode(members), WARD.encode(), PARTITION_OF_WARD[WARD], ARRIVED_S)


def test_admit_times_no_store_could_hold_are_rejected() -> None:
    for member in ("received_at", "due_at", "finished_at"):
        value = _with(f"data.{member}", "9999-01-01T00:00:00Z")
        with pytest.raises(Reject, match="time_out_of_range"):
            admit(value, WARD.encode(), PARTITION_OF_WARD[WARD], ARRIVED_S)
