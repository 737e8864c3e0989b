"""Books against raw events, a year in seconds: first which books differ, then in which cells.

Each side of a book becomes two sums: of its steps, and of their minutes, each weighted with a hash of the
cell. Sums that agree mean cells that agree (but for one case in 2^64), so millions of events are read once
and nothing is kept of them but two numbers a book. Only books whose sums differ are compared cell by cell.

What was taken back is told by a hash in the first step, and exactly in the second. Seqs that were used twice
are asked for beforehand, first which they are: there are few or none, and all else about them is asked for
those only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from streams.warehouse import as_of
from streams.warehouse.store import Store

# More cells than this are not fetched: then something is wrong that a list would not explain.
DIFFERENCES_MAX: Final = 10_000
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2299, 12, 31)
_TRAVELLING: Final = frozenset({"r_events_final", "r_event_rows", "r_book", "r_losers"})
# Bound values travel in the request's address, which has its limits.
_LOSERS_MAX: Final = 2_000
_BOOKS_MAX: Final = 200
# A few days are found by their index and made unique by hand; more are cheaper by FINAL.
_DAYS_BY_INDEX_MAX: Final = 31

Books = list[tuple[str, date]]


class Difference(NamedTuple):
    """One cell of one book that does not agree."""

    ward: str
    day: date
    field: str
    channel: str
    status: int
    timeliness: str
    book_count: int
    raw_count: int
    book_minutes: int
    raw_minutes: int


class Scope(NamedTuple):
    """Which books: of these wards (none means all), of these days or else from the first to the last day."""

    wards: tuple[str, ...] = ()
    first: date = FIRST_DAY
    last: date = LAST_DAY
    days: tuple[date, ...] = ()


def compare(store: Store, scope: Scope, at: str | None = None, threads: int = 0) -> list[Difference]:
    """Cells that differ, now or `at` a cut (its number), by ward and day; at most `DIFFERENCES_MAX`.

    :raises Unavailable: ClickHouse is away
    """
    settings = {"max_threads": threads} if threads else {}
    ask = _Asking(store, scope, at, settings)
    found: list[Difference] = []
    books = ask.suspects()
    for start in range(0, len(books), _BOOKS_MAX):
        found += ask.cells(books[start : start + _BOOKS_MAX])
        if len(found) >= DIFFERENCES_MAX:
            break
    return found[:DIFFERENCES_MAX]


def still(before: Sequence[Difference], after: Sequence[Difference]) -> list[Difference]:
    """What two looks, a few seconds apart, have both seen in the same figures: not events on their way."""
    seen = set(before)
    return [one for one in after if one in seen]


class _Asking:
    """One comparison: its scope as SQL and as bound values."""

    def __init__(self, store: Store, scope: Scope, at: str | None, settings: Mapping[str, Any]) -> None:
        self._store, self._scope, self._at, self._settings = store, scope, at, settings
        self._known: dict[str, Any] = {
            "wards": list(scope.wards),
            "first": scope.first,
            "last": scope.last,
            "days": list(scope.days),
            **({} if at is None else as_of.bound(at)),
        }
        self._sealed = bool(self._query("SELECT 1 FROM r_sealed LIMIT 1"))
        self._losers = self._reused()
        if 0 < len(self._losers) <= _LOSERS_MAX:
            self._known["losers"] = self._losers

    def suspects(self) -> Books:
        """Books whose sums differ."""
        counted = self._counted(self._filter("book_day"), "cityHash64")
        sql = _SUSPECTS.format(counted=counted, books=self._filter("day"))
        return [(ward, day) for ward, day in self._query(sql)]

    def cells(self, books: Books) -> Iterator[Difference]:
        """Where these books differ."""
        wards, days = sorted({ward for ward, _ in books}), [day for _, day in books]
        self._known |= {"books": books, "wards": wards, "first": min(days), "last": max(days)}
        bounds = "ward IN {wards:Array(String)} AND (ward, %s) IN {books:Array(Tuple(String, Date32))}"
        sql = _CELLS.format(counted=self._counted(bounds % "book_day", "tuple"), books=bounds % "day")
        return (Difference(*row) for row in self._query(sql))

    def _reused(self) -> list[tuple[Any, ...]]:
        """Contents of seqs that were used before for others; they do not count."""
        reused = self._query(_REUSED.format(wards=self._wards()))
        if not reused:
            return []
        if len(reused) <= _LOSERS_MAX:
            self._known["reused"] = reused
            return self._query(_LATER)
        return self._query(_LOSERS.format(wards=self._wards()))

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        if self._at is not None:
            sql = as_of.rewrite(sql, _TRAVELLING)
        known = {name: value for name, value in self._known.items() if f"{{{name}:" in sql}
        return self._store.query(sql, known, self._settings).rows

    def _wards(self) -> str:
        return "ward IN {wards:Array(String)}" if self._scope.wards else "true"

    def _filter(self, day: str) -> str:
        """The scope; of sealed days the raw rows are gone, so their seals are compared instead (v_seals)."""
        bounds = self._in_scope(day)
        if not self._sealed:
            return bounds
        return f"{bounds} AND (ward, {day}) NOT IN ({_SEALED.format(bounds=self._in_scope('day'))})"

    def _in_scope(self, day: str) -> str:
        scope = self._scope
        if scope.days:
            return f"{self._wards()} AND {day} IN {{days:Array(Date32)}}"
        if (scope.first, scope.last) == (FIRST_DAY, LAST_DAY):
            return self._wards()
        return f"{self._wards()} AND {day} BETWEEN {{first:Date32}} AND {{last:Date32}}"

    def _counted(self, bounds: str, key: str) -> str:
        """`key` is `tuple`, or a hash: that costs a third, and at worst one book more is looked at."""
        scope = self._scope
        few = len(scope.days) or (scope.last - scope.first).days + 1
        rows = (_UNIQUE if few <= _DAYS_BY_INDEX_MAX else _FINAL).format(bounds=bounds)
        return _COUNTED.format(rows=rows, not_lost=self._not_lost(), key=key)

    def _not_lost(self) -> str:
        if not self._losers:
            return ""
        if "losers" in self._known:
            return f"AND {_IDENTITY} NOT IN {{losers:Array(Tuple(String, String, UInt64, UInt64))}}"
        return f"AND {_IDENTITY} NOT IN ({_LOSERS.format(wards=self._wards())})"


_IDENTITY: Final = "(ward, epoch, seq, content_hash)"
_REUSED: Final = f"""
SELECT toString(any(r.ward)), toString(any(r.epoch)), any(r.seq) FROM r_event_rows AS r
WHERE {{wards}} AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM r_full_blocks)
-- By a hash of what they are: half the time.
GROUP BY cityHash64(r.ward, r.epoch, r.seq)
HAVING min(content_hash) != max(content_hash)
LIMIT {_LOSERS_MAX + 1}
"""  # noqa: S608 - made of constants
# As `r_losers` has it, of the seqs that are known already.
_LATER: Final = """
SELECT ward, epoch, seq, arrayJoin(arrayFilter(hash -> hash != first_hash, hashes))
FROM
(
    SELECT toString(r.ward) AS ward, toString(r.epoch) AS epoch, seq,
        groupUniqArray(r.content_hash) AS hashes, argMax(r.content_hash, r.rank) AS first_hash
    FROM r_event_rows AS r
    WHERE (r.ward, r.epoch, r.seq) IN {reused:Array(Tuple(String, String, UInt64))}
    GROUP BY ward, epoch, seq
)
"""
_LOSERS: Final = "SELECT ward, epoch, seq, content_hash FROM r_losers WHERE {wards}"
_SEALED: Final = "SELECT ward, day FROM r_sealed WHERE {bounds}"
_COLUMNS: Final = (
    "ward, epoch, seq, content_hash, book_day, field, channel, status, timeliness, minutes, of_epoch, of_seq"
)
_FINAL: Final = f"SELECT {_COLUMNS} FROM r_events_final WHERE {{bounds}}"  # noqa: S608 - made of constants
_UNIQUE: Final = (
    f"SELECT {_COLUMNS} FROM r_event_rows WHERE {{bounds}}"  # noqa: S608 - made of constants
    " LIMIT 1 BY ward, epoch, seq, content_hash"
)
# Steps that count: first arrivals, less those that were taken back.
_COUNTED: Final = """
    SELECT ward, book_day AS day, field, channel, status, timeliness, minutes
    FROM ({rows})
    WHERE status > 0 AND of_seq = 0 {not_lost}
        AND {key}(ward, book_day, epoch, seq) NOT IN
            (SELECT {key}(ward, book_day, of_epoch, of_seq) FROM ({rows}) WHERE of_seq > 0 {not_lost})
