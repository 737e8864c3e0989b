"""Goal: a benchmark says of a query what was measured, and reads no more out of two sizes of a sample.

Method: timings made up by hand; a line through two points is known beforehand.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.bench.asked import LIVE, QUESTION, TABLE, Asked
from tests.bench.merges import TABLES, broken
from tests.bench.questions import scales, target
from tests.bench.timing import Measured, at_full_size, percentile

DAY = {f"parts_{table}": 9 for table in TABLES} | {"city_ms": 20.0, "backlog_ms": 90.0}


def seen(read: int, p50: float, p95: float = 0, error: str = "") -> Measured:
    """A query that was measured."""
    return Measured(QUESTION, "q", 1_000, p50_ms=p50, p95_ms=p95 or p50, read_rows=read, rows=1, error=error)


@pytest.mark.parametrize(("runs", "place"), [(1, 1), (7, 7), (19, 19), (20, 19), (30, 29), (100, 95)])
def test_percentile_is_the_smallest_value_that_enough_are_not_above(runs: int, place: int) -> None:
    assert percentile([float(number) for number in range(runs, 0, -1)], 0.95) == place


def test_what_the_live_page_asks_has_50_ms_in_the_city_and_in_the_country() -> None:
    known = scales(date(2026, 6, 30))
    asked = {kind: Asked(kind, "q", "SELECT 1", {}) for kind in (LIVE, TABLE, QUESTION)}
    assert [target(asked[kind], known["city"]) for kind in asked] == [50, 1_000, 1_000]
    assert [target(asked[kind], known["country"]) for kind in asked] == [50, 5_000, 5_000]


def test_a_query_that_reads_the_sample_is_judged_at_full_size() -> None:
    found = at_full_size(seen(1_500, 25), seen(3_000, 40, 60), 0.025, 0.1)
    # 1,500 rows and 15 ms for each 0.075; 0.9 are missing.
    assert (found.full_read_rows, found.full_p95_ms) == (21_000, 60 * 220 / 40)
    assert found.judged_ms == 330
    assert found.met


def test_a_query_that_reads_no_row_of_the_sample_is_judged_as_measured() -> None:
    whole = seen(3_000, 40, 1_001)
    assert at_full_size(seen(3_000, 10), whole, 0.025, 0.1) is whole
    assert not whole.met
    assert at_full_size(seen(1_500, 25), whole, 0.25, 1) is whole, "nothing was left out"


def test_the_noise_of_two_timings_makes_a_row_neither_free_of_charge_nor_dearer_than_all() -> None:
    slower = at_full_size(seen(2_900, 1), seen(3_000, 40), 0.025, 0.1)
    assert (slower.full_read_rows, slower.full_p95_ms) == (4_200, 40 * 4_200 / 3_000)
    faster = at_full_size(seen(1_000, 50), seen(3_000, 40), 0.025, 0.1)
    assert (faster.full_read_rows, faster.full_p95_ms) == (27_000, 40)


def test_failed_queries_come_first() -> None:
    rows = [seen(1, 10), seen(1, 900), seen(0, 0, error="Memory limit")]
    assert [one.p50_ms for one in sorted(rows, key=lambda one: one.urgency, reverse=True)] == [0, 900, 10]
    assert not rows[2].met


def test_a_month_of_merges_breaks_its_bounds_by_parts_milliseconds_and_growth() -> None:
    assert broken([DAY | {"day": number} for number in range(9)]) == []
    assert "parts_events" in broken([DAY | {"day": 1, "parts_events": 101}])[0]
    assert "backlog_ms" in broken([DAY | {"day": 1, "backlog_ms": 1_000.1}])[0]
    growing = [DAY | {"day": number, "parts_book": 10 + 3 * number} for number in range(9)]
    assert "grows" in broken(growing)[0]
