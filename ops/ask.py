"""`dongbo ask`: saved questions on the command line, their answers on the screen or as a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from ops import console
from ops import settings as ours
from ops.city.prepare import SQL_FOLDER, reader
from producers.contract.errors import Refused, Stop
from streams.warehouse import as_of, questions, values
from streams.warehouse.questions import AsOf, Question
from streams.warehouse.store import Store

# What ClickHouse writes itself, so that every type stays what it is; the others are written here.
_FORMATS: Final = {".csv": "CSVWithNames", ".parquet": "Parquet", ".json": "", ".xlsx": ""}
_USAGE_CODES: Final = ("unknown_parameter", "bad_value", "unknown_choice", "not_as_of", "no_such_cut")
USAGE: Final = 2


class Wish(NamedTuple):
    """How a person wants the answer."""

    as_json: bool = False
    as_csv: bool = False
    out: Path | None = None
    at: str | None = None


def listed(*, as_json: bool) -> int:
    """All questions: name, title in both languages, whose it is, what it takes."""
    rows = [
        (one.name, one.vi, one.en, one.audience, ", ".join(p.name for p in one.parameters))
        for one in questions.load(SQL_FOLDER / "questions").values()
    ]
    console.emit_rows(["question", "vi", "en", "audience", "parameters"], rows, as_json=as_json)
    return 0


def about(name: str, *, as_json: bool) -> int:
    """What one question answers, takes and rests on, and its SQL.

    :raises Refused: `unknown_question`
    """
    one = _found(name)
    can_travel = not as_of.names_in(one.sql) - as_of.travelling(SQL_FOLDER)
    if as_json:
        console.emit_json(_described(one, can_travel))
        return 0
    lines = [f"{one.name}", f"  {one.vi}", f"  {one.en}", f"  cho / for: {one.audience}"]
    if one.basis:
        lines += [f"  cơ sở: {one.basis.vi}", f"  basis: {one.basis.en}"]
    lines.append("  --as-of: " + ("được / yes" if can_travel else "chỉ lúc này / this moment only"))
    lines += [f"  -p {_taken(parameter)}" for parameter in one.parameters]
    sys.stdout.write("\n".join([*lines, "", one.sql]) + "\n")
    return 0


def ask(name: str, given: list[str], wish: Wish) -> int:
    """Answer one question; what was asked is noted on stderr.

    :raises Refused: `unknown_question`, a value that cannot be (`values.checked`), a moment that cannot be
        asked, or an `--out` whose ending names no kind of file
    :raises Unavailable: ClickHouse is away
    """
    question, pairs = _found(name), _pairs(given)
    ending = _ending(wish)
    try:
        values.checked(name, question.parameters, pairs)
        with reader(ours.load()) as store:
            _answer(store, question, pairs, wish, ending)
    except Stop as refused:
        if refused.code in _USAGE_CODES:
            raise Refused(refused.code, refused.detail, refused.remedy) from refused
        raise
    return 0


def _answer(
    store: Store, question: Question, pairs: Mapping[str, str], wish: Wish, ending: str | None
) -> None:
    at = _moment(store, wish.at)
    if wish.out is None and not wish.as_csv:
        answer = questions.run(store, question, pairs, at)
        console.emit_rows(answer.names, answer.rows, as_json=wish.as_json)
        return
    if wish.out is None:
        _pieces(sys.stdout.buffer, store, question, pairs, at, ".csv")
        return
    # Whole or not at all: a file that is there can be used.
    part = wish.out.with_name(wish.out.name + ".part")
    try:
        with part.open("wb") as file:
            write = {".xlsx": _sheet, ".json": _json}.get(ending or "", _pieces)
            write(file, store, question, pairs, at, ending or "")
        part.replace(wish.out)
    finally:
        part.unlink(missing_ok=True)
    console.note(f"{wish.out}: {wish.out.stat().st_size} bytes")


def _moment(store: Store, at: str | None) -> AsOf | None:
    if at is None:
        return None
    cut = as_of.resolved(store, at)
    console.note(f"as of cut {cut} / tại mốc {cut}")
    return AsOf(cut, as_of.travelling(SQL_FOLDER), as_of.now_only(SQL_FOLDER))


def _pieces(
    file: IO[bytes], store: Store, question: Question, pairs: Mapping[str, str], at: AsOf | None, ending: str
) -> None:
    sql, bound = questions.prepared(question, pairs, at)
    for piece in store.pieces(sql, _FORMATS[ending], bound):
        file.write(piece)
    file.flush()


def _json(
    file: IO[bytes], store: Store, question: Question, pairs: Mapping[str, str], at: AsOf | None, _: str
) -> None:
    answer = questions.run(store, question, pairs, at)
    file.write(console.json_rows(answer.names, answer.rows).encode() + b"\n")


def _sheet(
    file: IO[bytes], store: Store, question: Question, pairs: Mapping[str, str], at: AsOf | None, _: str
) -> None:
    from dashboards.server.exports import xlsx_file

    sql, bound = questions.prepared(question, pairs, at)
    answer = store.query(sql, bound)
    # An answer without rows comes without names.
    names = answer.names or tuple(str(row[0]) for row in store.query(f"DESCRIBE TABLE ({sql})", bound).rows)
    columns = [_file_column(place, name, answer.rows) for place, name in enumerate(names)]
    info = {"question": question.vi, "en": question.en, "as_of": at.cut if at else "now / lúc này"}
    info |= {name: str(value or "") for name, value in bound.items()}
    rows = ({"row": row} for row in answer.rows)
    titles = ("Về tệp này", "Dữ liệu")
    xlsx_file.write(file, info.items(), columns, rows, titles=titles, made_at=datetime.now(UTC))


def _file_column(place: int, name: str, rows: list[tuple[Any, ...]]) -> Any:
    from dashboards.server.exports.cells import FileColumn, Form

    some = next((row[place] for row in rows if row[place] is not None), None)
    forms: tuple[tuple[type, Form], ...] = (
        *((bool, "text"), (int, "whole"), (float, "decimal")),
        *((datetime, "instant"), (date, "day")),
    )
    form: Form = next((form for kind, form in forms if isinstance(some, kind)), "text")
    return FileColumn(name, form, lambda line: _cell(line["row"][place]))


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return value


def _ending(wish: Wish) -> str | None:
    if wish.out is None:
        return None
    if wish.out.suffix not in _FORMATS:
        kinds = ", ".join(_FORMATS)
        raise Refused(
            "unknown_file",
            f"{wish.out.name}: không rõ loại tệp; đuôi tệp là {kinds}",
            f"it names no kind of file; end it with {kinds}",
        )
    return wish.out.suffix


def _found(name: str) -> Question:
    known = questions.load(SQL_FOLDER / "questions")
    if name in known:
        return known[name]
    likely = values.near(name, known) or [one for one in known if name in one][:3]
    vi, en = (
        (f"có phải: {', '.join(likely)}?", f"did you mean {', '.join(likely)}?")
        if likely
        else ("dongbo ask liệt kê các câu hỏi", "dongbo ask lists them")
    )
    raise Refused(
        "unknown_question", f"không có câu hỏi {name!r}; {vi}", f"there is no question {name!r}; {en}"
    )


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Refused(
            "bad_parameter",
            f"{wrong[0]!r} không phải tên=giá trị; ghi -p day=2025-07-21",
            "it is not name=value; write -p day=2025-07-21",
        )
    return {name: value for name, _, value in pairs}


def _taken(parameter: values.Parameter) -> str:
    default = repr(parameter.default) if parameter.default else "''"
    choices = f" [{parameter.choices}]" if parameter.choices else ""
    return f"{parameter.name}={default} {parameter.kind}{choices}: {parameter.vi} / {parameter.en}"


def _described(one: Question, can_travel: bool) -> dict[str, Any]:
    taken = [
        {
            "name": p.name,
            "kind": p.kind,
            "default": p.default,
            "choices": p.choices,
            "vi": p.vi,
            "en": p.en,
        }
        for p in one.parameters
    ]
    chart = one.chart and {
        "kind": one.chart.kind,
        "x": one.chart.x,
        "y": one.chart.y,
        "series": one.chart.series,
    }
    return {
        "question": one.name,
        "vi": one.vi,
        "en": one.en,
        "audience": one.audience,
        "parameters": taken,
        "as_of": can_travel,
        "chart": chart,
        "unit": one.unit and one.unit._asdict(),
        "basis": one.basis and one.basis._asdict(),
        "sql": one.sql,
    }
