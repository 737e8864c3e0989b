"""Double entry without a hand: books against raw events as of the newest cut, where both sides are exact.

Every half minute the days that have changed since the last look, and those that differed then; every hour all
of them, some wards at a time and with one thread, so that the engine is never held for more than a moment.
What is found stands in `double_entry` from the first time it was seen until it agrees again.

Known limit: where no cuts are published there is nothing to compare; `dongbo reconcile` compares without.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from producers.contract.wards import WARDS
from streams.domain.days import HANOI
from streams.monitor.jobs import Context, Facts
from streams.warehouse.comparison import Difference, Scope, compare
from streams.warehouse.store import Store

EVERY_S: Final = 30.0
FULL_EVERY_S: Final = 3_600.0
SLICE_WARDS: Final = 16
# More days than this have changed when history is loaded: then all of them are looked at, slice by slice.
DAYS_MAX: Final = 31
_THREADS: Final = 1
_COLUMNS: Final = (
    ("kind", "LowCardinality(String)"),
    ("ward", "LowCardinality(String)"),
    ("day", "Date32"),
    ("since", "DateTime64(3)"),
    ("checked_at", "DateTime64(3)"),
    ("cut", "UInt64"),
    ("cells", "UInt64"),
    ("book_steps", "Int64"),
    ("raw_steps", "Int64"),
    ("checked", "UInt64"),
    ("took_ms", "UInt64"),
)


class Cut(NamedTuple):
    """The cut for which both sides are compared."""

    number: int
    at_ms: int


class Finding(NamedTuple):
    """How far one book differs."""

    cells: int
    book_steps: int
    raw_steps: int


_AGREES: Final = Finding(0, 0, 0)
_Book = tuple[str, date]


class DoubleEntry:
    """The job and what it remembers between its runs; a new one begins with everything."""

    def __init__(self, every_s: float = FULL_EVERY_S) -> None:
        self._full_every_s = every_s
        self._full_due_s = 0.0
        self._until_ms = 0
        self._slices: list[tuple[str, ...]] = []

    def run(self, context: Context) -> Facts:
        """One look.

        :raises Unavailable: ClickHouse is away
        """
        store = context.store
        cut = newest_cut(store)
        if cut is None:
            return {"cut": None, "open": 0}
        days = self._changed(store, cut)
        if days:
            _look(store, cut, "changed", Scope(days=days))
        self._until_ms = cut.at_ms
        self._full(store, cut)
        return {"cut": cut.number, "days": len(days), "slices": len(self._slices), "open": len(opened(store))}

    def _changed(self, store: Store, cut: Cut) -> tuple[date, ...]:
        asked = {"from": self._until_ms, "at": cut.at_ms}
        days = {day for (day,) in store.query(_CHANGED, asked).rows} | {day for _, day in opened(store)}
        if len(days) > DAYS_MAX:
            self._full_due_s = 0.0
        return tuple(sorted(days)[-DAYS_MAX:])

    def _full(self, store: Store, cut: Cut) -> None:
        now_s = time.monotonic()
        if not self._slices and now_s >= self._full_due_s:
            self._full_due_s, wards = now_s + self._full_every_s, sorted(WARDS)
            self._slices = [
                tuple(wards[start : start + SLICE_WARDS]) for start in range(0, len(wards), SLICE_WARDS)
            ]
        if self._slices:
            _look(store, cut, "full", Scope(self._slices[0]))
            self._slices.pop(0)


def newest_cut(store: Store) -> Cut | None:
    """The newest published cut, None if there is none."""
    rows = store.query(
        "SELECT number, toUnixTimestamp64Milli(at) FROM city_cut ORDER BY number DESC LIMIT 1"
    ).rows
    return Cut(*map(int, rows[0])) if rows else None


def opened(store: Store) -> dict[_Book, int]:
    """Books that differ by the last look, each with the time in ms since which it does."""
    return {(ward, day): int(since_ms) for ward, day, since_ms in store.query(_OPEN).rows}


def look(store: Store, scope: Scope) -> list[Difference]:
    """Compare some books as of the newest cut and note what is found; without a cut nothing is known."""
    cut = newest_cut(store)
    return [] if cut is None else _look(store, cut, "changed", scope)


def _look(store: Store, cut: Cut, kind: str, scope: Scope) -> list[Difference]:
    began_s, now_ms = time.perf_counter(), time.time_ns() // 1_000_000
    differences = compare(store, scope, str(cut.number), _THREADS)
    found = _by_book(differences)
    known = {book: since for book, since in opened(store).items() if _covers(scope, *book)}
    rows = [
        _finding_row(book, known.get(book, now_ms), now_ms, cut, found.get(book, _AGREES))
        for book in {**known, **found}
    ]
    took_ms = round((time.perf_counter() - began_s) * 1000)
    _insert(store, [*rows, _run_row(kind, now_ms, cut, differences, _checked(store, scope), took_ms)])
    return differences


def _by_book(differences: Iterable[Difference]) -> dict[_Book, Finding]:
    found: dict[_Book, Finding] = {}
    for one in differences:
        cells, book, raw = found.get((one.ward, one.day), _AGREES)
        found[one.ward, one.day] = Finding(cells + 1, book + one.book_count, raw + one.raw_count)
    return found


def _covers(scope: Scope, ward: str, day: date) -> bool:
    in_days = day in scope.days if scope.days else scope.first <= day <= scope.last
    return in_days and (not scope.wards or ward in scope.wards)


def _checked(store: Store, scope: Scope) -> int:
    asked: Mapping[str, Any] = {"wards": list(scope.wards), "days": list(scope.days)}
    return int(store.value(_BOOKS, asked) or 0)


def _finding_row(book: _Book, since_ms: int, now_ms: int, cut: Cut, found: Finding) -> Sequence[Any]:
    ward, day = book
    return ("finding", ward, day, since_ms, now_ms, cut.number, *found, 0, 0)


def _run_row(
    kind: str, now_ms: int, cut: Cut, found: Sequence[Difference], checked: int, took_ms: int
) -> Sequence[Any]:
    today = datetime.fromtimestamp(now_ms / 1000, HANOI).date()
    since_ms = int(datetime(today.year, today.month, today.day, tzinfo=HANOI).timestamp() * 1000)
    steps = sum(one.book_count for one in found), sum(one.raw_count for one in found)
    return (kind, "", today, since_ms, now_ms, cut.number, len(found), *steps, checked, took_ms)


def _insert(store: Store, rows: Sequence[Sequence[Any]]) -> None:
    names, types = zip(*_COLUMNS, strict=True)
    store.insert("double_entry", names, types, list(zip(*rows, strict=True)))


_MS: Final = "fromUnixTimestamp64Milli({%s:Int64}, 'Asia/Ho_Chi_Minh')"
_CHANGED: Final = f"""
SELECT DISTINCT day
FROM
(
    SELECT day FROM book WHERE arrived_at > {_MS % "from"}
    UNION ALL
    SELECT book_day AS day FROM events
    WHERE arrived_at > {_MS % "from"} AND arrived_at <= {_MS % "at"} AND status > 0
)
"""  # noqa: S608 - made of constants
_OPEN: Final = """
SELECT ward, day, toUnixTimestamp64Milli(since) FROM double_entry FINAL WHERE kind = 'finding' AND cells > 0
"""
_BOOKS: Final = """
SELECT uniqExact(day, ward) FROM book
WHERE (empty({wards:Array(String)}) OR ward IN {wards:Array(String)})
    AND (empty({days:Array(Date32)}) OR day IN {days:Array(Date32)})
"""
