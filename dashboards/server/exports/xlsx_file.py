"""XLSX with typed cells, row after row by openpyxl's write-only mode; the same rows give the same bytes.

openpyxl puts the present time into the file in two places: the properties, which are set here, and the
members of the archive, which get a fixed time. Formulas are never written: every text is told to be one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import IO, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from dashboards.server.exports.cells import Cell, FileColumn, Form, Row, plain

_FORMATS: Final[dict[Form, str]] = {
    "whole": "#,##0",
    "decimal": "#,##0.00",
    "share": "0.0%",
    "day": "dd/mm/yyyy",
    "instant": "dd/mm/yyyy hh:mm:ss",
    "text": "@",
}
_WIDTHS: Final[dict[Form, int]] = {
    "whole": 13,
    "decimal": 13,
    "share": 11,
    "day": 12,
    "instant": 20,
    "text": 22,
}
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
# What Excel takes in one cell.
_TEXT_MAX: Final = 32_767
_BOLD: Final = Font(bold=True)
_HEAD: Final = PatternFill("solid", fgColor="E3EDF0")


class _Archive(ZipFile):
    """An archive whose members carry no time."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        super().writestr(_member(zinfo_or_arcname), data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with open(filename, "rb") as source, self.open(_member(arcname), "w") as target:
            while piece := source.read(65_536):
                target.write(piece)


def write(
    file: IO[bytes],
    info: Iterable[tuple[str, str]],
    columns: Sequence[FileColumn],
    rows: Iterable[Row],
    *,
    titles: tuple[str, str],
    made_at: datetime,
) -> None:
    """The whole file: a sheet about it and one of data, named by `titles`; `made_at` is the cut's instant."""
    book = Workbook(write_only=True)
    book.properties.creator = "Đồng Bộ"
    book.properties.created = book.properties.modified = made_at.replace(tzinfo=None, microsecond=0)
    _write_info(book.create_sheet(titles[0]), info)
    _write_rows(book.create_sheet(titles[1]), columns, rows)
    book.active = 1
    ExcelWriter(book, _Archive(file, "w", ZIP_DEFLATED, allowZip64=True)).save()


def _write_info(sheet: Any, info: Iterable[tuple[str, str]]) -> None:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 26, 70
    for label, value in info:
        head, text = _cell(sheet, label, "text"), _cell(sheet, value, "text")
        head.font = _BOLD
        text.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.append([head, text])


def _write_rows(sheet: Any, columns: Sequence[FileColumn], rows: Iterable[Row]) -> None:
    for number, column in enumerate(columns, start=1):
        width = max(_WIDTHS.get(column.form, 13), min(40, len(column.title) + 2))
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    sheet.append([_head(sheet, column.title) for column in columns])
    count = 1
    for row in rows:
        sheet.append([_cell(sheet, column.value(row), column.form) for column in columns])
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"


def _head(sheet: Any, title: str) -> Any:
    cell = _cell(sheet, title, "text")
    cell.font, cell.fill = _BOLD, _HEAD
    return cell


def _cell(sheet: Any, value: Cell, form: Form) -> Any:
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, plain(value)[:_TEXT_MAX])
        # Else openpyxl takes a text that begins with "=" for a formula.
        cell.data_type = "s"
        cell.quotePrefix = True
        return cell
    if isinstance(value, datetime):
        # Excel knows no zones: what is written is Hanoi's clock.
        value = value.replace(tzinfo=None)
    cell = WriteOnlyCell(sheet, _storable(value))
    cell.number_format = _FORMATS[form]
    return cell


def _storable(value: Any) -> Any:
    """Excel's days begin in 1900; what lies before is written as text."""
    if isinstance(value, date) and value.year < 1900:
        return value.isoformat()
    return value


def _member(name: Any) -> ZipInfo:
    member = ZipInfo(str(getattr(name, "filename", name)), _ZIP_TIME)
    member.compress_type = ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member
