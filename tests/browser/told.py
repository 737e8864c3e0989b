"""A city with a past, alerts and wards in trouble, for tests that only look at it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, NamedTuple

from tests.browser.city import City

WARD: Final = "00070"
HANOI: Final = timezone(timedelta(hours=7))
ROWS: Final = ".ranking tbody tr"
SILENT, MISSING = "00166", "09877"
# What changes comes within this, however busy the machine is.
SOON_MS: Final = 15_000
# What is read as of a cut, which is not remembered yet.
REPLAY_MS: Final = 120_000
# Dossiers that come between two cuts of the replayed day.
EACH: Final = 50


class Told(NamedTuple):
    """What the city was told, and where its page is."""

    url: str
    then: int  # a cut of yesterday
    day: date  # the day before yesterday
    cuts: tuple[int, ...]  # its cuts: four in a row, a gap, four in a row


def tell(city: City) -> Told:
    """Tell an empty city all of it."""
    now = datetime.now(UTC)
    today = now.astimezone(HANOI).date()
    yesterday_now = now - timedelta(days=1)
    day = today - timedelta(days=2)
    cuts = replayable(city, day)
    city.fill((today - timedelta(days=2), today - timedelta(days=3)))
    early = {"received": 300, "online": 100, "early": 180, "overdue": 4}
    city.book(WARD, today - timedelta(days=1), arrived=yesterday_now - timedelta(hours=1), **early)
    then = city.cut(yesterday_now - timedelta(minutes=1), left_out={WARD: "missing"})
    city.book(WARD, today - timedelta(days=1), arrived=yesterday_now + timedelta(hours=2), received=700)
    city.fill((today,), but=(WARD,))
    city.book(WARD, today, received=66_000, online=33_000, early=900, on_time=73, overdue=27)
    city.judge(w00166="bad/silent", w09877="bad/missing", w10015="attention/behind", w09700="waiting/never")
    city.cut(now, left_out={SILENT: "silent", MISSING: "missing"})
    city.alert("a1", since=now - timedelta(minutes=12), ward=SILENT)
    city.alert("a2", since=now - timedelta(hours=3), ended_at=now - timedelta(hours=2), state="ended")
    return Told("", then, day, cuts)


def row(ward: str) -> str:
    """A ward's row of the ranking."""
    return f"{ROWS}[data-key='{ward}']"


def replayable(city: City, day: date) -> tuple[int, ...]:
    """Eight cuts of a morning; by each the city knows of `EACH` dossiers more."""
    morning = datetime(day.year, day.month, day.day, 9, tzinfo=HANOI)
    seconds = (*range(0, 40, 10), *range(600, 640, 10))
    instants = [morning + timedelta(seconds=each) for each in seconds]
    for count, at in enumerate(instants, start=1):
        city.book(WARD, day, arrived=at - timedelta(seconds=2), received=EACH * count)
    return tuple(city.cut(at) for at in instants)
