"""A ward's token: what its system shows the gateway to say who it is.

A token is `dbt_<key id>_<secret>`: 12 hexadecimal digits that may be shown and logged, and 43 URL-safe
characters that are 256 random bits. Only its SHA-256 is stored. A slow hash would gain nothing: it protects
passwords that people choose, whose number can be tried out, and nobody tries out 2^256; it would cost each
request 100 ms instead of a microsecond.

Secret scanners find one by `dbt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from producers.contract.errors import DongBoError, Refused, Reject
from producers.contract.wards import WARDS
from producers.identity.registry import Clock, Entry, Registry, os_user

FORMAT: Final = re.compile(r"dbt_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
OVERLAP_S: Final = 7 * 86_400.0
OVERLAP_S_MAX: Final = 90 * 86_400.0
# How long an answer of the file is believed: with what the gateway remembers of it, below the second within
# which a revocation must be noticed.
_CACHE_S: Final = 0.4
_CACHE_MAX: Final = 1024
_NO_HASH: Final = bytes(32)

State = Literal["valid", "ending", "ended", "revoked"]


class TokenInfo(msgspec.Struct, frozen=True):
    """What may be shown of a token. `ending`: valid until the end of its overlap with a newer one."""

    key_id: str
    ward: str
    state: State
    created_ms: int
    valid_until_ms: int | None
    revoked_ms: int | None


# Named here, because within `Tokens` the word `list` is a method.
TokenInfos = list[TokenInfo]
Entries = list[Entry]


class _Known(NamedTuple):
    ward: str
    hash: bytes
    valid_until_ms: int | None
    revoked: bool
    read_s: float


class Tokens:
    """All wards' tokens, in the registry's file. Safe for several processes and threads at once."""

    def __init__(
        self, path: Path, *, clock: Clock = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Open the file, or create it; raises as `Registry`."""
        self._registry = Registry(path, clock)
        self._monotonic = monotonic
        self._cache: dict[str, _Known] = {}

    def issue(self, ward: str, actor: str | None = None) -> str:
        """A new token beside those the ward has; it can never be shown again.

        :raises Reject: unknown_ward
        """
        actor = actor or os_user()
        self._check_ward(ward, actor, "token issue")
        with self._registry.change() as db:
            return self._insert(db, ward, actor, "token issue")

    def rotate(self, ward: str, overlap_s: float = OVERLAP_S, actor: str | None = None) -> str:
        """A new token; the ward's others stay valid for the overlap, and not a moment longer.

        :raises Reject: unknown_ward
        :raises Refused: the ward has no valid token, or the overlap is out of bounds
        """
        actor = actor or os_user()
        self._check_ward(ward, actor, "token rotate")
        if not 0 <= overlap_s <= OVERLAP_S_MAX:
            raise self._refuse(Refused(*_BAD_OVERLAP), actor, "token rotate", ward)
        now_ms = self._registry.now_ms()
        with self._registry.change() as db:
            ended = db.execute(_END, (now_ms + int(overlap_s * 1000), ward, now_ms)).rowcount
            if ended:
                return self._insert(db, ward, actor, "token rotate")
        raise self._refuse(Refused(*_NOTHING_TO_ROTATE), actor, "token rotate", ward)

    def revoke(self, key_id: str, actor: str | None = None) -> TokenInfo:
        """End a token at once; every gateway refuses it within a second.

        :raises Refused: there is no such token, or it is revoked already
        """
        actor = actor or os_user()
        now_ms = self._registry.now_ms()
        with self._registry.change() as db:
            done = db.execute(
                "UPDATE tokens SET revoked_ms = ? WHERE key_id = ? AND revoked_ms IS NULL", (now_ms, key_id)
            ).rowcount
            if done:
                (ward,) = db.execute("SELECT ward FROM tokens WHERE key_id = ?", (key_id,)).fetchone()
                self._registry.note_in(db, actor, "token revoke", ward, key_id)
        if not done:
            raise self._refuse(Refused(*_NOTHING_TO_REVOKE), actor, "token revoke", "", key_id)
        self._cache.pop(key_id, None)
        return next(info for info in self._infos(ward) if info.key_id == key_id)

    def list(self, ward: str | None = None, actor: str | None = None) -> TokenInfos:
        """The tokens of a ward, or of all, oldest first, without their secrets.

        :raises Reject: unknown_ward
        """
        actor = actor or os_user()
        if ward is not None:
            self._check_ward(ward, actor, "token list")
        self._registry.note(actor, "token list", ward or "", "")
        return self._infos(ward)

    def log(self, ward: str | None = None, actor: str | None = None) -> Entries:
        """Every use of the commands, this one included, oldest first."""
        actor = actor or os_user()
        if ward not in (None, "gateway"):
            self._check_ward(str(ward), actor, "token log")
        self._registry.note(actor, "token log", ward or "", "")
        return self._registry.log(ward)

    def ward_of(self, token: str) -> str | None:
        """The ward that this token speaks for, or None; nothing is trimmed, nothing is forgiven."""
        found = FORMAT.fullmatch(token)
        if found is None:
            return None
        known = self._known(found.group(1))
        # Compared also when there is no such token: the time says nothing of which key ids exist.
        same = hmac.compare_digest(_hash(token), known.hash if known else _NO_HASH)
        if known is None or not same or known.revoked:
            return None
        ends_ms = known.valid_until_ms
        return known.ward if ends_ms is None or self._registry.now_ms() < ends_ms else None

    def close(self) -> None:
        """Close the file."""
        self._registry.close()

    def _known(self, key_id: str) -> _Known | None:
        now_s, known = self._monotonic(), self._cache.get(key_id)
        if known is not None and now_s - known.read_s < _CACHE_S:
            return known
        rows = self._registry.read(
            "SELECT ward, hash, valid_until_ms, revoked_ms IS NOT NULL FROM tokens WHERE key_id = ?", key_id
        )
        if not rows:
            # Not remembered: whoever makes key ids up must not push the wards out of the memory.
            return None
        ward, digest, valid_until_ms, revoked = rows[0]
        if len(self._cache) >= _CACHE_MAX:
            self._cache.clear()
        known = self._cache[key_id] = _Known(ward, digest, valid_until_ms, bool(revoked), now_s)
        return known

    def _insert(self, db: sqlite3.Connection, ward: str, actor: str, action: str) -> str:
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        token = f"dbt_{key_id}_{secret}"
        db.execute(
            "INSERT INTO tokens (key_id, ward, hash, created_ms) VALUES (?, ?, ?, ?)",
            (key_id, ward, _hash(token), self._registry.now_ms()),
        )
        self._registry.note_in(db, actor, action, ward, key_id)
        return token

    def _infos(self, ward: str | None) -> TokenInfos:
        now_ms = self._registry.now_ms()
        rows = self._registry.read(
            "SELECT key_id, ward, created_ms, valid_until_ms, revoked_ms FROM tokens"
            " WHERE ?1 IS NULL OR ward = ?1 ORDER BY ward, created_ms, key_id",
            ward,
        )
        return [
            TokenInfo(key_id, ward, _state(now_ms, ends_ms, revoked_ms), created_ms, ends_ms, revoked_ms)
            for key_id, ward, created_ms, ends_ms, revoked_ms in rows
        ]

    def _check_ward(self, ward: str, actor: str, action: str) -> None:
        if ward not in WARDS:
            raise self._refuse(Reject("unknown_ward", "not one of the 126 codes"), actor, action, ward)

    def _refuse(
        self, error: DongBoError, actor: str, action: str, ward: str, key_id: str = ""
    ) -> DongBoError:
        code = error.code if isinstance(error, Refused | Reject) else ""
        self._registry.note(actor, action, ward, key_id, f"refused: {code}")
        return error


