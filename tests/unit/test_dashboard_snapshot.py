"""What the city view makes of rows, the difference between two snapshots, and a stream's bytes; all pure."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboards.server.snapshot import GZIP_HEADER, Keyed, Snapshot, diff, frame, whole
from dashboards.server.source import Source
from dashboards.server.views.city.figures import Figures, backlog_at_end, series, spans, total, week_of
from dashboards.server.views.city.pipeline import LATE_S, late_s, per_minute
from dashboards.server.views.city.reader import newest_day
from dashboards.server.views.city.rows import Standing, ward_rows
from producers.contract.wards import WARDS
from streams.warehouse.store import Address, Store

DAY = date(2025, 7, 21)
FRIDAY = DAY - timedelta(days=3)
WARD = "00070"


def snapshot(identity: str, error: str | None = None, **members: Any) -> Snapshot:
    return Snapshot(identity, members, error)


def rows(**received: int) -> Keyed:
    return Keyed("ward", [{"ward": ward, "received": count} for ward, count in received.items()])


def test_shares_of_nothing_are_unknown_and_not_zero() -> None:
    assert (Figures().on_time_share, Figures().online_share) == (None, None)
    figures = Figures(received=4, online=1, early=1, on_time=1, overdue=2)
    assert (figures.on_time_share, figures.online_share) == (0.5, 0.25)


def test_figures_add_member_by_member() -> None:
    one, other = Figures(1, 2, 3, 4, 5, 6, 7, 8, 9), Figures(10, 20, 30, 40, 50, 60, 70, 80, 90)
    assert total([one, other]) == Figures(11, 22, 33, 44, 55, 66, 77, 88, 99)
    assert total([]) == Figures()


def test_backlog_is_what_was_received_and_has_not_ended_by_a_day() -> None:
    city = {
        FRIDAY: Figures(received=10, resolved=3, withdrawn=1, stopped=2),
        DAY: Figures(received=5, resolved=6),
        DAY + timedelta(days=1): Figures(received=100),
    }
    assert (backlog_at_end(city, FRIDAY), backlog_at_end(city, DAY)) == (4, 3)


def test_week_and_start_go_up_to_the_day_and_not_beyond() -> None:
    city = {day: Figures(received=n) for day, n in ((FRIDAY, 100), (DAY, 7), (DAY + timedelta(days=1), 5))}
    found = spans(city, DAY)
    assert {name: each.received for name, each in found.items()} == {"day": 7, "week": 7, "all": 107}
    assert spans(city, DAY + timedelta(days=1))["week"].received == 12


def test_series_has_gaps_for_days_without_figures_and_no_half_day() -> None:
    city = {FRIDAY: Figures(received=8, online=4), DAY: Figures(received=3, online=3)}
    found = series(city, DAY, running=True)
    assert len(found["days"]) == 14
    assert found["received"][-4:] == [8, None, None, None]
    assert found["online_share"][-4:] == [0.5, None, None, 1.0]
    assert series(city, DAY)["received"][-1] == 3


def test_every_ward_has_a_row_even_without_data() -> None:
    found = ward_rows({WARD: Figures(received=3, early=1, overdue=1)}, {WARD: 2}, {})
    assert [row.ward for row in found] == list(WARDS)
    one = next(row for row in found if row.ward == WARD)
    assert (one.received, one.finished, one.on_time_share, one.backlog) == (3, 2, 0.5, 2)
    assert {row.standing for row in found} == {Standing()}
    assert Standing().status == "unknown"


def test_newest_day_is_not_after_today_in_hanoi() -> None:
    late = datetime(2025, 7, 20, 18, 0, tzinfo=UTC)  # 01:00 of the 21st in Hanoi
    assert newest_day({DAY, DAY + timedelta(days=1)}, late) == DAY
    assert newest_day({date(2099, 1, 1)}, late) == date(2099, 1, 1)
    assert newest_day(set(), late) is None


def test_week_is_monday_to_sunday_over_the_turn_of_the_year() -> None:
    assert week_of(date(2026, 1, 1))[0] == date(2025, 12, 29)
    assert week_of(date(2026, 1, 1))[-1] == date(2026, 1, 4)


def test_rate_is_said_only_between_neighbouring_cuts() -> None:
    at = datetime(2025, 7, 21, tzinfo=UTC)
    cuts = [
        {"at": at + timedelta(seconds=s), "events": n} for s, n in ((0, 10), (10, 12), (500, 99), (510, 90))
    ]
    assert per_minute(cuts) == [None, 12.0, None, None]


def test_cut_is_late_only_after_longer_than_usual() -> None:
    assert (late_s(LATE_S), late_s(LATE_S + 5.0)) == (None, 40)


def test_difference_has_changed_rows_lost_keys_and_members_only() -> None:
    old = snapshot("1", rows=rows(a=1, b=2, c=3), day=1, totals=5)
    new = snapshot("2", rows=rows(a=1, b=9), day=1, totals=6)
    assert diff(old, new) == {"totals": 6, "rows": [{"ward": "b", "received": 9}], "gone": {"rows": ["c"]}}
    assert diff(new, new) == {}


def test_difference_tells_the_key_of_a_member_that_has_become_a_table() -> None:
    old, new = snapshot("1", alerts=None, rows=rows(a=1)), snapshot("2", alerts=rows(x=1), rows=rows(a=1))
    assert diff(old, new) == {
        "alerts": [{"ward": "x", "received": 1}],
        "keys": {"alerts": "ward", "rows": "ward"},
    }
    assert diff(new, old) == {"alerts": None}


def test_what_is_found_not_to_be_available_is_told_to_who_waits_for_it() -> None:
    loading, absent = Snapshot("1", {"a": 1}), Snapshot("2", {"a": 1, "quality": None})
    assert diff(loading, absent) == {"quality": None}
    assert diff(absent, absent) == {}


def test_difference_over_skipped_snapshots_leads_to_the_same_end() -> None:
    each = [snapshot(str(n), rows=rows(a=n, b=1), day=n // 2) for n in range(4)]
    state = dict(whole(each[0]))
    state["rows"] = {row["ward"]: row for row in state["rows"]}
    for changes in (diff(each[0], each[3]),):
        state["rows"] |= {row["ward"]: row for row in changes.pop("rows", [])}
        state |= changes
    assert (list(state["rows"].values()), state["day"]) == (each[3].members["rows"].rows, 1)


def test_compressed_frames_stand_in_any_order_in_one_gzip_stream() -> None:
    frames = [frame("delta", {"n": n, "text": "phường, xã " * 50}, f"{n}") for n in range(4)]
    reader = zlib.decompressobj(wbits=31)
    for order in ((0, 1, 2, 3), (3, 1), (2, 2)):
        reader = zlib.decompressobj(wbits=31)
        text = reader.decompress(GZIP_HEADER + b"".join(frames[n].squeezed for n in order)).decode()
        assert text == "".join(frames[n].plain.decode() for n in order)
    assert len(frames[0].squeezed) < len(frames[0].plain) / 3


def test_frame_is_a_server_sent_event() -> None:
    lines = frame("snapshot", {"a": 1}, "7.1-x", 1000).plain.decode().split("\n")
    assert lines[:3] == ["event: snapshot", "id: 7.1-x", "retry: 1000"]
    assert json.loads(lines[3].removeprefix("data: ")) == {"a": 1}
    assert lines[4:] == ["", ""]


@pytest.mark.parametrize(
    ("sql", "rewritten"),
    [
        ("SELECT 1 FROM v_city_day", "SELECT 1 FROM v_city_day_at(as_of = {as_of:String})"),
        ("SELECT 1 FROM v_city_cut", "SELECT 1 FROM v_city_cut"),
        ("SELECT 1 FROM v_alerts AS a", "SELECT 1 FROM v_alerts_at(as_of = {as_of:String}) AS a"),
        ("SELECT 1 FROM v_loads AS l", "SELECT 1 FROM v_loads AS l"),
    ],
)
def test_views_are_asked_as_of_the_cut(monkeypatch: pytest.MonkeyPatch, sql: str, rewritten: str) -> None:
    asked: list[tuple[str, Any]] = []
    store = Store(Address("127.0.0.1", 1, "d", "u", "p"))

    class Nothing:
        def dicts(self) -> list[dict[str, Any]]:
            return []

    def query(sql: str, parameters: Any) -> Nothing:
        asked.append((sql, parameters))
        return Nothing()

    monkeypatch.setattr(store, "query", query)
    Source(store).rows(sql)
    Source(store).at(77).rows(sql)
    assert asked == [(sql, {}), (rewritten, {"as_of": "77"})]
