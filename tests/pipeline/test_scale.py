"""Goal: on data as the benchmarks make it, all that is asked is answered, and fast ways agree with slow ones.

Method: the benchmark's generator, small: 200 communes, some weeks. Every saved question, table and page query
runs once; totals, backlog and a cut are compared with what the arrays of the books and all steps add up to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ops.stack.clickhouse import Endpoint
from streams.warehouse import as_of
from streams.warehouse.store import Store
from tests.bench import looks, merges
from tests.bench.asked import everything
from tests.bench.country import FEW, Scale, add_the_rest, generate, generate_few, work_day
from tests.pipeline.warehouse import SQL, database

SCALE = Scale(end=date(2026, 6, 30), wards=200, days=40, recent_days=2, sample=50, cut_days=1, judged_cuts=20)
NAMES = as_of.travelling(SQL)
NARROW = "day, received, resolved, returned, online, early, on_time, overdue, minutes, events"
# The definition: cells in the arrays of books, the newest revision of each.
CELLS = """
SELECT
    day, sumIf(n, s = 2) AS received, sumIf(n, s = 9) AS resolved, sumIf(n, s = 10) AS returned,
    sumIf(n, s = 2 AND c = 'online') AS online, sumIf(n, s = 9 AND t = 'early') AS early,
    sumIf(n, s = 9 AND t = 'on_time') AS on_time, sumIf(n, s = 9 AND t = 'overdue') AS overdue,
    sumIf(m, s = 9) AS minutes, sum(if(first, events, 0)) AS events
