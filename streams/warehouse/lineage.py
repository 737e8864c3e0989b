"""From a column of a view back to the members of the events that it is made of, through every view and feed.

It is read off the database's own analysis of its views (`query_tree`), so it cannot say what the SQL does not
do. Reading it needs the rights of the writer; what was read is kept in `sql/lineage.json`, for pages and for
people that have fewer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from streams.warehouse import origins
from streams.warehouse.query_tree import EXPLAIN, Place, sources
from streams.warehouse.store import Store

FILE: Final = "lineage.json"
_ROWS: Final = "*"
_FEEDS: Final = re.compile(r"\bTO (?:`?\w+`?\.)?`?(\w+)`?")
_MADE: Final = """
SELECT name, engine, as_select, create_table_query FROM system.tables
WHERE database = currentDatabase() AND engine IN ('View', 'MaterializedView') AND NOT endsWith(name, '_at')
ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a column comes from: what its SELECT takes, and the members of events behind all of that."""

    columns: tuple[str, ...]
    members: tuple[str, ...]


Lineage = Mapping[str, Mapping[str, Source]]
"""By view, then by column."""


def trace(store: Store) -> dict[str, dict[str, Source]]:
    """Every view `v_…` of the database, traced. Asks as the writer.

    :raises Unavailable: ClickHouse is away
    """
    graph = _Graph(store)
    return {
        name: {
            column: Source(tuple(sorted(map(".".join, places))), graph.members((name, column)))
            for column, places in columns.items()
        }
        for name, columns in graph.taken.items()
        if name.startswith("v_")
    }


def read(folder: Path) -> dict[str, dict[str, Source]]:
    """What `trace` found when the file in the folder of SQL was written (a test keeps it up to date)."""
    kept: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return {
        view: {
            column: Source(tuple(one["columns"]), tuple(one["members"])) for column, one in columns.items()
        }
        for view, columns in kept.items()
    }


def text_of(lineage: Lineage) -> str:
    """The file's text; a column a line, so that a change shows as one."""
    views = []
    for view, columns in sorted(lineage.items()):
        lines = [
            f"  {json.dumps(name)}: " + json.dumps({"columns": one.columns, "members": one.members})
            for name, one in columns.items()
        ]
        views.append(f"{json.dumps(view)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(views) + "\n}\n"


class _Graph:
    """`taken`: for each view and each table that a view feeds, what each column is taken from."""

    def __init__(self, store: Store) -> None:
        self.taken: dict[str, dict[str, set[Place]]] = {}
        for name, engine, select, statement in store.query(_MADE).rows:
            fed = _FEEDS.search(statement) if engine == "MaterializedView" else None
            self._take(fed[1] if fed else name, store, select)

    def _take(self, name: str, store: Store, select: str) -> None:
        lines = [line for (line,) in store.query(EXPLAIN + select).rows]
        columns = self.taken.setdefault(name, {})
        for column, places in sources(lines).items():
            columns.setdefault(column, set()).update(places)

    def members(self, place: Place) -> tuple[str, ...]:
        """The members behind a column, in the order of their names."""
        found: set[str] = set()
        seen: set[Place] = set()
        left = [place]
        while left:
            name, column = here = left.pop()
            if here in seen:
                continue
            seen.add(here)
            found.update(origins.of(name, column))
            left += self._behind(name, column)
        return tuple(sorted(found))

    def _behind(self, name: str, column: str) -> list[Place]:
        columns = self.taken.get(name, {})
        if column in columns:
            return list(columns[column])
        # Rows of a view are rows of what it reads.
        return [(one, _ROWS) for one, _ in set().union(*columns.values())] if column == _ROWS else []
