"""Goal: every saved question answers what its title says.

Method: a small city whose answers are counted by plain Python (`questions_model`) or by hand, loaded once,
asked as of a cut, so no answer depends on the clock. A question without a known answer fails a test.
"""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest

from ops import ask as asking
from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Refused, Stop
from streams.warehouse import as_of, questions
from streams.warehouse.store import Store
from tests.pipeline import questions_city
from tests.pipeline.questions_city import CUT, WARDS, City
from tests.pipeline.questions_model import NOW_ONLY, WANTED
from tests.pipeline.warehouse import SQL, database

ACCESS: Final = (SQL / "access.sql").read_text(encoding="utf-8")
QUESTIONS: Final = questions.load(SQL / "questions")
NAMES: Final = as_of.travelling(SQL)
AT: Final = questions.AsOf(str(CUT), NAMES)
# What the monitor found has its rows by hand below.
BY_HAND: Final = {"alerts-open", "books-that-differ", "conservation", "lag"}
# Judged with data of their own elsewhere: test_corrections.py, test_difficulties.py.
ELSEWHERE: Final = {"why-changed", "difficulties-overdue-owners"}
# One rule is counted here; those of the procedure's limit and of supplements are in test_business_views.py.
OTHER_POLICIES: Final = {
    ("on-time-by-policy", f"{due}{pause}")
    for due in ("due_date.reported@1", "due_date.procedure@1")
    for pause in ("", "+supplement.pause@1", "+supplement.restart@1")
} - {("on-time-by-policy", "due_date.reported@1")}
# The other wards have sent nothing; some questions say so of each of them.
OURS: Final = {"least": "1", "late": "10"}


@pytest.fixture(scope="module")
def city() -> City:
    return questions_city.build()


@pytest.fixture(scope="module")
def store(clickhouse: Endpoint, city: City) -> Iterator[Store]:
    with database(clickhouse) as made:
        questions_city.load(city, made)
        yield made


def ask(store: Store, name: str, **given: str) -> list[dict[str, Any]]:
    """The rows about the city's three wards, as of the cut."""
    question = QUESTIONS[name]
    taken = {one.name for one in question.parameters}
    usual = {key: value for key, value in OURS.items() if key in taken}
    rows = questions.run(store, question, usual | given, AT).dicts()
    return [
        row
        for row in rows
        if row.get("ward", WARDS[0]) in WARDS and (name, row.get("policy")) not in OTHER_POLICIES
    ]


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """The same rows in the same order, in the columns that are judged."""
    judged = [{name: row[name] for name in want} for row, want in zip(found, wanted, strict=False)]
    assert judged == wanted
    assert len(found) == len(wanted)


@pytest.mark.parametrize("name", sorted(WANTED))
def test_question_on_the_small_city_answers_what_was_counted(store: Store, city: City, name: str) -> None:
    wanted = WANTED[name](city)
    assert wanted
    found = ask(store, name)
    same(found, wanted)
    if chart := QUESTIONS[name].chart:
        assert {chart.x, *chart.y, *filter(None, [chart.series])} <= set(found[0])
        assert not {chart.x, chart.series} & set(chart.y)


def test_every_question_has_a_known_answer_and_an_audience(store: Store) -> None:
    assert len(QUESTIONS) >= 25
    assert QUESTIONS.keys() == WANTED.keys() | BY_HAND | ELSEWHERE
    for question in QUESTIONS.values():
        assert {word.strip() for word in question.audience.split(",")} <= set(questions.AUDIENCES)
        assert all(one.vi and one.en for one in question.parameters), question.name


def test_city_has_the_figures_that_its_rule_gives(store: Store, city: City) -> None:
    """Six dossiers on each of 11 working days; at the weekends the third ward's 1 + 2 + 2 + 3 are not there.

    So 66 + 24 - 8 = 82 dossiers; those with n % 8 = 3 (3, 11 ... 75) are the 10 that are refused.
    """
    days = ask(store, "city-by-day")
    assert (sum(row["received"] for row in days), sum(row["refused"] for row in days)) == (72, 10)
    assert len({step.dossier for step in city.steps}) == 82


# Answers that add up from one ward's steps alone: a city of that ward only is their known answer.
LINEAR: Final = (
    *("growth-by-week", "fields-by-received", "not-finished-by-field", "hour-profile"),
    *("overdue-by-ward-and-field", "waiting-longest"),
)


@pytest.mark.parametrize("name", LINEAR)
def test_question_about_one_ward_has_nothing_of_another(store: Store, city: City, name: str) -> None:
    alone = City(steps=[step for step in city.steps if step.ward == WARDS[1]])
    same(ask(store, name, ward=WARDS[1]), WANTED[name](alone))


