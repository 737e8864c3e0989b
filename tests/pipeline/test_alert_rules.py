"""Goal: every rule of sql/alerts finds what it is about, and nothing else, and its words have no empty place.

Method: rows as the loader and the monitor write them, in the real engine; each rule is asked with and without
its trouble.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import DifficultyReportedEvent, wrap
from producers.contract.errors import Stop
from producers.contract.events import Difficulty
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.cut import number_of_cut
from streams.domain.days import HANOI
from streams.monitor.alerts.evaluate import LIMITS, evaluate, failures
from streams.monitor.alerts.fold import fold
from streams.monitor.alerts.model import OPEN, Finding, Outcome
from streams.monitor.alerts.rules import load, read
from streams.monitor.rows import CITY_CUT, WARD_STATE
from streams.warehouse import rows, tables
from streams.warehouse.as_of import names_in
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from streams.warehouse.tables import Table
from tests.builders import EPOCH, WARD, closing, status
from tests.pipeline.warehouse import SQL, database, empty, insert

RULES = load(SQL / "alerts")
NOW_MS = time.time_ns() // 1_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, HANOI)
TODAY = NOW.replace(hour=0, minute=0, second=1, microsecond=0)
OTHER = "00004"
OURS = (
    "ward_state",
    "city_cut",
    "conservation_now",
    "double_entry",
    "alert_deliveries",
    "alerts",
    "load_delays",
)


@pytest.fixture(scope="module", autouse=True)
def _begun() -> None:
    """This module may have been imported an hour before its first test."""
    global NOW_MS, NOW
    NOW_MS = time.time_ns() // 1_000_000
    NOW = datetime.fromtimestamp(NOW_MS / 1000, HANOI)


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    for table in OURS:
        shared.command(f"TRUNCATE TABLE {table}")
    return shared


def found(store: Store, name: str, **given: str) -> list[Finding]:
    """What a rule finds now; every place in its words must be filled."""
    outcome = evaluate(store, RULES[name], NOW_MS, given=given, limits=LIMITS)
    assert outcome.error == ""
    for finding in outcome.findings:
        assert not re.search(r"\{\w+\}|\bnan\b|\bNone\b", " ".join(finding.words)), finding.words
    return list(outcome.findings)


def keys(store: Store, name: str, **given: str) -> list[str]:
    return [finding.key for finding in found(store, name, **given)]


def put(store: Store, table: Table, **members: Any) -> None:
    """A row of a table: what is not said is empty, times are now."""

    def value(name: str, kind: str) -> Any:
        if name in members:
            return members[name]
        if kind.startswith("Nullable"):
            return None
        if kind.startswith("Array"):
            return []
        if kind.startswith("DateTime64"):
            return NOW_MS
        return "" if "String" in kind else NOW.date() if kind == "Date32" else 0

    row = [value(name, kind) for name, kind in zip(table.columns, table.types, strict=True)]
    insert(store, table, [tuple(row)])


def state(store: Store, ward: str = WARD, **members: Any) -> None:
    known = {"alive": "active", "complete": "complete", "status": "good", "reason": "active"}
    put(store, WARD_STATE, ward=ward, **(known | members))


def test_silent_ward_is_found_with_when_it_was_heard_last(store: Store) -> None:
    state(store, OTHER, alive="closed", reason="closed")
    assert keys(store, "silent-ward") == []
    heard = NOW_MS - 1_000_000
    state(store, alive="silent", reason="silent", heard_at=heard, event_at=heard, since=heard)
    (finding,) = found(store, "silent-ward")
    assert (finding.key, finding.ward, finding.since_ms, finding.starts) == (WARD, WARD, heard, True)
    assert "Hoàn Kiếm (00070)" in finding.words.what_vi
    assert finding.words.next_en.endswith("dongbo ward show 00070")


def test_ward_silent_when_its_office_closed_keeps_its_alert_and_starts_none(store: Store) -> None:
    since = NOW_MS - 9_000_000
    state(store, alive="closed", reason="silent_before_closing", since=since, heard_at=since, event_at=since)
    (finding,) = found(store, "silent-ward")
    assert (finding.key, finding.since_ms, finding.starts) == (WARD, since, False)
    rule = RULES["silent-ward"].name
    assert fold({}, [Outcome(rule, (finding,))], NOW_MS).live == {}
    opened = fold({}, [Outcome(rule, (replace(finding, starts=True),))], NOW_MS - 600_000).live
    (kept,) = fold(opened, [Outcome(rule, (finding,))], NOW_MS).live.values()
    assert (kept.state, kept.ended_ms) == (OPEN, None)


def test_silence_is_found_although_another_reason_is_worse(store: Store) -> None:
    heard = NOW_MS - 2_000_000
    state(store, alive="silent", reason="missing", heard_at=heard, since=NOW_MS)
    assert [(one.key, one.since_ms) for one in found(store, "silent-ward")] == [(WARD, heard)]


def test_hole_is_found_when_it_is_old_with_its_seqs(store: Store) -> None:
    holes: dict[str, Any] = {
        "hole_epoch": ["e", "e"],
        "hole_first": [17, 30],
        "hole_last": [19, 30],
        "missing": 4,
    }
    young, old = NOW_MS - 100_000, NOW_MS - 1_000_000
    state(store, **holes, hole_since=[young, young])
    assert keys(store, "hole-older-than") == []
    assert keys(store, "hole-older-than", seconds="60") == [WARD]
    state(store, OTHER, **holes, hole_since=[old, young])
    (finding,) = found(store, "hole-older-than")
    assert (finding.key, finding.since_ms) == (OTHER, old)
    assert (finding.values["missing"], finding.values["seqs"]) == ("3", "17-19")
    assert "15 phút" in finding.words.what_vi


def test_clock_skew_is_found_both_ways(store: Store) -> None:
    state(store, "00025", skew_ms=119_000)
    assert keys(store, "clock-skew") == []
    state(store, WARD, skew_ms=-300_500)
    state(store, OTHER, skew_ms=121_000)
    ahead, behind = found(store, "clock-skew")
    assert ahead.words.what_en.endswith("is 121 seconds ahead of Kafka's")
    assert behind.words.what_en.endswith("is 300 seconds behind Kafka's")


def test_conflict_is_found(store: Store) -> None:
    state(store, OTHER)
    state(store, conflicts=2)
    assert keys(store, "conflict") == [WARD]


def cut(store: Store, at_ms: int) -> None:
    number = number_of_cut(at_ms)
    put(store, CITY_CUT, number=number, at=at_ms, published_at=at_ms + 2_000, wards_total=126)


def test_cut_is_stalled_a_minute_after_the_newest(store: Store) -> None:
    assert keys(store, "cut-stalled") == []
    now_ms = time.time_ns() // 1_000_000
    for age_s in (300, 70):
        cut(store, now_ms - age_s * 1000)
    (finding,) = found(store, "cut-stalled")
    assert finding.since_ms == now_ms - 70_000
    cut(store, now_ms)
    assert keys(store, "cut-stalled") == []


def overdue(day: datetime, count: int, ward: str = WARD) -> list[Any]:
    """So many dossiers that ended on a day, one day late."""
    late = {"status": Status.DONE, "finished_at": day, "due_at": day - timedelta(days=1)}
    seq = int(day.timestamp()) % 1_000_000 * 100
    first = status(seq, at=day, ward=ward, received_at=day - timedelta(days=2))
    return [
        first,
        *(
            status(seq + n, at=day, ward=ward, received_at=day - timedelta(days=2), **late)
            for n in range(1, count + 1)
        ),
    ]


def put_books(store: Store, *events: Any) -> None:
    books: dict[tuple[str, str], Book] = {}
    for event in events:
        where = event.data.ward, day_of(event, event.time.timestamp())
        books.setdefault(where, Book(*where)).apply(event, NOW_MS)
    insert(store, tables.BOOK, [rows.book_row(records.encode(book)) for book in books.values()])


def test_overdue_spike_is_against_the_wards_own_four_weeks(store: Store) -> None:
    past = [TODAY - timedelta(days=n) for n in range(1, 21)]
    put_books(store, *(event for day in past for event in overdue(day, 2)), *overdue(TODAY, 5))
    assert keys(store, "overdue-spike") == []
    put_books(store, *(event for day in past for event in overdue(day, 1, OTHER)), *overdue(TODAY, 7, OTHER))
    (finding,) = found(store, "overdue-spike")
    assert (finding.key, finding.ward) == (f"{OTHER}/{NOW:%Y-%m-%d}", OTHER)
    assert (finding.values["overdue"], finding.values["mean"], finding.values["most"]) == ("7", "1", "1")
    assert keys(store, "overdue-spike", factor="8") == []
    assert keys(store, "overdue-spike", days="21") == []


def reject(store: Store, count: int, ward: str) -> None:
    block, span = Block(), Span("t1", "dossier.events", 0, 0, -1)
    arrived = max(NOW_MS - 60_000, int(TODAY.timestamp() * 1000))
    for offset in range(count):
        block.take_event(span, b"{", ward.encode(), offset, arrived)
    insert(store, tables.REJECTS, block.rejects)


def test_rejects_ratio_is_found_for_a_ward_and_for_the_city(store: Store) -> None:
    put_books(store, *overdue(TODAY, 99, OTHER))
    reject(store, 4, OTHER)
    assert keys(store, "rejects-ratio") == []
    assert keys(store, "rejects-ratio", least="4", percent="1") == [OTHER, "city"]
    reject(store, 30, WARD)
    ward, city = found(store, "rejects-ratio")
    assert (ward.key, ward.values["messages"], ward.values["percent"]) == (WARD, "30", "100")
    assert (city.key, city.ward, city.values["messages"]) == ("city", "", "130")
    assert "thành phố" in city.words.what_vi
    assert "not_json" in ward.words.what_en


def test_rejects_without_a_ward_count_for_the_city(store: Store) -> None:
    reject(store, 25, "no ward")
    assert keys(store, "rejects-ratio") == ["city"]


def test_pipeline_lag_is_found_in_delay_and_in_messages(store: Store) -> None:
    now_ms = time.time_ns() // 1_000_000
    put(store, tables.LOADS, stored_at=now_ms, kind="events", first_arrived_at=now_ms - 500)
    old = now_ms - 300_000
    put(store, tables.LOADS, stored_at=old, kind="books", first_arrived_at=old - 60_000)
    assert keys(store, "pipeline-lag") == []
    put(store, tables.LOADS, stored_at=now_ms, kind="events", first_arrived_at=now_ms - 11_000)
    hop(store, "kafka_loader", 3, in_flight=20_001)
    delay, lag = sorted(found(store, "pipeline-lag"), key=lambda finding: finding.key)
    assert (delay.key, lag.key) == ("delay-events", "lag")
    assert "11 giây" in delay.words.what_vi
    assert "20001 messages" in lag.words.what_en


def hop(store: Store, name: str, partition: int, **members: int) -> None:
    known = {"expected": 10, "found": 10, "in_flight": 0, "broken": 0} | members
    columns = ("hop", "partition", "at", *known, "detail_vi", "detail_en")
    types = ("String", "UInt16", "DateTime64(3)", *("UInt64",) * 4, "String", "String")
    row = (name, partition, NOW_MS, *known.values(), "chi tiết", "details")
    store.insert("conservation_now", columns, types, [[value] for value in row])


def test_conservation_is_found_when_it_is_broken(store: Store) -> None:
    hop(store, "kafka_loader", 3, in_flight=7, found=3)
    assert keys(store, "conservation-broken") == []
    hop(store, "loader_rows", 3, found=8, broken=2)
    (finding,) = found(store, "conservation-broken")
    assert finding.key == "loader_rows/3"
    assert "10 expected, 8 found, 2 lost" in finding.words.what_en


def test_control_totals_are_found_short_and_over_for_a_week(store: Store) -> None:
    old, late = TODAY - timedelta(days=9), TODAY - timedelta(days=1)
    put_books(
        store,
        *(status(n, at=TODAY) for n in (1, 2)),
        closing(3, {Status.RECEIVED: 2}, at=TODAY),
        status(1, at=old, ward=OTHER),
        closing(2, {Status.RECEIVED: 5}, ward=OTHER, at=old),
    )
    assert keys(store, "control-totals") == []
    put_books(
        store,
        *(status(n, at=late, ward=OTHER) for n in (1, 2)),
        closing(3, {Status.RECEIVED: 7}, ward=OTHER, at=late),
        status(1, at=late, ward="00025"),
        closing(2, {Status.RECEIVED: 0}, ward="00025", at=late),
    )
    short, over = found(store, "control-totals")
    assert (short.key, over.key) == (f"{OTHER}/{late:%Y-%m-%d}", f"00025/{late:%Y-%m-%d}")
    assert (short.values["declared"], short.values["counted"], short.values["short_by"]) == ("7", "2", "5")
    assert over.values["over_by"] == "1"
    assert len(keys(store, "control-totals", days="30")) == 3


def test_double_entry_is_found_while_it_is_open(store: Store) -> None:
    def finding(since_ms: int, cells: int) -> None:
        columns = ("kind", "ward", "day", "since", "checked_at", "cells", "book_steps", "raw_steps")
        types = ("String", "String", "Date32", "DateTime64(3)", "DateTime64(3)", "UInt64", "Int64", "Int64")
        row = ("finding", WARD, NOW.date(), since_ms, NOW_MS - 1_000 + 500 * (cells == 0), cells, 9, 7)
        store.insert("double_entry", columns, types, [[value] for value in row])

    finding(NOW_MS - 9_000, 0)
    assert keys(store, "double-entry-difference") == []
    finding(NOW_MS - 5_000, 2)
    (one,) = found(store, "double-entry-difference")
    assert (one.key, one.since_ms) == (f"{WARD}/{NOW:%Y-%m-%d}", NOW_MS - 5_000)
    assert f"--ward {WARD} --day {NOW:%Y-%m-%d} --repair" in one.words.next_en
    finding(NOW_MS - 5_000, 0)  # healed
    assert keys(store, "double-entry-difference") == []


def report(store: Store, seq: int, name: str, due: datetime | None) -> None:
    data = Difficulty(ward=WARD, epoch=EPOCH, seq=seq, difficulty=name, group=7, owner="so-noi-vu", due=due)
    event = wrap(DifficultyReportedEvent, data, NOW - timedelta(days=9))
    block, span = Block(), Span("t1", "dossier.events", PARTITION_OF_WARD[WARD], 0, -1)
    block.take_event(span, encode(event), WARD.encode(), seq, NOW_MS)
    insert(store, tables.EVENTS, block.events)


def test_difficulty_is_found_when_it_is_past_its_due_time(store: Store) -> None:
    report(store, 1, "D1", NOW + timedelta(days=1))
    report(store, 2, "D2", None)
    assert keys(store, "difficulty-overdue") == []
    report(store, 3, "D3", NOW - timedelta(days=2))
    (finding,) = found(store, "difficulty-overdue")
    assert (finding.key, finding.ward) == (f"{WARD}/D3", WARD)
    assert "so-noi-vu" in finding.words.what_vi


def test_undelivered_alerts_are_found_after_ten_minutes(store: Store) -> None:
    def delivery(alert: str, state: str, attempts: int, age_s: int) -> None:
        columns = ("alert_id", "event", "channel", "state", "attempts", "created_at", "next_at", "error")
        types = (*("String",) * 4, "UInt32", "DateTime64(3)", "DateTime64(3)", "String")
        # By the clock: this rule asks it, and a whole run of the tests has begun long before.
        now_ms = time.time_ns() // 1_000_000
        row = (alert, "start", "mail", state, attempts, now_ms - age_s * 1000, now_ms, "refused")
        store.insert("alert_deliveries", columns, types, [[value] for value in row])

    delivery("a", "waiting", 3, 500)
    delivery("b", "sent", 3, 5_000)
    assert keys(store, "alerts-undelivered") == []
    delivery("c", "waiting", 9, 700)
    delivery("d", "given_up", 90, 90_000)
    (finding,) = found(store, "alerts-undelivered")
    assert (finding.key, finding.values["messages"]) == ("mail", "2")


@pytest.mark.parametrize("name", RULES)
def test_rule_has_a_command_as_its_next_step_and_finds_nothing_in_an_empty_city(
    store: Store, name: str
) -> None:
    rule = RULES[name]
    assert all(re.search(r"dongbo \w+", rule.words[f"next-{language}"]) for language in ("vi", "en"))
    assert {read for read in names_in(rule.sql) if not read.startswith("v_")} <= {"r_now"}
    assert keys(store, name) == []


def test_rule_that_no_test_here_names_does_not_exist() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in RULES if f'"{name}"' not in text] == []


@pytest.mark.parametrize(
    ("line", "gone"),
    [("-- severity: critical", ""), ("-- severity: critical", "-- severity: high"), ("-- en: X", "")],
)
def test_rule_with_a_wrong_header_is_refused(tmp_path: Any, line: str, gone: str) -> None:
    words = "\n".join(f"-- {kind}-{lang}: x" for kind in ("what", "impact", "next") for lang in ("vi", "en"))
    path = tmp_path / "one.sql"
    path.write_text(f"-- vi: X\n-- en: X\n-- severity: critical\n{words}\nSELECT 1", encoding="utf-8")
    assert read(path).severity == "critical"
    path.write_text(path.read_text(encoding="utf-8").replace(line, gone), encoding="utf-8")
    with pytest.raises(Stop, match=r"one\.sql"):
        read(path)


def test_many_failing_rules_are_one_failure() -> None:
    few = failures({"a": "x", "b": "y"}, 12, 1)
    assert [finding.key for finding in few.findings] == ["a", "b"]
    many = failures({str(number): "away" for number in range(12)}, 12, 1)
    assert [(finding.key, finding.words.what_en) for finding in many.findings] == [
        ("*", "Could not evaluate all rules: away")
    ]


def test_every_rule_and_its_parameters_stand_in_the_documentation() -> None:
    text = (SQL.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
    for rule in RULES.values():
        assert f"| `{rule.name}` |" in text, rule.name
        documented = {parameter.name for parameter in rule.parameters if f"`{parameter.name}`" in text}
        assert documented or not rule.parameters, rule.name
