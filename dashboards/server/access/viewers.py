"""Viewers with tokens of their own: `dongbo viewer add --role ward --ward 00070`.

A token is `dbv_<id>_<secret>`; the file holds its SHA-256 only: it is 256 random bits.
The file is written beside and renamed, under a lock; the page looks at each request whether it changed.
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

from dashboards.server.access.viewer import Role, Viewer
from producers.contract.errors import Refused, Reject, Stop
from producers.contract.wards import WARDS

FORMAT: Final = re.compile(r"dbv_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NO_HASH: Final = "0" * 64
_NO_SUCH: Final = (
    "no_such_viewer",
    "Không có người xem nào còn hiệu lực với mã số này; xem `dongbo viewer list`",
    "There is no viewer with this id that is not revoked; see `dongbo viewer list`",
)
_WARD_ROLE: Final = (
    "viewer_ward",
    "Vai trò ward cần đúng một --ward; vai trò city thì không",
    "The role ward needs exactly one --ward; the role city takes none",
)


class Known(msgspec.Struct, frozen=True):
    """One viewer as the file keeps it; `hash` is its token's SHA-256 in hexadecimal."""

    id: str
    role: Role
    ward: str | None
    hash: str
    created_ms: int
    revoked_ms: int | None = None


class Viewers:
    """The file of viewers. Safe for several processes at once."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._seen, self._known = (0, 0), dict[str, Known]()

    def add(self, role: Role, ward: str | None = None) -> str:
        """A new viewer's token; it can never be shown again.

        :raises Refused: the role ward without a ward, or the role city with one
        :raises Reject: unknown_ward
        :raises Stop: the file is damaged or cannot be written
        """
        if (role == "ward") != (ward is not None):
            raise Refused(*_WARD_ROLE)
        if ward is not None and ward not in WARDS:
            raise Reject("unknown_ward", "not one of the 126 codes")
        token = f"dbv_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
        made = Known(id_of(token), role, ward, _hash(token), int(self._clock() * 1000))
        with self._change() as known:
            known[made.id] = made
        return token

    def revoke(self, identity: str) -> Known:
        """End a viewer's token and all its sessions, within a second or two.

        :raises Refused: there is no such viewer, or it is revoked already
        """
        with self._change() as known:
            found = known.get(identity)
            if found is None or found.revoked_ms is not None:
                raise Refused(*_NO_SUCH)
            revoked = msgspec.structs.replace(found, revoked_ms=int(self._clock() * 1000))
            known[identity] = revoked
        return revoked

    def list(self) -> tuple[Known, ...]:
        """All of them, oldest first."""
        return tuple(sorted(self._read().values(), key=lambda each: (each.created_ms, each.id)))

    def viewer_of(self, token: str) -> tuple[str, Viewer] | None:
        """The id and the viewer of a token, or None."""
        identity = id_of(token)
        known = self.find(identity) if identity else None
        # Compared also when there is none: the time says nothing of which ids exist.
        same = hmac.compare_digest(_hash(token), known.hash if known else _NO_HASH)
        return (known.id, Viewer(known.role, known.ward, known.id)) if known and same else None

    def find(self, identity: str) -> Known | None:
        """A viewer who is not revoked, by the file as it is now."""
        self._refresh()
        found = self._known.get(identity)
        return found if found and found.revoked_ms is None else None

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            seen = (0, 0)
        if seen != self._seen:
            self._known, self._seen = self._read(), seen

    def _read(self) -> dict[str, Known]:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Stop("viewers_path", str(error), "Check that this user may read the file") from error
        try:
            return {each.id: each for each in msgspec.json.decode(raw, type=list[Known])}
        except msgspec.DecodeError as error:
            raise Stop("viewers_damaged", f"{self._path}: {error}", "Restore it from a backup") from error

    @contextmanager
    def _change(self) -> Iterator[dict[str, Known]]:
        """Under the lock: what is known, to change; written if the block ends well."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Stop("viewers_path", str(error), "Check that this user may write the folder") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            yield known
            self._write(known)
        finally:
            os.close(lock)

    def _write(self, known: dict[str, Known]) -> None:
        beside = self._path.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(list(known.values()))))
            file.flush()
            os.fsync(handle)
        beside.replace(self._path)


def id_of(token: str) -> str:
    """The part of a viewer's token that may be shown, or "" for what is no such token."""
    found = FORMAT.fullmatch(token)
    return found.group(1) if found else ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
