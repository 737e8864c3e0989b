"""The prepared questions of `sql/questions`: each a file with a header that says what it answers.

    -- vi: ...            the question in Vietnamese
    -- en: ...            the question in English
    -- audience: ...      whose question it is: operator, analyst, ward, leader; several with commas
    -- chart: line day received,resolved ward
                          how to draw the answer: line or bar, the column across, the columns upwards, and
                          the column of which each value is a line or bar of its own. Optional
    -- unit: vi: hồ sơ | en: dossiers
                          what the figures of the chart count. Optional
    -- basis: vi: ... | en: ...
                          what the figures rest on: a rule, a version of a policy, what is left out. Optional
    -- ward: ward        the parameter that narrows every row, and every figure, to one ward: only such a
                          question is open to a ward's viewer, whose own ward is put there. Optional
    -- param day Nullable(Date) default '' -- vi: Ngày; trống là ngày mới nhất | en: Day; empty: the newest
    -- param ward String default '' choices ward -- vi: ... | en: ...

Values are bound by ClickHouse (`{day:Nullable(Date)}`), never put into the text. Of a parameter that is
`Nullable(T)` the empty text is NULL: the question itself says what that means. `choices` names a list
(`values.CHOICES`), so that a form can offer it and a wrong code is refused before ClickHouse is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from producers.contract.errors import Stop
from producers.contract.vocabulary import Words
from streams.warehouse import values
from streams.warehouse.as_of import bound, question_at
from streams.warehouse.store import Rows, Store
from streams.warehouse.values import Parameter

__all__ = ["AUDIENCES", "AsOf", "Chart", "Parameter", "Question", "load", "prepared", "read", "run"]

AUDIENCES: Final = ("operator", "analyst", "ward", "leader")
_LINE: Final = re.compile(r"^-- (vi|en|audience|chart|unit|basis|ward): (.+?)\s*$", re.MULTILINE)
_PARAM: Final = re.compile(
    r"^-- param (?P<name>\w+) (?P<kind>\w+(?:\(\w+\))?) default (?:'(?P<quoted>[^']*)'|(?P<plain>\S+))"
    r"(?: choices (?P<choices>\w+))?(?: -- (?P<words>.+?))?\s*$",
    re.MULTILINE,
)
_WORDS: Final = re.compile(r"vi: (.+?) \| en: (.+)")
_CHART: Final = re.compile(r"(line|bar) (\w+) (\w+(?:,\w+)*)(?: (\w+))?")


@dataclass(frozen=True, slots=True)
class Chart:
    """How an answer is drawn: `kind` is line or bar, the rest are names of the answer's columns."""

    kind: str
    x: str
    y: tuple[str, ...]
    series: str | None = None


@dataclass(frozen=True, slots=True)
class AsOf:
    """A cut to ask as of, the names that can be asked so (`as_of.travelling`), and why the others cannot."""

    cut: str
    names: frozenset[str]
    why: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One file."""

    name: str
    vi: str
    en: str
    audience: str
    parameters: tuple[Parameter, ...]
    sql: str
    chart: Chart | None = None
    unit: Words | None = None
    basis: Words | None = None
    ward: str | None = None


def read(path: Path) -> Question:
    """One question from its file.

    :raises Stop: `bad_question`: its header is not complete, or a line of it cannot be read
    """
    text = path.read_text(encoding="utf-8")
    said = dict(_LINE.findall(text))
    missing = [word for word in ("vi", "en", "audience") if not said.get(word)]
    if missing:
        raise _bad(path, f"has no line for: {', '.join(missing)}")
    parameters = tuple(_parameter(path, found) for found in _PARAM.finditer(text))
    if len(parameters) != len(re.findall(r"^-- param ", text, re.MULTILINE)):
        raise _bad(path, "has a param line that cannot be read")
    return Question(
        name=path.stem,
        vi=said["vi"],
        en=said["en"],
        audience=said["audience"],
        parameters=parameters,
        sql="\n".join(line for line in text.splitlines() if not line.startswith("--")).strip(),
        chart=_chart(path, said.get("chart")),
        unit=_words(path, said.get("unit")),
        basis=_words(path, said.get("basis")),
        ward=_ward(path, said.get("ward"), parameters),
    )


def load(folder: Path) -> dict[str, Question]:
    """All questions of a folder by name.

    :raises Stop: `bad_question`
    """
    return {path.stem: read(path) for path in sorted(folder.glob("*.sql"))}


def prepared(
    question: Question, given: Mapping[str, str] | None = None, at: AsOf | None = None
) -> tuple[str, dict[str, Any]]:
    """The statement of a question and what ClickHouse binds to it; what is not given takes its default.

    :raises Stop: `unknown_parameter`, `bad_value`, `unknown_choice` (`values.checked`), or `not_as_of`: it
        is about this moment only
    """
    known: dict[str, Any] = dict(values.checked(question.name, question.parameters, given or {}))
    if at is None:
        return question.sql, known
    return question_at(question.sql, at.names, at.why), {**known, **bound(at.cut)}


def run(
    store: Store, question: Question, given: Mapping[str, str] | None = None, at: AsOf | None = None
) -> Rows:
    """Run a question, now or as of a cut.

    :raises Stop: as `prepared`, or ClickHouse refuses
    :raises Unavailable: ClickHouse is away
    """
    return store.query(*prepared(question, given, at))


def _parameter(path: Path, found: re.Match[str]) -> Parameter:
    words = _words(path, found["words"]) or Words("", "")
    if found["choices"] and found["choices"] not in values.CHOICES:
        raise _bad(path, f"names the list {found['choices']}; there are: {', '.join(values.CHOICES)}")
    default = found["quoted"] if found["quoted"] is not None else found["plain"]
    return Parameter(found["name"], found["kind"], default, words.vi, words.en, found["choices"])


def _ward(path: Path, name: str | None, parameters: tuple[Parameter, ...]) -> str | None:
    if name is not None and name not in [one.name for one in parameters if one.choices == "ward"]:
        raise _bad(path, f"names {name} as its ward, which is no parameter with the choices ward")
    return name


def _words(path: Path, text: str | None) -> Words | None:
    if text is None:
        return None
    found = _WORDS.fullmatch(text)
    if found is None:
        raise _bad(path, f"says {text!r}, not `vi: ... | en: ...`")
    return Words(found[1], found[2])


def _chart(path: Path, text: str | None) -> Chart | None:
    if text is None:
        return None
    found = _CHART.fullmatch(text)
    if found is None:
        raise _bad(path, f"has the chart {text!r}, not `line|bar x y[,y] [series]`")
    return Chart(found[1], found[2], tuple(found[3].split(",")), found[4])


def _bad(path: Path, why: str) -> Stop:
    return Stop("bad_question", f"{path.name} {why}", "Complete its header; the other questions show how")
