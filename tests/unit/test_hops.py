"""Goal: what is on its way is not called broken, nor the other way round. Method: a clock by hand."""

from __future__ import annotations

from streams.domain.hops import Ages, Hop, Judgement, Lack, Side, judge

GRACE_S = 60.0


def lack(key: str = "a", amount: int = 2, claimed: bool = True) -> Lack:
    return Lack(key, amount, claimed, GRACE_S, f"{key} thiếu", f"{key} lacks")


def look(ages: Ages, now_s: float, *lacks: Lack) -> Judgement:
    (one,) = judge([Side(Hop.KAFKA_LOADER, 3, 10, lacks, "đủ", "all")], ages, now_s)
    assert one.expected == one.found + one.in_flight + one.broken
    return one


def test_nothing_lacking_is_equal_in_the_hops_own_words() -> None:
    assert look(Ages(), 0.0) == (Hop.KAFKA_LOADER, 3, 10, 10, 0, 0, "đủ", "all")


def test_lack_is_in_flight_until_its_grace_is_over() -> None:
    ages = Ages()
    found = [(one.in_flight, one.broken) for one in (look(ages, at, lack()) for at in (0.0, 59.9, 60.0))]
    assert found == [(2, 0), (2, 0), (0, 2)]


def test_lack_is_in_flight_for_ever_while_nobody_claims_to_be_done() -> None:
    ages = Ages()
    look(ages, 0.0, lack(claimed=False))
    assert look(ages, 1e6, lack(claimed=False)).in_flight == 2
    # The claim makes it broken at once: it is old enough.
    assert look(ages, 1e6 + 1, lack()).broken == 2


def test_lack_that_went_away_and_comes_again_is_young_again() -> None:
    ages = Ages()
    for at, lacks in ((0.0, [lack()]), (30.0, []), (31.0, [lack()])):
        look(ages, at, *lacks)
    assert look(ages, 80.0, lack()).in_flight == 2
    assert look(ages, 91.0, lack()).broken == 2


def test_lacks_of_the_same_name_at_two_hops_are_two() -> None:
    ages = Ages()
    for at in (0.0, 61.0):
        hops = (Hop.KAFKA_LOADER,) if at == 0.0 else (Hop.KAFKA_LOADER, Hop.EVENTS_BOOKS)
        found = judge([Side(hop, 0, 5, (lack(),)) for hop in hops], ages, at)
    assert [(one.in_flight, one.broken) for one in found] == [(0, 2), (2, 0)]


def test_words_name_what_is_broken_first_and_only_three() -> None:
    ages = Ages()
    look(ages, 0.0, lack("old"))
    one = look(ages, 61.0, lack("young"), lack("old"))
    assert (one.vi, one.en) == ("old thiếu", "old lacks")
    many = look(Ages(), 0.0, *(lack(name, 1) for name in "abcde"))
    assert many.en == "a lacks; b lacks; c lacks; … +2"


def test_lack_that_another_has_seen_for_long_is_not_young() -> None:
    assert look(Ages(), 0.0, lack()._replace(known_s=59.0)).in_flight == 2
    assert look(Ages(), 0.0, lack()._replace(known_s=60.0)).broken == 2
