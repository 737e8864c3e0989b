"""Published examples are true: one for each of the ten statuses, one for each reason for rejection."""

from __future__ import annotations

import pytest

from producers.contract.codec import admit, encode
from producers.contract.envelope import StatusChangedEvent
from producers.contract.errors import Reject
from producers.contract.examples import EXAMPLES, REJECTED, Wrong
from producers.contract.reasons import REASONS
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status

ARRIVED_S = 1_752_000_000.0  # some days after the examples


def test_every_status_has_an_example_that_is_admitted() -> None:
    shown = [event.data.status for event in EXAMPLES if isinstance(event, StatusChangedEvent)]
    assert shown == list(Status)
    for event in EXAMPLES:
        ward = event.data.ward
        found, _ = admit(encode(event), ward.encode(), PARTITION_OF_WARD[ward], ARRIVED_S)
        assert found == event


@pytest.mark.parametrize("wrong", REJECTED, ids=lambda wrong: wrong.code)
def test_example_of_a_reason_is_rejected_for_it(wrong: Wrong) -> None:
    with pytest.raises(Reject) as rejected:
        admit(wrong.value, wrong.key, wrong.partition, ARRIVED_S)
    assert rejected.value.code == wrong.code


def test_every_reason_of_the_contract_has_an_example() -> None:
    signatures = {"unsigned", "bad_signature"}
    assert {wrong.code for wrong in REJECTED} == set(REASONS) - signatures
