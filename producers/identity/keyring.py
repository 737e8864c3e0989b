"""The wards' public keys as a small JSON file that workers and loaders read, and read again when it changes.

Every process must judge the same message alike, whenever it reads the file. So a key is valid by the
broker's append time, in a window that is never changed where messages have been judged already:
- a key begins, and a revoked one ends, `activation_ms` after it was written (a minute);
- a key is never removed from the file;
- a process that has not been able to look at the file for `activation_ms` judges nothing more.
A message appended at A thus needs what was written before A - `activation_ms` only, and everybody who still
judges has that. The wall clock decides when to look at the file, never what a message is worth.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from producers.contract.errors import Stop, Unavailable

_log: Final = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 0.5
_REMEDY: Final = (
    "Restore the keyring file (dongbo ward key list writes it again); nothing was judged meanwhile"
)
FOREVER_MS: Final = 2**63


class Key(msgspec.Struct, frozen=True):
    """One public key. `id` and `public` are those of `signing`: hexadecimal, and base64 of 32 bytes."""

    id: str
    ward: str
    public: str
    valid_from_ms: int
    valid_until_ms: int | None = None

    def ends_ms(self) -> int:
        """The first moment at which it is not valid any more."""
        return FOREVER_MS if self.valid_until_ms is None else self.valid_until_ms


class Keyring(msgspec.Struct, frozen=True):
    """All keys there have ever been."""

    version: Literal[1]
    activation_ms: int
    keys: tuple[Key, ...]


class Loaded(msgspec.Struct, frozen=True):
    """A key, ready to verify with."""

    key: Key
    public: Ed25519PublicKey


def read(path: Path) -> Keyring:
    """The file's content.

    :raises Stop: it is missing, or no keyring
    """
    return _parse(path, _bytes(path)[0])


def write(path: Path, ring: Keyring) -> None:
    """Replace the file at one stroke; a reader sees the old one or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(ring)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class KeyringFile:
    """The keyring as a long-running process sees it.

    :raises Stop: at the start the file is missing, or no keyring
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, look_every_s: float = _LOOK_EVERY_S
    ) -> None:
        self._path, self._clock, self._look_every_s = path, clock, look_every_s
        self._newest_ms = 0
        self._fault = ""
        self._seen_ms = self._now_ms()
        self._looked_s = time.monotonic()
        content, self._stamp = _bytes(path)
        self._ring = _parse(path, content)
        self._keys = _loaded(self._ring)

    def keys(self, arrived_ms: int) -> Mapping[bytes, Loaded]:
        """The keys to judge a message by that was appended at `arrived_ms`.

        :raises Unavailable: the file could not be looked at for too long
        """
        if time.monotonic() - self._looked_s >= self._look_every_s:
            self._look()
        if arrived_ms >= self._seen_ms + self._ring.activation_ms:
            self._look()
            if arrived_ms >= self._seen_ms + self._ring.activation_ms:
                detail = self._fault or "the broker's clock is ahead of this machine's"
                raise Unavailable("keyring", f"{self._path}: {detail}", _REMEDY)
        if arrived_ms > self._newest_ms:
            self._newest_ms = arrived_ms
        return self._keys

    def _look(self) -> None:
        self._looked_s, began_ms = time.monotonic(), self._now_ms()
        try:
            if _stamp(os.stat(self._path)) != self._stamp:
                self._reload()
        except (Stop, OSError) as error:
            if not self._fault:
                _log.error("keyring %s: %s", self._path, error)
            self._fault = str(error)
        else:
            self._seen_ms, self._fault = began_ms, ""

    def _reload(self) -> None:
        content, stamp = _bytes(self._path)
        ring = _parse(self._path, content)
        changed = _rewritten(self._ring, ring, self._newest_ms)
        if changed:
            raise Stop("keyring_rewritten", f"{self._path}: {changed}", _REMEDY)
        self._ring, self._keys, self._stamp = ring, _loaded(ring), stamp
        _log.info("keyring: %d keys", len(ring.keys))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _rewritten(old: Keyring, new: Keyring, judged_ms: int) -> str:
    """Which key would judge a message of before `judged_ms` differently; "" if none would."""
    before, after = ({key.id: key for key in ring.keys} for ring in (old, new))
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if now is None:
            return f"key {name} was removed"
        if was is None:
            if now.valid_from_ms <= judged_ms:
                return f"key {name} came after messages of its time had been judged"
            continue
        if (was.ward, was.public, was.valid_from_ms) != (now.ward, now.public, now.valid_from_ms):
            return f"key {name} was changed"
        if was.ends_ms() != now.ends_ms() and min(was.ends_ms(), now.ends_ms()) <= judged_ms:
            return f"the end of key {name} was changed after messages of its time had been judged"
    return ""


def _bytes(path: Path) -> tuple[bytes, tuple[int, ...]]:
    try:
        with path.open("rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            return file.read(), stamp
    except OSError as error:
        raise Stop("keyring_missing", str(error), _REMEDY) from error


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _parse(path: Path, content: bytes) -> Keyring:
    try:
        ring = _decoder.decode(content)
        _loaded(ring)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Stop("keyring_damaged", f"{path}: {error}", _REMEDY) from None
    return ring


def _loaded(ring: Keyring) -> dict[bytes, Loaded]:
    found = {bytes.fromhex(key.id): Loaded(key, _public(key)) for key in ring.keys}
    if len(found) != len(ring.keys):
        raise ValueError("a key id stands twice")
    return found


def _public(key: Key) -> Ed25519PublicKey:
    with contextlib.suppress(binascii.Error):
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public, validate=True))
    raise ValueError(f"key {key.id} is not base64")


_decoder: Final[msgspec.json.Decoder[Keyring]] = msgspec.json.Decoder(Keyring)
