"""Takes the data along: Parquet files as of one cut, and back into a database, checked on both ways.

Which tables: all that hold rows of their own and may be written twice (ReplacingMergeTree), so an import is
harmless to repeat. Left out: reference data and the record of migrations (`migrate` makes them), aggregated
states (made anew from what is imported), measurements that live for days, and what may hold personal data.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from producers.contract.errors import Refused
from streams.warehouse import reference
from streams.warehouse.parcel import (
    FORMAT,
    MANIFEST,
    PART,
    File,
    Manifest,
    Request,
    path_of,
    read,
    sha256_of,
    write,
)
from streams.warehouse.removal_sql import FINGERPRINT
from streams.warehouse.store import Store

WHATS: Final = ("events", "books", "dossiers", "views", "all")
_GROUPS: Final = {
    "events": {"events", "late_events", "seals", "removals"},
    "books": {"book", "book_history", "day_totals", "late_books", "city_cut"},
    "dossiers": {"dossiers", "difficulties"},
}
# What lies in files of a month: by which instant or day.
_MONTHS: Final = {
    "events": "occurred_at",
    "dossiers": "occurred_at",
    "difficulties": "occurred_at",
    "late_events": "book_day",
    "book": "day",
    "book_history": "day",
    "day_totals": "day",
    "late_books": "day",
    "seals": "day",
    "ward_states": "at",
    "city_cut": "at",
}
# As of the cut, where a table has that form; the others change at every moment and are taken as they are.
_AT: Final = {
    "events": "r_events_at",
    "book": "r_book_at",
    "book_history": "r_book_history_at",
    "late_books": "r_late_books_at",
}
# Which days are asked for is settled by this column; a cut is one of all days.
_DAYS: Final = {"events": "book_day", "late_events": "book_day", "city_cut": ""}
# Not taken along: original bytes of rejected messages, and who ran a command where.
_PERSONAL: Final = {("rejects", "key"), ("rejects", "value"), ("rebuilds", "actor")}
_OTHERS: Final = {"migrations", "ward_sync_recent"}


class Table(NamedTuple):
    """One source: a table, or a view that is taken along to be read and never imported."""

    name: str
    columns: tuple[str, ...]
    restores: bool
    month: str = ""
    day: str = ""
    at: bool = False


def export(store: Store, folder: Path, wish: Request, views_at: frozenset[str]) -> Manifest:
    """Write what is asked for; an export that was cut short goes on where it was.

    :raises Refused: `export_there`: the folder holds another export
    :raises Unavailable: ClickHouse is away; run again
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = _begun(folder, Manifest(FORMAT, schema(store), wish, []))
    done = {file.path for file in manifest.files}
    for table in tables(store, manifest.request, views_at):
        for month in _months(store, table, manifest.request):
            if path_of(table.name, month) not in done:
                manifest.files.append(_file(store, folder, table, month, manifest.request))
                write(folder, manifest, PART)
    write(folder, manifest, MANIFEST)
    (folder / PART).unlink(missing_ok=True)
    return manifest


def schema(store: Store) -> list[str]:
    """The migrations of a database."""
    rows = store.query(
        "SELECT DISTINCT name FROM migrations WHERE match(name, '^[0-9]{4}_') ORDER BY name"
    ).rows
    return [name for (name,) in rows]


def _begun(folder: Path, new: Manifest) -> Manifest:
    """What is there of the same export; its files are looked at again."""
    if not any(folder.iterdir()):
        return new
    if not (folder / PART).is_file():
        raise Refused(
            "export_there",
            f"{folder} không trống: chọn thư mục khác, hoặc dongbo export --check {folder}",
            f"{folder} is not empty: choose another folder, or dongbo export --check {folder}",
        )
    old = read(folder, PART)
    # The cut of the beginning stays, or the files would not belong together.
    if (old.schema, _wish(old.request)) != (new.schema, _wish(new.request)):
        raise Refused(
            "export_other",
            f"{folder} có bản xuất dở dang với yêu cầu khác",
            f"{folder} holds an unfinished export of something else",
        )
    old.files = [one for one in old.files if _sound(folder / one.path, one)]
    return old


def _wish(request: Request) -> tuple[str, ...]:
    return (request.what, request.ward, request.first, request.last)


def _sound(path: Path, file: File) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256


def tables(store: Store, wish: Request, views_at: frozenset[str]) -> Iterator[Table]:
    """What a request means in this database."""
    made = {table.name for table in reference.tables(None)} | _OTHERS
    groups = _GROUPS.get(wish.what, set())
    for name, engine, columns in store.query(_TABLES).rows:
        if engine == "View":
            if wish.what in ("views", "all"):
                yield Table(
                    name, tuple(columns), False, day="day" if "day" in columns else "", at=name in views_at
                )
        elif name not in made and (wish.what == "all" or name in groups):
            yield _table(name, tuple(one for one in columns if (name, one) not in _PERSONAL))


