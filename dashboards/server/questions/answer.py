"""One answer: a question with its values, as of a cut, read to the end or to the most that is kept.

Blocking, for a thread. Values are made plain here, once, so that the page, JSON, CSV and XLSX cannot differ.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from dashboards.server.problem import Problem
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.source import HANOI
from dashboards.server.tables.model import Column
from dashboards.server.views.city.cuts import Cut
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.questions import Question, prepared
from streams.warehouse.store import Row, Store

log = logging.getLogger(__name__)

# A file has no more rows; JSON, which a browser must hold, has fewer.
ROWS_MAX: Final = 100_000
JSON_ROWS_MAX: Final = 10_000
_SLOW: Final = ("TIMEOUT_EXCEEDED", "TOO_SLOW", "SOCKET_TIMEOUT", "QUERY_WAS_CANCELLED")
_HEAVY: Final = ("MEMORY_LIMIT_EXCEEDED",)
_MANY: Final = ("TOO_MANY_ROWS", "TOO_MANY_BYTES")
_BUSY: Final = ("TOO_MANY_SIMULTANEOUS_QUERIES", "QUOTA_EXCEEDED", "SERVER_OVERLOADED")
_REFUSED: Final = ("READONLY", "ACCESS_DENIED")
_ABSENT: Final = ("UNKNOWN_TABLE", "UNKNOWN_FUNCTION")


class Order(msgspec.Struct, frozen=True):
    """What is asked: a question, what was given for its parameters, and the cut (None: now)."""

    question: str
    given: tuple[tuple[str, str], ...]
    cut: int | None


class Answer(msgspec.Struct, frozen=True):
    """What came. `whole` is false if there were more than `ROWS_MAX` rows."""

    question: Question
    values: dict[str, str | None]
    cut: Cut | None
    asked_at: datetime
    columns: tuple[Column, ...]
    types: tuple[str, ...]
    rows: list[Row]
    whole: bool

    def as_json(self) -> dict[str, Any]:
        """The answer as it travels; `total` is null if it is not known."""
        columns = [
            {"name": one.key, "type": kind, "vi": one.vi, "en": one.en, "kind": one.kind, "words": one.words}
            for one, kind in zip(self.columns, self.types, strict=True)
        ]
        return {
            "question": self.question.name,
            "as_of": self.cut and self.cut.number,
            "cut": self.cut and _cut(self.cut),
            "asked_at": self.asked_at,
            "parameters": self.values,
            "columns": columns,
            "rows": self.rows[:JSON_ROWS_MAX],
            "total": len(self.rows) if self.whole else None,
            "truncated": not self.whole or len(self.rows) > JSON_ROWS_MAX,
        }


def asked(store: Store, catalogue: Catalogue, order: Order, cut: Cut | None) -> Answer:
    """Ask. Raises `Problem`, with a code for what a person can do."""
    question = catalogue[order.question]
    given = dict(order.given)
    try:
        sql, bound = prepared(question, given, catalogue.at(cut.number) if cut else None)
        rows, names, types, whole = _read(store, sql, bound)
    except (Stop, Unavailable) as error:
        log.warning("%s: %s", order.question, error.detail)
        raise Problem(code_of(error)) from error
    return Answer(
        question=question,
        values={one.name: bound[one.name] for one in question.parameters},
        cut=cut,
        asked_at=datetime.now(UTC).astimezone(HANOI).replace(microsecond=0),
        columns=tuple(
            catalogue.titles.column(question, name, kind) for name, kind in zip(names, types, strict=True)
        ),
        types=types,
        rows=rows,
        whole=whole,
    )


def code_of(error: Stop | Unavailable) -> str:
    """What a person is told of what ClickHouse says."""
    known = {
        "question_slow": _SLOW,
        "question_heavy": _HEAVY,
        "too_many_rows": _MANY,
        "questions_busy": _BUSY,
        "not_available_yet": _ABSENT,
        "question_fails": _REFUSED,
        "no_such_cut": ("no_such_cut",),
    }
    for code, marks in known.items():
        if any(mark in error.detail for mark in marks):
            return code
    if isinstance(error, Unavailable):
        return "question_slow" if "timed out" in error.detail.lower() else "clickhouse_away"
    return "not_as_of" if error.code == "not_as_of" else "question_fails"


Read = tuple[list[Row], tuple[str, ...], tuple[str, ...], bool]


def _read(store: Store, sql: str, bound: Mapping[str, Any]) -> Read:
    rows: list[Row] = []
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    for block in store.blocks(sql, bound):
        names, types, room = block.names, block.types, ROWS_MAX - len(rows)
        rows += [tuple(map(plain, row)) for row in block.rows[:room]]
        if len(block.rows) > room:
            return rows, names, types, False
    if not names:
        names, types = _described(store, sql, bound)
    return rows, names, types, True


def _described(store: Store, sql: str, bound: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """An answer without rows comes without columns: ask for them."""
    rows = store.query(f"DESCRIBE TABLE ({sql})", bound).rows
    return tuple(row[0] for row in rows), tuple(row[1] for row in rows)


def plain(value: Any) -> Any:
    """A value as JSON can say it exactly; an instant by Hanoi's clock, what is no number is nothing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(HANOI)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return value if isinstance(value, str | int | date | None) else str(value)


def _cut(cut: Cut) -> dict[str, Any]:
    """What an answer says of its cut: no ward's name, since a ward's viewer reads it too."""
    said = ("number", "at", "complete_at", "covered", "wards_total")
    return {name: getattr(cut, name) for name in said}
