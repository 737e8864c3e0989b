"""The prepared questions of `sql/questions`: each a file with a header that says what it answers.

    -- vi: ...        the question in Vietnamese
    -- en: ...        the question in English
    -- audience: ...  whose question it is
    -- param day Date default '2025-07-21'

Values are bound by ClickHouse (`{day:Date}`), never put into the text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producers.contract.errors import Stop
from streams.warehouse.as_of import bound, question_at
from streams.warehouse.store import Rows, Store

_LINE: Final = re.compile(r"-- (vi|en|audience): (.+)")
_PARAM: Final = re.compile(r"-- param (\w+) (\w+) default (?:'([^']*)'|(\S+))")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a question takes; `kind` is ClickHouse's type."""

    name: str
    kind: str
    default: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """A cut to ask as of, and the names that can be asked so (`as_of.travelling`)."""

    cut: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    """One file."""

    name: str
    vi: str
    en: str
    audience: str
    parameters: tuple[Parameter, ...]
    sql: str


def read(path: Path) -> Question:
    """One question from its file.

    :raises Stop: its header is not complete
    """
    text = path.read_text(encoding="utf-8")
    words = dict(_LINE.findall(text))
    missing = [word for word in ("vi", "en", "audience") if not words.get(word)]
    if missing:
        raise Stop(
            "bad_question", f"{path.name} has no line for: {', '.join(missing)}", "Complete its header"
        )
    parameters = tuple(
        Parameter(name, kind, quoted or plain) for name, kind, quoted, plain in _PARAM.findall(text)
    )
    sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
    return Question(path.stem, words["vi"], words["en"], words["audience"], parameters, sql)


def load(folder: Path) -> dict[str, Question]:
    """All questions of a folder by name."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.sql"))}


def run(
    store: Store, question: Question, values: Mapping[str, str] | None = None, at: AsOf | None = None
) -> Rows:
    """Run a question, now or as of a cut; what is not given takes its default.

    :raises Stop: a value's name is not one of the question's, ClickHouse refuses the value, or the question
        is about this moment only
    :raises Unavailable: ClickHouse is away
    """
    given = dict(values or {})
    known = {parameter.name: parameter.default for parameter in question.parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It takes: {', '.join(known) or 'none'}"
            raise Stop("unknown_parameter", f"{question.name} has no parameter {name}", hint)
    if at is None:
        return store.query(question.sql, known | given)
    return store.query(question_at(question.sql, at.names), {**known, **given, **bound(at.cut)})
