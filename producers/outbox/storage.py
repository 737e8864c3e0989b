"""The SQLite file under an outbox: opening, its life's name, transactions, and SQLite's errors as ours.

Invariants: WAL with `synchronous=FULL`, so a transaction that returned survives a power cut; every change is
one transaction, so a process killed at any instruction leaves all of a change or nothing; the epoch is
written once, with the tables, and never changed.

Known limit: a file restored from a copy would give seqs again that the city has already counted. Never
restore one: start a new file, which has a new epoch.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from producers.contract.errors import Stop, Unavailable
from producers.sqlite import Meaning
from producers.sqlite import translated as translated_by

_SCHEMA_VERSION: Final = 1
_EPOCH: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")
# Pages of 4 KiB written before SQLite copies them into the file: 16 MiB, some 30,000 events. The default of
# 4 MiB checkpoints, which costs two more syncs, within each large batch.
_CHECKPOINT_PAGES: Final = 4_000
_SCHEMA: Final = (
    # One row. Three counts that only grow; what is pending and what is kept are their differences.
    """CREATE TABLE state (
        epoch TEXT NOT NULL,
        appended INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        purged INTEGER NOT NULL
    ) STRICT""",
    # A ward's events up to sent_seq are in Kafka; those up to last_seq have been appended.
    """CREATE TABLE wards (
        ward TEXT PRIMARY KEY,
        last_seq INTEGER NOT NULL,
        sent_seq INTEGER NOT NULL CHECK (sent_seq <= last_seq)
    ) STRICT, WITHOUT ROWID""",
    # AUTOINCREMENT: a position is never used again, even after the newest rows were purged; a reader's
    # cursor would miss what came to stand below it.
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        ward TEXT NOT NULL,
        seq INTEGER NOT NULL,
        value BLOB NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX events_by_seq ON events (ward, seq)",
)


def new_epoch() -> str:
    """A name for a new life of an outbox: sorts by time, and no two are alike."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def connect(path: Path, epoch: str | None, busy_wait_s: float) -> tuple[sqlite3.Connection, str]:
    """Open the file, or create it; return the connection and the epoch of its life.

    :raises Stop: the file has another epoch, is of another version, is damaged, or cannot be opened
    :raises Unavailable: the disk is full, or another process held the file for `busy_wait_s`
    """
    if epoch is not None and not _EPOCH.fullmatch(epoch):
        raise Stop("outbox_epoch", f"{epoch!r} is not an epoch", "Use 1 to 40 letters, digits, '-' or '_'")
    with translated(path):
        connection = sqlite3.connect(path, busy_wait_s, isolation_level=None, check_same_thread=False)
    try:
        with translated(path):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            connection.execute("PRAGMA journal_size_limit=67108864")
        return connection, _adopt(connection, path, epoch)
    except BaseException:
        connection.close()
        raise


def _adopt(connection: sqlite3.Connection, path: Path, epoch: str | None) -> str:
    """Create the tables in a new file; of an old one check version and epoch."""
    with transaction(connection, path):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            _create(connection, epoch or new_epoch())
        elif version != _SCHEMA_VERSION:
            raise Stop("outbox_version", f"{path} has format {version}", "Use the program that wrote it")
        (stored,) = connection.execute("SELECT epoch FROM state").fetchone()
    if epoch not in (None, stored):
        raise Stop(
            "outbox_epoch",
            f"{path} belongs to the epoch {stored}, not {epoch}",
            "Name no epoch to go on with the file's own, or take a new file for a new epoch",
        )
    return str(stored)


def _create(connection: sqlite3.Connection, epoch: str) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO state VALUES (?, 0, 0, 0)", (epoch,))
    connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All of the block, on disk, or nothing of it. Other processes' transactions are waited for.

    :raises Unavailable: disk full, or the file is held by another process
    :raises Stop: the file is damaged or not writable
    """
    with translated(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # SQLite itself rolls back on some errors (disk full), and a second ROLLBACK would be one more.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as ours."""
    with translated_by(path, _MEANING):
        yield


_DISK: Final = "Nothing was added. Free space on the disk, then add the events again"
_PATH: Final = "Check that the folder exists and that this user may write the file"
_DAMAGED: Final = "Keep the file for inspection and start a new one: it gets a new epoch"
_MEANING: Final[Meaning] = {
    sqlite3.SQLITE_FULL: (Unavailable, "outbox_disk", _DISK),
    sqlite3.SQLITE_IOERR: (Unavailable, "outbox_disk", _DISK),
    sqlite3.SQLITE_BUSY: (Unavailable, "outbox_busy", "Another process holds the file; wait for it"),
    sqlite3.SQLITE_LOCKED: (Unavailable, "outbox_busy", "Another process holds the file; wait for it"),
    sqlite3.SQLITE_READONLY: (Stop, "outbox_path", _PATH),
    sqlite3.SQLITE_CANTOPEN: (Stop, "outbox_path", _PATH),
    sqlite3.SQLITE_CORRUPT: (Stop, "outbox_damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: (Stop, "outbox_damaged", _DAMAGED),
}
