"""The one door: every request passes here before any handler. Closed unless something opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dashboards.server.access.config import AccessConfig, is_loopback
from dashboards.server.access.limits import Buckets, Streams, client_of
from dashboards.server.access.login import Login
from dashboards.server.access.login_page import BOUNCED, bounce
from dashboards.server.access.session import Session
from dashboards.server.access.viewer import VIEWER, Viewer, is_ward_aware, require_ward
from dashboards.server.problem import Problem

# What somebody who is not logged in may have: enough to log in, and health without figures.
OPEN: Final = frozenset(
    {
        "/login",
        "/login/oidc",
        "/login/callback",
        "/login/style.css",
        "/logout",
        "/healthz",
        "/web/icon.svg",
    }
)
STREAM: Final = "/events"
# How soon an open stream ends after its viewer was revoked or its session ended.
RECHECK_S: Final = 2.0
# Parameters that name wards, wherever they stand; more than one code is separated by commas.
_WARD_NAMES: Final = ("ward", "wards")
_YEAR_S: Final = 31_536_000
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def install(app: web.Application, access: AccessConfig) -> None:
    """Put the door before all of an application's handlers. Raises `Stop` without a session key."""
    login = Login(access)
    login.add_routes(app)
    app.middlewares.append(_guard(login, access))
    if access.secure:
        app.on_response_prepare.append(_only_tls)


def _guard(login: Login, access: AccessConfig) -> Middleware:
    rates = Buckets(access.requests_s, access.requests_burst)
    streams = Streams(access.streams_client_max)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/healthz":
            return await handler(request)
        client = client_of(request, access.proxies)
        wait_s = rates.take(client)
        if wait_s:
            raise Problem("too_fast", retry_after_s=wait_s)
        if not access.needed:
            _only_here(request)
        elif request.path not in OPEN:
            found = login.session_of(request)
            if found is None:
                return _turn_away(request)
            session, request[VIEWER] = found
            if request[VIEWER].role == "ward":
                _check_ward_viewer(request, request[VIEWER])
        if request.path != STREAM:
            return await handler(request)
        with streams.hold(client), _ended_with(request, login, session if access.needed else None):
            return await handler(request)

    return guard


def _turn_away(request: web.Request) -> web.StreamResponse:
    """A person goes to the log-in and comes back; a program is told."""
    if request.method not in ("GET", "HEAD") or "text/html" not in request.headers.get("Accept", ""):
        raise Problem("login_needed")
    if request.method == "GET" and _may_hold_a_cookie_back(request):
        # By a link in a message: the browser keeps the cookie back until a page of ours leads on.
        return bounce(_here(request))
    raise web.HTTPSeeOther(f"/login?next={quote(_here(request), safe='')}")


def _may_hold_a_cookie_back(request: web.Request) -> bool:
    """Whether the request may come from another site; without TLS a browser does not say, so try it once."""
    site = request.headers.get("Sec-Fetch-Site")
    return site == "cross-site" or (site is None and BOUNCED not in request.cookies)


def _here(request: web.Request) -> str:
    # A path like //other.example would leave for another site.
    return "/" + request.path_qs.lstrip("/")


def _check_ward_viewer(request: web.Request, viewer: Viewer) -> None:
    """Closed by default: a handler must know of wards' viewers, and no parameter may name another ward."""
    match = request.match_info
    if match.http_exception is None and not is_ward_aware(match.handler):
        raise Problem("other_ward")
    for name in _WARD_NAMES:
        said = [*request.query.getall(name, []), *([match[name]] if name in match else [])]
        for code in (code for text in said for code in text.split(",") if code):
            require_ward(request, code)


def _only_here(request: web.Request) -> None:
    """Without a log-in only this machine's own browser may ask.

    Another name in Host is a page that made its own name mean 127.0.0.1 (DNS rebinding), or a proxy, behind
    which anybody may stand.
    """
    name = urlsplit(f"//{request.host}").hostname or ""
    if not is_loopback(name) or any(header in request.headers for header in _FORWARDED):
        raise Problem("only_here")


@contextmanager
def _ended_with(request: web.Request, login: Login, session: Session | None) -> Iterator[None]:
    """Hang up an open stream when its session is no longer good."""
    if session is None:
        yield
        return
    loop, held = asyncio.get_running_loop(), session
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        if login.still_good(held):
            timer = loop.call_later(RECHECK_S, look)
        elif request.transport is not None:
            request.transport.close()

    timer = loop.call_later(RECHECK_S, look)
    try:
        yield
    finally:
        timer.cancel()


async def _only_tls(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
