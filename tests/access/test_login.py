"""Logging in against the real server: what is closed, what opens it, what a cookie is worth."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from dashboards.server.access import AccessConfig, OidcConfig, check
from dashboards.server.access.guard import OPEN, install
from dashboards.server.access.login import safe_next
from dashboards.server.access.session import Sealer, Session
from dashboards.server.config import SQL, DashboardConfig
from dashboards.server.dictionary import Dictionary
from dashboards.server.exports.routes import Exports
from dashboards.server.hub import Hub
from dashboards.server.problem import SECURITY_HEADERS
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.questions.routes import Questions
from dashboards.server.routes import FIRST_PAGE, Routes
from producers.contract.errors import Stop
from streams.warehouse.store import Address, Store
from tests.access.conftest import TOKEN
from tests.access.visitor import Visitor, form_of
from tests.browser.dashboard import Dashboard
from tests.conftest import eventually

PARTS = {"path": "main.js", "file": "city-wards.csv", "name": "city-by-day", "ending": "json"}


def routes() -> list[tuple[str, str]]:
    """Every method and path that the page's application has, so that a new one is tested by itself."""
    address = Address("127.0.0.1", 1, "none", "reader", "")
    never = cast("Any", None)
    config = DashboardConfig(clickhouse=address)
    app = Routes(config, Hub(1, FIRST_PAGE), frozenset(), never, never).application()
    store, catalogue = cast("Store", None), Catalogue(SQL)
    for more in (Exports(store), Questions(store, catalogue), Dictionary(store, catalogue, SQL)):
        more.add_to(app)
    install(app, AccessConfig(token=TOKEN))
    found = {(route.method, _path(route)) for route in app.router.routes()}
    assert {("GET", "/events"), ("GET", "/api/snapshot"), ("GET", "/export/city-wards.csv")} <= found
    assert {("GET", "/questions/city-by-day.json"), ("GET", "/api/dictionary")} <= found
    return sorted(found)


def _path(route: web.AbstractRoute) -> str:
    resource = route.resource
    assert resource is not None
    return resource.canonical.format(**PARTS)


CLOSED = [(method, path) for method, path in routes() if path not in OPEN]


@pytest.mark.parametrize(("method", "path"), [*CLOSED, ("GET", "/no/such/path"), ("POST", "/api/snapshot")])
def test_route_without_login_is_closed(visitor: Visitor, method: str, path: str) -> None:
    answer = visitor.ask(method, path)

    assert answer.status == 401
    if method != "HEAD":
        assert answer.code == "login_needed"


def test_page_without_login_leads_to_the_login_and_back(visitor: Visitor) -> None:
    answer = visitor.open("/?view=ward&ward=00070", **{"Sec-Fetch-Site": "none"})

    assert answer.status == 303
    assert answer.headers["Location"] == "/login?next=/?view%3Dward%26ward%3D00070"


def test_page_by_a_link_from_elsewhere_is_led_on_by_ourselves(visitor: Visitor) -> None:
    answer = visitor.open('/?ward="><script>', **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 200
    assert 'http-equiv="refresh"' in answer.text
    assert "<script>" not in answer.text


def test_page_by_a_link_without_tls_is_led_on_once(visitor: Visitor) -> None:
    assert 'http-equiv="refresh"' in visitor.open("/").text
    assert visitor.open("/").status == 303


def test_page_with_a_path_like_a_host_stays_here(visitor: Visitor) -> None:
    answer = visitor.open("//other.example/", **{"Sec-Fetch-Site": "none"})

    assert answer.headers["Location"] == "/login?next=/other.example/"


def test_login_with_the_shared_token_opens_the_city(visitor: Visitor) -> None:
    answer = visitor.log_in(TOKEN, next_="/?lang=en")

    assert (answer.status, answer.headers["Location"]) == (303, "/?lang=en")
    cookie = answer.cookie("dongbo")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert visitor.open("/").status == 200
    assert visitor.get("/api/viewer").json() == {"role": "city", "ward": None, "login": True}
    eventually(lambda: visitor.get("/api/snapshot").status == 200, timeout=60)
    assert visitor.open("/login?next=/?lang=en").headers["Location"] == "/?lang=en"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + " x", TOKEN[:-1], "dbv_000000000000_" + "a" * 43])
