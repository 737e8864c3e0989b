"""From a table's row to a file's cells: typed, a code beside its word, nothing that a spreadsheet runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple

from dashboards.server.source import HANOI
from dashboards.server.tables.model import Column, Table
from dashboards.server.tables.words import Lang, dictionary, said
from producers.contract.vocabulary import Words
from producers.contract.wards import WARDS

Row = Mapping[str, Any]
Cell = str | int | float | date | datetime | None
Form = Literal["text", "whole", "decimal", "share", "day", "instant"]

_FORMS: Final[dict[str, Form]] = {
    "number": "whole",
    "signed": "whole",
    "minutes": "whole",
    "seconds": "whole",
    "decimal": "decimal",
    "share": "share",
    "day": "day",
    "instant": "instant",
}
_CODE: Final = Words("{title} (mã)", "{title} (code)")
_WARD: Final = Words("Mã phường, xã", "Ward code")
_WARD_NAME: Final = Words("Phường, xã", "Ward or commune")
# A spreadsheet takes a text that begins so for a formula (OWASP, "CSV injection").
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
# What XML 1.0 cannot hold, and no text of ours needs.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class FileColumn(NamedTuple):
    """One column of a file."""

    title: str
    form: Form
    value: Callable[[Row], Cell]


def columns_of(table: Table, lang: Lang) -> list[FileColumn]:
    """A file's columns: the page's, with the ward before all and a code before each word."""
    made = [*_ward_columns(lang)] if table.scope != "city" else []
    for column in table.columns:
        if column.kind != "ward":
            made += _made_of(column, lang)
    return made


def plain(text: str) -> str:
    """A text without characters that no file can hold."""
    return _CONTROL.sub("\ufffd", text)


def harmless(text: str) -> str:
    """A text that no spreadsheet runs: `=1+1` becomes `'=1+1`."""
    clean = plain(text)
    return f"'{clean}" if clean.lstrip(" \u00a0\ufeff").startswith(_DANGEROUS) else clean


def _ward_columns(lang: Lang) -> Iterable[FileColumn]:
    yield FileColumn(getattr(_WARD, lang), "text", lambda row: row.get("ward"))
    yield FileColumn(getattr(_WARD_NAME, lang), "text", lambda row: _name(row.get("ward")))


def _name(code: Any) -> str:
    return WARDS[code].name if code in WARDS else ""


def _made_of(column: Column, lang: Lang) -> Iterable[FileColumn]:
    title = getattr(column, lang)
    if dictionary(column) is None:
        yield FileColumn(title, _FORMS.get(column.kind, "text"), _reader(column))
        return
    if column.kind != "yes":
        code = getattr(_CODE, lang).format(title=title)
        form: Form = "whole" if column.kind == "status" else "text"
        yield FileColumn(code, form, _reader(column))
    yield FileColumn(title, "text", lambda row: _said(column, row[column.key], lang))


def _said(column: Column, value: Any, lang: Lang) -> str:
    return "" if value is None else said(column, value, lang)


def _reader(column: Column) -> Callable[[Row], Cell]:
    key, form = column.key, _FORMS.get(column.kind, "text")
    if form == "instant":
        return lambda row: _instant(row[key])
    if form == "share":
        return lambda row: None if row[key] is None else round(float(row[key]), 4)
    if form == "decimal":
        return lambda row: None if row[key] is None else round(float(row[key]), 2)
    if form == "text" and column.kind != "status":
        return lambda row: None if row[key] is None else _text(row[key])
    return lambda row: row[key]


def _instant(value: Any) -> datetime | None:
    """To the second, by Hanoi's clock."""
    return None if value is None else value.astimezone(HANOI).replace(microsecond=0)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
