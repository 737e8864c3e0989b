"""A file as rows of mapped cells, streamed: only the columns of the mapping leave this module."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from producers.sheets.faults import fault
from producers.sheets.mapping import Mapping, fold
from producers.sheets.xlsx import plain, xlsx_rows

SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
ROWS_MAX: Final = 1_048_576
_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = (";", ",", "\t", "|")
_HEAD_BYTES: Final = 65_536
_LINE_BYTES_MAX: Final = 1_000_000


class Cells(NamedTuple):
    """One row: its line in the file, and its mapped cells by member."""

    line: int
    cells: dict[str, Any]


def open_table(path: Path, mapping: Mapping) -> Iterator[Cells]:
    """The rows below the header, rows without any mapped cell left out.

    :raises Refused: the file cannot be read as what it says it is, or a mapped column is not there
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise fault("suffix")
    if suffix == ".xlsx":
        return _mapped(xlsx_rows(path, mapping), mapping, plain)
    return _mapped(_csv_rows(path, mapping), mapping, lambda cell: cell)


def _mapped(
    rows: Iterator[tuple[int, Sequence[Any]]], mapping: Mapping, value_of: Callable[[Any], Any]
) -> Iterator[Cells]:
    places: dict[str, int] | None = None
    for line, row in rows:
        if places is None:
            if line >= mapping.header_row:
                places = _places([value_of(cell) for cell in row], mapping, line)
            continue
        if line - mapping.header_row > ROWS_MAX:
            raise fault("too_many_rows", ROWS_MAX)
        width = len(row)
        cells = {member: value_of(row[at]) for member, at in places.items() if at < width}
        if any(value is not None and value != "" for value in cells.values()):
            yield Cells(line, cells)
    if places is None:
        raise fault("no_header", mapping.header_row)


def _places(header: Sequence[Any], mapping: Mapping, line: int) -> dict[str, int]:
    names = [fold(str(cell)) if cell is not None else "" for cell in header]
    if not any(names):
        raise fault("no_header", line)
    wanted = {member: fold(name) for member, name in mapping.columns.items()}
    missing = [mapping.columns[member] for member, name in wanted.items() if name not in names]
    if missing:
        raise fault("missing_column", ", ".join(missing))
    double = [mapping.columns[member] for member, name in wanted.items() if names.count(name) > 1]
    if double:
        raise fault("double_column", ", ".join(double))
    return {member: names.index(name) for member, name in wanted.items()}


def _csv_rows(path: Path, mapping: Mapping) -> Iterator[tuple[int, Sequence[str]]]:
    with path.open("rb") as raw:
        head = raw.read(_HEAD_BYTES)
    if head.startswith(_BOMS) or b"\0" in head:
        raise fault("encoding", 1)
    delimiter = mapping.delimiter or _delimiter(head, mapping)
    with path.open("rb") as file:
        reader = csv.reader(_lines(file), delimiter=delimiter, strict=True)
        while True:
            begins = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error:
                raise fault("bad_csv", begins) from None
            if row is None:
                return
            yield begins, row


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines with a bound on each: a file without line ends must not come into memory as one."""
    number = 0
    while line := file.readline(_LINE_BYTES_MAX):
        number += 1
        if len(line) >= _LINE_BYTES_MAX:
            raise csv.Error("line too long")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise fault("encoding", number) from None


def _delimiter(head: bytes, mapping: Mapping) -> str:
    """The one under which most of the mapped names stand in the header."""
    lines = head.decode("utf-8-sig", "replace").splitlines()
    header = lines[mapping.header_row - 1] if len(lines) >= mapping.header_row else ""
    wanted = {fold(name) for name in mapping.columns.values()}

    def found(delimiter: str) -> int:
        return len(wanted & {fold(name.strip('"')) for name in header.split(delimiter)})

    return max(_DELIMITERS, key=found)
