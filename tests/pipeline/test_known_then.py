"""Goal: what was known at a cut stays what it was: words, calendar, limits, and what the monitor said.

Method: reference data that is loaded anew and differs, rows of the monitor that are written anew; asked as of
cuts before and after. And the text of every form as of a cut is searched for what could let later things in.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract import difficulty_groups
from streams.domain.cut import instant_of_cut, number_of_cut
from streams.monitor.alerts.history import tried
from streams.monitor.alerts.rules import load
from streams.warehouse import as_of, questions, reference
from streams.warehouse.migrate import Script, migrate, rendered
from streams.warehouse.reference import NOTICE_MS, VERSIONED, Reference
from streams.warehouse.store import Store
from tests.builders import WARD
from tests.pipeline.warehouse import SQL, database, insert_cut

# A cut of the past, and one that is later than whatever is loaded now.
THEN: Final = 6_000_000
LATER: Final = number_of_cut(time.time_ns() // 1_000_000) + 100_000
NAMES: Final = as_of.travelling(SQL)
MOMENT: Final = "DateTime64(3)"


@pytest.fixture(scope="module")
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as made:
        insert_cut(made, THEN)
        insert_cut(made, LATER)
        yield made


def ask(store: Store, what: str, cut: int) -> list[tuple[Any, ...]]:
    return store.query(what, {"as_of": str(cut)}).rows


def rows_of(store: Store, table: str) -> int:
    return int(store.value(f"SELECT count() FROM {table}_history FINAL"))


# Reference data


def groups_of(path: Path, owner: str) -> Path:
    """The project's groups as a CSV, the first with another owner."""
    groups = [group._asdict() for group in difficulty_groups.placeholders().values()]
    groups[0]["owner"] = owner
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(groups[0]))
        writer.writeheader()
        writer.writerows(groups)
    return path


def test_edited_groups_change_no_past_answer_and_the_same_again_writes_nothing(
    store: Store, tmp_path: Path
) -> None:
    view = "v_difficulties_by_group_at(as_of = {as_of:String})"
    sql = f"SELECT toString(tuple(*)) AS row FROM {view} ORDER BY row"
    before, loaded = ask(store, sql, THEN), rows_of(store, "difficulty_groups")
    assert len(before) == loaded == 25
    edited = groups_of(tmp_path / "groups.csv", "So Khac")
    migrate(store, SQL, edited)
    assert store.value("SELECT owner FROM difficulty_groups FINAL WHERE number = 1") == "So Khac"
    assert ask(store, sql, THEN) == before
    changed = [one for one in ask(store, sql, LATER) if one not in before]
    assert len(changed) == 1
    assert "So Khac" in changed[0][0]
    assert rows_of(store, "difficulty_groups") == loaded + 1
    migrate(store, SQL, edited)
    assert rows_of(store, "difficulty_groups") == loaded + 1
    migrate(store, SQL)  # and back: a third version
    assert rows_of(store, "difficulty_groups") == loaded + 2
    assert ask(store, sql, THEN) == before


def loaded_again(store: Store, name: str, column: str, value: Any, **where: Any) -> None:
    """The table with one row changed, as a newer edition of the program loads it."""
    (one,) = [table for table in reference.tables() if table.name == name]
    columns = [column for column, _ in one.columns]
    at = columns.index(column)
    rows = [
        (*row[:at], value, *row[at + 1 :])
        if all(row[columns.index(key)] == wanted for key, wanted in where.items())
        else row
        for row in one.rows
    ]
    assert sum(a != b for a, b in zip(rows, one.rows, strict=True)) == 1
    again = Reference(name, one.columns, rows)
    again.fill(store)
    again.remember(store)


