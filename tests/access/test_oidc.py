"""Logging in with an OpenID provider of our own making, against the real server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from tests.access.provider import CLIENT, SECRET, Provider
from tests.access.visitor import Answer, Visitor
from tests.browser.dashboard import Dashboard

PUBLIC = "http://localhost:8800"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(serve: Callable[..., Dashboard], provider: Provider) -> Dashboard:
    oidc = {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET}
    return serve(oidc=oidc, public_url=PUBLIC)


@pytest.fixture
def visitor(page: Dashboard, provider: Provider) -> Visitor:
    provider.claims = {"groups": ["dongbo-city"]}
    return Visitor(page.port)


def visit(visitor: Visitor, next_: str = "/") -> dict[str, str]:
    """Go to the provider; what the browser brings there."""
    answer = visitor.open(f"/login/oidc?next={next_}")
    assert answer.status == 303
    assert "SameSite=Lax" in answer.cookie("dongbo-oidc")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def come_back(visitor: Visitor, query: str) -> Answer:
    return visitor.open(f"/login/callback?{query}", **{"Sec-Fetch-Site": "cross-site"})


def test_login_page_offers_the_provider(visitor: Visitor) -> None:
    assert 'href="/login/oidc?next=%2F"' in visitor.open("/login").text


@pytest.mark.parametrize("elliptic", [False, True])
def test_city_viewer_comes_in_by_the_provider(visitor: Visitor, provider: Provider, elliptic: bool) -> None:
    provider.new_key(elliptic=elliptic)
    provider.published.append(provider.key)
    query = visit(visitor, "/%3Fview=ward")
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{PUBLIC}/login/callback"

    # The page keeps the provider's keys and reads them again for one it does not know, at most each 5 s.
    answer = (
        come_back(visitor, provider.grant(query)) if not elliptic else _patiently(visitor, provider, query)
    )

    assert answer.status == 200, answer.text
    assert 'content="0;url=/?view=ward"' in answer.text
    assert "SameSite=Strict" in answer.cookie("dongbo")
    assert "dongbo-oidc" not in visitor.cookies
    assert visitor.get("/api/viewer").json()["role"] == "city"


def _patiently(visitor: Visitor, provider: Provider, query: dict[str, str]) -> Answer:
    deadline = time.monotonic() + 60
    answer = come_back(visitor, provider.grant(query))
    while answer.status != 200 and time.monotonic() < deadline:
        time.sleep(1)
        answer = come_back(visitor, provider.grant(visit(visitor, "/%3Fview=ward")))
    return answer


@pytest.mark.parametrize("claim", ["dongbo-ward-00070", ["other", "dongbo-ward-00070"]])
def test_ward_viewer_comes_in_by_the_claim(visitor: Visitor, provider: Provider, claim: Any) -> None:
    provider.claims = {"groups": claim}

    assert come_back(visitor, provider.grant(visit(visitor))).status == 200
    assert visitor.get("/api/viewer").json() == {"role": "ward", "ward": "00070", "login": True}


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": []},
        {"groups": None},
        {"groups": ["dongbo-ward-99999"]},
        {"groups": ["dongbo-ward-00070", "dongbo-ward-00082"]},
        {"groups": {"dongbo-city": True}},
    ],
)
def test_account_without_a_role_is_told_so(
    visitor: Visitor, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    answer = come_back(visitor, provider.grant(visit(visitor)))

    assert answer.status == 403
    assert "chưa được cấp quyền" in answer.text
    assert "dongbo" not in visitor.cookies


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://other.example"},
        {"aud": "another-page"},
        {"aud": [CLIENT, "another-page"]},
        {"azp": "another-page"},
        {"exp": 1},
        {"nonce": "of another attempt"},
        {"nonce": None},
    ],
)
def test_token_that_is_not_for_us_now_is_refused(
    visitor: Visitor, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.claims = {"groups": "dongbo-city", **lie}

    assert come_back(visitor, provider.grant(visit(visitor))).status == 403
    assert "dongbo" not in visitor.cookies


def test_token_signed_by_another_key_is_refused(visitor: Visitor, provider: Provider) -> None:
    good, published = provider.key, list(provider.published)
    provider.new_key(publish=False)
    assert come_back(visitor, provider.grant(visit(visitor))).status == 403

    # With the known key's name on it, too.
    stranger = provider.key
    provider.key, provider.published = good, published
    provider.key = RSAKey.import_key(stranger.as_pem(private=True), {"kid": str(good.kid)})
    provider.algorithm = "RS256"
    assert come_back(visitor, provider.grant(visit(visitor))).status == 403
    provider.key = good
    assert "dongbo" not in visitor.cookies


def test_token_signed_by_a_shared_secret_is_refused(visitor: Visitor, provider: Provider) -> None:
    good, algorithm = provider.key, provider.algorithm
    provider.key = OctKey.generate_key(256, {"kid": str(good.kid)})  # type: ignore[assignment]
    provider.algorithm = "HS256"
    answer = come_back(visitor, provider.grant(visit(visitor)))
    provider.key, provider.algorithm = good, algorithm

    assert answer.status == 403
    assert "dongbo" not in visitor.cookies


def test_callback_without_our_own_attempt_is_refused(
    visitor: Visitor, provider: Provider, page: Dashboard
) -> None:
    query = visit(visitor)
    granted = provider.grant(query)

    assert come_back(Visitor(page.port), granted).status == 403
    assert come_back(visitor, granted.replace("state=", "state=x")).status == 403
    # The attempt is spent by the first coming back, good or bad.
    assert come_back(visitor, granted).status == 403


def test_callback_with_another_attempts_code_fails_by_pkce(visitor: Visitor, provider: Provider) -> None:
    victim = visit(visitor)
    stolen = provider.grant(victim)
    own = visit(visitor)

    assert come_back(visitor, f"{stolen.split('&')[0]}&state={own['state']}").status == 403


def test_provider_that_is_away_is_said(serve: Callable[..., Dashboard]) -> None:
    oidc = {"issuer": "http://127.0.0.1:9", "client_id": CLIENT}
    answer = Visitor(serve(oidc=oidc, public_url=PUBLIC).port).open("/login/oidc")

    assert answer.status == 502
    assert "The log-in service does not answer" in answer.text
