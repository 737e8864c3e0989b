"""The data dictionary as JSON: views, reference tables, their columns, where they come from, who uses them.

It says how the figures are made and holds none, so every viewer may read it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from dashboards.server.access.viewer import viewer_of, ward_aware
from dashboards.server.problem import Problem, bytes_response
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.threads import DaemonPool
from producers.contract.errors import Stop, Unavailable
from streams.warehouse import dictionary, lineage
from streams.warehouse.as_of import travelling
from streams.warehouse.dictionary import Described
from streams.warehouse.lineage import Lineage
from streams.warehouse.store import Store

# It changes with a migration only.
FRESH_S: Final = 60.0


class Dictionary:
    """One handler, and the thread that reads for it."""

    def __init__(
        self, store: Store, catalogue: Catalogue, sql: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._catalogue, self._sql, self._clock = store, catalogue, sql, clock
        self._thread = DaemonPool(1, "dictionary")
        self._turn = asyncio.Lock()
        self._read_s, self._found = -FRESH_S, dict[str, Any]()

    def add_to(self, app: web.Application) -> None:
        """Register the address."""
        app.router.add_get("/api/dictionary", self.all)

    def close(self) -> None:
        """Start nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @ward_aware
    async def all(self, request: web.Request) -> web.StreamResponse:
        """All of it at once: a page searches it without asking again."""
        async with self._turn:
            if self._clock() - self._read_s >= FRESH_S:
                loop = asyncio.get_running_loop()
                self._found = await loop.run_in_executor(self._thread, self._read)
                self._read_s = self._clock()
        open_to = self._catalogue.listed(viewer_of(request).ward)["questions"]
        titles = {one["name"]: {"vi": one["vi"], "en": one["en"]} for one in open_to}
        return bytes_response(msgspec.json.encode(self._found | {"questions": titles}))

    def _read(self) -> dict[str, Any]:
        """Raises `Problem` when ClickHouse is away."""
        try:
            objects = dictionary.read(self._store, travelling(self._sql))
        except Unavailable:
            raise Problem("clickhouse_away") from None
        except Stop:
            raise Problem("internal") from None
        traced = lineage_of(self._sql)
        members = {
            member for view in traced.values() for source in view.values() for member in source.members
        }
        words = {member: dictionary.member_words(member) for member in sorted(members)}
        return {
            "objects": [self._object(one, traced) for one in objects],
            "members": {member: {"vi": vi, "en": en} for member, (vi, en) in words.items()},
        }

    def _object(self, found: Described, traced: Lineage) -> dict[str, Any]:
        sources = traced.get(found.name, {})
        made = asdict(found) | {"questions": self._catalogue.using(found.name)}
        for column in made["columns"]:
            source = sources.get(column["name"])
            column["members"] = list(source.members) if source else []
            column["taken"] = list(source.columns) if source else []
        return made


def lineage_of(sql: Path) -> Lineage:
    """From which members of events each column is made; empty where that was not written down."""
    try:
        return lineage.read(sql)
    except (OSError, ValueError):
        return {}
