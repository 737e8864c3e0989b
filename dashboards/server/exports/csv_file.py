"""CSV as RFC 4180 has it, UTF-8 with a byte-order mark so that Excel reads Vietnamese rightly.

Values are raw: 66000, 0.973, 2025-07-21, 2025-07-21T14:32:05+07:00. Above the table stand lines that say what
it is; `info=no` leaves them out, for programs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import IO, Final

from dashboards.server.exports.cells import Cell, FileColumn, Row, harmless

BOM: Final = b"\xef\xbb\xbf"


def write(
    file: IO[bytes], info: Iterable[tuple[str, str]], columns: Sequence[FileColumn], rows: Iterable[Row]
) -> None:
    """The whole file, row after row: nothing but the row is held."""
    file.write(BOM)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    lines = csv.writer(text, lineterminator="\r\n")
    about = [[harmless(label), harmless(value)] for label, value in info]
    lines.writerows([*about, []] if about else [])
    lines.writerow([harmless(column.title) for column in columns])
    for row in rows:
        lines.writerow([_text(column.value(row)) for column in columns])
    text.flush()
    text.detach()


def _text(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