@pytest.mark.parametrize(("first", "last"), [(0, 0), (3, 7), (14, 14), (5, 40)])
def test_every_dossier_received_within_the_period_is_found_and_no_other(
    store: Store, city: City, first: int, last: int
) -> None:
    """The period's first and last moment too: what an index leaves out is nothing that counts."""
    begin, end = (questions_city.FIRST + timedelta(days=n) for n in (first, last))
    period = {"from": str(begin), "to": str(end)}
    some = [step for step in city.of(2) if begin <= step.received_at.date() <= end]
    assert some
    assert sum(row["received"] for row in ask(store, "hour-profile", **period)) == len(some)
    found = {row["procedure"]: row["received"] for row in ask(store, "procedures-by-received", **period)}
    assert found == Counter(step.procedure for step in some)
    done = [step for step in city.of(9) if begin <= step.day <= end]
    rows = ask(store, "processing-by-ward-and-field", **period)
    wanted = Counter((step.ward, step.field) for step in done)
    assert {(row["ward"], row["field"]): row["finished"] for row in rows} == wanted


def test_question_that_names_its_ward_narrows_by_it() -> None:
    for name, question in QUESTIONS.items():
        if question.ward:
            narrowed = re.search(r"\(\{ward:String\} = '' OR (\w+\.)?ward = \{ward:String\}\)", question.sql)
            assert question.ward == "ward", name
            assert narrowed, name


def test_question_about_now_only_is_refused_as_of_a_cut(store: Store) -> None:
    for name, question in QUESTIONS.items():
        assert bool(as_of.names_in(question.sql) - NAMES) == (name in NOW_ONLY), name
    with pytest.raises(Stop, match="not_as_of"):
        questions.run(store, QUESTIONS["lag"], at=AT)


def test_questions_read_only_what_a_reader_may() -> None:
    readers = [one for one in ACCESS.split(";\n") if one.endswith("TO dongbo_reader")]
    granted = re.findall(r"SELECT ON \{database\}\.([\w*]+)", "".join(readers))
    for name, question in QUESTIONS.items():
        for table in re.findall(r"(?:FROM|JOIN) (?!\()(\w+)", question.sql):
            assert any(fnmatch(table, pattern) for pattern in granted), f"{name} reads {table}"


def test_hostile_text_in_a_ward_is_only_a_ward_that_is_not_there(store: Store) -> None:
    """Even past the check of values: ClickHouse binds the text and nothing is found."""
    question = QUESTIONS["fields-by-received"]
    for hostile in ("' OR 1 = 1 --", "00070') OR ('' = '", "\\' UNION ALL SELECT 1 --", "{from:Date}"):
        sql, values = questions.prepared(question, at=AT)
        assert store.query(sql, values | {"ward": hostile}).rows == []
        with pytest.raises(Stop, match="unknown_choice"):
            questions.run(store, question, {"ward": hostile}, AT)


def put(store: Store, table: str, kinds: dict[str, str], *rows: tuple[Any, ...]) -> None:
    """Rows of a table that others fill, in the columns that matter here."""
    store.insert(table, list(kinds), list(kinds.values()), list(zip(*rows, strict=True)))


