"""Logging in with an OpenID provider: authorisation code with PKCE, after OpenID Connect Core 1.0, 3.1.

Of the ID token is checked: the signature (RS256 or ES256, by a key of the provider), issuer, audience, times
and the nonce of this very attempt. Nothing of it is kept but the role and the ward.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from dashboards.server.access.config import AccessConfig, OidcConfig, is_loopback
from dashboards.server.access.session import Attempt
from dashboards.server.access.viewer import Viewer
from dashboards.server.problem import Problem
from producers.contract.wards import WARDS

ATTEMPT_S: Final = 600.0
ALGORITHMS: Final = ("RS256", "ES256")
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_ANSWER_BYTES_MAX: Final = 1024 * 1024
# Clocks of two well-run servers differ by less.
_SKEW_S: Final = 60
_DISCOVERY_S: Final = 3600.0
# An unknown key asks for the provider's keys again, but not at every request of somebody who makes keys up.
_KEYS_AGAIN_S: Final = 5.0


class _Discovered(msgspec.Struct, frozen=True):
    """The members that we use of the provider's openid-configuration."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Oidc:
    """One provider. `close` gives its connections back."""

    def __init__(self, access: AccessConfig, oidc: OidcConfig) -> None:
        self._oidc = oidc
        self._callback = f"{access.public_url.rstrip('/')}/login/callback"
        self._http: aiohttp.ClientSession | None = None
        self._lock = asyncio.Lock()
        self._discovered: _Discovered | None = None
        self._discovered_s = self._keys_s = 0.0
        self._keys: KeySet | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()

    async def start(self, next_: str) -> tuple[str, Attempt]:
        """Where to send the browser, and what its coming back must match. Raises `Problem` (login_away)."""
        found = await self._discover()
        attempt = Attempt(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            next=next_,
            ends_s=time.time() + ATTEMPT_S,
        )
        challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": self._callback,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(found.authorization_endpoint).query else "?"
        return f"{found.authorization_endpoint}{joint}{urlencode(query)}", attempt

    async def finish(self, code: str, attempt: Attempt) -> Viewer:
        """Who came back with this code. Raises `Problem`: login_away, login_stale, no_role."""
        found = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "client_id": self._oidc.client_id,
            "code_verifier": attempt.verifier,
        }
        if self._oidc.client_secret:
            form["client_secret"] = self._oidc.client_secret
        answer = await self._ask("POST", found.token_endpoint, form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Problem("login_stale")
        return viewer_of_claims(self._oidc, await self._claims(token, found, attempt.nonce))

    async def _claims(self, token: str, found: _Discovered, nonce: str) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, await self._key_set(found), algorithms=ALGORITHMS)
        except (InvalidKeyIdError, ValueError):
            # The provider may have changed its keys since we read them.
            decoded = await self._decode_anew(token, found)
        except JoseError:
            raise Problem("login_stale") from None
        _check_claims(decoded.claims, found.issuer, self._oidc.client_id, nonce)
        return decoded.claims

    async def _decode_anew(self, token: str, found: _Discovered) -> jwt.Token:
        if time.monotonic() - self._keys_s > _KEYS_AGAIN_S:
            self._keys = None
        try:
            return jwt.decode(token, await self._key_set(found), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            raise Problem("login_stale") from None

    async def _discover(self) -> _Discovered:
        async with self._lock:
            if self._discovered is None or time.monotonic() - self._discovered_s > _DISCOVERY_S:
                url = f"{self._oidc.issuer.rstrip('/')}/.well-known/openid-configuration"
                self._discovered = self._believed(await self._ask("GET", url))
                self._discovered_s = time.monotonic()
            return self._discovered

    def _believed(self, answer: dict[str, Any]) -> _Discovered:
        try:
            found = msgspec.convert(answer, _Discovered)
        except msgspec.ValidationError:
            raise Problem("login_away") from None
        urls = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        # Another issuer's document here would let it speak for the one that was set.
        if found.issuer.rstrip("/") != self._oidc.issuer.rstrip("/") or not all(map(_safe, urls)):
            raise Problem("login_away")
        return found

    async def _key_set(self, found: _Discovered) -> KeySet:
        async with self._lock:
            if self._keys is None:
                answer = await self._ask("GET", found.jwks_uri)
                try:
                    self._keys = KeySet.import_key_set({"keys": list(answer["keys"])})
                except (JoseError, KeyError, TypeError, ValueError):
                    raise Problem("login_away") from None
                self._keys_s = time.monotonic()
            return self._keys

    async def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        """The provider's answer; a refusal of ours (4xx) is a stale attempt, all else is its absence."""
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            async with self._http.request(method, url, data=form, allow_redirects=False) as answer:
                body = await answer.content.read(_ANSWER_BYTES_MAX)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Problem("login_away") from None
        if form is not None and 400 <= status < 500:
            raise Problem("login_stale")
        try:
            return msgspec.json.decode(body, type=dict[str, Any]) if status == 200 else _away()
        except msgspec.DecodeError:
            raise Problem("login_away") from None


def viewer_of_claims(oidc: OidcConfig, claims: dict[str, Any]) -> Viewer:
    """The role that the claim's values give; city is more than a ward. Raises `Problem` (no_role)."""
    value = claims.get(oidc.claim)
    values = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
    if oidc.city in values:
        return Viewer("city")
    prefix = oidc.ward_prefix
    wards = {each.removeprefix(prefix) for each in values if each.startswith(prefix)} & WARDS.keys()
    # Of two wards neither is the viewer's own: somebody should look at the account.
    if len(wards) != 1:
        raise Problem("no_role")
    return Viewer("ward", wards.pop())


def _check_claims(claims: dict[str, Any], issuer: str, client_id: str, nonce: str) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    times = jwt.JWTClaimsRegistry(
        leeway=_SKEW_S,
        iss={"essential": True, "value": issuer},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        times.validate(claims)
    except JoseError:
        raise Problem("login_stale") from None
    party = claims.get("azp", client_id if len(audiences) == 1 else None)
    said = claims.get("nonce")
    if client_id not in audiences or party != client_id or not isinstance(said, str):
        raise Problem("login_stale")
    if not secrets.compare_digest(said.encode(), nonce.encode()):
        raise Problem("login_stale")


def _safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _away() -> dict[str, Any]:
    raise Problem("login_away")
