"""One damaged HTTP request over a bare socket, and what came back."""

from __future__ import annotations

import re
import socket
from typing import Final, NamedTuple

_STATUS: Final = re.compile(rb"HTTP/\d+\.\d+ (\d{3})")
_LENGTH: Final = re.compile(rb"\ncontent-length:", re.IGNORECASE)


_PROMISED_S: Final = 1.0


class Reply(NamedTuple):
    """The status, 0 if the connection was closed without one; and all bytes of the answer."""

    status: int
    raw: bytes


def send(port: int, text: bytes, timeout_s: float) -> Reply:
    """Send what a file of the corpus says: a request's head, an empty line, its body.

    The length is added, unless the (damaged) head has one of its own.

    :raises TimeoutError: no answer in time
    """
    head, _, body = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [*head.split(b"\n"), b"Host: 127.0.0.1", b"Connection: close"]
    if not _LENGTH.search(head):
        lines.append(b"Content-Length: %d" % len(body))
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        return _talk(connection, b"\r\n".join(lines) + b"\r\n\r\n" + body, timeout_s)


def _talk(connection: socket.socket, request: bytes, timeout_s: float) -> Reply:
    answer = b""
    connection.settimeout(_PROMISED_S)
    try:
        connection.sendall(request)
        while piece := _piece(connection, timeout_s):
            answer += piece
    except (ConnectionResetError, BrokenPipeError):
        pass
    found = _STATUS.match(answer)
    return Reply(int(found[1]) if found else 0, answer)


def _piece(connection: socket.socket, timeout_s: float) -> bytes:
    try:
        return connection.recv(65_536)
    except TimeoutError:
        # The head promised more than came, and the server rightly waits for it: say that this was all.
        connection.settimeout(timeout_s)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(65_536)
