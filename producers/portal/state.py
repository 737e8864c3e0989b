"""The portal's tables in the outbox's file: what is known of each dossier, findings, units. Nothing of a
person.

Size: about 260 bytes a dossier, kept for ever (a progress message may come after months).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from producers.portal.rules import Known

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS portal_dossiers (
        ward TEXT NOT NULL, dossier TEXT NOT NULL, known BLOB NOT NULL, PRIMARY KEY (ward, dossier)
    ) STRICT, WITHOUT ROWID""",
    # One row a doubt, however often it was told.
    """CREATE TABLE IF NOT EXISTS portal_findings (
        ward TEXT NOT NULL, code TEXT NOT NULL, dossier TEXT NOT NULL,
        times INTEGER NOT NULL, first_s REAL NOT NULL, last_s REAL NOT NULL,
        PRIMARY KEY (ward, code, dossier)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS portal_units (
        ward TEXT NOT NULL, unit TEXT NOT NULL, PRIMARY KEY (ward, unit)
    ) STRICT, WITHOUT ROWID""",
)
# An organisation's code such as 000.00.01.H26; no run of nine digits, which could be a person's number.
_UNIT: Final = re.compile(r"(?!.*[0-9]{9})(?=.*[0-9])[0-9A-Z.]{3,35}")
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Known).decode


class StoredFinding(NamedTuple):
    """A finding in the file; `times` is how often it was told."""

    ward: str
    code: str
    dossier: str
    times: int
    first_s: float
    last_s: float


def load(db: sqlite3.Connection, ward: str, dossier: str) -> Known | None:
    """What is known of a dossier."""
    row = db.execute(
        "SELECT known FROM portal_dossiers WHERE ward = ? AND dossier = ?", (ward, dossier)
    ).fetchone()
    return _unpack(row[0]) if row else None


def save(db: sqlite3.Connection, ward: str, dossier: str, known: Known) -> None:
    """Keep what is known of a dossier."""
    db.execute("INSERT OR REPLACE INTO portal_dossiers VALUES (?, ?, ?)", (ward, dossier, _pack(known)))


def record(db: sqlite3.Connection, ward: str, findings: Iterable[tuple[str, str]], now_s: float) -> None:
    """Keep findings, each a code and a dossier."""
    db.executemany(
        "INSERT INTO portal_findings VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (ward, code, dossier) "
        "DO UPDATE SET times = times + 1, last_s = max(last_s, excluded.last_s)",
        [(ward, code, dossier, now_s, now_s) for code, dossier in findings],
    )


def findings(db: sqlite3.Connection, ward: str | None, limit: int) -> list[StoredFinding]:
    """The newest findings, of one ward or of all."""
    rows = db.execute(
        "SELECT * FROM portal_findings WHERE ward = ?1 OR ?1 IS NULL ORDER BY last_s DESC LIMIT ?2",
        (ward, limit),
    )
    return [StoredFinding(*row) for row in rows]


def is_other_unit(db: sqlite3.Connection, ward: str, unit: str) -> bool:
    """Whether a request's madonvi is not the one this ward began with; a malformed one is not kept."""
    if not _UNIT.fullmatch(unit):
        return True
    known = [row[0] for row in db.execute("SELECT unit FROM portal_units WHERE ward = ?", (ward,))]
    if not known:
        db.execute("INSERT INTO portal_units VALUES (?, ?)", (ward, unit))
    return bool(known) and unit not in known