def test_changed_calendar_limits_and_words_hold_from_a_minute_after_they_came(store: Store) -> None:
    day = date(2025, 7, 21)
    for name, column, value, where in (
        ("office_days", "working", False, {"day": day}),
        ("procedures", "time_limit", 99, {"code": reference.tables()[1].rows[0][0]}),
        ("words", "vi", "Từ khác", {"kind": "status", "code": "2"}),
        ("wards", "name", "Tên khác", {"code": WARD}),
        ("reasons", "vi", "Lý do khác", {"code": "not_json"}),
        ("policies", "vi", "Quy tắc khác", {"policy": reference.tables()[6].rows[0][0]}),
        ("index766", "max_score", 99.0, {"part": reference.tables()[7].rows[0][0]}),
    ):
        sql = f"SELECT * EXCEPT (version) FROM r_{name}_at(as_of = {{as_of:String}}) ORDER BY ALL"
        before = ask(store, sql, THEN)
        began_ms = time.time_ns() // 1_000_000
        loaded_again(store, name, column, value, **where)
        assert ask(store, sql, THEN) == before, name
        after = ask(store, sql, LATER)
        assert len(after) == len(before), name
        assert len([row for row in after if row not in before]) == 1, name
        holds_from = int(store.value(f"SELECT max(version) FROM {name}_history"))
        assert began_ms + NOTICE_MS <= holds_from <= time.time_ns() // 1_000_000 + NOTICE_MS
    assert {table.name for table in reference.tables()} - VERSIONED.keys() == {"view_versions"}


def test_unpublished_cut_is_refused_also_where_only_reference_data_is_read(store: Store) -> None:
    for view in ("v_policies", "v_office_days"):
        with pytest.raises(Exception, match="no_such_cut"):
            ask(store, f"SELECT count() FROM {view}_at(as_of = {{as_of:String}})", THEN + 1)


# What the monitor said


def alert(store: Store, known_ms: int | None, version: int, state: str, what: str, ended: int | None) -> None:
    """One version of the alert `a`; without a time of its own it is written as the monitor does."""
    kinds = {"id": "String", "state": "String", "severity": "String", "what_vi": "String"}
    kinds |= {"started_at": f"Nullable({MOMENT})", "ended_at": f"Nullable({MOMENT})", "version": "UInt64"}
    at = instant_of_cut(THEN) - 60_000
    values: list[Any] = ["a", state, "critical", what, at, ended, version]
    if known_ms is not None:
        kinds["known_at"], values = MOMENT, [*values, known_ms]
    table = "alerts" if known_ms is None else "alert_history"
    store.insert(table, list(kinds), list(kinds.values()), [[value] for value in values])


def test_alert_as_of_a_cut_has_the_words_of_then_and_no_later_acknowledgement(store: Store) -> None:
    at_ms = instant_of_cut(THEN)
    alert(store, at_ms - 30_000, 1, "open", "cũ", None)
    sql = "SELECT open, what_vi, acked_by, age_s FROM v_alerts_at(as_of = {as_of:String}) WHERE id = 'a'"
    wanted = [(True, "cũ", "", 60)]
    assert ask(store, sql, THEN) == wanted
    alert(store, at_ms + 1, 2, "open", "mới", None)
    alert(store, at_ms + 90_000, 3, "ended", "mới", at_ms + 80_000)
    names = ("id", "acked_at", "acked_by", "note", "version")
    kinds = ("String", MOMENT, "String", "String", "UInt64")
    now_ms = time.time_ns() // 1_000_000
    store.insert("alert_acks", names, kinds, [["a"], [now_ms], ["ca trực"], [""], [now_ms]])
    assert ask(store, sql, THEN) == wanted
    for table in ("alert_history", "alert_ack_history"):
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    assert ask(store, sql, THEN) == wanted
    assert ask(store, sql, LATER) == [(False, "mới", "ca trực", 140)]


def test_what_the_monitor_writes_is_seen_from_the_next_cut_on_and_once(store: Store) -> None:
    before_ms = time.time_ns() // 1_000_000
    alert(store, None, 9, "open", "x", None)
    alert(store, None, 9, "open", "x", None)  # the confirmation of the first was lost
    known = store.query("SELECT known_at FROM alert_history FINAL WHERE version = 9").rows
    assert len(known) == 1
    late_ms = round(known[0][0].timestamp() * 1000) - before_ms
    assert 10_000 <= late_ms <= 10_000 + time.time_ns() // 1_000_000 - before_ms


