"""The public keys that messages in Kafka are verified with: registered, revoked, exported.

The registry has them with the record of who did what; the keyring file is what workers and loaders read. The
file is written within the change that it shows, under the registry's lock. A key that is in the file only
(the process ended between the two) is taken back into the registry by the next change, never dropped.
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Final, Literal

import msgspec

from producers.contract.errors import DongBoError, Refused, Reject, Unavailable
from producers.contract.signing import KEY_ID_BYTES
from producers.contract.wards import WARDS
from producers.identity import keyring
from producers.identity.keyring import Key, Keyring
from producers.identity.registry import Clock, Registry, os_user

GATEWAY: Final = "gateway"
ACTIVATION_S: Final = 60.0
PUBLIC_BYTES: Final = 32

State = Literal["waiting", "valid", "ending", "ended"]


class KeyInfo(msgspec.Struct, frozen=True):
    """What is known of a key. `waiting`: it begins within the minute; `ending`: it is revoked and ends so."""

    key_id: str
    ward: str
    state: State
    created_ms: int
    valid_from_ms: int
    valid_until_ms: int | None


# Named here, because within `SigningKeys` the word `list` is a method.
KeyInfos = list[KeyInfo]


def id_of(public: bytes) -> str:
    """The id of a raw public key, in hexadecimal."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES].hex()


