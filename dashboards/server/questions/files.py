"""An answer as a file. Blocking, for a thread; finished in a spool before its first byte is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any, Final, Literal

from dashboards.server.exports import csv_file, xlsx_file
from dashboards.server.exports.cells import Cell, FileColumn, Form
from dashboards.server.exports.job import Made
from dashboards.server.problem import Problem
from dashboards.server.questions.answer import Answer, code_of
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.questions.words import ABOUT, CODE, SHEETS
from dashboards.server.source import HANOI
from dashboards.server.tables.model import Column
from dashboards.server.tables.words import Lang, dictionary, said
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.as_of import names_in
from streams.warehouse.questions import prepared
from streams.warehouse.store import Store

Ending = Literal["csv", "xlsx", "parquet"]
_SPOOL_BYTES: Final = 2_000_000
_FORMS: Final[dict[str, Form]] = {
    "number": "whole",
    "status": "whole",
    "decimal": "decimal",
    "share": "share",
    "day": "day",
    "instant": "instant",
}


def make(
    store: Store, catalogue: Catalogue, answer: Answer, ending: Ending, lang: Lang, *, info: bool
) -> Made:
    """Write the file. Raises `Problem`."""
    if not answer.whole:
        raise Problem("too_many_rows")
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115  closed by who sends it
    try:
        if ending == "parquet":
            _write_parquet(file, store, catalogue, answer)
        else:
            _write_table(file, answer, ending, lang, info=info)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    return Made(_name(answer, ending, lang), file, length)


def _write_parquet(file: IO[bytes], store: Store, catalogue: Catalogue, answer: Answer) -> None:
    """By ClickHouse itself, so that every type stays what it is."""
    given = {name: value or "" for name, value in answer.values.items()}
    at = catalogue.at(answer.cut.number) if answer.cut else None
    try:
        sql, bound = prepared(answer.question, given, at)
        for piece in store.pieces(sql, "Parquet", bound):
            file.write(piece)
    except (Stop, Unavailable) as error:
        raise Problem(code_of(error)) from error


def _write_table(file: Any, answer: Answer, ending: Ending, lang: Lang, *, info: bool) -> None:
    columns = columns_of(answer.columns, lang)
    about = list(_about(answer, lang)) if info else []
    rows = ({"row": row} for row in answer.rows)
    if ending == "csv":
        csv_file.write(file, about, columns, rows)
        return
    first, second = (getattr(words, lang) for words in SHEETS)
    made_at = answer.cut.at if answer.cut else answer.asked_at
    xlsx_file.write(file, about, columns, rows, titles=(first, second), made_at=made_at)


def columns_of(columns: Sequence[Column], lang: Lang) -> list[FileColumn]:
    """A file's columns: the answer's own values, and after each code its word."""
    made = []
    for place, column in enumerate(columns):
        title, words = getattr(column, lang), dictionary(column)
        raw = title if words is None else getattr(CODE, lang).format(title=title)
        made.append(FileColumn(raw, _FORMS.get(column.kind, "text"), _raw(place)))
        if words is not None:
            made.append(FileColumn(title, "text", _word(place, column, lang)))
    return made


def _raw(place: int) -> Callable[[Any], Cell]:
    return lambda line: _cell(line["row"][place])


def _word(place: int, column: Column, lang: Lang) -> Callable[[Any], Cell]:
    return lambda line: "" if line["row"][place] is None else said(column, line["row"][place], lang)


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    cell: Cell = value
    return cell


def _about(answer: Answer, lang: Lang) -> Iterator[tuple[str, str]]:
    question, cut = answer.question, answer.cut
    given = [f"{one.name} = {answer.values[one.name] or '-'}" for one in question.parameters]
    found = {
        "question": f"Đồng Bộ · {getattr(question, lang)}",
        "parameters": ", ".join(given),
        "cut": str(cut.number) if cut else "",
        "at": _instant(cut.at) if cut else "",
        "complete_at": _instant(cut.complete_at) if cut and cut.complete_at else "",
        "covered": f"{cut.covered}/{cut.wards_total}" if cut else "",
        "asked_at": "" if cut else _instant(answer.asked_at),
        "unit": getattr(question.unit, lang, ""),
        "basis": getattr(question.basis, lang, ""),
        "views": ", ".join(sorted(names_in(question.sql))),
    }
    return ((getattr(ABOUT[name], lang), text) for name, text in found.items() if text)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(HANOI):%d/%m/%Y %H:%M:%S} (+07)"


def _name(answer: Answer, ending: Ending, lang: Lang) -> str:
    """Plain ASCII; what the parameters were stands in the file."""
    when = str(answer.cut.number) if answer.cut else f"{answer.asked_at:%Y%m%d-%H%M%S}"
    language = "" if ending == "parquet" else f"_{lang}"
    return f"dongbo_{answer.question.name}_{when}{language}.{ending}"
