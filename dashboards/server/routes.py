"""The addresses: the page, its files, its stream, the same as JSON, and health."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from aiohttp import web

from dashboards.server import stream
from dashboards.server.config import DashboardConfig
from dashboards.server.hub import Channel, Hub, TooManyClients
from dashboards.server.problem import Problem, json_response, problems, secure
from dashboards.server.snapshot import Snapshot

WEB: Final = Path(__file__).resolve().parent.parent / "web"
# A visitor is shown nothing older than this without waiting for a read, which may take so long.
FRESH_READS: Final = 2.0
# Shorter than the patience of who asks for health.
FIRST_READ_S: Final = 1.5
# The contract takes no event from before 2020.
DAY_MIN: Final = date(2020, 1, 1)
DAY_MAX: Final = date(2099, 12, 31)


class Routes:
    """Handlers around one hub; `wake` asks the poller to read now."""

    def __init__(self, config: DashboardConfig, hub: Hub, wake: Callable[[], None]) -> None:
        self._config, self._hub, self._wake = config, hub, wake

    def application(self) -> web.Application:
        """All of it as one aiohttp application."""
        app = web.Application(middlewares=[problems])
        app.on_response_prepare.append(secure)
        app.router.add_get("/", self.page)
        app.router.add_get("/events", self.events, allow_head=False)
        app.router.add_get("/api/snapshot", self.snapshot)
        app.router.add_get("/healthz", self.health)
        app.router.add_static("/web/", WEB)
        return app

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """The page itself; its figures come by `events`."""
        return web.FileResponse(WEB / "index.html", headers={"Cache-Control": "no-cache"})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The stream of one browser."""
        try:
            with self._hub.watch(_wanted_day(request)) as channel:
                await self._fresh(channel)
                return await stream.run(request, self._hub, channel, self._config.refresh_s)
        except TooManyClients:
            raise Problem("too_many_clients") from None

    async def snapshot(self, request: web.Request) -> web.StreamResponse:
        """What a page shows, once, as JSON."""
        return json_response(stream.whole(await self._read(_wanted_day(request))))

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """200 when ClickHouse answered just now."""
        latest = await self._read(None)
        return json_response({"ok": True, "age_s": stream.age_s(latest), "clients": self._hub.clients})

    async def _read(self, day: date | None) -> Snapshot:
        try:
            with self._hub.watch(day) as channel:
                latest = await self._fresh(channel)
        except TooManyClients:
            raise Problem("too_many_clients") from None
        if latest is None or latest.error:
            raise Problem((latest and latest.error) or "clickhouse_away")
        return latest

    async def _fresh(self, channel: Channel) -> Snapshot | None:
        """The channel's latest, after a read if that is old; None if the read takes too long."""
        if channel.age_s() <= FRESH_READS * self._config.refresh_s:
            return channel.latest
        self._wake()
        await channel.wait(FIRST_READ_S)
        return channel.latest if channel.age_s() <= FIRST_READ_S else None


def _wanted_day(request: web.Request) -> date | None:
    text = request.query.get("day", "")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise Problem("bad_day") from None
    if day and not DAY_MIN <= day <= DAY_MAX:
        raise Problem("bad_day")
    return day