class SigningKeys:
    """All public keys. Safe for several processes at once."""

    def __init__(
        self,
        path: Path,
        keyring_path: Path,
        *,
        clock: Clock = time.time,
        activation_s: float = ACTIVATION_S,
    ) -> None:
        """Open the registry, or create it; raises as `Registry`."""
        self._registry = Registry(path, clock)
        self._keyring_path = keyring_path
        self._activation_ms = int(activation_s * 1000)

    def check_owner(self, ward: str, action: str, actor: str | None = None) -> None:
        """Refuse, and record, a code that is neither a ward's nor `gateway`.

        :raises Reject: unknown_ward
        """
        if ward not in WARDS and ward != GATEWAY:
            error = Reject("unknown_ward", "not one of the 126 codes")
            raise self._refuse(error, actor or os_user(), action, ward)

    def new(self, ward: str, public: bytes, actor: str | None = None) -> KeyInfo:
        """Register a raw public key of a ward, or of the city's own `gateway`.

        It is valid for messages that Kafka takes from a minute later on, for ever or until it is revoked.

        :raises Reject: unknown_ward
        :raises Refused: the key is registered already
        """
        actor, key_id = actor or os_user(), id_of(public)
        self.check_owner(ward, "key new", actor)
        if len(public) != PUBLIC_BYTES:
            raise ValueError(f"{len(public)} bytes are no Ed25519 key")
        with self._registry.change() as db:
            self._adopt(db)
            added = self._insert(db, ward, key_id, public)
            if added:
                self._registry.note_in(db, actor, "key new", ward, key_id)
                self._export(db)
        if not added:
            raise self._refuse(Refused(*_KNOWN_KEY), actor, "key new", ward, key_id)
        return self._info(key_id)

    def revoke(self, key_id: str, actor: str | None = None) -> KeyInfo:
        """End a key for messages that Kafka takes from a minute later on; what came before stays valid.

        :raises Refused: there is no such key, or it is revoked already
        """
        actor = actor or os_user()
        now_ms = self._registry.now_ms()
        with self._registry.change() as db:
            self._adopt(db)
            # Never before its beginning: the window of a key that is revoked at once is empty.
            done = db.execute(
                "UPDATE keys SET valid_until_ms = max(valid_from_ms, ?) WHERE key_id = ?"
                " AND valid_until_ms IS NULL",
                (now_ms + self._activation_ms, key_id),
            ).rowcount
            if done:
                (ward,) = db.execute("SELECT ward FROM keys WHERE key_id = ?", (key_id,)).fetchone()
                self._registry.note_in(db, actor, "key revoke", ward, key_id)
                self._export(db)
        if not done:
            raise self._refuse(Refused(*_NO_SUCH_KEY), actor, "key revoke", "", key_id)
        return self._info(key_id)

    def list(self, ward: str | None = None, actor: str | None = None) -> KeyInfos:
        """The keys of a ward, or all, oldest first; the keyring file is written anew if it is missing.

        :raises Reject: unknown_ward
        """
        actor = actor or os_user()
        if ward is not None:
            self.check_owner(ward, "key list", actor)
        with self._registry.change() as db:
            self._registry.note_in(db, actor, "key list", ward or "", "")
            if not self._keyring_path.exists():
                self._export(db)
        return self._infos("?1 IS NULL OR ward = ?1", ward)

    def close(self) -> None:
        """Close the registry."""
        self._registry.close()

    def _adopt(self, db: sqlite3.Connection) -> None:
        if not self._keyring_path.exists():
            return
        for key in keyring.read(self._keyring_path).keys:
            self._put(db, key, base64.b64decode(key.public))

    def _insert(self, db: sqlite3.Connection, ward: str, key_id: str, public: bytes) -> bool:
        from_ms = self._registry.now_ms() + self._activation_ms
        return self._put(db, Key(key_id, ward, "", from_ms), public)

    def _put(self, db: sqlite3.Connection, key: Key, public: bytes) -> bool:
        added = db.execute(
            "INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?, ?, ?)",
            (key.id, key.ward, public, self._registry.now_ms(), key.valid_from_ms, key.valid_until_ms),
        ).rowcount
        if key.valid_until_ms is not None:
            db.execute(
                "UPDATE keys SET valid_until_ms = ? WHERE key_id = ? AND valid_until_ms IS NULL",
                (key.valid_until_ms, key.id),
            )
        return bool(added)

    def _export(self, db: sqlite3.Connection) -> None:
        rows = db.execute(
            "SELECT key_id, ward, public, valid_from_ms, valid_until_ms FROM keys"
            " ORDER BY valid_from_ms, key_id"
        )
        keys = tuple(
            Key(key_id, ward, base64.b64encode(public).decode(), from_ms, until_ms)
            for key_id, ward, public, from_ms, until_ms in rows
        )
        try:
            keyring.write(self._keyring_path, Keyring(1, self._activation_ms, keys))
        except OSError as error:
            raise Unavailable("keyring", str(error), "Nothing was changed; make the file writable") from error

    def _info(self, key_id: str) -> KeyInfo:
        return self._infos("key_id = ?1", key_id)[0]

    def _infos(self, condition: str, value: str | None) -> KeyInfos:
        now_ms = self._registry.now_ms()
        rows = self._registry.read(
            "SELECT key_id, ward, created_ms, valid_from_ms, valid_until_ms FROM keys"  # noqa: S608 - ours
            f" WHERE {condition} ORDER BY ward, valid_from_ms, key_id",
            value,
        )
        return [
            KeyInfo(key_id, ward, _state(now_ms, from_ms, until_ms), created_ms, from_ms, until_ms)
            for key_id, ward, created_ms, from_ms, until_ms in rows
        ]

    def _refuse(
        self, error: DongBoError, actor: str, action: str, ward: str, key_id: str = ""
    ) -> DongBoError:
        code = error.code if isinstance(error, Refused | Reject) else ""
        self._registry.note(actor, action, ward, key_id, f"refused: {code}")
        return error


def _state(now_ms: int, from_ms: int, until_ms: int | None) -> State:
    if until_ms is not None and now_ms >= until_ms:
        return "ended"
    if until_ms is not None:
        return "ending"
    return "valid" if now_ms >= from_ms else "waiting"


_KNOWN_KEY: Final = (
    "key_known",
    "Khóa này đã được đăng ký; hãy tạo khóa mới",
    "This key is registered already; make a new one",
)
_NO_SUCH_KEY: Final = (
    "no_such_key",
    "Không có khóa nào còn dùng được với key id này; xem key list",
    "There is no key with this id that is not revoked; see key list",
)
