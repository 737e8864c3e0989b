"""A small real OpenID provider: real keys, real signatures, PKCE checked. It can be told to lie."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from tests.conftest import free_port

CLIENT, SECRET = "page", "s3cret-of-the-page"


class Provider:
    """Runs in a thread with a loop of its own. `claims` go into every ID token, over the honest ones."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}/realm"
        self.claims: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.published: list[RSAKey | ECKey] = []
        self.key: RSAKey | ECKey
        self.new_key()
        self._codes: dict[str, dict[str, str]] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def new_key(self, *, elliptic: bool = False, publish: bool = True) -> None:
        """Sign by a new key from now on."""
        kid: KeyParameters = {"kid": secrets.token_hex(4)}
        self.key = ECKey.generate_key("P-256", kid) if elliptic else RSAKey.generate_key(2048, kid)
        self.algorithm = "ES256" if elliptic else "RS256"
        if publish:
            self.published = [self.key]

    def grant(self, query: dict[str, str]) -> str:
        """What the person's browser would come back with: the query of the callback."""
        code = secrets.token_urlsafe(8)
        self._codes[code] = query
        return urlencode({"code": code, "state": query["state"]})

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_get("/realm/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/realm/keys", self._keys)
        app.router.add_post("/realm/token", self._token)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", self.port).start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _configuration(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.published]})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)
        challenge = urlsafe_b64encode(hashlib.sha256(str(form.get("code_verifier")).encode()).digest())
        good = (
            asked is not None
            and challenge.rstrip(b"=").decode() == asked["code_challenge"]
            and form.get("redirect_uri") == asked["redirect_uri"]
            and (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        )
        if not good or asked is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        honest = {"iss": self.issuer, "aud": CLIENT, "sub": "someone", "iat": now, "exp": now + 300}
        claims = {**honest, "nonce": asked["nonce"], **self.claims}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        token = jwt.encode(header, claims, self.key, algorithms=[self.algorithm])
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": token})
