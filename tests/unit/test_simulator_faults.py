"""Faults on request: what comes out is what went in, changed exactly as asked; bad messages are bad."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from producers.contract.codec import admit
from producers.contract.errors import Reject
from producers.contract.reasons import REASONS
from producers.simulator.faults import Malformed, duplicated, late, lost, malformed, reordered

ARRIVED_S = 1_800_000_000.0


# In the city of the second seed the first event of all is the closing of a day.
@pytest.mark.parametrize(
    "message", [*malformed(seed=1), *malformed(seed=579_847)], ids=lambda message: message.code
)
def test_malformed_is_rejected_with_its_code(message: Malformed) -> None:
    with pytest.raises(Reject) as rejected:
        admit(message.value, message.key, message.partition, ARRIVED_S)
    assert rejected.value.code == message.code


def test_malformed_covers_every_reason() -> None:
    assert {message.code for message in malformed(seed=2)} == REASONS.keys()


def test_malformed_too_large_is_two_megabytes() -> None:
    (size,) = [len(m.value or b"") for m in malformed(1) if m.code == "too_large"]
    assert 2 * 1024 * 1024 <= size < 4 * 1024 * 1024


def test_malformed_same_seed_same_messages() -> None:
    assert list(malformed(3)) == list(malformed(3))


def test_duplicated_repeats_a_share_near_by() -> None:
    out = list(duplicated(range(10_000), 0.1, seed=1, distance=50))
    times = Counter(out)
    assert times.keys() == set(range(10_000))
    assert set(times.values()) == {1, 2}
    assert 800 < len(out) - 10_000 < 1_200
    assert list(dict.fromkeys(out)) == list(range(10_000))


def test_reordered_keeps_all_within_the_distance() -> None:
    out = list(reordered(range(5_000), 100, seed=1))
    assert sorted(out) == list(range(5_000))
    assert out != sorted(out)
    assert max(abs(place - message) for place, message in enumerate(out)) <= 100


def test_late_keeps_all_and_moves_a_share_far() -> None:
    out = list(late(range(5_000), 0.02, seed=1, distance=1_000))
    assert sorted(out) == list(range(5_000))
    moved = [message for place, message in enumerate(out) if place - message > 500]
    assert 50 < len(moved) < 150


def test_lost_leaves_out_a_share() -> None:
    out = list(lost(range(10_000), 0.05, seed=1))
    assert out == sorted(set(out))
    assert 9_400 < len(out) < 9_600


def test_faults_without_a_share_change_nothing() -> None:
    whole = list(range(100))
    unchanged: tuple[Iterable[int], ...] = (
        duplicated(whole, 0.0, 1),
        reordered(whole, 0, 1),
        late(whole, 0.0, 1),
        lost(whole, 0.0, 1),
    )
    assert [list(out) for out in unchanged] == [whole] * 4


def test_reordered_reads_no_further_than_its_distance() -> None:
    read = 0

    def endless() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    out = reordered(endless(), 10, seed=1)
    assert len([next(out) for _ in range(100)]) == 100
    assert read <= 111
