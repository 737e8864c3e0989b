"""One HTTP request to ClickHouse, understood: who asks, what runs, with which settings, and how to answer.

Pure: bytes and mappings in, a `Request` out. The rules are those of ClickHouse's HTTP interface.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ops.stack.clickhouse import faults
from ops.stack.clickhouse.packing import ENCODINGS, NATIVE, decompress, native_unpack
from ops.stack.clickhouse.statement import Statement, parse, too_long

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
        "network_compression_method",
        "network_zstd_compression_level",
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
_FORMAT: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_DEFAULT_FORMAT: Final = "TabSeparated"
_SESSION_SECONDS, _SESSION_SECONDS_MAX = 60, 3600


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client says it is."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class SessionAsked:
    """A session that the client names: kept so many seconds; with `check` it must be there already."""

    id: str
    seconds: int
    check: bool


@dataclass(frozen=True, slots=True)
class Manner:
    """How the answer is to be sent, known before the statement is looked at.

    `encoding` is HTTP's, or `clickhouse` for native blocks. With `whole`, nothing is sent before the result
    is complete.
    """

    query_id: str
    encoding: str | None
    level: int
    whole: bool
    progress_ms: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """A statement with everything the engine needs to run it."""

    statement: Statement
    database: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    default_format: str
    session: SessionAsked | None
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


def manner(headers: Mapping[str, str], params: Mapping[str, str]) -> Manner:
    """How to answer. A `query_id` that could not stand in a header is replaced by one of ours."""
    query_id = params.get("query_id", "")
    level = params.get("http_zlib_compression_level", "")
    return Manner(
        query_id=query_id if _QUERY_ID.fullmatch(query_id) else str(uuid.uuid4()),
        encoding=NATIVE if _on(params, "compress") else _answer_encoding(headers, params),
        level=int(level) if level in tuple("123456789") else 3,
        whole=_on(params, "wait_end_of_query"),
        progress_ms=_progress_ms(params),
    )


def understand(
    method: str,
    headers: Mapping[str, str],
    params: Mapping[str, str],
    body: bytes,
    body_max: int,
    statement_max: int | None = None,
) -> Request:
    """Raises `Fault` on a request that cannot be carried out as it is written.

    What is over `statement_max` bytes is refused unread: reading takes 1.5 us a byte.
    """
    data = decompress(headers.get("Content-Encoding", ""), body, body_max)
    if _on(params, "decompress"):
        data = native_unpack(data, body_max)
    default_format = params.get("default_format") or headers.get("X-ClickHouse-Format") or _DEFAULT_FORMAT
    if not _FORMAT.fullmatch(default_format):
        raise faults.fault(faults.UNKNOWN_FORMAT, "Unknown format")
    return Request(
        statement=_statement(params.get("query", ""), data, statement_max),
        database=params.get("database") or headers.get("X-ClickHouse-Database") or None,
        settings=_settings(params),
        parameters={name[6:]: value for name, value in params.items() if name.startswith("param_")},
        default_format=default_format,
        session=_session(params),
        is_get=method in ("GET", "HEAD"),
    )


def _on(params: Mapping[str, str], name: str) -> bool:
    return params.get(name, "0") in ("1", "true")


def _progress_ms(params: Mapping[str, str]) -> int | None:
    if not _on(params, "send_progress_in_http_headers"):
        return None
    asked = params.get("http_headers_progress_interval_ms", "100")
    return max(10, min(int(asked), 60_000)) if asked.isdecimal() and len(asked) < 8 else 100


def _session(params: Mapping[str, str]) -> SessionAsked | None:
    if not params.get("session_id"):
        return None
    asked = params.get("session_timeout", str(_SESSION_SECONDS))
    if not (asked.isdecimal() and len(asked) < 8 and int(asked) <= _SESSION_SECONDS_MAX):
        raise faults.fault(
            faults.INVALID_SESSION_TIMEOUT, f"Session timeout is over {_SESSION_SECONDS_MAX} s or no number"
        )
    return SessionAsked(params["session_id"][:256], int(asked), _on(params, "session_check"))


def _statement(query: str, data: bytes, bytes_max: int | None) -> Statement:
    if bytes_max is not None and len(query) + len(data) > bytes_max:
        raise too_long()
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
    if not _on(params, "enable_http_compression"):
        return None
    accepted = {part.split(";")[0].strip() for part in headers.get("Accept-Encoding", "").split(",")}
    return next((name for name in ENCODINGS if name in accepted), None)
