"""The first question of the Go client, which asks for Native blocks of a certain protocol's version.

Over HTTP the engine writes blocks of version 0 only. The client believes the version that this answer tells,
so it is told 0, in a block of the version that it expects, and reads plain Native blocks from then on.
"""

from __future__ import annotations

import struct
from typing import Any, Final

_HELLO: Final = "SELECT displayName(), version(), revision(), timezone()"
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"


def is_hello(sql: str) -> bool:
    """Whether the client asks whom it talks to."""
    return sql.strip() == _HELLO


def hello(connection: Any) -> bytes:
    """The answer: one row of four columns, with the version 0."""
    told = connection.query("SELECT version(), timezone()", "TSVRaw").bytes().decode().strip().split("\t")
    columns = (
        ("displayName()", "String", _text("dongbo-embedded")),
        ("version()", "String", _text(told[0])),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", _text(told[1])),
    )
    # After name and type stands whether the column is serialized in a way of its own: no.
    body = b"".join(_text(name) + _text(kind) + b"\x00" + value for name, kind, value in columns)
    return _BLOCK_INFO + bytes([len(columns), 1]) + body


def _text(value: str) -> bytes:
    """A short text behind its length."""
    raw = value.encode()
    return bytes([len(raw)]) + raw
