"""HTTP: from requests to `Service` and back; every path, also one that is none, in the one error shape."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from producers.contract import codec
from producers.contract.errors import Reject
from producers.contract.topics import VALUE_BYTES_MAX
from producers.gateway import body as bodies
from producers.gateway.guard import Gate
from producers.gateway.intake import Sorted
from producers.gateway.limits import Buckets, Room
from producers.gateway.openapi import render_json
from producers.gateway.page import PAGE_CSP, render_page
from producers.gateway.problem import CODE_OF_HTTP, Problem, answer_of, json_response, problem_of
from producers.gateway.routes import ROUTES
from producers.gateway.service import Service
from producers.gateway.shapes import BatchAnswer, DayTotals, HeartbeatBody, Requests

_log: Final = logging.getLogger(__name__)
T = TypeVar("T")
# Adds routes of its own: the national portal's paths come in this way (`portal_routes.register`).
Registrar = Callable[[web.Application, "Door"], None]
_BYTES_AN_EVENT: Final = 4_096
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Door:
    """What every route does first and last: whose token, how much, how fast."""

    def __init__(self, service: Service, gate: Gate) -> None:
        self.service, self.gate = service, gate
        config = service.config
        self.room = Room(config.in_flight_bytes_max)
        self._buckets = Buckets(config.rate_events_s, config.burst_events)

    async def ward(self, request: web.Request) -> str:
        """The ward of the request's token.

        :raises Problem: unauthorized, identity_away
        """
        return await self.service.ward_of(request.headers.get("Authorization"))

    def charge(self, ward: str, events: int) -> None:
        """Count against the ward's rate.

        :raises Problem: too_many_events
        """
        wait_s = self._buckets.take(ward, events)
        if wait_s:
            raise Problem("too_many_events", retry_after_s=wait_s)

    async def batch(self, request: web.Request, use: Callable[[str, Sorted], Awaitable[T]]) -> T:
        """Read, split, charge and judge a body of events, then `use` it while its bytes are accounted for."""
        ward, config = await self.ward(request), self.service.config
        with self.room.lease() as lease:
            body = await bodies.read(request, config, lease)
            # A body that is long for its events costs as much as the events that would fill it.
            least = 1 + len(body) // _BYTES_AN_EVENT
            try:
                kind = bodies.media_type(request.headers.get("Content-Type", ""))
                events = bodies.split(body, kind, config.batch_events_max)
            except Problem:
                self.charge(ward, least)
                raise
            self.charge(ward, max(least, len(events)))
            lease.grow(len(body))  # the events are copies
            return await use(ward, await self.service.judge(ward, events))

    async def single(self, request: web.Request, kind: type[T], empty: bytes = b"") -> tuple[str, T]:
        """A small body of one known shape.

        :raises Reject: not_json, bad_shape, too_large
        """
        ward = await self.ward(request)
        with self.room.lease() as lease:
            body = await bodies.read(request, self.service.config, lease)
        self.charge(ward, 1)
        if len(body) > VALUE_BYTES_MAX:
            raise Reject("too_large", f"{len(body)} bytes")
        try:
            return ward, msgspec.json.decode(body.strip() or empty, type=kind)
        except msgspec.ValidationError as error:
            raise codec.shape_error(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Reject("not_json", type(error).__name__) from None


class Handlers:
    """One method for each route of `ROUTES`."""

    def __init__(self, door: Door) -> None:
        self._door, self._service = door, door.service
        self._openapi, self._page = render_json().encode(), render_page()

    async def events(self, request: web.Request) -> web.Response:
        return _answered(await self._door.batch(request, self._service.take))

    async def validate(self, request: web.Request) -> web.Response:
        async def check(_ward: str, batch: Sorted) -> BatchAnswer:
            return self._service.dry_run(batch)

        return _answered(await self._door.batch(request, check), ok=200)

    async def heartbeat(self, request: web.Request) -> web.Response:
        ward, body = await self._door.single(request, HeartbeatBody, b"{}")
        return _answered(await self._service.take(ward, await self._service.heartbeat(ward, body)))

    async def day_totals(self, request: web.Request) -> web.Response:
        ward, body = await self._door.single(request, DayTotals)
        return _answered(await self._service.take(ward, self._service.day_totals(ward, body)))

    async def receipt(self, request: web.Request) -> web.Response:
        ward = await self._door.ward(request)
        self._door.charge(ward, 1)
        return json_response(await self._service.ask_city(lambda city: city.receipt(ward)))

    async def requests(self, request: web.Request) -> web.Response:
        ward = await self._door.ward(request)
        self._door.charge(ward, 1)
        found = await self._service.ask_city(lambda city: city.requests(ward))
        return json_response(Requests(ward=ward, requests=list(found)))

    async def health(self, _request: web.Request) -> web.Response:
        sender, numbered = self._service.sender, self._service.numbered
        fault = sender.fault or (numbered.fault if numbered else "")
        report: dict[str, Any] = {
            # Kafka away is not this process's fault: it answers 503 and goes on by itself.
            "ok": not fault,
            "state": "waiting" if sender.away else "running",
            "detail": sender.away,
            "fault": fault,
            "connections": self._door.gate.open,
            "queued": sender.queued,
        }
        return json_response(report, 503 if fault else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        text = self._service.metrics.text()
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def openapi(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._openapi, content_type="application/json")

    async def docs(self, _request: web.Request) -> web.Response:
        return web.Response(
            text=self._page, content_type="text/html", headers={"Content-Security-Policy": PAGE_CSP}
        )


def application(door: Door, registrars: Sequence[Registrar] = ()) -> web.Application:
    """The application; `registrars` add further routes behind the same door, the portal's for one."""
    app = web.Application(middlewares=[_one_shape(door)])
    handlers = Handlers(door)
    for route in ROUTES:
        app.router.add_route(
            route.method, route.path, getattr(handlers, route.name), expect_handler=_expected
        )
    for register in registrars:
        register(app, door)
    app.on_response_prepare.append(_secure)
    return app


def _answered(answer: BatchAnswer, ok: int = 202) -> web.Response:
    return json_response(answer, 422 if answer.rejected else ok)


async def _expected(request: web.Request) -> web.Response | None:
    """`Expect: 100-continue`, as curl sends it before a large body; aiohttp runs this outside middlewares."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return answer_of(Problem("bad_request", hang_up=True))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # nothing of the answer itself has been sent
    return None


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "dongbo"  # aiohttp has named itself and Python by now


def _one_shape(door: Door) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.monotonic()
        response = await _handled(request, handler)
        route = request.match_info.route.resource
        path = route.canonical if route is not None else "other"
        door.service.metrics.request(path, response.status, time.monotonic() - begun)
        return response

    return middleware


async def _handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as error:
        known = _known(error)
        if known is not None:
            return known
        # Not the path, which is the client's text and may say anything.
        _log.exception("a request failed")
        return answer_of(Problem("internal"))


def _known(error: BaseException) -> web.Response | None:
    """The answer to what is refused on purpose; of several refusals in one request, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, Problem):
        return answer_of(error)
    if isinstance(error, Reject):
        return answer_of(problem_of(error))
    if isinstance(error, web.HTTPException) and error.status >= 400:
        return answer_of(Problem(CODE_OF_HTTP.get(error.status, "bad_request"), hang_up=True))
    return None
