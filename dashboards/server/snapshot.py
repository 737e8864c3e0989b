"""What one topic shows at one moment, the difference between two of them, and both as bytes; pure.

A member is any value that can be JSON; a `Keyed` is a member whose rows have a key, so that only the rows
that changed travel.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

Members = dict[str, Any]
_ABSENT: Final = object()
_COMPRESSION: Final = 6
_RAW_DEFLATE: Final = -15
# A gzip stream's beginning: magic, deflate, no name, no time, unknown system.
GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Keyed(msgspec.Struct, frozen=True):
    """Rows (frozen structs or plain dicts) of which each has another value in the member `key`."""

    key: str
    rows: Sequence[Any]

    def by_key(self) -> dict[Any, Any]:
        """The rows by their keys."""
        return {_value(row, self.key): row for row in self.rows}


class Snapshot(msgspec.Struct, frozen=True):
    """All that a topic shows; `error` says why nothing newer could be read."""

    id: str
    members: Members
    error: str | None = None


class Frame(NamedTuple):
    """A piece of a stream, plain and compressed; encoded once, sent to all who need it."""

    plain: bytes
    squeezed: bytes


def whole(snapshot: Snapshot) -> Members:
    """Everything; `keys` names the keyed members and their keys."""
    rows = {name: value.rows for name, value in snapshot.members.items() if isinstance(value, Keyed)}
    return snapshot.members | rows | {"keys": _keys(snapshot)}


def _keys(snapshot: Snapshot) -> dict[str, str]:
    return {name: value.key for name, value in snapshot.members.items() if isinstance(value, Keyed)}


def _keyed(snapshot: Snapshot, name: str) -> bool:
    return isinstance(snapshot.members.get(name), Keyed)


def diff(old: Snapshot, new: Snapshot) -> Members:
    """The members of `new` that differ; of keyed ones the changed rows, and in `gone` lost keys."""
    changes: Members = {}
    gone: dict[str, list[Any]] = {}
    for name, value in new.members.items():
        # None is a value ("not available"), and another one than not to be a member yet ("loading").
        before = old.members.get(name, _ABSENT)
        if isinstance(value, Keyed) and isinstance(before, Keyed):
            _diff_rows(name, before, value, changes, gone)
        elif value != before:
            changes[name] = value.rows if isinstance(value, Keyed) else value
    if any(isinstance(new.members[name], Keyed) and not _keyed(old, name) for name in changes):
        changes["keys"] = _keys(new)
    return changes | ({"gone": gone} if gone else {})


def _diff_rows(name: str, old: Keyed, new: Keyed, changes: Members, gone: dict[str, list[Any]]) -> None:
    before, after = old.by_key(), new.by_key()
    rows = [row for key, row in after.items() if before.get(key) != row]
    if rows:
        changes[name] = rows
    if lost := [key for key in before if key not in after]:
        gone[name] = lost


def frame(event: str, body: Mapping[str, Any], identity: str | None = None, retry_ms: int = 0) -> Frame:
    """A server-sent event."""
    head = f"event: {event}\n"
    head += f"id: {identity}\n" if identity else ""
    head += f"retry: {retry_ms}\n" if retry_ms else ""
    return squeeze(head.encode() + b"data: " + msgspec.json.encode(body) + b"\n\n")


def squeeze(plain: bytes) -> Frame:
    """Compress so that the result may stand anywhere in anybody's gzip stream.

    It begins with an empty window and ends on a byte with a full flush: it refers to nothing before itself,
    and nothing after it to it. So each piece is compressed once, however many streams it goes to.
    """
    packer = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, _RAW_DEFLATE)
    return Frame(plain, packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH))


def _value(row: Any, name: str) -> Any:
    read: Callable[[Any, str], Any] = dict.__getitem__ if isinstance(row, dict) else getattr
    return read(row, name)
