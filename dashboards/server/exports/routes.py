"""The address of a file: every parameter is checked before anything is read.

`/export/<table>.csv|xlsx?ward=&day=&days=&...&lang=vi|en&as_of=`: `as_of` is the number of a cut, or an
instant in Hanoi's time. Without a number the answer is a redirection to the link that has one, so that a link
which somebody sends on gives the same bytes for ever.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from dashboards.server.access.viewer import allowed_wards, require_ward, sees_city, viewer_of, ward_aware
from dashboards.server.exports import job
from dashboards.server.exports.job import Ending, Made, Order
from dashboards.server.problem import Problem
from dashboards.server.source import HANOI, Source
from dashboards.server.tables import TABLES
from dashboards.server.tables.filters import Filters, filters_of
from dashboards.server.tables.model import Table
from dashboards.server.tables.words import Lang
from dashboards.server.threads import DaemonPool
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.store import Store

T = TypeVar("T")

# Files made at once, and files that may wait for their turn: beyond that, the client tries again.
THREADS: Final = 2
WAITING_MAX: Final = 8
_PIECE_BYTES: Final = 65_536
# `cut` is how the page's own address says as_of; its day is of no matter to tables that have no days.
_COMMON: Final = frozenset({"lang", "as_of", "cut", "info"})
_FILE: Final = re.compile(r"([a-z][a-z-]{0,39})\.(csv|xlsx)")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+07:00)?", re.ASCII)
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


class Exports:
    """Makes files in threads of its own, so that neither the event loop nor the live figures wait."""

    def __init__(self, store: Store) -> None:
        self._source = Source(store)
        self._threads = DaemonPool(THREADS, "export")
        self._under_way = 0

    def add_to(self, app: web.Application) -> None:
        """Register the address."""
        app.router.add_get("/export/{file}", self.file)

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @ward_aware
    async def file(self, request: web.Request) -> web.StreamResponse:
        """One file, or a redirection to the link that names its cut."""
        order = _order(request, 0)
        number = await self._cut(request)
        if request.query.get("as_of") != str(number):
            query = {name: text for name, text in request.query.items() if name != "cut"}
            raise web.HTTPFound(request.rel_url.with_query(query | {"as_of": str(number)}))
        made = await self._in_thread(lambda: job.make(self._source, order._replace(cut=number)))
        with made.file:
            return await send(request, made)

    async def _cut(self, request: web.Request) -> int:
        text = request.query.get("as_of", request.query.get("cut", ""))
        if _NUMBER.fullmatch(text):
            return int(text)
        if not text:
            return await self._in_thread(lambda: job.newest_cut(self._source))
        instant = instant_of(text)
        return await self._in_thread(lambda: job.cut_at(self._source, instant))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._under_way >= THREADS + WAITING_MAX:
            raise Problem("busy")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except Unavailable:
            raise Problem("clickhouse_away") from None
        except Stop:
            raise Problem("internal") from None
        finally:
            self._under_way -= 1


def _order(request: web.Request, cut: int) -> Order:
    found = _FILE.fullmatch(request.match_info["file"])
    if found is None or found[1] not in TABLES:
        raise Problem("not_found")
    table = TABLES[found[1]]
    lang, info = request.query.get("lang", "vi"), request.query.get("info", "yes")
    if len(set(request.query)) != len(request.query):
        raise Problem("twice")
    if lang not in ("vi", "en"):
        raise Problem("bad_lang")
    if info not in ("yes", "no"):
        raise Problem("bad_info")
    asked = {name: text for name, text in request.query.items() if name not in _COMMON}
    filters = _permitted(request, table, filters_of(table, asked))
    ending: Ending = "csv" if found[2] == "csv" else "xlsx"
    spoken: Lang = "en" if lang == "en" else "vi"
    return Order(table, ending, filters, allowed_wards(request), spoken, cut, info == "yes")


def _permitted(request: web.Request, table: Table, filters: Filters) -> Filters:
    """The filters, narrowed to what the viewer may see; raises `Problem` (403) for more than that."""
    if filters.ward:
        require_ward(request, filters.ward)
    elif table.scope == "city" and not sees_city(request):
        raise Problem("city_only")
    elif table.scope == "wards" and not sees_city(request):
        return msgspec.structs.replace(filters, ward=viewer_of(request).ward or "")
    return filters


def instant_of(text: str) -> datetime:
    """An instant as an address says it, in Hanoi's time. Raises `Problem`."""
    if not _INSTANT.fullmatch(text):
        raise Problem("bad_as_of")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Problem("bad_as_of") from None
    return found if found.tzinfo else found.replace(tzinfo=HANOI)


async def send(request: web.Request, made: Made) -> web.StreamResponse:
    """A finished file, piece by piece."""
    headers = {
        "Content-Type": _TYPES[made.name.rpartition(".")[2]],
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Cache-Control": "private, no-store",
    }
    response = web.StreamResponse(headers=headers)
    response.content_length = made.length
    await response.prepare(request)
    while piece := made.file.read(_PIECE_BYTES):
        await response.write(piece)
    await response.write_eof()
    return response
