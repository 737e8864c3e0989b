"""Goal: one status, the worst, with its reason and figures. Method: each cause alone, then two."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract.events import Heartbeat
from streams.domain.alive import Override, Thresholds, WardHours
from streams.domain.certificate import Certificate, Findings, Hole, Mismatch
from streams.domain.phrases import LABELS, moment, ranges, span
from streams.domain.status import LEVEL_OF, REASONS, Judgement, Previous, judge
from streams.domain.sync import WardSync
from tests.builders import HANOI
from tests.unit.test_alive import ms

AT = "23 14:30"
OPEN = WardHours()
LIMITS = Thresholds()
GOOD: dict[str, Any] = {
    "arrived_ms": ms("23 14:29"),
    "event_ms": ms("23 14:28"),
    "beat_ms": ms("23 14:29:30"),
    "proven_ms": ms("23 14:29:30"),
}
FRIDAY = date(2026, 11, 20)
DECLARED = frozenset({FRIDAY, date(2026, 11, 19)})
JOINED = ms("2026-11-02 08:00")


def hole(since: str, first: int = 17, last: int = 19) -> Hole:
    return Hole("e", first, last, ms(since))


def beaten(at: str) -> dict[str, Any]:
    """A last heartbeat with nothing pending."""
    return {"beat_ms": ms(at), "proven_ms": ms(at)}


def judged(
    known: dict[str, Any] | None = None,
    found: dict[str, Any] | None = None,
    *,
    at: str = AT,
    hours: WardHours = OPEN,
    previous: Previous | None = None,
) -> Judgement:
    """A good ward with what is named instead."""
    certificate = Certificate(ward="00070", **(GOOD | (known or {})))
    checked: dict[str, Any] = {"declared": DECLARED, "first_ms": JOINED}
    findings = Findings(**(checked | (found or {})))
    return judge(certificate, hours, findings, ms(at), LIMITS, previous)


# Each cause by itself. A cause is added to the ones before it, so that the worst comes first.
CAUSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "silent": ({"arrived_ms": ms("23 13:50"), "beat_ms": ms("23 13:50")}, {}),
    "missing": ({"missing": 3, "holes": (hole("23 14:05"),)}, {}),
    "mismatch": ({}, {"mismatches": (Mismatch(FRIDAY, 2, 120, 115),)}),
    "difference": ({}, {"differences": 2}),
    "behind": ({"pending": 45}, {}),
    "in_flight": ({"missing": 3, "holes": (hole("23 14:28"),)}, {}),
    "unproven": ({"pending": 2, "proven_ms": ms("23 14:10")}, {}),
    "conflict": ({}, {"conflicts": 1}),
    "not_declared": ({}, {"declared": frozenset()}),
    "clock_skew": ({"skew_ms": -7_500_000}, {}),
}
WORDS = {
    "silent": ("Im lặng: không nhận được gì từ 13:50", "Silent: nothing heard since 13:50"),
    "missing": ("Thiếu 3 sự kiện (số 17-19) từ 14:05", "Missing 3 events (17-19) since 14:05"),
    "mismatch": (
        "Ngày 20/11/2026, Được tiếp nhận: kê khai 120, sổ có 115",
        "20/11/2026, Received: 120 declared, 115 counted",
    ),
    "difference": ("Sổ khác sự kiện thô ở 2 ô", "Book and raw events differ in 2 cells"),
    "behind": ("45 sự kiện còn chờ gửi ở phường, xã", "45 events wait in the ward's outbox"),
    "in_flight": ("Đang chờ 3 sự kiện (số 17-19) từ 14:28", "Waiting for 3 events (17-19) since 14:28"),
    "unproven": (
        "Chỉ chắc đủ đến 14:10; 2 sự kiện còn chờ gửi",
        "Known to be complete up to 14:10 only; 2 pending in the ward's outbox",
    ),
    "conflict": ("1 số thứ tự bị dùng lại với nội dung khác", "1 seq used again with other content"),
    "not_declared": ("Chưa chốt số ngày 20/11/2026", "The totals of 20/11/2026 are not declared"),
    "clock_skew": ("Đồng hồ phường, xã chậm 2 giờ 5 phút", "The ward's clock is 2 h 5 min behind"),
}


@pytest.mark.parametrize("reason", CAUSES)
def test_each_cause_alone_gives_its_reason_level_and_figures(reason: str) -> None:
    found = judged(*CAUSES[reason])
    assert found.reason == reason
    assert found.status == LEVEL_OF[reason]
    assert found.words == WORDS[reason]


@pytest.mark.parametrize(("worse", "better"), list(pairwise(name for name in CAUSES if name != "in_flight")))
def test_of_two_causes_the_worse_is_the_reason(worse: str, better: str) -> None:
    first, second = CAUSES[worse], CAUSES[better]
    assert judged(second[0] | first[0], second[1] | first[1]).reason == worse


def test_levels_do_not_rise_again_from_the_first_reason_to_the_last() -> None:
    order = ["bad", "attention", "waiting", "good"]
    places = [order.index(LEVEL_OF[reason]) for reason in REASONS]
    assert places == sorted(places)
    assert set(LEVEL_OF.values()) == set(order)
    assert set(LABELS) >= set(order)


@pytest.mark.parametrize(
    ("at", "known", "reason"),
    [
        (AT, {}, "active"),
        (AT, {"arrived_ms": ms("23 14:00")}, "quiet"),
        ("22 14:30", {"arrived_ms": ms("20 16:00")} | beaten("20 17:20"), "closed"),
    ],
)
def test_ward_without_a_cause_is_good(at: str, known: dict[str, Any], reason: str) -> None:
    found = judged(known, at=at)
    assert (found.status, found.reason, found.covered, found.left_out) == ("good", reason, True, "")


def test_ward_never_heard_waits_and_is_left_out() -> None:
    found = judge(Certificate(ward="00070"), OPEN, Findings(), ms(AT), LIMITS)
    assert (found.status, found.reason, found.complete, found.reconciled) == (
        *("waiting", "never"),
        *("unknown", "unknown"),
    )
    assert (found.covered, found.left_out, found.complete_ms) == (False, "never", None)


@pytest.mark.parametrize(
    ("since", "reason", "left_out"),
    [
        ("23 14:29:30", "active", "in_flight"),  # within its grace it is no cause, but a hole is a hole
        ("23 14:29:00", "active", "in_flight"),
        ("23 14:28:59.999", "in_flight", "in_flight"),
        ("23 14:15", "in_flight", "in_flight"),
        ("23 14:14:59.999", "missing", "missing"),
    ],
)
def test_hole_is_young_then_waited_for_then_missing(since: str, reason: str, left_out: str) -> None:
    found = judged({"missing": 1, "holes": (hole(since, 5, 5),)})
    assert (found.reason, found.left_out, found.covered) == (reason, left_out, False)
    assert found.complete == "missing"


@pytest.mark.parametrize("skew_ms", [-120_000, 120_000, None])
def test_clock_within_its_bound_is_no_cause(skew_ms: int | None) -> None:
    assert judged({"skew_ms": skew_ms}).reason == "active"
    if skew_ms is not None:
        further = skew_ms + (1 if skew_ms > 0 else -1)
        assert judged({"skew_ms": further}).reason == "clock_skew"


def test_day_before_the_ward_joined_need_not_be_declared() -> None:
    owed: dict[str, Any] = {"declared": frozenset()}
    assert judged({}, owed | {"first_ms": ms("20 16:00")}).reconciled == "open"
    assert judged({}, owed | {"first_ms": ms("21 08:00")}).reconciled == "unknown"
    assert judged({}, owed | {"first_ms": 0}).reconciled == "unknown"
    assert judged().reconciled == "matched"
    closed = WardHours([Override(FRIDAY, FRIDAY, ())])
    assert judged({}, {"declared": frozenset({date(2026, 11, 19)})}, hours=closed).reconciled == "matched"


def test_newest_mismatch_is_told_and_the_others_counted() -> None:
    days = (Mismatch(date(2026, 11, 18), 2, 1, 2), Mismatch(FRIDAY, 9, 1200, 1195))
    found = judged({}, {"mismatches": days})
    assert (
        found.words.vi == "Ngày 20/11/2026, Đã xử lý xong: kê khai 1.200, sổ có 1.195; thêm 1 ngày không khớp"
    )
    assert found.reconciled == "mismatch"


def test_complete_up_to_is_what_is_proven_and_in_a_closed_office_the_instant() -> None:
    assert judged().complete_ms == GOOD["proven_ms"]
    assert judged({"proven_ms": 0}).complete_ms is None
    assert judged({"proven_ms": ms("23 18:00")}).complete_ms == ms(AT)  # never above the instant
    # Something waits, and what happened in another year came last: the proof before stays.
    assert judged({"pending": 1, "event_ms": ms("2026-07-21 23:59")}).complete_ms == GOOD["proven_ms"]
    assert judged({"arrived_ms": 0} | beaten("20 17:20"), at="22 14:30").complete_ms == ms("22 14:30")


@pytest.mark.parametrize("at", ["23 12:00", "23 13:29:59.999", "23 18:00", "24 10:00"])
def test_ward_silent_when_its_office_closed_is_left_out_until_it_is_heard(at: str) -> None:
    """It was good, covered and complete up to now at lunch, in the evening and all weekend."""
    last = {"arrived_ms": ms("23 09:00")} | beaten("23 10:00")
    found = judged(last, at=at)
    assert (found.status, found.reason, found.left_out) == ("bad", *["silent_before_closing"] * 2)
    assert (found.covered, found.complete_ms, found.since_ms) == (False, ms("23 10:00"), ms("23 10:15"))
    day = "" if at.startswith("23") else " 23/11/2026"
    assert found.words.en == f"Office closed, and silent before it: nothing heard since 10:00{day}"
    back = judged(last | beaten(at), at=at)
    assert (back.reason, back.covered, back.complete_ms) == ("closed", True, ms(at))


def test_what_waits_when_the_office_has_closed_is_not_complete() -> None:
    waits = {"arrived_ms": ms("23 17:00"), "pending": 3, "beat_ms": ms("23 17:29")}
    early = judged(waits | {"proven_ms": ms("23 17:10"), "doubt_ms": ms("23 17:11")}, at="23 18:00")
    assert (early.left_out, early.complete_ms) == ("unproven", ms("23 17:10"))
    assert early.words.vi == "Chỉ chắc đủ đến 17:10; 3 sự kiện còn chờ gửi"
    near = {"proven_ms": ms("23 17:28"), "doubt_ms": ms("23 17:29")}
    late = judged(waits | near, at="23 18:00")
    assert (late.left_out, late.complete_ms) == ("unproven", ms("23 17:29"))
    overtime = waits | {"beat_ms": ms("23 18:30"), "proven_ms": ms("23 18:29"), "doubt_ms": ms("23 18:30")}
    assert judged(overtime, at="23 18:31").covered  # it has its grace to come
    assert not judged(overtime, at="23 18:31:00.001").covered


def test_ward_without_heartbeats_is_judged_by_its_events() -> None:
    live = {"beat_ms": 0, "arrived_ms": ms("23 14:29"), "proven_ms": ms("23 14:28")}
    assert (judged(live).reason, judged(live).complete_ms) == ("active", ms("23 14:28"))
    history = live | {"proven_ms": ms("2026-07-21 23:59")}
    assert (judged(history).alive.word, judged(history).left_out) == ("active", "unproven")


beats = st.lists(st.tuples(st.integers(1, 8 * 60), st.integers(0, 3) | st.just(0)), min_size=1, max_size=25)


@given(told=beats, looks=st.lists(st.integers(0, 120), max_size=4))
def test_complete_up_to_never_runs_back(told: list[tuple[int, int]], looks: list[int]) -> None:
    """Heartbeats some minutes apart, with something pending or not, over days, closings and openings."""
    sync, at_ms, before = WardSync("00070"), ms("20 07:00"), 0
    for minutes, pending in told:
        for instant in sorted({at_ms + look * 60_000 for look in looks if look < minutes} | {at_ms}):
            certificate = Certificate(
                ward="00070",
                beat_ms=sync.beat.arrived_ms if sync.beat else 0,
                pending=sync.beat.outbox_pending if sync.beat else 0,
                proven_ms=sync.proven_ms,
                doubt_ms=sync.doubt_ms,
            )
            found = judge(certificate, OPEN, Findings(), instant, LIMITS)
            assert before <= (found.complete_ms or 0) <= instant
            before = found.complete_ms or 0
            if found.covered and found.alive.open:
                assert instant - before <= LIMITS.silent_after_s * 1000 or before >= opened(instant)
        at_ms += minutes * 60_000
        clock = datetime.fromtimestamp(at_ms / 1000, HANOI)
        sync.hear(Heartbeat(ward="00070", epoch="e", last_seq=0, outbox_pending=pending, clock=clock), at_ms)


def opened(at_ms: int) -> int:
    """When the office opened."""
    span = OPEN.present(at_ms)
    assert span is not None
    return span.start_ms


def test_since_is_the_cause_s_own_or_goes_on_from_before() -> None:
    assert judged(*CAUSES["silent"]).since_ms == ms("23 14:05")  # heard at 13:50, and 15 minutes
    assert judged(*CAUSES["missing"]).since_ms == ms("23 14:05")
    before = Previous("conflict", ms("23 09:00"))
    assert judged(*CAUSES["conflict"], previous=before).since_ms == ms("23 09:00")
    assert judged(*CAUSES["behind"], previous=before).since_ms == ms(AT)


def test_words_name_the_day_when_it_is_not_today_and_shorten_what_is_long() -> None:
    assert moment(ms("20 09:05"), ms(AT)) == "09:05 20/11/2026"
    assert ranges([hole(AT, n, n) for n in (1, 3, 5, 7)]) == "1, 3, 5, …"
    assert span(0) == ("0 giây", "0 s")
    assert span(2 * 86_400_000 + 61_000) == ("2 ngày 1 phút", "2 d 1 min")
