"""Compression of bodies, both ways: HTTP's own, and ClickHouse's native blocks (`compress=1`).

A native block is a checksum (CityHash128 of what follows), the method, both sizes, and the data. Answers use
LZ4; requests may use LZ4, ZSTD or none.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import Any, Final, Protocol

import lz4.block  # type: ignore[import-untyped]
import lz4.frame  # type: ignore[import-untyped]
from backports import zstd

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.cityhash import cityhash128

NATIVE: Final = "clickhouse"
ENCODINGS: Final = ("zstd", "lz4", "gzip", "deflate")
_BLOCK_BYTES: Final = 1 << 20
_HEAD: Final = struct.Struct("<BII")
_CHECKSUM_BYTES: Final = 16
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02


class Packer(Protocol):
    """One body, piece by piece; `end` gives what is left."""

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class _Plain:
    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


class _Zlib:
    def __init__(self, bits: int, level: int) -> None:
        self._packer = zlib.compressobj(level, zlib.DEFLATED, bits)

    def feed(self, data: bytes) -> bytes:
        return self._packer.compress(data)

    def end(self) -> bytes:
        return self._packer.flush()


class _Zstd:
    def __init__(self) -> None:
        self._packer = zstd.ZstdCompressor(1)

    def feed(self, data: bytes) -> bytes:
        return self._packer.compress(data)

    def end(self) -> bytes:
        return self._packer.flush()


class _Lz4Frame:
    def __init__(self) -> None:
        self._packer = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        head = b"" if self._begun else self._packer.begin()
        self._begun = True
        return bytes(head + self._packer.compress(data))

    def end(self) -> bytes:
        return bytes((b"" if self._begun else self._packer.begin()) + self._packer.flush())


class _Native:
    def feed(self, data: bytes) -> bytes:
        return b"".join(
            native_block(data[start : start + _BLOCK_BYTES]) for start in range(0, len(data), _BLOCK_BYTES)
        )

    def end(self) -> bytes:
        return b""


def packer(encoding: str | None, level: int = 3) -> Packer:
    """The packer of an encoding; None leaves bytes as they are."""
    match encoding:
        case "gzip":
            return _Zlib(31, level)
        case "deflate":
            return _Zlib(15, level)
        case "zstd":
            return _Zstd()
        case "lz4":
            return _Lz4Frame()
        case "clickhouse":
            return _Native()
    return _Plain()


def native_block(data: bytes) -> bytes:
    """One block of at most 1 MiB as ClickHouse's own clients read it."""
    packed = lz4.block.compress(data, store_size=False)
    body: bytes = _HEAD.pack(_LZ4, len(packed) + _HEAD.size, len(data)) + packed
    return cityhash128(body) + body


def native_unpack(body: bytes, bytes_max: int) -> bytes:
    """What is in the blocks of a body sent with `decompress=1`, never more than `bytes_max`."""
    parts: list[bytes] = []
    at = size = 0
    while at < len(body):
        start = at + _CHECKSUM_BYTES
        if len(body) < start + _HEAD.size:
            raise faults.fault(faults.CANNOT_DECOMPRESS, "A compressed block ends too early")
        method, packed_size, plain_size = _HEAD.unpack_from(body, start)
        block = body[start : start + packed_size]
        size += plain_size
        if size > bytes_max:
            raise too_large(bytes_max)
        if len(block) < max(packed_size, _HEAD.size) or cityhash128(block) != body[at:start]:
            raise faults.fault(faults.CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data")
        parts.append(_unpacked(method, block[_HEAD.size :], plain_size))
        at = start + packed_size
    return b"".join(parts)


def _unpacked(method: int, packed: bytes, size: int) -> bytes:
    try:
        match method:
            case 0x82:
                plain = bytes(lz4.block.decompress(packed, uncompressed_size=size))
            case 0x90:
                plain = bytes(zstd.ZstdDecompressor().decompress(packed, size + 1))
            case 0x02:
                plain = packed
            case _:
                raise faults.fault(
                    faults.UNKNOWN_COMPRESSION_METHOD, f"Unknown compression method {method} of a block"
                )
    except (lz4.block.LZ4BlockError, zstd.ZstdError, ValueError, MemoryError) as error:
        raise faults.fault(faults.CANNOT_DECOMPRESS, f"Cannot decompress a block: {error}") from None
    if len(plain) != size:
        raise faults.fault(faults.CANNOT_DECOMPRESS, "A compressed block has another size than it says")
    return plain


def _unpacker(encoding: str) -> Any:  # five libraries, one protocol: decompress(data, max_length), eof
    match encoding:
        case "gzip" | "x-gzip":
            return zlib.decompressobj(31)
        case "deflate":
            return zlib.decompressobj(15)
        case "lz4":
            return lz4.frame.LZ4FrameDecompressor()
        case "zstd":
            return zstd.ZstdDecompressor()
        case "bz2":
            return bz2.BZ2Decompressor()
        case "xz":
            return lzma.LZMADecompressor()
    raise faults.fault(
        faults.UNKNOWN_COMPRESSION_METHOD, f"Unknown compression method {encoding!r} of the request"
    )


def decompress(encoding: str, body: bytes, bytes_max: int) -> bytes:
    """The body unpacked, never more than `bytes_max`, however small it came; of one frame or more."""
    if encoding.lower() in ("", "identity") or not body:
        return body
    parts: list[bytes] = []
    rest, size = body, 0
    while rest:
        unpacker = _unpacker(encoding.lower())
        try:
            part = unpacker.decompress(rest, bytes_max - size + 1)
        except (RuntimeError, OSError, EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError) as error:
            raise faults.fault(
                faults.CANNOT_DECOMPRESS, f"The body is not valid {encoding}: {error}"
            ) from None
        size += len(part)
        parts.append(part)
        if size > bytes_max:
            raise too_large(bytes_max)
        if not unpacker.eof:
            raise faults.fault(faults.CANNOT_DECOMPRESS, f"The {encoding} body ends too early")
        rest = unpacker.unused_data
    return b"".join(parts)


def too_large(bytes_max: int) -> faults.Fault:
    """The body is over the limit, packed or unpacked."""
    return faults.fault(
        faults.QUERY_IS_TOO_LARGE,
        f"The body is over {bytes_max} bytes (DONGBO_CLICKHOUSE_BODY_BYTES_MAX): send smaller blocks",
    )
