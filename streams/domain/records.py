"""Records as they stand in the changelog: key `{ward}|{day}` or `{ward}|sync`, value = version + body.

The first eight bytes of a value are its version, big-endian: generation above revision. Whoever has two
records of one key keeps the higher, without decoding them: in recovery as in ClickHouse.
"""

from __future__ import annotations

from typing import Final

import msgspec

from streams.domain.book import Book
from streams.domain.intervals import Intervals
from streams.domain.sync import WardSync

VERSION_BYTES: Final = 8
_REVISION_BITS: Final = 40
_SYNC: Final = "sync"

_encoder: Final = msgspec.msgpack.Encoder()
_book_decoder: Final = msgspec.msgpack.Decoder(Book)
_sync_decoder: Final = msgspec.msgpack.Decoder(WardSync)


class _Seqs(msgspec.Struct, array_like=True):
    """The beginning of a book, up to its seqs: the rest is skipped, not built."""

    ward: str
    day: str
    generation: int
    revision: int
    arrived_ms: int
    seqs: dict[str, Intervals] = {}


_seqs_decoder: Final = msgspec.msgpack.Decoder(_Seqs)


def book_key(ward: str, day: str) -> bytes:
    """Key of a ward's book of a day (YYYY-MM-DD)."""
    return f"{ward}|{day}".encode()


def sync_key(ward: str) -> bytes:
    """Key of a ward's synchronisation record."""
    return f"{ward}|{_SYNC}".encode()


def is_sync(key: bytes) -> bool:
    """Whether a key is that of a synchronisation record."""
    return key.endswith(b"|sync")


def ward_of(key: bytes) -> str:
    """The ward of a record's key."""
    return key[: key.index(b"|")].decode()


def version(generation: int, revision: int) -> int:
    """Generation above revision, as one number that fits UInt64."""
    return generation << _REVISION_BITS | revision


def encode(record: Book | WardSync) -> bytes:
    """The value of a record."""
    head = version(record.generation, record.revision).to_bytes(VERSION_BYTES, "big")
    return head + _encoder.encode(record)


def version_of(value: bytes) -> int:
    """The version of an encoded record."""
    return int.from_bytes(value[:VERSION_BYTES], "big")


def newer(value: bytes, than: bytes | None) -> bool:
    """Whether `value` replaces `than`; an equal version does, since it says the same."""
    return than is None or value[:VERSION_BYTES] >= than[:VERSION_BYTES]


def decode_book(value: bytes) -> Book:
    """:raises msgspec.DecodeError: the value is not a book"""
    return _book_decoder.decode(memoryview(value)[VERSION_BYTES:])


def decode_sync(value: bytes) -> WardSync:
    """:raises msgspec.DecodeError: the value is not a synchronisation record"""
    return _sync_decoder.decode(memoryview(value)[VERSION_BYTES:])


def is_record(key: bytes, value: bytes) -> bool:
    """Whether a value says the key and the version that it stands under; only its beginning is looked at."""
    try:
        head = decode_sync(value) if is_sync(key) else _seqs_decoder.decode(memoryview(value)[VERSION_BYTES:])
        own = sync_key(head.ward) if isinstance(head, WardSync) else book_key(head.ward, head.day)
    except (msgspec.MsgspecError, ValueError):
        return False
    return own == key and version_of(value) == version(head.generation, head.revision)


def seqs_of_book(value: bytes) -> dict[str, Intervals]:
    """Only the seqs of an encoded book."""
    return _seqs_decoder.decode(memoryview(value)[VERSION_BYTES:]).seqs
