"""The addresses of logging in and out, and what makes a session of a token."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from dashboards.server.access.config import AccessConfig
from dashboards.server.access.limits import Buckets, client_of
from dashboards.server.access.login_page import BOUNCED, STYLE, bounce, login_page
from dashboards.server.access.oidc import Oidc
from dashboards.server.access.session import Attempt, LoginForm, Sealer, Session, load_secret
from dashboards.server.access.viewer import Viewer, viewer_of, ward_aware
from dashboards.server.access.viewers import Viewers
from dashboards.server.problem import Problem, json_response, response_of

log = logging.getLogger(__name__)

FORM_S: Final = 3600.0
_BODY_BYTES_MAX: Final = 8192
_NEXT_MAX: Final = 2000


class Login:
    """Who may come in, by cookie, by bearer token, by form, by the OpenID provider."""

    def __init__(self, access: AccessConfig) -> None:
        self.access = access
        self._sealer = Sealer(load_secret(access.key_path), access.token)
        self._viewers = Viewers(access.viewers_path) if access.viewers_path else None
        self._attempts = Buckets(access.logins_minute / 60.0, access.logins_minute)
        self._oidc = Oidc(access, access.oidc) if access.oidc else None
        # __Host-: neither a sibling's page nor one without TLS can set it.
        self._session_cookie, self._form_cookie, self._attempt_cookie = (
            ("__Host-dongbo", "__Host-dongbo-form", "__Host-dongbo-oidc")
            if access.secure
            else ("dongbo", "dongbo-form", "dongbo-oidc")
        )

    def add_routes(self, app: web.Application) -> None:
        """The addresses; all but `/api/viewer` are open to everybody."""
        app.router.add_get("/login", self.page)
        app.router.add_post("/login", self.enter)
        app.router.add_post("/logout", self.leave)
        app.router.add_get("/login/oidc", self.visit, allow_head=False)
        app.router.add_get("/login/callback", self.callback, allow_head=False)
        app.router.add_get("/login/style.css", self.style)
        app.router.add_get("/api/viewer", self.who)
        app.on_cleanup.append(self._close)

    def session_of(self, request: web.Request) -> tuple[Session, Viewer] | None:
        """The session that a request shows, if it is good still."""
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            return self._session_of_token(authorization.removeprefix("Bearer "), request)
        session = self._sealer.open(Session, request.cookies.get(self._session_cookie, ""), time.time())
        if session is None or not self.still_good(session):
            return None
        return session, Viewer(session.role, session.ward, session.by)

    def still_good(self, session: Session) -> bool:
        """Not ended, and its viewer is not revoked."""
        if time.time() >= session.ends_s:
            return False
        if session.by in ("token", "oidc"):
            return bool(self.access.token if session.by == "token" else self.access.oidc)
        known = self._viewers.find(session.by) if self._viewers else None
        return known is not None and (known.role, known.ward) == (session.role, session.ward)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The form; who is in already goes on."""
        next_ = safe_next(request.query.get("next", "/"))
        if not self.access.needed or self.session_of(request):
            raise web.HTTPSeeOther(next_)
        return self._page(next_)

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """Take the form's token. Raises `Problem` (too_fast, bad_request, login_stale)."""
        self._count(request)
        if (request.content_length or _BODY_BYTES_MAX + 1) > _BODY_BYTES_MAX:
            raise Problem("bad_request")
        form = await _form(request)
        next_ = safe_next(form.get("next", "/"))
        if not _from_here(request) or not self._form_is_ours(request, form.get("form", "")):
            return self._page(next_, "login_stale", 403)
        found = self._viewer_of_token(form.get("token", "").strip())
        if found is None:
            log.warning("a log-in was refused: wrong token")
            return self._page(next_, "login_wrong", 401)
        response = web.Response(status=303, headers={"Location": next_})
        return self._let_in(response, *found)

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Forget the session. Only from a page of ours; another site's request has no session anyway."""
        if not _from_here(request):
            raise Problem("login_stale")
        response = web.Response(status=303, headers={"Location": "/login"})
        response.del_cookie(self._session_cookie, path="/", secure=self.access.secure, samesite="Strict")
        return response

    async def visit(self, request: web.Request) -> web.StreamResponse:
        """Go to the OpenID provider."""
        self._count(request)
        if self._oidc is None:
            raise Problem("not_found")
        next_ = safe_next(request.query.get("next", "/"))
        try:
            url, attempt = await self._oidc.start(next_)
        except Problem as problem:
            return self._page(next_, problem.code, 502)
        response = web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
        # Lax: the provider sends the browser back from another site.
        self._set(response, self._attempt_cookie, self._sealer.seal(attempt), 600.0, "Lax")
        return response

    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Come back from it."""
        self._count(request)
        if self._oidc is None:
            raise Problem("not_found")
        sealed = request.cookies.get(self._attempt_cookie, "")
        attempt = self._sealer.open(Attempt, sealed, time.time())
        try:
            if attempt is None or not hmac.compare_digest(
                attempt.state.encode(), request.query.get("state", "").encode("utf-8", "replace")
            ):
                raise Problem("login_stale")
            viewer = await self._oidc.finish(request.query.get("code", ""), attempt)
        except Problem as problem:
            log.warning("a log-in by OpenID was refused: %s", problem.code)
            response = self._page("/", problem.code, response_of(problem.code).status)
        else:
            response = self._let_in(bounce(attempt.next), "oidc", viewer)
        response.del_cookie(self._attempt_cookie, path="/", secure=self.access.secure, samesite="Lax")
        return response

    async def style(self, _request: web.Request) -> web.StreamResponse:
        """The log-in page's style."""
        return web.Response(body=STYLE, content_type="text/css", headers={"Cache-Control": "no-cache"})

    @ward_aware
    async def who(self, request: web.Request) -> web.StreamResponse:
        """Who looks: `role`, `ward`, and whether there is a way to log out."""
        viewer = viewer_of(request)
        return json_response({"role": viewer.role, "ward": viewer.ward, "login": self.access.needed})

    def _page(self, next_: str, code: str = "", status: int = 200) -> web.Response:
        nonce = secrets.token_urlsafe(24)
        sealed = self._sealer.seal(LoginForm(nonce, time.time() + FORM_S))
        response = login_page(
            sealed=sealed, next_=next_, oidc=self._oidc is not None, code=code, status=status
        )
        # The form's value counts only together with this cookie, which another site can neither read nor set.
        self._set(response, self._form_cookie, nonce, FORM_S, "Strict")
        return response

    def _form_is_ours(self, request: web.Request, sealed: str) -> bool:
        form = self._sealer.open(LoginForm, sealed, time.time())
        nonce = request.cookies.get(self._form_cookie, "").encode("utf-8", "replace")
        return form is not None and hmac.compare_digest(form.nonce.encode(), nonce)

    def _session_of_token(self, token: str, request: web.Request) -> tuple[Session, Viewer] | None:
        found = self._viewer_of_token(token)
        if found is None:
            self._count(request)
            return None
        by, viewer = found
        return Session(viewer.role, viewer.ward, by, time.time() + self.access.session_s), viewer

    def _viewer_of_token(self, token: str) -> tuple[str, Viewer] | None:
        shared = self.access.token
        # Digests, because compare_digest tells how long what it compares is.
        if shared and hmac.compare_digest(_digest(token), _digest(shared)):
            return "token", Viewer("city", None, "token")
        return self._viewers.viewer_of(token) if self._viewers else None

    def _let_in(self, response: web.Response, by: str, viewer: Viewer) -> web.Response:
        lasts_s = self.access.session_s
        sealed = self._sealer.seal(Session(viewer.role, viewer.ward, by, time.time() + lasts_s))
        self._set(response, self._session_cookie, sealed, lasts_s, "Strict")
        response.del_cookie(self._form_cookie, path="/", secure=self.access.secure, samesite="Strict")
        if by != "oidc":
            response.del_cookie(BOUNCED, path="/", samesite="Lax")
        return response

    def _set(self, response: web.Response, name: str, value: str, lasts_s: float, samesite: str) -> None:
        response.set_cookie(
            name,
            value,
            path="/",
            max_age=int(lasts_s),
            httponly=True,
            secure=self.access.secure,
            samesite=samesite,
        )

    def _count(self, request: web.Request) -> None:
        wait_s = self._attempts.take(client_of(request, self.access.proxies))
        if wait_s:
            raise Problem("too_fast", retry_after_s=wait_s)

    async def _close(self, _app: web.Application) -> None:
        if self._oidc is not None:
            await self._oidc.close()


def safe_next(text: str) -> str:
    """A path of our own to go on to, or `/`: never another site, never the log-in again."""
    if not text.startswith("/") or text[1:2] in ("/", "\\") or len(text) > _NEXT_MAX:
        return "/"
    if any(ord(letter) < 0x21 or letter == "\\" for letter in text) or text.startswith(("/login", "/logout")):
        return "/"
    return text


async def _form(request: web.Request) -> dict[str, str]:
    try:
        fields = await request.post()
    except RecursionError:  # some hundred brackets in Content-Type, and aiohttp's parser descends into each
        raise Problem("bad_request") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _from_here(request: web.Request) -> bool:
    """Whether a page of ours sent this, as far as the browser tells; who is no browser tells nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