def now(store: Store, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of an answer about this moment."""
    rows = questions.run(store, QUESTIONS[name]).dicts()
    return [tuple(row[column] for column in columns) for row in rows]


def test_books_that_differ_lists_open_findings_the_greatest_first(store: Store) -> None:
    kinds = {"kind": "String", "ward": "String", "day": "Date32", "cells": "UInt64"}
    kinds |= {"book_steps": "Int64", "raw_steps": "Int64"}
    put(
        store,
        "double_entry",
        kinds,
        ("finding", WARDS[0], questions_city.FIRST, 1, 5, 6),
        ("finding", WARDS[1], questions_city.FIRST, 2, 9, 4),
        ("finding", WARDS[2], questions_city.FIRST, 0, 0, 0),
    )
    assert now(store, "books-that-differ", "ward", "difference") == [(WARDS[1], -5), (WARDS[0], 1)]


def test_alerts_open_lists_what_has_not_ended_critical_first(store: Store) -> None:
    moment = "Nullable(DateTime64(3))"
    kinds = {
        "id": "String",
        "state": "String",
        "severity": "String",
        "started_at": moment,
        "ended_at": moment,
    }
    rows = [
        ("a", "open", "warning", 1, None),
        ("b", "ended", "critical", 1, 2),
        ("c", "open", "critical", 3, None),
    ]
    put(store, "alerts", kinds, *rows)
    assert now(store, "alerts-open", "severity", "id") == [("critical", "c"), ("warning", "a")]


def test_conservation_sums_the_partitions_of_a_hop_and_says_the_worst(store: Store) -> None:
    kinds = {"hop": "String", "partition": "UInt16", "expected": "UInt64", "found": "UInt64"}
    kinds |= {"in_flight": "UInt64", "broken": "UInt64", "at": "DateTime64(3)"}
    put(
        store,
        "conservation_now",
        kinds,
        ("loader_rows", 0, 10, 9, 0, 1, 5),
        ("loader_rows", 1, 10, 8, 2, 0, 5),
        ("outbox_kafka", 0, 7, 7, 0, 0, 5),
    )
    found = now(store, "conservation", "hop", "expected", "found", "in_flight", "broken", "state")
    assert found == [("outbox_kafka", 7, 7, 0, 0, "equal"), ("loader_rows", 20, 17, 2, 1, "broken")]


def test_lag_weighs_each_load_by_its_messages(store: Store) -> None:
    """98 messages took 100 ms at most, 2 took 900 ms: the median is 100, the 99th percentile 900."""
    ms = time.time_ns() // 1_000_000
    kinds = {"kind": "String", "messages": "UInt64", "stored_at": "DateTime64(3)"}
    kinds |= {"first_arrived_at": "DateTime64(3)", "last_arrived_at": "DateTime64(3)", "insert_ms": "UInt32"}
    put(
        store,
        "loads",
        kinds,
        ("events", 98, ms, ms - 100, ms - 100, 10),
        ("events", 2, ms, ms - 900, ms - 900, 30),
    )
    found = now(store, "lag", "messages", "delay_ms_p50", "delay_ms_p99", "insert_ms")
    assert found == [(100, 100, 900, 20)]


@pytest.fixture
def reader(store: Store, clickhouse: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line speaks to the small city, as the user who can only read."""
    environment = clickhouse.settings.environment()
    for name, value in (environment | {"DONGBO_CLICKHOUSE_DATABASE": store.address.database}).items():
        monkeypatch.setenv(name, value)


def dongbo(name: str, *given: str, **wish: Any) -> int:
    return asking.ask(name, list(given), asking.Wish(at=str(CUT), **wish))


@pytest.mark.usefixtures("reader")
def test_ask_gives_the_same_answer_on_the_screen_and_in_each_file(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [(row["ward"], row["received"]) for row in ask(store, "wards-by-received")]
    assert dongbo("wards-by-received", as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    dongbo("wards-by-received", as_csv=True)
    piped = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    for ending in ("csv", "json", "parquet", "xlsx"):
        dongbo("wards-by-received", out=tmp_path / f"a.{ending}")
    filed = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    table = import_module("pyarrow.parquet").read_table(tmp_path / "a.parquet").to_pylist()
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True)["Dữ liệu"].iter_rows(values_only=True)
    names = next(sheet)
    sheets = [dict(zip(names, row, strict=True)) for row in sheet]
    written = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    for rows in (shown, piped, filed, table, sheets, written):
        assert [(row["ward"], int(row["received"])) for row in rows] == wanted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json", "a.parquet", "a.xlsx"]


@pytest.mark.usefixtures("reader")
def test_ask_without_rows_still_gives_a_sheet_with_its_columns(tmp_path: Path) -> None:
    dongbo("late-arrivals", "ward=00008", out=tmp_path / "a.xlsx")
    rows = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True)["Dữ liệu"].iter_rows(values_only=True)
    assert [row[:3] for row in rows] == [("ward", "ward_name", "steps")]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("name", "given", "out", "code"),
    [
        ("wards-by-recieved", [], None, "unknown_question.*did you mean wards-by-received"),
        ("wards-by-received", ["top=-1"], None, "bad_value"),
        ("wards-by-received", ["to=1/7"], None, "bad_value"),
        ("waiting-longest", ["ward=Ba Dinh"], None, "unknown_choice.*00004 Ba Đình"),
        ("wards-by-received", ["fro=1"], None, "unknown_parameter.*from"),
        ("wards-by-received", ["top"], None, "bad_parameter"),
        ("wards-by-received", [], "a.doc", "unknown_file"),
        ("lag", [], None, "not_as_of.*chỉ giữ vài ngày.*kept for days only"),
    ],
)
def test_ask_refuses_what_cannot_be_in_both_languages_and_leaves_no_file(
    tmp_path: Path, name: str, given: list[str], out: str | None, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        dongbo(name, *given, out=tmp_path / (out or "a.csv"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("reader")
def test_ask_of_a_moment_without_a_cut_is_refused() -> None:
    with pytest.raises(Refused, match="no_such_cut"):
        asking.ask("city-by-day", [], asking.Wish(at="2025-01-02"))


def test_about_says_what_a_question_takes_and_its_sql(capsys: pytest.CaptureFixture[str]) -> None:
    assert asking.about("wards-by-received", as_json=False) == 0
    out = capsys.readouterr().out
    assert "Phường, xã nào tiếp nhận nhiều hồ sơ nhất" in out
    assert "-p top='126' UInt32" in out
    assert "FROM v_ward_day" in out
    asking.about("growth-by-week", as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["as_of"], said["chart"]["kind"], said["parameters"][2]["choices"]) == (True, "bar", "ward")