"""
_BOOK_SUM: Final = """arraySum(arrayMap((f, c, s, t, n) -> toUInt64(-n) * cityHash64(f, c, s, t),
            field, channel, status, timeliness, {of}))"""
_SUSPECTS: Final = f"""
SELECT toString(ward) AS ward, day
FROM
(
    SELECT ward, day, sum(cityHash64(field, channel, status, timeliness) AS cell) AS steps,
        sum(minutes * cell) AS times
    FROM ({{counted}})
    GROUP BY ward, day
    UNION ALL
    SELECT ward, day, {_BOOK_SUM.format(of="count")} AS steps, {_BOOK_SUM.format(of="minutes")} AS times
    FROM r_book
    WHERE {{books}}
)
GROUP BY ward, day
HAVING sum(steps) != 0 OR sum(times) != 0
ORDER BY ward, day
"""  # noqa: S608 - made of constants
_CELLS: Final = f"""
SELECT ward, day, field, channel, status, timeliness, sum(in_book) AS book_count, sum(in_raw) AS raw_count,
    sum(book_time) AS book_minutes, sum(raw_time) AS raw_minutes
FROM
(
    SELECT toString(ward) AS ward, day, cell.1 AS field, cell.2 AS channel, cell.3 AS status,
        cell.4 AS timeliness, cell.5 AS in_book, toInt64(0) AS in_raw,
        cell.6 AS book_time, toInt64(0) AS raw_time
    FROM
    (
        SELECT ward, day, arrayJoin(arrayZip(field, channel, status, timeliness, count, minutes)) AS cell
        FROM r_book
        WHERE {{books}}
    )
    UNION ALL
    SELECT toString(ward), day, toString(field), toString(channel), status, toString(timeliness),
        toInt64(0), toInt64(1), toInt64(0), toInt64(minutes)
    FROM ({{counted}})
)
GROUP BY ward, day, field, channel, status, timeliness
HAVING book_count != raw_count OR book_minutes != raw_minutes
ORDER BY ward, day, field, channel, status, timeliness
LIMIT {DIFFERENCES_MAX}
"""  # noqa: S608 - made of constants
