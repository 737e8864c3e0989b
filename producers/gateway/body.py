"""A request's body into single events, with bounded memory and time whatever the client sends."""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import Final

import msgspec
from aiohttp import web

from producers.gateway.config import GatewayConfig
from producers.gateway.limits import Lease
from producers.gateway.problem import Problem

_GZIP: Final = 31  # zlib's window bits for gzip with its header
# Concatenated gzip files are one gzip file; many tiny ones would be work without data.
_MEMBERS_MAX: Final = 16
_LINE: Final = re.compile(rb"[^\r\n]+")
_BLANKS: Final = b" \t\r\n"
_NDJSON: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
# An array is split before its events are counted. An event has some twenty commas: far more of them means far
# too many elements, and splitting those would cost memory.
_COMMAS_AN_EVENT: Final = 200
_events: Final = msgspec.json.Decoder(list[msgspec.Raw])


async def read(request: web.Request, config: GatewayConfig, lease: Lease) -> bytes:
    """The whole body, unpacked.

    :raises Problem: body_too_large, body_too_slow, bad_request, bad_gzip, unsupported_encoding, busy
    """
    unpack = _unpacker(request, config.body_bytes_max)
    if (request.content_length or 0) > config.body_bytes_max:
        raise Problem("body_too_large", hang_up=True)
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(config.body_timeout_s):
            size = 0
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > config.body_bytes_max:
                    raise Problem("body_too_large", hang_up=True)
                part = unpack.feed(chunk)
                lease.grow(len(part))
                parts.append(part)
    except TimeoutError:
        raise Problem("body_too_slow", hang_up=True) from None
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("bad_request", hang_up=True) from None
    unpack.end()
    return b"".join(parts)


def _unpacker(request: web.Request, bytes_max: int) -> _Plain | _Gunzip:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return _Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Gunzip(bytes_max)
    raise Problem("unsupported_encoding", hang_up=True)


class _Plain:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> None:
        """A plain body ends where HTTP says."""


class _Gunzip:
    """Unpacks as it comes, and stops at the first byte that is too many."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self._members = 1
        self._stream = zlib.decompressobj(_GZIP)
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        parts: list[bytes] = []
        while chunk:
            if self._stream.eof:
                self._next_member()
            parts.append(self._some(chunk))
            chunk = self._stream.unused_data
        return b"".join(parts)

    def _some(self, chunk: bytes) -> bytes:
        self._begun = True
        try:
            part = self._stream.decompress(chunk, self._left + 1)
        except zlib.error:
            raise Problem("bad_gzip", hang_up=True) from None
        self._left -= len(part)
        if self._left < 0:
            raise Problem("body_too_large", hang_up=True)
        return part

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MEMBERS_MAX:
            raise Problem("bad_gzip", hang_up=True)
        self._stream = zlib.decompressobj(_GZIP)

    def end(self) -> None:
        if self._begun and not self._stream.eof:
            raise Problem("bad_gzip")


def media_type(header: str) -> str:
    """The media type of a Content-Type header, without its parameters.

    Not by aiohttp: its parser descends into nested comments, and a header of some hundred brackets ends in a
    RecursionError.
    """
    return header.partition(";")[0].strip().lower()


def split(body: bytes, content_type: str, events_max: int) -> list[bytes]:
    """The single events of a body: one object, an array, or NDJSON; none of them is looked into.

    :raises Problem: not_json, too_deep, empty_batch, batch_too_long
    """
    if content_type in _NDJSON:
        found = _lines(body, events_max)
    elif body.lstrip(_BLANKS)[:1] == b"[":
        found = _elements(body, events_max)
    else:
        found = [body] if body.strip(_BLANKS) else []
    if not found:
        raise Problem("empty_batch")
    if len(found) > events_max:
        raise Problem("batch_too_long")
    return found


def _lines(body: bytes, events_max: int) -> list[bytes]:
    found: list[bytes] = []
    for match in _LINE.finditer(body):
        line = match.group().strip(_BLANKS)
        if line:
            found.append(line)
            if len(found) > events_max:
                break
    return found


def _elements(body: bytes, events_max: int) -> list[bytes]:
    if body.count(b",") > events_max * _COMMAS_AN_EVENT:
        raise Problem("batch_too_long")
    try:
        return [bytes(raw) for raw in _events.decode(body)]
    except RecursionError:
        raise Problem("too_deep", member="$") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem("not_json", member="$") from None