def test_login_with_a_wrong_token_says_so_in_both_languages(visitor: Visitor, token: str) -> None:
    answer = visitor.log_in(token)

    assert answer.status == 401
    assert "Mã truy cập không đúng" in answer.text
    assert "The access token is wrong" in answer.text
    assert "dongbo" not in visitor.cookies
    assert visitor.get("/api/snapshot").status == 401


def test_login_page_has_no_script_and_no_inline_style(visitor: Visitor) -> None:
    page = visitor.open("/login?next=/x%22%3E%3Cscript%3E")

    assert page.status == 200
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "<style" not in page.text
    assert visitor.get("/login/style.css").headers["Content-Type"].startswith("text/css")


def test_bearer_token_opens_the_api_for_programs(visitor: Visitor) -> None:
    assert visitor.get("/api/viewer", Authorization=f"Bearer {TOKEN}").status == 200
    assert visitor.get("/api/snapshot", Authorization="Bearer wrong").status == 401


def test_cookie_that_is_forged_or_cut_opens_nothing(visitor: Visitor) -> None:
    visitor.log_in(TOKEN)
    good = visitor.cookies["dongbo"]
    payload, _, signature = good.partition(".")
    forged = Sealer(b"x" * 32, TOKEN).seal(Session("city", None, "token", time.time() + 60))
    for bad in (
        forged,
        payload,
        f"{payload}.",
        f".{signature}",
        f"{payload[:-2]}AA.{signature}",
        "x" * 9000,
        "é",
    ):
        visitor.cookies["dongbo"] = bad.encode("utf-8").decode("latin-1")
        assert visitor.get("/api/snapshot").status in (400, 401), bad
    visitor.cookies["dongbo"] = good
    assert visitor.get("/api/viewer").status == 200


def test_cookie_of_another_purpose_opens_nothing(visitor: Visitor) -> None:
    visitor.cookies["dongbo"] = form_of(visitor.open("/login"))

    assert visitor.get("/api/snapshot").status == 401


def test_session_past_its_end_is_closed_and_its_stream_ends(serve: Callable[..., Dashboard]) -> None:
    visitor = Visitor(serve(token=TOKEN, session_s=3.0).port)
    visitor.log_in(TOKEN)
    with visitor.stream() as stream:
        assert stream.status == 200
        read_to_the_end(stream)

    assert visitor.get("/api/snapshot").status == 401


def test_session_outlives_a_restart_but_not_another_token(
    serve: Callable[..., Dashboard], tmp_path: Path
) -> None:
    key = str(tmp_path / "page.key")
    page, other = serve(token=TOKEN, key_path=key), serve(token=TOKEN + "-new", key_path=key)
    visitor = Visitor(page.port)
    visitor.log_in(TOKEN)
    page.stop()
    page.start()
    assert visitor.get("/api/viewer").status == 200

    visitor.port = other.port
    assert visitor.get("/api/viewer").status == 401
    assert (tmp_path / "page.key").stat().st_mode & 0o077 == 0


