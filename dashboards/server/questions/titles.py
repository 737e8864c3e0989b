"""What the columns of an answer are called and how they are shown: by name and ClickHouse's type.

A title is looked for here first, then in the comments of the views that the question reads, then among the
page's own tables; at last it is the column's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dashboards.server.questions.words import COLUMN_WORDS
from dashboards.server.tables import TABLES
from dashboards.server.tables.model import Column, Kind
from producers.contract.vocabulary import Words
from streams.warehouse.as_of import names_in
from streams.warehouse.questions import Question

_VIEW: Final = re.compile(r"CREATE OR REPLACE VIEW (?P<view>v_\w+)\s*\((?P<columns>.*?)\n\)", re.DOTALL)
_COLUMN: Final = re.compile(r"^\s+`?(\w+)`? .*COMMENT 'vi: (.*?) \| en: (.*)',?$", re.MULTILINE)
# A comment explains; a title names. What follows one of these explains.
_EXPLAINS: Final = re.compile(r"\s*(?:[,;(:]| \| ).*", re.DOTALL)
_TITLE_MAX: Final = 60

# Numbers that name something are not counted, nor written as 62.731.450.
_NAMES: Final = frozenset({"cut", "difficulty_group", "partition", "year", "epoch", "version"})
_NAMES_END: Final = ("_cut", "_version", "_id")
_SHARES: Final = frozenset({"accurate", "complete", "clean", "live", "share"})
_SHARES_END: Final = ("_share", "_rate", "_ratio")
# Columns of text whose codes have words, and the kind of these words (`tables.words`).
_SPOKEN: Final[dict[str, tuple[Kind, str]]] = {
    "field": ("field", ""),
    "channel": ("channel", ""),
    "timeliness": ("timeliness", ""),
    "alive": ("word", "alive"),
    "complete": ("word", "complete"),
    "reconciled": ("word", "reconciled"),
    "step": ("word", "step"),
    "cause": ("word", "cause"),
    "severity": ("word", "severity"),
    "why": ("word", "why"),
    "state": ("word", "outcome"),
    "status": ("word", "state"),
    "owner_kind": ("word", "owner_kind"),
    "kind": ("word", "load"),
}
_CODES: Final = frozenset({"ward", "procedure", "dossier", "difficulty", "reason", "epoch"})


class Titles:
    """Titles for the columns of every question of a folder of SQL."""

    def __init__(self, sql: Path) -> None:
        self._comments = dict(_comments(sql / "views"))
        self._tables = {column.key: Words(column.vi, column.en) for column in _of_tables()}

    def column(self, question: Question, name: str, kind: str) -> Column:
        """One column of an answer; `kind` is ClickHouse's type."""
        words = self._words(question, name)
        shown, spoken = _shown(name, kind)
        return Column(name, words.vi, words.en, shown, spoken)

    def _words(self, question: Question, name: str) -> Words:
        said = [self._comments.get(view, {}).get(name) for view in sorted(names_in(question.sql))]
        known = [COLUMN_WORDS.get(name), *said, self._tables.get(name)]
        return next(filter(None, known), Words(*(name.replace("_", " "),) * 2))


def _of_tables() -> Iterator[Column]:
    for table in TABLES.values():
        yield from table.columns


def _comments(folder: Path) -> Iterator[tuple[str, dict[str, Words]]]:
    for path in sorted(folder.glob("v_*.sql")):
        for made in _VIEW.finditer(path.read_text(encoding="utf-8")):
            found = _COLUMN.findall(made["columns"])
            yield made["view"], {name: Words(_title(vi), _title(en)) for name, vi, en in found}


def _title(comment: str) -> str:
    short = _EXPLAINS.sub("", comment.replace("\\'", "'"))[:_TITLE_MAX].strip()
    return short[:1].upper() + short[1:]


def _shown(name: str, kind: str) -> tuple[Kind, str]:
    plain = re.sub(r"^(?:Nullable|LowCardinality)\((.*)\)$", r"\1", kind)
    plain = re.sub(r"^Nullable\((.*)\)$", r"\1", plain)
    if plain.startswith("DateTime"):
        return "instant", ""
    if plain.startswith("Date"):
        return "day", ""
    if plain == "Bool":
        return "yes", ""
    if plain.startswith(("Int", "UInt")):
        return _whole(name), ""
    if plain.startswith(("Float", "Decimal")):
        return ("share" if name in _SHARES or name.endswith(_SHARES_END) else "decimal"), ""
    if plain.startswith(("String", "Enum", "FixedString")):
        return _SPOKEN.get(name) or ("code" if name in _CODES else "text", "")
    return "text", ""


def _whole(name: str) -> Kind:
    if name == "status":
        return "status"
    if name in _NAMES or name.endswith(_NAMES_END):
        return "code"
    return "number"
