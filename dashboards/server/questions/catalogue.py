"""The saved questions as the page lists them: what each asks, of whom, with which parameters, and how far."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from dashboards.server.questions.titles import Titles
from producers.contract.errors import Stop
from producers.contract.procedures import PROCEDURES
from producers.contract.vocabulary import CHANNEL_WORDS, FIELD_WORDS
from producers.contract.wards import WARDS
from streams.warehouse.as_of import names_in, question_at, travelling
from streams.warehouse.questions import AUDIENCES, AsOf, Question, read

log = logging.getLogger(__name__)

# What the address of a question and of its files says besides the question's own parameters.
RESERVED: Final = frozenset({"as_of", "cut", "info", "lang", "theme", "view", "find", "audience"})


class Catalogue:
    """All questions of a folder of SQL. One that cannot be read is left out, and said in the log."""

    def __init__(self, sql: Path) -> None:
        self._names = travelling(sql)
        self._questions = dict(_questions(sql / "questions"))
        self._titles = Titles(sql)

    def __getitem__(self, name: str) -> Question:
        return self._questions[name]

    def __contains__(self, name: str) -> bool:
        return name in self._questions

    @property
    def titles(self) -> Titles:
        """What the columns of answers are called."""
        return self._titles

    def at(self, cut: int) -> AsOf:
        """What `questions.prepared` wants to know about a cut."""
        return AsOf(str(cut), self._names)

    def travels(self, question: Question) -> bool:
        """Whether it can be asked as of a cut."""
        try:
            question_at(question.sql, self._names)
        except Stop:
            return False
        return True

    def listed(self, ward: str | None) -> dict[str, Any]:
        """All of them as JSON; for a ward's viewer only those that are open to it, and no other ward."""
        found = [one for one in self._questions.values() if ward is None or one.ward is not None]
        return {
            "audiences": list(AUDIENCES),
            "questions": [self._one(one) for one in found],
            "choices": _choices(ward),
        }

    def using(self, view: str) -> list[str]:
        """Names of the questions that read a view."""
        return [one.name for one in self._questions.values() if view in names_in(one.sql)]

    def _one(self, question: Question) -> dict[str, Any]:
        return {
            "name": question.name,
            "vi": question.vi,
            "en": question.en,
            "audience": [one.strip() for one in question.audience.split(",")],
            "parameters": [_parameter(one) for one in question.parameters],
            "chart": _chart(question),
            "unit": question.unit and question.unit._asdict(),
            "basis": question.basis and question.basis._asdict(),
            "ward": question.ward,
            "travels": self.travels(question),
            # Relations (r_) are the views' own matter.
            "views": sorted(name for name in names_in(question.sql) if name.startswith("v_")),
            "sql": question.sql,
        }


def _questions(folder: Path) -> Iterator[tuple[str, Question]]:
    for path in sorted(folder.glob("*.sql")):
        try:
            found = read(path)
        except Stop as error:
            log.error("left out: %s", error)
            continue
        taken = RESERVED & {one.name for one in found.parameters}
        if taken:
            log.error("left out: %s takes %s, which the address means otherwise", path.name, taken)
        else:
            yield path.stem, found


def _parameter(parameter: Any) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "kind": parameter.plain_kind,
        "optional": parameter.optional,
        "default": parameter.default,
        "vi": parameter.vi,
        "en": parameter.en,
        "choices": parameter.choices,
    }


def _chart(question: Question) -> dict[str, Any] | None:
    chart = question.chart
    if chart is None:
        return None
    return {"kind": chart.kind, "x": chart.x, "y": list(chart.y), "series": chart.series}


def _choices(ward: str | None) -> dict[str, list[dict[str, str]]]:
    wards = [one for one in WARDS.values() if ward is None or one.code == ward]
    procedures = sorted(PROCEDURES.values(), key=lambda one: one.name)
    return {
        "ward": [{"code": one.code, "vi": one.full_name, "en": one.full_name} for one in wards],
        "field": [{"code": code, **words._asdict()} for code, words in FIELD_WORDS.items()],
        "procedure": [{"code": one.code, "vi": one.name, "en": one.name} for one in procedures],
        "channel": [{"code": code.value, **words._asdict()} for code, words in CHANNEL_WORDS.items()],
    }
