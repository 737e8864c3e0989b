"""How the command line speaks: data on stdout, notes on stderr, no colour where nobody sees it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

# rich leaves colour away when the stream is no terminal or NO_COLOR is set.
# A pipe has no width; 80 columns would break every line of a table.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """A line for the person, on stderr."""
    err.print(text, markup=False)


def emit_json(value: object) -> None:
    """One JSON value on stdout and nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def json_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a JSON array of objects."""
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps(found, ensure_ascii=False, default=_plain)


def emit_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, as_json: bool) -> None:
    """Rows as a table, or as a JSON array of objects."""
    if as_json:
        sys.stdout.write(json_rows(columns, rows) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    found = list(rows)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) for row in found) and bool(found)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in found:
        table.add_row(*(_shown(value) for value in row))
    out.print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
