"""One file: its rows from ClickHouse as of a cut, block by block, into a spool; blocking, for a thread.

The file is finished before its first byte is sent: what goes wrong is a clear answer, never half a file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, Any, Final, Literal, NamedTuple

from dashboards.server.exports import about, csv_file, xlsx_file
from dashboards.server.exports.cells import columns_of
from dashboards.server.problem import Problem
from dashboards.server.source import HANOI, Source, millis
from dashboards.server.tables.filters import Filters
from dashboards.server.tables.model import Table
from dashboards.server.tables.words import Lang
from dashboards.server.views.city import cuts
from dashboards.server.views.city.cuts import Cut
from producers.contract.errors import Stop, Unavailable
from producers.contract.vocabulary import Words

Ending = Literal["csv", "xlsx"]
ROWS_MAX: Final = 100_000
# Up to here a file is kept in memory, beyond it on disk.
_SPOOL_BYTES: Final = 2_000_000
_SHEETS: Final = Words("Thông tin|Số liệu", "About|Data")
CUT_BEFORE: Final = """
SELECT number FROM v_city_cut WHERE at <= fromUnixTimestamp64Milli({at:Int64}) ORDER BY number DESC LIMIT 1
"""
NEWEST_DAY: Final = "SELECT max(day) FROM v_ward_day WHERE day <= {today:Date32}"


class Order(NamedTuple):
    """What is wanted: `wards` are those that the viewer may see."""

    table: Table
    ending: Ending
    filters: Filters
    wards: frozenset[str]
    lang: Lang
    cut: int
    info: bool = True


class Made(NamedTuple):
    """A finished file, at its beginning."""

    name: str
    file: IO[bytes]
    length: int


def newest_cut(source: Source) -> int:
    """The number of the newest cut. Raises `Problem` if there is none yet."""
    found = cuts.newest(source)
    if found is None:
        raise Problem("no_cut_yet")
    return found.number


def cut_at(source: Source, instant: datetime) -> int:
    """The number of the newest cut not after an instant. Raises `Problem` if none has passed it yet."""
    before = source.rows(CUT_BEFORE, {"at": millis(instant)})
    newest = cuts.newest(source)
    if not before or newest is None or newest.at < instant:
        raise Problem("no_such_cut")
    return int(before[0]["number"])


def make(source: Source, order: Order) -> Made:
    """Write the file. Raises `Problem`, with a code for what a person can do."""
    try:
        return _make(source.at(order.cut), order)
    except (Unavailable, Stop) as error:
        raise Problem(_code_of(error)) from error


def _code_of(error: Unavailable | Stop) -> str:
    """What a person is told. The `_at` form of a view that is not there is an unknown function."""
    if "no_such_cut" in error.detail:
        return "no_such_cut"
    if "UNKNOWN_TABLE" in error.detail or "UNKNOWN_FUNCTION" in error.detail:
        return "not_available_yet"
    return "clickhouse_away" if isinstance(error, Unavailable) else "internal"


def _make(source: Source, order: Order) -> Made:
    cut = cuts.newest(source)
    if cut is None:
        raise Problem("no_such_cut")
    last = order.filters.day or _newest_day(source, cut)
    bound = order.filters.bound(order.wards, last) | {"at": millis(cut.at)}
    used = {name: value for name, value in bound.items() if f"{{{name}:" in order.table.sql}
    rows = limited(source.blocks(order.table.sql, used))
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115  closed by who sends it
    try:
        _write(file, order, cut, last, rows)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    return Made(_name(order), file, length)


def _write(file: Any, order: Order, cut: Cut, last: date, rows: Iterator[dict[str, Any]]) -> None:
    columns = columns_of(order.table, order.lang)
    info = about.about(order.table, order.filters, last, cut, order.lang) if order.info else []
    if order.ending == "csv":
        csv_file.write(file, info, columns, rows)
        return
    first, second = getattr(_SHEETS, order.lang).split("|")
    xlsx_file.write(file, info, columns, rows, titles=(first, second), made_at=cut.at)


def _newest_day(source: Source, cut: Cut) -> date:
    """The newest day with figures, not after the cut's own."""
    today = cut.at.astimezone(HANOI).date()
    rows = source.rows(NEWEST_DAY, {"today": today})
    found: date = next(iter(rows[0].values())) if rows else today
    return found if found.year > 2000 else today


def limited(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows; raises `Problem` beyond `ROWS_MAX` of them."""
    for count, row in enumerate(rows):
        if count == ROWS_MAX:
            raise Problem("too_many_rows")
        yield row


def _name(order: Order) -> str:
    """Plain ASCII, and the same for the same link."""
    filters = order.filters
    day = filters.day.isoformat() if filters.day else ""
    group = f"nhom-{filters.group}" if filters.group else ""
    parts = ["dongbo", order.table.name, filters.ward, day, group, str(order.cut), order.lang]
    return f"{'_'.join(filter(None, parts))}.{order.ending}"
