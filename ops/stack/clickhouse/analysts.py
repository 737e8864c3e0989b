"""Analysts with passwords of their own: `dongbo analyst add NAME --ward 00070 --days 90`.

The file holds a password's SHA-256 only: it is 256 random bits, so nobody tries them out, and a slow hash
would only slow the endpoint. The file is written beside and renamed, under a lock; the endpoint looks at
each request whether it changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from producers.contract.errors import Refused, Reject, Stop
from producers.contract.wards import WARDS

NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{1,62}")
DAY_MS: Final = 86_400_000
_NO_HASH: Final = "0" * 64


class Known(msgspec.Struct, frozen=True):
    """One analyst as the file keeps it; `hash` is the password's SHA-256 in hexadecimal."""

    name: str
    ward: str | None
    hash: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None

    def valid(self, now_ms: int) -> bool:
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


class Analysts:
    """The file of analysts. Safe for several processes at once."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._seen, self._known = (0, 0, 0), dict[str, Known]()

    def add(self, name: str, ward: str | None = None, days: int | None = None) -> tuple[Known, str]:
        """A new analyst and the password, never shown again. A name whose access has ended may be given anew.

        :raises Refused: the name is malformed or in use
        :raises Reject: unknown_ward
        :raises Stop: the file is damaged or cannot be written
        """
        if not NAME.fullmatch(name):
            raise Refused(*BAD_NAME)
        if ward is not None and ward not in WARDS:
            raise Reject("unknown_ward", "not one of the 126 codes")
        password, now = secrets.token_urlsafe(32), self._now()
        expires = None if days is None else now + days * DAY_MS
        made = Known(name, ward, _hash(password), now, expires)
        with self._change() as known:
            if name in known and known[name].valid(now):
                raise Refused(*_IN_USE)
            known[name] = made
        return made, password

    def revoke(self, name: str) -> Known:
        """End an analyst's access: the next request is refused.

        :raises Refused: there is no such analyst, or the access has ended already
        """
        now = self._now()
        with self._change() as known:
            if name not in known or not known[name].valid(now):
                raise Refused(*_NO_SUCH)
            known[name] = msgspec.structs.replace(known[name], revoked_ms=now)
            return known[name]

    def list(self) -> tuple[Known, ...]:
        """All of them, also revoked ones, by name."""
        return tuple(sorted(self._read().values(), key=lambda each: each.name))

    def admitted(self, name: str, password: str) -> Known | None:
        """The analyst of this name and password whose access has not ended, by the file as it is now."""
        self._refresh()
        known = self._known.get(name)
        # Compared also when there is none: the time says nothing of which names exist.
        same = hmac.compare_digest(_hash(password), known.hash if known else _NO_HASH)
        return known if known and same and known.valid(self._now()) else None

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        except FileNotFoundError:
            seen = (0, 0, 0)
        if seen != self._seen:
            self._known, self._seen = self._read(), seen

    def _read(self) -> dict[str, Known]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Known])
        except FileNotFoundError:
            return {}
        except msgspec.MsgspecError as error:
            raise Stop(
                "analysts_damaged", f"{self._path} is not readable: {error}", "Restore it from a backup"
            ) from None

    @contextmanager
    def _change(self) -> Iterator[dict[str, Known]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            yield known
            beside = self._path.with_suffix(".new")
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(known)))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode("utf-8", "surrogateescape")).hexdigest()


BAD_NAME: Final = (
    "analyst_name",
    "Tên gồm 2-63 ký tự: chữ thường không dấu, số, dấu _ . -; bắt đầu bằng chữ",
    "A name has 2-63 characters: small letters, digits, _ . -; it begins with a letter",
)
_IN_USE: Final = (
    "analyst_exists",
    "Tên này đang được dùng; thu hồi trước: `dongbo analyst revoke TÊN`",
    "This name is in use; revoke it first: `dongbo analyst revoke NAME`",
)
_NO_SUCH: Final = (
    "no_such_analyst",
    "Không có người phân tích nào còn hiệu lực với tên này; xem `dongbo analyst list`",
    "There is no analyst of this name whose access goes on; see `dongbo analyst list`",
)
