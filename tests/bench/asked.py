"""All that people and the page ask, taken from where it is asked: saved questions, tables, the page."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import dashboards.server.views as page
from dashboards.server.tables import TABLES
from dashboards.server.views.ward.parts import PARTS
from streams.warehouse import questions
from tests.bench.country import Scale, values
from tests.pipeline.warehouse import SQL

_PARAMETER: Final = re.compile(r"\{(\w+):([^}]+)\}")
LIVE, TABLE, QUESTION = "live", "table", "question"


class Asked(NamedTuple):
    """One query: who asks it, its name, its text and values."""

    kind: str
    name: str
    sql: str
    values: Mapping[str, Any]


def everything(scale: Scale, sql: Path = SQL) -> list[Asked]:
    """All queries with values that suit the generated data; questions from this folder of SQL.

    :raises KeyError: the page has a parameter that `country.values` does not know
    """
    return [*_page(scale), *_tables(scale), *_questions(sql)]


def _page(scale: Scale) -> Iterator[Asked]:
    """What the live page reads again and again, for all its readers together."""
    for module in pkgutil.walk_packages(page.__path__, f"{page.__name__}."):
        for name, sql in vars(importlib.import_module(module.name)).items():
            if isinstance(sql, str) and name.isupper() and re.search(r"\bSELECT\b", sql) and "FROM v_" in sql:
                where = module.name.removeprefix(f"{page.__name__}.")
                yield Asked(LIVE, f"{where}.{name}", sql, _values(sql, scale))


def _tables(scale: Scale) -> Iterator[Asked]:
    """Those of the ward's view are read again and again as well, others when somebody opens or saves them."""
    watched = {part.table.name for part in PARTS}
    for name, table in TABLES.items():
        yield Asked(LIVE if name in watched else TABLE, f"table.{name}", table.sql, _values(table.sql, scale))


def _questions(folder: Path) -> Iterator[Asked]:
    for name, question in questions.load(folder / "questions").items():
        sql, bound = questions.prepared(question)
        yield Asked(QUESTION, name, sql, bound)


def _values(sql: str, scale: Scale) -> dict[str, Any]:
    known = values(scale)
    return {name: known[name][kind] for name, kind in _PARAMETER.findall(sql)}
