"""The addresses: the page, its files, its stream, the same as JSON, past cuts, and health."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from dashboards.server import assets, stream
from dashboards.server.access.viewer import ward_aware
from dashboards.server.config import DashboardConfig
from dashboards.server.hub import Channel, Hub, TooManyClients
from dashboards.server.past import Past
from dashboards.server.probe import Probe
from dashboards.server.problem import Problem, bytes_response, json_response, problems, secure
from dashboards.server.snapshot import Members
from dashboards.server.topic import Topic, day_of, wanted
from dashboards.server.views.city import cuts
from producers.contract.errors import Stop, Unavailable

# A visitor is shown nothing older than this without waiting for a read, which may take so long.
FRESH_READS: Final = 2.0
# A stream begins with what there is after so long.
FIRST_READ_S: Final = 1.5
# Who asks for figures would rather wait than be told that there are none.
PATIENT_READ_S: Final = 5.0
# What every page reads first: its last snapshot is kept for the next visitor.
FIRST_PAGE: Final = Topic("city")
# The page is one; its own script reads from the address what to show.
PAGES: Final = ("/", "/questions", "/questions/{name:[a-z][a-z0-9-]*}", "/dictionary")


class Routes:
    """Handlers around one hub."""

    def __init__(
        self, config: DashboardConfig, hub: Hub, views: frozenset[str], past: Past, probe: Probe
    ) -> None:
        self._config, self._hub, self._views = config, hub, views
        self._past, self._probe = past, probe
        self._assets = assets.load()
        self._cut_days = cuts.Days()

    def application(self) -> web.Application:
        """All of it as one aiohttp application."""
        app = web.Application(middlewares=[problems])
        app.on_response_prepare.append(secure)
        for path in PAGES:
            app.router.add_get(path, self.page)
        app.router.add_get("/events", self.events, allow_head=False)
        app.router.add_get("/api/snapshot", self.snapshot)
        app.router.add_get("/api/cuts", self.cuts)
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/web/{path:.+}", self.asset)
        return app

    @ward_aware
    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page itself; its figures come by `events`."""
        return assets.response(request, self._assets["index.html"])

    @ward_aware
    async def asset(self, request: web.Request) -> web.StreamResponse:
        """One of the page's files."""
        found = self._assets.get(request.match_info["path"])
        if found is None:
            raise Problem("not_found")
        return assets.response(request, found)

    @ward_aware
    async def events(self, request: web.Request) -> web.StreamResponse:
        """The stream of one browser."""
        topic = wanted(request, self._views)
        if topic.cut is not None:
            raise Problem("past_has_no_stream")
        try:
            with self._hub.watch(topic) as channel:
                await self._fresh(channel, FIRST_READ_S)
                return await stream.run(request, self._hub, channel)
        except TooManyClients:
            raise Problem("too_many_clients") from None

    @ward_aware
    async def snapshot(self, request: web.Request) -> web.StreamResponse:
        """What a page shows, once, as JSON; with `cut`, as of then."""
        topic = wanted(request, self._views)
        if topic.cut is None:
            return json_response(await self._read(topic, PATIENT_READ_S))
        try:
            return bytes_response(await self._past.read(topic))
        except Unavailable:
            raise Problem("clickhouse_away") from None
        except Stop:
            raise Problem("no_such_cut") from None

    @ward_aware
    async def cuts(self, request: web.Request) -> web.StreamResponse:
        """The days that have cuts, and for `day` the numbers that a slider can reach, as unbroken runs."""
        day = day_of(request)
        try:
            days = await self._past.ask(self._cut_days.read)
            runs = await self._past.ask(lambda source: cuts.runs(source, day)) if day else []
        except Unavailable:
            raise Problem("clickhouse_away") from None
        return json_response({"days": days, "day": day, "runs": runs})

    @ward_aware
    async def health(self, _request: web.Request) -> web.StreamResponse:
        """200 when ClickHouse answers now and the first page, if it is watched, was read at the last try.

        A slow reading is no ill health: the page says how old its figures are, and `age_s` says it here.
        """
        channel = self._hub.kept
        failed = channel.latest.error if channel.clients and channel.latest else None
        if failed or not await self._probe.answers():
            raise Problem(failed or "clickhouse_away")
        return json_response({"ok": True, "age_s": channel.age_s(), "clients": self._hub.clients})

    async def _read(self, topic: Topic, seconds: float) -> Members:
        try:
            with self._hub.watch(topic) as channel:
                fresh = await self._fresh(channel, seconds)
        except TooManyClients:
            raise Problem("too_many_clients") from None
        if not fresh or channel.latest is None or channel.latest.error:
            raise Problem((channel.latest and channel.latest.error) or "clickhouse_away")
        return channel.body()

    async def _fresh(self, channel: Channel, seconds: float) -> bool:
        """Wait for a read if the channel's latest is old; whether it is new enough then."""
        if channel.put_age_s() <= FRESH_READS * self._config.refresh_s:
            return True
        await channel.read_once(seconds)
        return channel.put_age_s() <= seconds
