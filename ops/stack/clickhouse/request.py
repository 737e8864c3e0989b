"""One HTTP request to ClickHouse, understood: who asks, what runs, with which settings, and how to answer.

Pure: bytes and mappings in, a `Request` out. The rules are those of ClickHouse's HTTP interface.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import lz4.frame  # type: ignore[import-untyped]
from backports import zstd

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.statement import Statement, parse

# Parameters of the HTTP interface itself, which are no settings of the engine.
_TRANSPORT: Final = frozenset(
    {
        "add_http_cors_header",
        "buffer_size",
        "client_protocol_version",
        "close_session",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "http_write_exception_in_output_format",
        "http_zlib_compression_level",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)
# An insert is acknowledged when its rows are stored, never before.
_DROPPED: Final = frozenset({"async_insert", "wait_for_async_insert"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUERY_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_DEFAULT_FORMAT: Final = "TabSeparated"
_COMPRESSED_FROM_BYTES: Final = 1024
_ENCODINGS: Final = ("zstd", "lz4", "gzip", "deflate")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client says it is."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Request:
    """A statement with everything the engine needs to run it."""

    statement: Statement
    database: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    default_format: str
    query_id: str
    encoding: str | None
    is_get: bool


def credentials(headers: Mapping[str, str], params: Mapping[str, str]) -> Credentials:
    """From X-ClickHouse-User/Key, HTTP basic or `user`/`password`, in the server's order of preference."""
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return Credentials(headers.get("X-ClickHouse-User", "default"), headers.get("X-ClickHouse-Key", ""))
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise faults.fault(
                faults.AUTHENTICATION_FAILED, "Authentication failed: bad Authorization header"
            ) from None
        return Credentials(user, password)
    return Credentials(params.get("user", "default"), params.get("password", ""))


def understand(
    method: str, headers: Mapping[str, str], params: Mapping[str, str], body: bytes, body_max: int
) -> Request:
    """Raises `Fault` on a request that cannot be carried out as it is written."""
    if params.get("decompress", "0") not in ("", "0") or params.get("compress", "0") not in ("", "0"):
        raise faults.fault(
            faults.NOT_IMPLEMENTED, "compress=1 and decompress=1 are not supported; use Content-Encoding"
        )
    data = decompress(headers.get("Content-Encoding", ""), body, body_max)
    query_id = params.get("query_id", "")
    return Request(
        statement=_statement(params.get("query", ""), data),
        database=params.get("database") or headers.get("X-ClickHouse-Database") or None,
        settings=_settings(params),
        parameters={name[6:]: value for name, value in params.items() if name.startswith("param_")},
        default_format=params.get("default_format") or headers.get("X-ClickHouse-Format") or _DEFAULT_FORMAT,
        query_id=query_id if _QUERY_ID.fullmatch(query_id) else str(uuid.uuid4()),
        encoding=_answer_encoding(headers, params),
        is_get=method in ("GET", "HEAD"),
    )


def _statement(query: str, data: bytes) -> Statement:
    try:
        return parse(query.encode(), data) if query.strip() else parse(data, b"")
    except ValueError:
        raise faults.fault(faults.SYNTAX_ERROR, "Syntax error: the query is not UTF-8") from None


def _settings(params: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in params.items()
        if name not in _TRANSPORT
        and name not in _DROPPED
        and not name.startswith("param_")
        and _NAME.fullmatch(name)
    }


def _answer_encoding(headers: Mapping[str, str], params: Mapping[str, str]) -> str | None:
    """Compression is off unless asked for twice, as on the server."""
    if params.get("enable_http_compression", "0") not in ("1", "true"):
        return None
    accepted = {part.split(";")[0].strip() for part in headers.get("Accept-Encoding", "").split(",")}
    return next((name for name in _ENCODINGS if name in accepted), None)


def compress(encoding: str | None, data: bytes) -> tuple[bytes, str | None]:
    """The body to send and its Content-Encoding; short bodies stay as they are."""
    if encoding is None or len(data) < _COMPRESSED_FROM_BYTES:
        return data, None
    if encoding == "zstd":
        return zstd.compress(data, 1), encoding
    if encoding == "lz4":
        return lz4.frame.compress(data), encoding
    wbits = 31 if encoding == "gzip" else 15
    packer = zlib.compressobj(3, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush(), encoding


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
