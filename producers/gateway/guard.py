"""Connections: how many, how long they may say nothing, and our error shape for what is not even HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final, cast

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from producers.gateway.problem import Problem, answer_of, body_of

_FULL_BODY: Final = msgspec.json.encode(body_of("busy"))
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(_FULL_BODY)
) + _FULL_BODY


class Gate:
    """Counts the open connections."""

    def __init__(self, connections_max: int, unread_s: float) -> None:
        self.connections_max, self.unread_ms = connections_max, int(unread_s * 1000)
        self.open = self.refused = 0


class GuardedHandler(RequestHandler):
    """aiohttp's protocol behind a gate. Its keep-alive timer also ends a head that never gets complete."""

    __slots__ = ("_gate", "_inside")

    def __init__(self, gate: Gate, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gate, self._inside = gate, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or say busy and close."""
        if self._gate.open >= self._gate.connections_max:
            self._gate.refused += 1
            self._force_close = True  # whatever it sends is dropped unread
            stream = cast(asyncio.Transport, transport)
            stream.write(_FULL)
            stream.close()
            return
        self._gate.open += 1
        self._inside = True
        found = transport.get_extra_info("socket")
        if found is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            # A client that does not read its answer: the kernel ends the connection, so nothing piles up.
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._gate.unread_ms)
        super().connection_made(transport)

    def connection_lost(self, error: BaseException | None) -> None:
        """Free its place."""
        if self._inside:
            self._inside = False
            self._gate.open -= 1
            super().connection_lost(error)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What the HTTP parser refuses, in the one shape; the parser's own words may quote the request."""
        return answer_of(Problem("internal" if status == 500 else "bad_request", hang_up=True))