FROM
(
    SELECT day, events,
        arrayJoin(arrayZip(status, channel, timeliness, count, minutes, arrayEnumerate(count))) AS cell,
        cell.1 AS s, cell.2 AS c, cell.3 AS t, cell.4 AS n, cell.5 AS m, cell.6 = 1 AS first
    FROM {books}
)
GROUP BY day ORDER BY day
"""
# As of a cut: the newest revision of each book that had arrived.
HISTORY = """
(
    SELECT * FROM (SELECT * FROM book_history UNION ALL SELECT * FROM book)
    WHERE arrived_at <= (SELECT max(at) FROM city_cut) ORDER BY version DESC LIMIT 1 BY day, ward
)"""
BACKLOG = "SELECT ward, field, backlog, waiting FROM v_backlog ORDER BY ALL"
ALL_STEPS = """
SELECT ward, field, countIf(accepted) AS backlog, countIf(NOT accepted) AS waiting
FROM v_dossiers WHERE open GROUP BY ward, field ORDER BY ALL
"""


@pytest.fixture(scope="module")
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        generate(store, SCALE)
        yield store


def test_every_question_table_and_page_query_is_answered(store: Store) -> None:
    failed = {}
    asked = everything(SCALE)
    assert len(asked) > 60
    for one in asked:
        try:
            store.query(one.sql, one.values)
        except Exception as error:
            failed[one.name] = str(error)[:300]
    assert failed == {}


def test_narrow_totals_are_those_of_the_cells(store: Store) -> None:
    narrow = store.query(f"SELECT {NARROW} FROM v_city_day ORDER BY day").rows
    assert narrow == store.query(CELLS.format(books="book FINAL")).rows
    assert len(narrow) == SCALE.days


def test_narrow_totals_at_a_cut_are_those_of_the_books_then(store: Store) -> None:
    asked = as_of.rewrite(f"SELECT {NARROW} FROM v_city_day ORDER BY day", NAMES)
    narrow = store.query(asked, as_of.bound(str(SCALE.cut))).rows
    assert narrow == store.query(CELLS.format(books=HISTORY)).rows
    revisions = "SELECT sum(revision) FROM v_ward_day"
    then = store.value(as_of.rewrite(revisions, NAMES), as_of.bound(str(SCALE.cut)))
    assert store.value(revisions) - then == SCALE.wards, "no book has changed since the cut: nothing is shown"


def test_the_sample_is_whole_blocks_of_seqs_and_made_in_two_parts(clickhouse: Endpoint) -> None:
    whole = "SELECT count(), uniqExact(ward, dossier), sum(cityHash64(ward, seq)) FROM events"
    old = f"occurred_at < '{SCALE.end - timedelta(days=30)} 00:00:00'"
    with database(clickhouse) as parts:
        generate_few(parts, SCALE)
        few = parts.value(f"SELECT uniqExact(ward, dossier) FROM events WHERE {old}")
        add_the_rest(parts, SCALE)
        both = parts.query(whole).rows
        blocks = (
            f"SELECT uniqExact(seq) FROM events WHERE status = 2 AND {old} GROUP BY ward, intDiv(seq, 128)"
        )
        thin = [count for (count,) in parts.query(blocks).rows if count != 16]
        twice = parts.value("SELECT count() FROM r_full_blocks")
        # A run may begin on one side of that day and end on the other.
        assert len(thin) <= 2 * SCALE.wards // SCALE.sample
        many = parts.value(f"SELECT uniqExact(ward, dossier) FROM events WHERE {old}")
    assert twice == 0, "the sample and the newest days overlap"
    assert both[0][1] > SCALE.dossiers_old > 0
    assert few * FEW == pytest.approx(many, rel=0.35)


def test_a_simulated_month_of_two_days_keeps_its_bounds(clickhouse: Endpoint) -> None:
    scale = replace(SCALE, wards=126, end=SCALE.end - timedelta(days=2))
    with database(clickhouse) as store:
        generate(store, scale)
        found = merges.month(store, scale, days=2, inserts=3)
        newest = store.value("SELECT max(day) FROM book")
    assert ([day["day"] for day in found], newest) == ([1, 2], SCALE.end)
    # How long reading took says something on a quiet machine only.
    assert [line for line in merges.broken(found) if "_ms is" not in line] == []
    assert all(day["parts_book"] > 0 and day["city_ms"] > 0 for day in found)


def test_kept_data_is_used_only_if_it_is_whole_and_of_the_same_scale(tmp_path: Path) -> None:
    made = replace(SCALE, end=date(2026, 6, 29))
    assert looks.kept(tmp_path, SCALE) == SCALE
    few = tmp_path / looks.FEW_FOLDER
    (few / "clickhouse").mkdir(parents=True)
    with pytest.raises(looks.Unusable, match="not finished"):
        looks.kept(tmp_path, SCALE)
    looks.mark(few, looks.Made(made, whole=False, seconds=1))
    assert looks.kept(tmp_path, SCALE) == made, "the day it was made for, not today's"
    with pytest.raises(looks.Unusable, match="another scale"):
        looks.kept(tmp_path, replace(SCALE, sample=10))


def test_the_backlog_of_the_open_dossiers_is_that_of_all(store: Store) -> None:
    backlog = store.query(BACKLOG).rows
    assert backlog == store.query(ALL_STEPS).rows
    work_day(store, SCALE, 0, 4)  # steps that are there already
    assert store.query(BACKLOG).rows == backlog != []


def test_each_event_is_there_once_however_often_it_came(store: Store) -> None:
    work_day(store, SCALE, 1, 4)  # steps that are there already
    assert store.value("SELECT count() FROM r_full_blocks") > 0
    row = "cityHash64(ward, epoch, seq, content_hash, arrived_at)"
    said = f"SELECT count(), sum({row}) FROM {{source}} WHERE {{when}}"
    newest = f"toDate32(arrived_at) = '{SCALE.end}'"
    for when in ("1", newest, f"NOT {newest}"):
        once = store.query(said.format(source="events FINAL", when=when)).rows
        assert store.query(said.format(source="r_events", when=when)).rows == once
        past = said.format(source=f"r_events_at(as_of = '{SCALE.cut - 3_000}')", when=when)
        then = f"{when} AND arrived_at <= (SELECT max(at) FROM city_cut WHERE number = {SCALE.cut - 3_000})"
        assert store.query(past).rows == store.query(said.format(source="events FINAL", when=then)).rows