def test_logout_forgets_the_session_and_needs_our_own_page(visitor: Visitor) -> None:
    visitor.log_in(TOKEN)
    assert visitor.post("/logout", {}, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visitor.post("/logout", {}, Origin="https://other.example").status == 403
    assert visitor.get("/logout").status == 405
    assert visitor.get("/api/viewer").status == 200

    answer = visitor.post("/logout", {}, **{"Sec-Fetch-Site": "same-origin"})

    assert answer.headers["Location"] == "/login"
    assert "dongbo" not in visitor.cookies
    assert visitor.get("/api/viewer").status == 401


def test_login_form_from_elsewhere_is_refused(visitor: Visitor, guarded: Dashboard) -> None:
    other = Visitor(guarded.port)
    stolen = form_of(other.open("/login"))
    visitor.open("/login")
    for form, headers in (
        ({"token": TOKEN}, {}),
        ({"token": TOKEN, "form": stolen}, {}),
        ({"token": TOKEN, "form": form_of(visitor.open("/login"))}, {"Sec-Fetch-Site": "cross-site"}),
        ({"token": TOKEN, "form": form_of(visitor.open("/login"))}, {"Origin": "https://other.example"}),
    ):
        answer = visitor.post("/login", form, **headers)
        assert answer.status == 403
        assert "dongbo" not in visitor.cookies


def test_login_form_too_large_is_refused(visitor: Visitor) -> None:
    assert visitor.post("/login", {"token": "x" * 9000}).code == "bad_request"


def test_login_form_whose_type_is_all_brackets_is_refused(visitor: Visitor) -> None:
    answer = visitor.post("/login", {"token": "x"}, **{"Content-Type": "application/json" + "(" * 900})
    assert answer.code == "bad_request"


@pytest.mark.parametrize(
    ("said", "goes_to"),
    [
        ("/?lang=en", "/?lang=en"),
        ("//other.example", "/"),
        ("/\\other.example", "/"),
        ("https://other.example", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/login?next=/login", "/"),
        ("", "/"),
    ],
)
def test_next_is_a_path_of_ours_only(said: str, goes_to: str) -> None:
    assert safe_next(said) == goes_to


def test_every_answer_has_the_security_headers(visitor: Visitor) -> None:
    before = ["/", "/login", "/login/style.css", "/web/icon.svg", "/healthz", "/nothing", "/api/snapshot"]
    answers = [visitor.open(path) for path in before]
    answers += [visitor.log_in("wrong"), visitor.log_in(TOKEN), visitor.post("/", {})]
    for path in ("/", "/web/main.js", "/web/none", "/nothing", "/api/snapshot?view=none", "/export/none.csv"):
        answers.append(visitor.open(path))
    with visitor.stream() as stream:
        answers_headers = [*(answer.headers for answer in answers), stream.headers]

    assert {answer.status for answer in answers} >= {200, 303, 400, 401, 404, 405}
    for headers in answers_headers:
        for name, value in SECURITY_HEADERS.items():
            assert headers.get_all(name) == [value]
        assert headers["Server"] == "dongbo"
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_page_behind_tls_has_secure_cookies_and_tells_browsers_to_stay(
    serve: Callable[..., Dashboard],
) -> None:
    visitor = Visitor(serve(token=TOKEN, public_url="https://page.example").port)
    answer = visitor.log_in(TOKEN)

    assert "Secure" in answer.cookie("__Host-dongbo")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "page.example"])
def test_start_on_a_network_without_login_is_refused(host: str) -> None:
    with pytest.raises(Stop, match="needs a log-in"):
        check(host, AccessConfig())
    check(host, AccessConfig(token=TOKEN))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_start_on_loopback_without_login_is_allowed(host: str) -> None:
    check(host, AccessConfig())


@pytest.mark.parametrize(
    "access",
    [
        AccessConfig(token="short"),
        AccessConfig(oidc=OidcConfig(issuer="https://id.example", client_id="page")),
        AccessConfig(
            oidc=OidcConfig(issuer="http://id.example", client_id="page"), public_url="https://page.example"
        ),
        AccessConfig(
            oidc=OidcConfig(issuer="https://id.example", client_id="page"), public_url="http://page.example"
        ),
        AccessConfig(
            oidc=OidcConfig(issuer="https://id.example", client_id=""), public_url="https://page.example"
        ),
    ],
)
def test_start_with_what_cannot_be_safe_is_refused(access: AccessConfig) -> None:
    with pytest.raises(Stop):
        check("127.0.0.1", access)


def test_page_without_login_answers_this_machine_only(serve: Callable[..., Dashboard]) -> None:
    visitor = Visitor(serve().port)

    assert visitor.get("/api/viewer").json()["login"] is False
    assert visitor.open("/login").headers["Location"] == "/"
    assert visitor.get("/", Host="localhost:8800").status == 200
    assert visitor.get("/", Host="other.example").code == "only_here"
    assert visitor.get("/", **{"X-Forwarded-For": "192.0.2.7"}).code == "only_here"


def read_to_the_end(stream: http.client.HTTPResponse) -> None:
    """Until the server hangs up, which must be soon."""
    deadline = time.monotonic() + 20
    with suppress(http.client.IncompleteRead, ConnectionError):
        while stream.read1():
            assert time.monotonic() < deadline


def test_stream_of_a_good_session_goes_on(visitor: Visitor) -> None:
    visitor.log_in(TOKEN)
    started = time.monotonic()

    with visitor.stream() as stream:
        eventually(lambda: stream.read1() and time.monotonic() - started > 3)
