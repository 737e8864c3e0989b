"""What a browser carries after logging in: a few members, signed. No server keeps a list of sessions.

A sealed value is `payload.signature`, both base64url; the signature is HMAC-SHA256 over the purpose and the
payload, so that a value sealed for one purpose is worth nothing for another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from dashboards.server.access.viewer import Role
from producers.contract.errors import Stop

_KEY_BYTES: Final = 32
# A cookie is at most 4 KB; what is longer was never ours.
_SEALED_MAX: Final = 4096

Sealed = TypeVar("Sealed", bound=msgspec.Struct)


class Session(msgspec.Struct, frozen=True):
    """A viewer who logged in. `by`: `token`, `oidc`, or the id of a viewer of `dongbo viewer`."""

    role: Role
    ward: str | None
    by: str
    ends_s: float


class LoginForm(msgspec.Struct, frozen=True):
    """Proof that the log-in page was ours and recent."""

    nonce: str
    ends_s: float


class Attempt(msgspec.Struct, frozen=True):
    """One visit to the OpenID provider: what its answer must match."""

    state: str
    nonce: str
    verifier: str
    next: str
    ends_s: float


class Sealer:
    """Signs and opens values. Another secret, or another shared token, and nothing opens any more."""

    def __init__(self, secret: bytes, token: str) -> None:
        self._key = hmac.digest(secret, b"dongbo-page\0" + token.encode(), "sha256")

    def seal(self, value: msgspec.Struct) -> str:
        """The value as text for a cookie or a form."""
        payload = msgspec.json.encode(value)
        return f"{_text(payload)}.{_text(self._sign(type(value).__name__, payload))}"

    def open(self, kind: type[Sealed], text: str, now_s: float) -> Sealed | None:
        """The value, or None if it is forged, of another kind, or past its `ends_s`."""
        if len(text) > _SEALED_MAX or not text.isascii():
            return None
        payload_text, _, signature_text = text.partition(".")
        try:
            payload, signature = _bytes(payload_text), _bytes(signature_text)
        except (binascii.Error, ValueError):
            return None
        if not hmac.compare_digest(signature, self._sign(kind.__name__, payload)):
            return None
        try:
            value = msgspec.json.decode(payload, type=kind)
        except msgspec.DecodeError:  # signed by an earlier version with other members
            return None
        return value if now_s < getattr(value, "ends_s", 0.0) else None

    def _sign(self, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + payload, "sha256")


def load_secret(path: Path | None) -> bytes:
    """The installation's secret, made at first use and readable by its owner only.

    :raises Stop: the file cannot be made or read, or is not what we wrote
    """
    if path is None:
        return secrets.token_bytes(_KEY_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
        secret = path.read_bytes()
    except OSError as error:
        raise Stop("session_key", str(error), "Check that this user may write the folder") from error
    if len(secret) != _KEY_BYTES:
        raise Stop("session_key", f"{path} is damaged", "Remove it: all viewers then log in again")
    return secret


def _make(path: Path) -> None:
    """Write it beside and link it: of two that start at once one wins, and no half-written key is read."""
    if path.exists():
        return
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_bytes(_KEY_BYTES))
        os.fsync(handle)
        if not path.exists():
            os.link(beside, path)
    except FileExistsError:
        return
    finally:
        os.close(handle)
        beside.unlink()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
