"""Goal: whoever reads a figure can find out what it means and which members of which events it is made of.

The lineage is compared with what the contract has and with what the migrations made, so neither can leave the
other behind; the files that are generated are those that the code generates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args

import msgspec
import pytest

from ops.describe import describe, generated
from ops.stack.clickhouse import Endpoint
from producers.contract import envelope
from producers.contract.errors import Refused
from streams.warehouse import dictionary, lineage, origins
from streams.warehouse.query_tree import EXPLAIN, sources
from streams.warehouse.store import Store
from tests.pipeline.warehouse import SQL, database

# What is stored for the proof of delivery, and is in no view by purpose.
_IN_NO_VIEW = {"status-changed.data.service_level", "status-changed.data.applicant"}


@pytest.fixture(scope="module")
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as made:
        yield made


@pytest.fixture(scope="module")
def traced(store: Store) -> dict[str, dict[str, lineage.Source]]:
    return lineage.trace(store)


def taken(store: Store, sql: str) -> dict[str, set[str]]:
    """Each column's sources, as `table.column`."""
    lines = [line for (line,) in store.query(EXPLAIN + sql).rows]
    return {name: {".".join(place) for place in places} for name, places in sources(lines).items()}


def test_generated_files_are_what_the_code_makes(store: Store) -> None:
    for path, text in generated(store).items():
        assert path.read_text(encoding="utf-8") == text, f"./dev describe --write makes {path.name} anew"


def test_every_column_of_every_view_is_traced_to_its_beginnings(
    traced: dict[str, dict[str, lineage.Source]], store: Store
) -> None:
    shown = {one.name: {column.name for column in one.columns} for one in dictionary.read(store)}
    assert {view: set(columns) for view, columns in traced.items()} == {
        view: columns for view, columns in shown.items() if view.startswith("v_")
    }
    rootless = [
        f"{view}.{column}"
        for view, columns in traced.items()
        for column, source in columns.items()
        # The name of a rule is a constant, made of nothing.
        if not source.members and source.columns and column != "policy"
    ]
    assert rootless == []


def test_every_stored_column_says_what_it_is_made_of(store: Store) -> None:
    fed = store.query(
        "SELECT extract(create_table_query, 'TO (?:`?\\\\w+`?\\\\.)?`?(\\\\w+)`?') FROM system.tables"
        " WHERE database = currentDatabase() AND engine = 'MaterializedView'"
    ).rows
    columns = store.query(
        "SELECT table, c.name FROM system.columns AS c JOIN system.tables AS t"
        " ON t.database = c.database AND t.name = c.table"
        " WHERE c.database = currentDatabase() AND t.engine LIKE '%MergeTree'"
        " AND c.table NOT IN {fed:Array(String)}",
        {"fed": [*(name for (name,) in fed), "migrations"]},
    ).rows
    unknown = [f"{table}.{column}" for table, column in columns if not origins.of(table, column)]
    assert unknown == [], "say in streams/warehouse/origins.py what they are made of"


def members_of(event: Any) -> set[str]:
    tag = event.__struct_config__.tag
    kind = "difficulty" if ".difficulty." in tag else tag.split(".")[2]
    payload = next(one.type for one in msgspec.structs.fields(event) if one.name == "data")
    return {f"{kind}.data.{one.name}" for one in msgspec.structs.fields(payload)}


def events() -> Iterator[Any]:
    for one in get_args(envelope.Event):
        yield from get_args(one) if isinstance(one, UnionType) else (one,)


def test_members_in_the_lineage_are_the_contracts_own(traced: dict[str, dict[str, lineage.Source]]) -> None:
    known = set().union(*(members_of(event) for event in events()))
    named = {one for columns in traced.values() for source in columns.values() for one in source.members}
    of_events = {one for one in named if ".data." in one and not one.startswith("*")}
    assert of_events <= known
    everywhere = {f"*.{path}" for path in ("time", "type", "data.ward", "data.epoch", "data.seq")}
    assert {one for one in named if one.startswith("*")} <= everywhere
    said_once = {one for one in known if one.rsplit(".", 1)[1] not in ("ward", "epoch", "seq")}
    assert said_once - of_events - _IN_NO_VIEW == set(), "a member that reaches no view"


