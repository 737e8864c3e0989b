"""XLSX as rows, from a file that may mean harm: bounded before openpyxl sees it, formulas never evaluated.

openpyxl streams rows, but holds shared strings and styles, and whatever one XML element contains. So the
parts are measured and looked through first: sizes and ratio (a zip bomb), no document type (entities), no
element or row without end. Python's zipfile gives no more bytes than a part's header declares.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from producers.sheets.faults import fault
from producers.sheets.mapping import Mapping

FILE_BYTES_MAX: Final = 512 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 1024 * 1024 * 1024
STRINGS_BYTES_MAX: Final = 128 * 1024 * 1024
PART_BYTES_MAX: Final = 32 * 1024 * 1024
RATIO_MAX: Final = 100
PARTS_MAX: Final = 2_000
COLUMNS_MAX: Final = 512
_NOT_OURS: Final = "?"  # a time without a day, a span of time: no member is one, and it must not look empty
_LINES_MAX: Final = 1_050_000  # more than Excel has, so that too many are seen and not cut off
_SMALL_BYTES: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_ROW_CELLS_MAX: Final = 65_536


def xlsx_rows(path: Path, mapping: Mapping) -> Iterator[tuple[int, Sequence[Any]]]:
    """Line numbers and cells, to be read by `plain`: only those that are wanted, for speed and for privacy.

    :raises Refused: not_xlsx, too_large, no_sheet
    """
    _examine(path)
    import openpyxl

    # The file is ours to close: openpyxl leaves its own open when a sheet is damaged.
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # about styles and dates of the file, nothing for our user
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except Exception:  # whatever a damaged file makes of openpyxl
            raise fault("not_xlsx") from None
        try:
            sheets = {sheet.title: sheet for sheet in book.worksheets}  # not the sheets that are charts
            if mapping.sheet is not None and mapping.sheet not in sheets:
                raise fault("no_sheet", mapping.sheet)
            if not sheets:
                raise fault("not_xlsx")
            sheet = sheets[mapping.sheet] if mapping.sheet else next(iter(sheets.values()))
            yield from _rows(sheet)
        finally:
            book.close()


def _rows(sheet: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    # The file's own word on its size is not believed: a wrong one would cut rows off.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=_LINES_MAX, max_col=COLUMNS_MAX)
    line = 0
    while True:
        try:
            row = next(rows, None)
        except Exception:
            raise fault("not_xlsx") from None
        if row is None:
            return
        line += 1
        yield line, row


def plain(cell: Any) -> Any:
    """The value of a cell: text, number, truth, datetime or date; None if it is empty or an error."""
    value = cell.value
    if isinstance(value, str) and cell.data_type == "e":  # '#N/A'
        return None
    known = value is None or isinstance(value, str | int | float | bool | datetime | date)
    return value if known else _NOT_OURS


def _examine(path: Path) -> None:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise fault("too_large")
    try:
        with zipfile.ZipFile(path) as archive:
            _measure(archive.infolist(), path.stat().st_size)
            for part in archive.infolist():
                if part.filename.endswith(".xml"):
                    _look_through(archive, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise fault("not_xlsx") from None


def _measure(parts: list[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(part.file_size for part in parts)
    # By the whole file's size: parts that overlap would be unpacked more than once from the same bytes.
    odd = unpacked > _SMALL_BYTES and unpacked > packed * RATIO_MAX
    if len(parts) > PARTS_MAX or unpacked > UNPACKED_BYTES_MAX or odd:
        raise fault("too_large")
    for part in parts:
        name = part.filename.lower()
        bound = STRINGS_BYTES_MAX if "sharedstrings" in name else PART_BYTES_MAX
        if "worksheets/" not in name and part.file_size > bound:
            raise fault("too_large")


def _look_through(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    cells_without_row = 0
    with archive.open(part) as stream:
        first = True
        while chunk := stream.read(_CHUNK_BYTES):
            if (first and b"<!" in chunk[:4096]) or (b"<" not in chunk):
                raise fault("not_xlsx" if first else "too_large")
            first = False
            cells = chunk.count(b"<c ") + chunk.count(b":c ")
            cells_without_row = cells if b"row" in chunk else cells_without_row + cells
            if cells_without_row > _ROW_CELLS_MAX * 2:
                raise fault("too_large")
