"""Goal: a hole is asked for in time, once, and then ever more seldom."""

from __future__ import annotations

from datetime import datetime, timedelta

from streams.domain.asking import ASKED_MAX, Asked, Hole, due
from tests.builders import HANOI

NOW = datetime(2025, 7, 21, 10, 0, tzinfo=HANOI)
AFTER, AGAIN = timedelta(minutes=2), timedelta(minutes=10)


def hole(age: timedelta, first: int = 17, last: int = 19, ward: str = "00070") -> Hole:
    return Hole(ward, "e", first, last, NOW - age)


def asked(age: timedelta, first: int = 17, last: int = 19, ward: str = "00070") -> Asked:
    return Asked(ward, "e", first, last, NOW - age)


def wanted(holes: list[Hole], earlier: list[Asked]) -> list[Hole]:
    return due(holes, earlier, NOW, AFTER, AGAIN)


def test_hole_is_asked_for_when_it_is_old_enough_and_not_before() -> None:
    young, old = hole(AFTER - timedelta(seconds=1)), hole(AFTER, 30, 30)
    assert wanted([young, old], []) == [old]


def test_hole_that_was_asked_for_rests_and_each_rest_doubles() -> None:
    one = hole(timedelta(days=3))
    assert wanted([one], [asked(AGAIN - timedelta(seconds=1))]) == []
    assert wanted([one], [asked(AGAIN)]) == [one]
    twice = [asked(timedelta(hours=1)), asked(2 * AGAIN - timedelta(seconds=1))]
    assert wanted([one], twice) == []
    assert wanted([one], [twice[0], asked(2 * AGAIN)]) == [one]


def test_rest_is_never_longer_than_a_day_however_often_it_was_asked() -> None:
    one = hole(timedelta(days=30))
    often = [asked(timedelta(days=1 + i)) for i in range(200)]
    assert wanted([one], often) == [one]


def test_requests_for_other_seqs_or_wards_do_not_count() -> None:
    one = hole(timedelta(hours=1))
    others = [asked(timedelta(0), 20, 25), asked(timedelta(0), 1, 16), asked(timedelta(0), ward="00004")]
    assert wanted([one], others) == [one]
    assert wanted([one], [asked(timedelta(0), 19, 40)]) == []


def test_a_flood_of_holes_is_asked_for_from_the_oldest_on() -> None:
    holes = [hole(AFTER + timedelta(seconds=i), i + 1, i + 1) for i in range(ASKED_MAX + 5)]
    found = wanted(holes, [])
    assert len(found) == ASKED_MAX
    assert found[0] == holes[-1]
