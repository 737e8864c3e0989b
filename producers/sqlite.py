"""What every SQLite file of the wards' side shares: its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from producers.contract.errors import Stop, Unavailable

# SQLite's primary error code to our kind of error, its code and its remedy.
Meaning = Mapping[int, tuple[type[Stop] | type[Unavailable], str, str]]


@contextmanager
def translated(path: Path, meaning: Meaning) -> Iterator[None]:
    """Raise SQLite's errors as ours; one that says nothing of the surroundings is a bug and passes."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        found = meaning.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if found is None:
            raise
        kind, code, remedy = found
        raise kind(code, f"{path}: {error}", remedy) from error
