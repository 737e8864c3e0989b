"""Goal: silent means silent, a closed office never becomes it, and its closing does not end it.

Method: instants on the real calendar of Viet Nam, and any hours and instants against a count of open minutes.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain.alive import (
    ACTIVE,
    BEHIND,
    CLOSED,
    NEVER,
    QUIET,
    SILENT,
    Override,
    Span,
    Thresholds,
    WardHours,
    alive,
    idle_until,
    parse_spans,
    silent_at,
)
from streams.domain.certificate import Certificate
from tests.builders import HANOI

LIMITS = Thresholds()
DAY = date(2026, 11, 23)  # a Monday; the 24th is a holiday


def ms(text: str) -> int:
    """An instant of November 2026, `23 08:15` or whole, in milliseconds."""
    whole = text if text.startswith("2026-") else f"2026-11-{text}"
    return round(datetime.fromisoformat(whole).replace(tzinfo=HANOI).timestamp() * 1000)


def word(at: str, *, heard: str, hours: WardHours | None = None, **members: int) -> str:
    """How a ward is that sent a heartbeat at `heard`."""
    known = Certificate(ward="00070", beat_ms=ms(heard), **members)  # type: ignore[arg-type]
    return alive(known, hours or WardHours(), ms(at), LIMITS).word


def test_ward_never_heard_is_never_whatever_the_hour() -> None:
    for at in ("23 03:00", "23 10:00"):
        assert alive(Certificate(ward="00070"), WardHours(), ms(at), LIMITS).word == NEVER


@pytest.mark.parametrize(
    ("at", "heard", "expected"),
    [
        ("23 10:14:59.999", "23 10:00", QUIET),  # the last millisecond before the deadline
        ("23 10:15", "23 10:00", SILENT),
        ("23 08:00", "20 17:15", QUIET),  # the office opens after a weekend and has its time before it
        ("23 08:14:59.999", "20 17:15", QUIET),
        ("23 08:15", "20 17:15", SILENT),
        ("23 08:00", "20 17:14:59.999", SILENT),  # silent when it closed, and not heard since
        ("23 08:10", "23 07:58", QUIET),  # heard before the opening: the opening counts
        ("23 07:59:59.999", "20 16:00", CLOSED),
        ("23 11:59:59.999", "23 08:00", SILENT),
        ("23 12:00", "23 08:00", CLOSED),  # not its word, but see `since_ms`
        ("23 13:30", "23 08:00", SILENT),  # the lunch break ended nothing
        ("23 13:44:59.999", "23 11:45", QUIET),
        ("23 13:45", "23 11:45", SILENT),
        ("23 17:30", "23 13:00", CLOSED),
        ("22 10:00", "20 10:00", CLOSED),  # Sunday
        ("24 10:00", "20 10:00", CLOSED),  # a holiday
        ("2026-08-22 10:00", "2026-08-21 10:00", SILENT),  # a Saturday worked for 31 August
        ("2026-08-31 10:00", "2026-08-28 10:00", CLOSED),
    ],
)
def test_silence_at_the_edges_of_office_hours(at: str, heard: str, expected: str) -> None:
    assert word(at, heard=heard) == expected


def test_override_closes_a_working_day_and_opens_a_holiday() -> None:
    hours = WardHours(
        [Override(DAY, DAY, ()), Override(date(2026, 11, 24), date(2026, 11, 24), ((540, 600),))]
    )
    assert word("23 10:00", heard="20 10:00", hours=hours) == CLOSED
    assert word("24 09:14", heard="23 10:00", hours=hours) == QUIET
    assert word("24 09:15", heard="23 10:00", hours=hours) == SILENT
    assert word("24 10:00", heard="23 10:00", hours=hours) == CLOSED
    assert word("25 08:00", heard="23 10:00", hours=hours) == SILENT


def test_override_with_its_own_threshold_is_silent_sooner_or_later() -> None:
    hours = WardHours([Override(DAY, DAY, ((480, 720),), 60)])
    assert word("23 10:00:59.999", heard="23 10:00", hours=hours) == QUIET
    assert word("23 10:01", heard="23 10:00", hours=hours) == SILENT
    assert word("25 10:01", heard="25 10:00", hours=hours) == QUIET


def test_of_two_overrides_of_a_day_the_last_given_counts() -> None:
    week = Override(date(2026, 11, 16), date(2026, 11, 27), ())
    day = Override(DAY, DAY, ((480, 720),))
    assert WardHours([week, day]).of_day(DAY) == ((480, 720),)
    assert WardHours([day, week]).of_day(DAY) == ()


def test_open_around_the_clock_is_one_span_over_midnights() -> None:
    hours = WardHours([Override(date(2026, 11, 21), date(2026, 11, 24), ((0, 1440),))])
    assert hours.present(ms("23 00:05")) == Span(ms("21 00:00"), ms("25 00:00"))
    assert word("23 00:00", heard="22 23:44", hours=hours) == SILENT  # midnight is no opening
    assert hours.present(ms("25 00:00")) is None


def test_order_of_words_silent_before_behind_before_active_before_closed() -> None:
    assert word("23 10:15", heard="23 10:00", pending=20) == SILENT
    assert word("23 10:14", heard="23 10:00", pending=20) == BEHIND
    assert word("22 10:14", heard="22 10:00", pending=20) == BEHIND  # the weekend does not send what waits
    assert word("23 10:14", heard="23 10:00", pending=19) == QUIET
    assert word("22 10:15", heard="22 10:15", arrived_ms=ms("22 10:00")) == ACTIVE  # whatever the hour
    assert word("22 10:15:00.001", heard="22 10:15", arrived_ms=ms("22 10:00")) == CLOSED
    assert word("23 10:15:00.001", heard="23 10:15", arrived_ms=ms("23 10:00")) == QUIET


def test_deadline_is_named_ahead_over_weekends_and_short_spans() -> None:
    hours = WardHours()
    assert silent_at(hours, ms("23 10:00"), ms("23 10:01"), 900) == ms("23 10:15")
    assert silent_at(hours, ms("23 11:50"), ms("23 11:55"), 900) == ms("23 13:45")  # noon comes first
    assert silent_at(hours, ms("23 17:20"), ms("23 18:00"), 900) == ms("25 08:15")  # the holiday between
    assert silent_at(hours, ms("20 17:20"), ms("21 10:00"), 900) == ms("23 08:15")
    assert silent_at(hours, ms("20 16:00"), ms("21 10:00"), 900) == ms("20 16:15")  # before it closed
    assert silent_at(hours, ms("23 08:00"), ms("23 11:00"), 900) == ms("23 08:15")  # silent since then
    assert silent_at(hours, ms("23 08:00"), ms("23 11:00"), 5 * 3600) is None  # no span is so long


def test_silence_goes_on_through_the_closing_until_the_ward_is_heard() -> None:
    for at in ("23 11:00", "23 12:30", "23 14:00", "23 20:00", "24 10:00", "25 09:00"):
        found = alive(Certificate(ward="00070", beat_ms=ms("23 10:00")), WardHours(), ms(at), LIMITS)
        assert found.since_ms == ms("23 10:15"), at
        assert found.word == (SILENT if found.open else CLOSED)
    heard = Certificate(ward="00070", beat_ms=ms("23 12:30"))
    assert alive(heard, WardHours(), ms("23 13:00"), LIMITS).since_ms == 0


@pytest.mark.parametrize(
    ("proven", "at", "until"),
    [
        ("23 10:00", "23 11:00", "23 10:00"),
        ("23 11:50", "23 11:59:59.999", "23 11:50"),
        ("23 11:50", "23 12:00", "23 12:00"),
        ("23 11:45", "23 13:00", "23 13:00"),  # a ward that is heard then is not silent before the closing
        ("23 11:44:59.999", "23 13:00", "23 11:44:59.999"),
        ("23 11:50", "23 14:00", "23 13:30"),
        ("23 12:10", "23 14:00", "23 13:30"),
        ("20 17:20", "22 10:00", "22 10:00"),
        ("20 17:20", "23 09:00", "23 08:00"),
        ("2026-08-21 17:29", "2026-08-22 10:00", "2026-08-22 08:00"),  # a Saturday that is worked
    ],
)
def test_proof_near_a_closing_holds_until_the_office_opens(proven: str, at: str, until: str) -> None:
    assert idle_until(WardHours(), ms(proven), ms(at), 900) == ms(until)


def test_office_that_opens_no_more_is_idle_for_good() -> None:
    hours = WardHours([Override(date(2026, 11, 21), date(2027, 12, 31), ())])
    assert idle_until(hours, ms("20 17:25"), ms("2026-11-29 10:00"), 900) == ms("2026-11-29 10:00")
    assert idle_until(hours, ms("20 17:00"), ms("2026-11-29 10:00"), 900) == ms("20 17:00")


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("23 08:59", date(2026, 11, 19)),  # Friday may be declared until 09:00
        ("23 09:00", date(2026, 11, 20)),
        ("21 12:00", date(2026, 11, 19)),  # Saturday: Friday's hour is on Monday
        ("24 12:00", date(2026, 11, 20)),  # a holiday: Monday's hour is on Wednesday
        ("25 09:00", date(2026, 11, 23)),
        ("2026-08-22 09:00", date(2026, 8, 21)),  # a worked Saturday
    ],
)
def test_day_to_declare_is_due_in_the_morning_of_the_next_working_day(at: str, day: date) -> None:
    assert WardHours().day_to_declare(ms(at), LIMITS.declare_by_minute) == day


def test_ward_that_is_closed_for_months_has_no_day_to_declare() -> None:
    hours = WardHours([Override(date(2026, 1, 1), date(2027, 12, 31), ())])
    assert hours.day_to_declare(ms("23 10:00"), 540) is None
    assert silent_at(hours, ms("20 10:00"), ms("23 10:00"), 900) is None


minutes = st.lists(st.integers(0, 96), min_size=0, max_size=6, unique=True).map(
    lambda quarters: parse_spans([q * 15 for q in sorted(quarters)[: len(quarters) // 2 * 2]])
)


@given(
    given=st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 2), minutes), max_size=4),
    at_minute=st.integers(0, 1439),
    heard_back=st.integers(0, 3 * 1440),
    after_minutes=st.integers(1, 300),
)
def test_silent_is_what_counting_open_minutes_says(
    given: list[tuple[int, int, tuple[tuple[int, int], ...]]],
    at_minute: int,
    heard_back: int,
    after_minutes: int,
) -> None:
    """At some instant of open hours the minutes before it were all open ones without a sign of life."""
    overrides = [
        Override(DAY + timedelta(days=first), DAY + timedelta(days=first + length), spans)
        for first, length, spans in given
    ]
    hours = WardHours(overrides)
    at = datetime(2026, 11, 23, tzinfo=HANOI) + timedelta(minutes=at_minute)
    heard = at - timedelta(minutes=heard_back)

    def is_open(moment: datetime) -> bool:
        minute = moment.hour * 60 + moment.minute
        return any(start <= minute < end for start, end in hours.of_day(moment.date()))

    open_for, expected, moment = 0, False, heard
    while moment <= at and not expected:
        expected = is_open(moment) and open_for >= after_minutes
        open_for, moment = open_for + 1 if is_open(moment) else 0, moment + timedelta(minutes=1)

    limits = Thresholds(silent_after_s=after_minutes * 60)
    known = Certificate(ward="00070", beat_ms=round(heard.timestamp() * 1000))
    found = alive(known, hours, round(at.timestamp() * 1000), limits)
    assert (found.word == SILENT) == (expected and is_open(at))
    assert (found.since_ms > 0) == expected
    assert found.open == is_open(at)
    if found.deadline_ms is not None:
        assert (found.deadline_ms <= round(at.timestamp() * 1000)) == expected
