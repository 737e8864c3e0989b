"""The board of difficulties, of the city or, for a ward's viewer, of one ward."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from dashboards.server.background import Background
from dashboards.server.snapshot import Members
from dashboards.server.source import HANOI, Source, millis
from dashboards.server.tables import difficulties, words
from dashboards.server.tables.model import Table
from dashboards.server.topic import Topic
from dashboards.server.views.city import cuts
from dashboards.server.views.city.cuts import Cut
from producers.contract.wards import WARDS

TABLES: Final = (difficulties.GROUPS, difficulties.OWNERS, difficulties.LIST)
FRESH_S: Final = 5.0
SETTLE_S: Final = 0.4
SETTLE_PAST_S: Final = 60.0
# The page lists so many, the oldest first; the file has all.
ROWS_MAX: Final = 500
LOADING: Final = {"loading": True}


class DifficultiesView:
    """Groups, owners and the list, now or as of a cut."""

    def __init__(self) -> None:
        self._background = Background()

    def read(self, source: Source, topics: Collection[Topic]) -> dict[Topic, Members]:
        """One reading for all topics."""
        cut = cuts.newest(source)
        now = cut.at if cut and source.as_of is not None else source.now
        return {topic: self._members(source, topic.ward, now, cut) for topic in topics}

    def _members(self, source: Source, ward: str, now: datetime, cut: Cut | None) -> Members:
        wards = [ward] if ward else sorted(WARDS)
        keys = {table.name: (table.name, ward, source.as_of) for table in TABLES}
        for table in TABLES:
            reader = _Reader(source, table, {"wards": wards, "at": millis(now)} | _EVERYTHING)
            self._background.ask(keys[table.name], FRESH_S, reader.read)
        self._background.settle(SETTLE_S if source.as_of is None else SETTLE_PAST_S)
        return {
            "cut": None if cut is None else {name: getattr(cut, name) for name in Cut.__struct_fields__},
            "day": now.astimezone(HANOI).date(),
            "ward": {"code": ward, "name": WARDS[ward].name} if ward else None,
            "columns": {table.name: [column._asdict() for column in table.columns] for table in TABLES},
            "table_words": words.as_json(),
            "parts": {name: self._background.get(key, LOADING) for name, key in keys.items()},
        }


_EVERYTHING: Final[dict[str, Any]] = {"group": 0, "owner": "", "state": "all"}


class _Reader:
    """Reads one table."""

    def __init__(self, source: Source, table: Table, bound: dict[str, Any]) -> None:
        self._source, self._sql = source, table.sql
        self._bound = {name: value for name, value in bound.items() if f"{{{name}:" in table.sql}

    def read(self) -> dict[str, Any] | None:
        """The first rows, and how many there are; None while the database has no such view."""
        rows = self._source.optional(self._sql, self._bound)
        return None if rows is None else {"rows": rows[:ROWS_MAX], "total": len(rows)}