def test_due_date_leads_to_the_on_time_figures(traced: dict[str, dict[str, lineage.Source]]) -> None:
    early = traced["v_city_day"]["early"]
    assert {"status-changed.data.due_at", "status-changed.data.finished_at"} <= set(early.members)
    assert "status-changed.data.due_at" not in traced["v_city_day"]["received"].members
    assert traced["v_ward_day"]["ward_name"].members == ("reference",)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT seq + partition AS x FROM events", {"x": {"events.seq", "events.partition"}}),
        ("SELECT a AS x FROM (SELECT seq AS a, ward AS b FROM events)", {"x": {"events.seq"}}),
        ("SELECT count() AS n FROM (SELECT 1 FROM events WHERE seq > 3)", {"n": {"events.*"}}),
        ("SELECT countIf(seq > 3) AS n FROM events", {"n": {"events.seq"}}),
        ("SELECT ward NOT IN (SELECT ward FROM rejects) AS x FROM events", {"x": set()}),
        ("SELECT seq IN (3, 4) AS x FROM events", {"x": {"events.seq"}}),
        (
            "WITH argMax((channel, field), seq) AS w SELECT w.1 AS x, w.2 AS y FROM events",
            {"x": {"events.channel", "events.seq"}, "y": {"events.field", "events.seq"}},
        ),
        ("SELECT w.name AS x FROM events AS e JOIN wards AS w ON w.code = e.ward", {"x": {"wards.name"}}),
        (
            "SELECT ward AS x FROM events UNION ALL SELECT code FROM wards",
            {"x": {"events.ward", "wards.code"}},
        ),
        (
            "SELECT arraySum((s, c) -> s * c, status, count) AS x FROM book",
            {"x": {"book.status", "book.count"}},
        ),
        ("SELECT c AS x FROM book ARRAY JOIN count AS c", {"x": {"book.count"}}),
        ("WITH t AS (SELECT ward FROM book) SELECT ward FROM t WHERE ward != ''", {"ward": {"book.ward"}}),
        ("SELECT 1 AS one FROM events", {"one": set()}),
        (
            "SELECT ward, seq FROM events JOIN (SELECT ward FROM rejects) AS r USING (ward)",
            {"ward": {"events.ward"}, "seq": {"events.seq"}},
        ),
    ],
)
def test_sources_of_a_statement(store: Store, sql: str, expected: dict[str, set[str]]) -> None:
    assert taken(store, sql) == expected


def test_comment_is_split_into_its_two_languages() -> None:
    assert dictionary.spoken("vi: ngày | en: day") == ("ngày", "day")
    assert dictionary.spoken("vi: a | b | en: c | d") == ("a | b", "c | d")
    assert dictionary.spoken("another's") == ("another's", "another's")


def test_member_has_words_in_both_languages() -> None:
    assert dictionary.member_words("monitor") == origins.MAKERS["monitor"]
    assert dictionary.member_words("kafka.timestamp")[1] == "Kafka: timestamp"
    assert dictionary.member_words("*.time")[1] == "every event: time"
    assert dictionary.member_words("heartbeat.data.clock")[0] == "sự kiện heartbeat: data.clock"


def pointed(clickhouse: Endpoint, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONGBO_CLICKHOUSE_PORT", str(clickhouse.port))
    monkeypatch.setenv("DONGBO_CLICKHOUSE_DATABASE", store.address.database)


def test_describe_shows_columns_with_words_and_sources(
    clickhouse: Endpoint, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pointed(clickhouse, store, monkeypatch)
    assert describe("v_city_day", None, as_json=True) == 0
    early = next(one for one in json.loads(capsys.readouterr().out) if one["column"] == "early")
    assert early["type"] == "Int64"
    assert early["en"] == "resolved on a day before the due day"
    assert "status-changed.data.due_at" in early["source"]


def test_describe_lists_views_and_says_which_travel(
    clickhouse: Endpoint, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pointed(clickhouse, store, monkeypatch)
    assert describe(None, None, as_json=True) == 0
    listed = {one["name"]: one["as_of"] for one in json.loads(capsys.readouterr().out)}
    assert listed["v_city_day"] is True
    assert listed["v_loads"] is False
    assert listed["wards"] is False
    assert not any(name.endswith("_at") for name in listed)


def test_describe_of_an_unknown_view_names_near_ones(
    clickhouse: Endpoint, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointed(clickhouse, store, monkeypatch)
    with pytest.raises(Refused, match=r"unknown_view: .*did you mean v_city_day"):
        describe("v_city_days", None, as_json=False)


def test_describe_of_a_member_names_every_column_that_is_made_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert describe(None, "paid_online", as_json=True) == 0
    assert {"status-changed.data.paid_online"} == {
        one["member"] for one in json.loads(capsys.readouterr().out)
    }
    with pytest.raises(Refused, match="unknown_member"):
        describe(None, "no_such_member", as_json=True)


def test_lineage_file_is_read_as_it_was_written(traced: dict[str, dict[str, lineage.Source]]) -> None:
    assert lineage.read(SQL) == traced