def key_id_of(token: str) -> str:
    """The part of a token that may be shown, or "" for what is no token."""
    found = FORMAT.fullmatch(token)
    return found.group(1) if found else ""


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()


def _state(now_ms: int, ends_ms: int | None, revoked_ms: int | None) -> State:
    if revoked_ms is not None:
        return "revoked"
    if ends_ms is None:
        return "valid"
    return "ending" if now_ms < ends_ms else "ended"


# An overlap never prolongs a token that is about to end.
_END: Final = (
    "UPDATE tokens SET valid_until_ms = min(?1, ifnull(valid_until_ms, ?1))"
    " WHERE ward = ?2 AND revoked_ms IS NULL AND ifnull(valid_until_ms > ?3, 1)"
)
_BAD_OVERLAP: Final = (
    "bad_overlap",
    "Thời gian dùng song song phải từ 0 đến 90 ngày",
    "The overlap must be between 0 and 90 days",
)
_NOTHING_TO_ROTATE: Final = (
    "no_valid_token",
    "Phường, xã chưa có mã truy cập còn hiệu lực; hãy cấp mã mới (token issue)",
    "The ward has no valid token; issue one (token issue)",
)
_NOTHING_TO_REVOKE: Final = (
    "no_such_token",
    "Không có mã truy cập nào còn dùng được với key id này; xem token list",
    "There is no token with this key id that is not revoked; see token list",
)
