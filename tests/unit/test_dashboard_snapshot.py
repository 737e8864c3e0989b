"""From a reading to what a page shows, and from one snapshot to the next: pure, so without any server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboards.server.figures import Figures, Reading, WardSync, total
from dashboards.server.snapshot import (
    SILENT_AFTER,
    Snapshot,
    build,
    diff,
    failed,
    newest_day,
    ward_status,
    week_of,
)
from producers.contract.wards import WARDS

NOW = datetime(2025, 7, 21, 3, 0, tzinfo=UTC)
DAY = date(2025, 7, 21)
WARD, OTHER = "00070", "00082"


def reading(**members: Any) -> Reading:
    known: dict[str, Any] = {"read_at": NOW, "city": {}, "wards": {}, "syncs": {}, "backlog": {}}
    return Reading(**known | members)


def one_ward(received: int) -> Reading:
    figures = Figures(received=received)
    return reading(city={DAY: figures}, wards={DAY: {WARD: figures}})


def test_shares_of_nothing_are_unknown_and_not_zero() -> None:
    assert (Figures().on_time_share, Figures().online_share) == (None, None)
    figures = Figures(received=4, online=1, early=1, on_time=1, overdue=2)
    assert (figures.on_time_share, figures.online_share) == (0.5, 0.25)


def test_figures_add_member_by_member() -> None:
    assert total([Figures(1, 2, 3, 4, 5, 6), Figures(10, 20, 30, 40, 50, 60)]) == Figures(
        11, 22, 33, 44, 55, 66
    )
    assert total([]) == Figures()


def test_every_ward_has_a_row_even_without_data() -> None:
    snapshot = build("1", reading(), None)
    assert [row.ward for row in snapshot.rows] == list(WARDS)
    assert {row.status for row in snapshot.rows} == {"none"}
    assert (snapshot.day, snapshot.covered, snapshot.as_of) == (None, 0, None)


def test_day_total_is_the_sum_of_the_rows_even_if_the_city_was_read_earlier() -> None:
    rows = {WARD: Figures(received=5), OTHER: Figures(received=6)}
    older = {DAY: Figures(received=9), DAY - timedelta(days=1): Figures(received=100)}
    snapshot = build("1", reading(city=older, wards={DAY: rows}), DAY)
    received = {name: each.figures.received for name, each in snapshot.totals.items()}
    assert received == {"day": 11, "week": 11, "all": 111}


def test_ward_heard_on_the_day_or_later_is_covered_without_figures() -> None:
    syncs = {
        WARD: WardSync(heard_at=NOW),
        OTHER: WardSync(heard_at=NOW - timedelta(days=1)),
    }
    snapshot = build("1", reading(city={DAY: Figures()}, wards={DAY: {}}, syncs=syncs), None)
    assert (snapshot.covered, snapshot.as_of) == (1, NOW)


@pytest.mark.parametrize(
    ("sync", "status"),
    [
        (WardSync(), "none"),
        (WardSync(heard_at=NOW), "complete"),
        (WardSync(heard_at=NOW, pending=2), "behind"),
        (WardSync(heard_at=NOW - SILENT_AFTER - timedelta(seconds=1)), "silent"),
        (WardSync(heard_at=NOW - SILENT_AFTER - timedelta(days=1), missing=1, pending=1), "missing"),
    ],
)
def test_ward_status_is_the_worst_that_holds(sync: WardSync, status: str) -> None:
    assert ward_status(sync, NOW) == status


def test_newest_day_is_not_after_today_in_hanoi() -> None:
    late = datetime(2025, 7, 20, 18, 0, tzinfo=UTC)  # 01:00 of the 21st in Hanoi
    days = {DAY: Figures(), DAY + timedelta(days=1): Figures()}
    assert newest_day(days, late) == DAY
    assert newest_day({date(2099, 1, 1): Figures()}, late) == date(2099, 1, 1)
    assert newest_day({}, late) is None


def test_week_is_monday_to_sunday_over_the_turn_of_the_year() -> None:
    assert week_of(date(2026, 1, 1))[0] == date(2025, 12, 29)
    assert week_of(date(2026, 1, 1))[-1] == date(2026, 1, 4)


def test_difference_has_changed_rows_and_members_only() -> None:
    old, new = build("1", one_ward(1), None), build("2", one_ward(2), None)
    changes = diff(old, new)
    assert set(changes) == {"id", "totals", "rows"}
    assert [(row.ward, row.figures.received) for row in changes["rows"]] == [(WARD, 2)]
    assert diff(new, new) == {}


def test_difference_over_skipped_snapshots_leads_to_the_same_end() -> None:
    snapshots = [build(str(n), one_ward(n), None) for n in range(1, 5)]
    assert diff(snapshots[0], snapshots[3])["rows"] == diff(snapshots[2], snapshots[3])["rows"]


def test_failed_read_keeps_the_last_figures_and_says_why() -> None:
    last = build("1", one_ward(7), None)
    marked = failed("2", last, None, "clickhouse_away")
    assert (marked.rows, marked.read_at, marked.error) == (last.rows, last.read_at, "clickhouse_away")
    assert diff(last, marked) == {"id": "2", "error": "clickhouse_away"}
    assert diff(marked, build("3", one_ward(7), None))["error"] is None
    assert failed("1", None, DAY, "internal") == Snapshot(id="1", day=DAY, error="internal")