def _table(name: str, columns: tuple[str, ...]) -> Table:
    day = _DAYS.get(name, "day" if "day" in columns and name in _MONTHS else "")
    return Table(name, columns, True, _MONTHS.get(name, ""), day, name in _AT)


def select(table: Table, month: int, wish: Request) -> str:
    """The rows of one file; names are our own, values are bound."""
    listed = ", ".join(f"`{column}`" for column in table.columns)
    where = ["1"]
    if table.month:
        where.append("toYYYYMM(`" + table.month + "`) = {month:UInt32}" if month else "1")
    if wish.ward and "ward" in table.columns:
        where.append("`ward` = {ward:String}")
    if table.day:
        where.append(f"`{table.day}` BETWEEN {{first:Date32}} AND {{last:Date32}}")
    return f"SELECT {listed} FROM {_source(table, wish)} WHERE {' AND '.join(where)}"  # noqa: S608


def bound(sql: str, month: int, wish: Request) -> dict[str, Any]:
    """What such a statement is asked with."""
    known = {
        "month": month,
        "ward": wish.ward,
        "first": wish.first,
        "last": wish.last,
        "as_of": str(wish.cut),
    }
    return {name: value for name, value in known.items() if f"{{{name}:" in sql}


def _source(table: Table, wish: Request) -> str:
    if table.at and wish.cut:
        return f"{_AT.get(table.name, f'{table.name}_at')}(as_of = {{as_of:String}})"
    return f"`{table.name}` FINAL" if table.restores else f"`{table.name}`"


def figures(store: Store, table: Table, month: int, wish: Request) -> tuple[int, str]:
    """Rows and fingerprint of what a file holds, as the database has it now."""
    sql = select(table, month, wish)
    if table.name == "events":
        sql = sql.replace("SELECT ", "SELECT content_hash, ", 1)
        value = FINGERPRINT
    else:
        value = _FINGERPRINT.format(columns=", ".join(f"`{column}`" for column in table.columns))
    asked = f"SELECT count(), {value} FROM ({sql})"  # noqa: S608
    count, found = store.query(asked, bound(asked, month, wish)).rows[0]
    return int(count), str(found)


def _months(store: Store, table: Table, wish: Request) -> list[int]:
    if not table.month:
        return [0]
    sql = select(table._replace(columns=(table.month,) + ("ward",) * ("ward" in table.columns)), 0, wish)
    asked = f"SELECT DISTINCT toYYYYMM(`{table.month}`) AS month FROM ({sql}) ORDER BY month"  # noqa: S608
    return [int(month) for (month,) in store.query(asked, bound(asked, 0, wish)).rows]


def _file(store: Store, folder: Path, table: Table, month: int, wish: Request) -> File:
    path = folder / path_of(table.name, month)
    path.parent.mkdir(exist_ok=True)
    sql = f"{select(table, month, wish)} SETTINGS {_ZSTD}"
    part = path.with_name(f".{path.name}.tmp")
    with part.open("wb") as out:
        for piece in store.pieces(sql, "Parquet", bound(sql, month, wish)):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    rows, fingerprint = figures(store, table, month, wish)
    part.replace(path)
    return File(
        path_of(table.name, month),
        table.name,
        month,
        list(table.columns),
        rows,
        path.stat().st_size,
        sha256_of(path),
        fingerprint,
        table.restores,
    )


_ZSTD: Final = "output_format_parquet_compression_method = 'zstd'"
_FINGERPRINT: Final = (
    "lower(leftPad(hex(sum(reinterpretAsUInt128(sipHash128(toString(tuple({columns})))))), 32, '0'))"
)
_TABLES: Final = """
SELECT t.name, t.engine, c.columns
FROM system.tables AS t
INNER JOIN
(
    SELECT
        table, groupArrayIf(name, default_kind IN ('', 'DEFAULT')) AS columns,
        countIf(startsWith(type, 'AggregateFunction')) AS states
    FROM (SELECT * FROM system.columns WHERE database = currentDatabase() ORDER BY table, position)
    GROUP BY table
) AS c ON c.table = t.name
WHERE t.database = currentDatabase()
    AND (t.engine LIKE '%ReplacingMergeTree' AND c.states = 0
        OR t.engine = 'View' AND startsWith(t.name, 'v_') AND NOT endsWith(t.name, '_at'))
ORDER BY t.name
"""