# The rules about the machinery, on history

RULES: Final = load(SQL / "alerts")
OVER: Final = [(THEN + step, instant_of_cut(THEN + step)) for step in range(1, 13)]


def over(store: Store) -> list[tuple[int, int]]:
    for number, _ in OVER:
        insert_cut(store, number)
    return OVER


def started(store: Store, rule: str) -> list[tuple[str, int]]:
    """Key of each alert, and how many cuts after the first it started."""
    found = tried(store, RULES[rule], NAMES, over(store), {})
    return [(one.key, ((one.started_ms or 0) - OVER[0][1]) // 10_000) for one in found]


def test_conservation_broken_and_lag_are_found_in_the_looks_of_then(store: Store) -> None:
    kinds = {"hop": "String", "partition": "UInt16", "at": MOMENT, "known_at": MOMENT}
    kinds |= {"expected": "UInt64", "found": "UInt64", "in_flight": "UInt64", "broken": "UInt64"}
    for step, (_, at_ms) in enumerate(OVER):
        for hop, in_flight, broken in (("loader_rows", 0, int(step >= 5)), ("kafka_loader", 30_000, 0)):
            values = [hop, 3, at_ms - 5_000, at_ms - 1, 9, 9, in_flight, broken]
            store.insert("conservation_history", list(kinds), list(kinds.values()), [[one] for one in values])
    # Found at the sixth cut, an alert once it has held for thirty seconds.
    assert started(store, "conservation-broken") == [("loader_rows/3", 8)]
    assert started(store, "pipeline-lag") == [("lag", 3)]


def test_delay_of_loading_is_found_though_the_blocks_are_gone(store: Store) -> None:
    kinds = {"stored_at": MOMENT, "kind": "String", "messages": "UInt64"}
    kinds |= {"first_arrived_at": MOMENT, "last_arrived_at": MOMENT, "insert_ms": "UInt32"}
    at_ms = OVER[2][1]
    values = [at_ms, "books", 5, at_ms - 15_000, at_ms - 15_000, 1]
    store.insert("loads", list(kinds), list(kinds.values()), [[one] for one in values])
    store.command("TRUNCATE TABLE loads")
    assert ("delay-books", 7) in started(store, "pipeline-lag")


def test_finding_of_double_entry_is_open_until_it_agreed(store: Store) -> None:
    kinds = {"kind": "String", "ward": "String", "day": "Date32", "since": MOMENT, "checked_at": MOMENT}
    kinds |= {"cells": "UInt64", "known_at": MOMENT}
    for step, cells in ((1, 2), (4, 0)):
        at_ms = OVER[step][1]
        values = ["finding", WARD, date(2026, 7, 1), OVER[1][1], at_ms, cells, at_ms]
        store.insert("double_entry_history", list(kinds), list(kinds.values()), [[one] for one in values])
    (found,) = tried(store, RULES["double-entry-difference"], NAMES, over(store), {})
    assert (found.key, found.started_ms, found.ended_ms) == (f"{WARD}/2026-07-01", OVER[1][1], OVER[4][1])


def test_undelivered_alert_is_found_while_it_waited(store: Store) -> None:
    kinds = {"alert_id": "String", "event": "String", "channel": "String", "state": "String"}
    kinds |= {"attempts": "UInt32", "created_at": MOMENT, "next_at": MOMENT, "version": "UInt64"}
    kinds |= {"known_at": MOMENT}
    for version, state, step in ((1, "waiting", 0), (2, "sent", 6)):
        at_ms = OVER[step][1]
        values = ["b", "start", "mail", state, 3, OVER[0][1] - 570_000, at_ms, version, at_ms]
        store.insert("alert_delivery_history", list(kinds), list(kinds.values()), [[one] for one in values])
    (found,) = tried(store, RULES["alerts-undelivered"], NAMES, over(store), {})
    assert (found.key, found.started_ms, found.ended_ms) == ("mail", OVER[4][1], OVER[6][1])


def test_stalled_cut_is_found_at_the_first_one_after_it(store: Store) -> None:
    first = THEN + 1_000
    numbers = [first, first + 1, first + 12, first + 13]
    for number in numbers:
        insert_cut(store, number)
    # Of the first one it cannot be said: there is none shortly before it.
    cuts = [(number, instant_of_cut(number)) for number in numbers[1:]]
    (found,) = tried(store, RULES["cut-stalled"], NAMES, cuts, {})
    assert (found.key, found.since_ms, found.started_ms) == ("city", cuts[0][1], cuts[1][1])
    assert found.values["number"] == str(first + 1)


# The text of every form as of a cut

_WITHOUT: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CLOCK: Final = re.compile(
    r"\b(?:now|now64|nowInBlock|today|yesterday|current_date|current_timestamp|utcTimestamp|rand\w*)\b\s*\(",
    re.IGNORECASE,
)
_READ: Final = re.compile(r"\b(?:FROM|(?<!ARRAY )JOIN)\s+(\w+)")
# When a ward was first heard never changes; what was removed is gone for every cut; what a rebuild changed is
# taken by its run, and runs have such a form.
_TIMELESS: Final = {"landed_seqs", "removed_seqs", "rebuild_changes"}


def forms() -> dict[str, str]:
    """Every statement that is asked as of a cut, without strings and comments."""
    made = (
        (re.match(r"CREATE OR REPLACE VIEW (\w+_at)\b", statement), statement) for statement in rendered(SQL)
    )
    found = {name[1]: statement for name, statement in made if name}
    asked: dict[str, str] = {
        name: one.sql for name, one in questions.load(SQL / "questions").items() if name != "lag"
    } | {name: rule.sql for name, rule in RULES.items()}
    found |= {name: as_of.question_at(sql, NAMES) for name, sql in asked.items()}
    return {name: _WITHOUT.sub("", text) for name, text in found.items()}


def by_name(name: str) -> str:
    """A view as of a cut that names the forms it reads, before their SELECTs are written into it."""
    statement = Script.read(SQL / "views" / f"{name.removesuffix('_at')}.sql").statements[0]
    return _WITHOUT.sub("", as_of.view_at(statement, NAMES, {}))


def test_no_form_as_of_a_cut_reads_the_clock() -> None:
    found = forms()
    assert len(found) > 100
    assert [name for name, text in found.items() if _CLOCK.search(text)] == []
    assert _CLOCK.search("WHERE at < NOW() - 1"), "the pattern finds what it is for"


def test_views_and_questions_as_of_a_cut_read_only_what_has_such_a_form() -> None:
    leaks = {}
    for name, text in forms().items():
        if name.startswith("r_"):
            continue
        text = by_name(name) if name.startswith("v_") else text
        own = set(re.findall(r"(\w+)\s+AS\s*\(", text)) | _TIMELESS | {"r_kept", "r_sealed"}
        own |= {f"{table}_history" for table in VERSIONED}
        read = set(_READ.findall(text)) - own
        leaks[name] = {one for one in read if not one.endswith("_at")}
    assert {name: read for name, read in leaks.items() if read} == {}


def test_every_view_travels_or_says_in_both_languages_why_it_cannot() -> None:
    views = {path.stem for path in (SQL / "views").glob("v_*.sql")}
    reasons = as_of.now_only(SQL)
    assert views - NAMES == reasons.keys()
    assert all(one.vi and one.en for one in reasons.values())
    text = Path(SQL.parent / "docs" / "views.md").read_text(encoding="utf-8")
    assert [name for name, one in reasons.items() if not (f"`{name}`" in text and one.vi in text)] == []
