"""The SQLite file of all tokens and public keys, and the record of every use of the commands.

Invariants:
- No secret is in the file: a token's SHA-256, a key's public half.
- A change and its line in the record are one transaction; SQLite itself refuses to change or delete a line.
- Any number of processes may use it at once: WAL, and each change holds the write lock from its beginning.
- The file, with its WAL, can be read by its owner only; one that others can read is refused.
"""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from producers.contract.errors import Stop, Unavailable
from producers.contract.wards import WARDS
from producers.sqlite import Meaning
from producers.sqlite import translated as translated_by

_VERSION: Final = 1
_BUSY_S: Final = 10.0
_SCHEMA: Final = (
    """CREATE TABLE tokens (
        key_id TEXT PRIMARY KEY,
        ward TEXT NOT NULL,
        hash BLOB NOT NULL,
        created_ms INTEGER NOT NULL,
        valid_until_ms INTEGER,
        revoked_ms INTEGER
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX tokens_by_ward ON tokens (ward)",
    """CREATE TABLE keys (
        key_id TEXT PRIMARY KEY,
        ward TEXT NOT NULL,
        public BLOB NOT NULL,
        created_ms INTEGER NOT NULL,
        valid_from_ms INTEGER NOT NULL,
        valid_until_ms INTEGER
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE log (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        ward TEXT NOT NULL,
        key_id TEXT NOT NULL,
        outcome TEXT NOT NULL
    ) STRICT""",
    "CREATE TRIGGER log_kept BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
    "CREATE TRIGGER log_fixed BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END",
)
# What may stand in the record. Somebody will paste a whole token where a key id is asked for.
_KEY_ID: Final = re.compile(r"[0-9a-f]{12,16}")
_UNKNOWN: Final = "?"

Clock = Callable[[], float]


class Entry(msgspec.Struct, frozen=True):
    """One use of a command: who did what to which key, and whether it was done or refused."""

    number: int
    at_ms: int
    actor: str
    action: str
    ward: str
    key_id: str
    outcome: str


def os_user() -> str:
    """The user that this process runs as; no environment variable is believed."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


class Registry:
    """One connection to the file; may be used by several threads.

    :raises Stop: the file is damaged, of another version, or not ours alone to read
    :raises Unavailable: the disk is full, or another process held the file for too long
    """

    def __init__(self, path: Path, clock: Clock = time.time) -> None:
        self.path, self._clock = path, clock
        self._lock = threading.Lock()
        _private(path)
        with _translated(path):
            self._db = sqlite3.connect(path, _BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
        self._adopt()

    def now_ms(self) -> int:
        """The clock, in milliseconds since 1970."""
        return int(self._clock() * 1000)

    def read(self, query: str, *values: object) -> list[Any]:
        """The rows of a query."""
        with self._lock, _translated(self.path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """All of the block, on disk, or nothing of it."""
        with self._lock, _translated(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def note(self, actor: str, action: str, ward: str, key_id: str, outcome: str = "ok") -> None:
        """Write a line that no change goes with: a look, or a refusal."""
        with self.change() as db:
            self.note_in(db, actor, action, ward, key_id, outcome)

    def note_in(
        self, db: sqlite3.Connection, actor: str, action: str, ward: str, key_id: str, outcome: str = "ok"
    ) -> None:
        """Write a line within a change."""
        db.execute(
            "INSERT INTO log (at_ms, actor, action, ward, key_id, outcome) VALUES (?, ?, ?, ?, ?, ?)",
            (self.now_ms(), actor, action, _known_ward(ward), _known_key(key_id), outcome),
        )

    def log(self, ward: str | None = None) -> list[Entry]:
        """The record, oldest first."""
        rows = self.read(
            "SELECT number, at_ms, actor, action, ward, key_id, outcome FROM log"
            " WHERE ?1 IS NULL OR ward = ?1 ORDER BY number",
            ward,
        )
        return [Entry(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _adopt(self) -> None:
        with self.change() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={_VERSION}")
            elif version != _VERSION:
                raise Stop(
                    "identity_version",
                    f"{self.path} has format {version}",
                    "Use the program that wrote it",
                )


def _known_ward(ward: str) -> str:
    return ward if ward in WARDS or ward in ("", "gateway") else _UNKNOWN


def _known_key(key_id: str) -> str:
    return key_id if not key_id or _KEY_ID.fullmatch(key_id) else _UNKNOWN


def _private(path: Path) -> None:
    """Create the file for its owner only, before SQLite would; SQLite gives the WAL the same rights."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        rights = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise Stop("identity_path", str(error), "Check that this user may write the folder") from error
    if rights & 0o077:
        raise Stop(
            "identity_rights",
            f"{path} can be read by others ({rights:o})",
            f"chmod 600 {path}; then rotate all tokens if others have had access",
        )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as ours."""
    with translated_by(path, _MEANING):
        yield


_FREE: Final = "Nothing was changed. Free space on the disk, then try again"
_WAIT: Final = "Another process holds the file; try again"
_RESTORE: Final = "Keep the file for inspection; start a new one and issue new tokens"
_RIGHTS: Final = "Check that this user may write the file and its folder"
_MEANING: Final[Meaning] = {
    sqlite3.SQLITE_FULL: (Unavailable, "identity_disk", _FREE),
    sqlite3.SQLITE_IOERR: (Unavailable, "identity_disk", _FREE),
    sqlite3.SQLITE_BUSY: (Unavailable, "identity_busy", _WAIT),
    sqlite3.SQLITE_LOCKED: (Unavailable, "identity_busy", _WAIT),
    sqlite3.SQLITE_READONLY: (Stop, "identity_path", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: (Stop, "identity_path", _RIGHTS),
    sqlite3.SQLITE_CORRUPT: (Stop, "identity_damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: (Stop, "identity_damaged", _RESTORE),
}
