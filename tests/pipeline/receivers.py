"""Real receivers of alerts: an HTTP server and a mail server, on 127.0.0.1, able to fail on demand."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Hook:
    """A webhook's receiver. `answers` are given one after the other, then 200."""

    def __init__(self, port: int = 0) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.hold = threading.Event()
        self.hold.set()
        handler = type("Handler", (_Handler,), {"hook": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?to=desk"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def bodies(self) -> list[dict[str, Any]]:
        """What was posted, in order, refused attempts included."""
        return [json.loads(body) for _, body in self.received]

    def stop(self) -> None:
        """Close the port."""
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hook: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.hook.hold.wait(60)
        self.hook.received.append(({"path": self.path, **dict(self.headers.items())}, body))
        status = self.hook.answers.pop(0) if self.hook.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.hook.port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def hook(port: int = 0) -> Iterator[Hook]:
    """A receiver that is closed in the end."""
    made = Hook(port)
    try:
        yield made
    finally:
        made.stop()


class Letterbox:
    """A mail server that keeps what it takes. `codes` answer DATA one after the other, then 250.

    With a certificate it offers STARTTLS, and asks for the user `alerts`, password `hidden`.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.codes: list[int] = []
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.logins: list[bytes] = []
        self.port = 0
        self._context = _context(certificate)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Close the port."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._done = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._done.wait()
        server.close()
        await server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _say(writer, b"220 letterbox")
            secure = False
            while line := await reader.readline():
                verb = line[:4].upper().strip()
                if verb == b"STAR" and self._context is not None:
                    await _say(writer, b"220 go")
                    await writer.start_tls(self._context)
                    secure = True
                elif verb == b"DATA":
                    await self._take(reader, writer, secure)
                elif verb == b"QUIT":
                    await _say(writer, b"221 bye")
                    break
                else:
                    await _say(writer, self._answer(verb, line, secure))
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    def _answer(self, verb: bytes, line: bytes, secure: bool) -> bytes:
        if verb == b"EHLO" and self._context is not None:
            return b"250-letterbox\r\n250 " + (b"AUTH PLAIN" if secure else b"STARTTLS")
        if verb == b"AUTH":
            self.logins.append(base64.b64decode(line.split()[-1]))
            return b"235 ok"
        return b"250 ok"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secure: bool) -> None:
        await _say(writer, b"354 go on")
        body = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
        code = self.codes.pop(0) if self.codes else 250
        if code == 250:
            parsed = BytesParser(policy=policy.default).parsebytes(body)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.encrypted.append(secure)
        await _say(writer, f"{code} so".encode())


async def _say(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line + b"\r\n")
    await writer.drain()


@contextmanager
def letterbox(certificate: Path | None = None) -> Iterator[Letterbox]:
    """A mail server that is closed in the end."""
    made = Letterbox(certificate)
    try:
        yield made
    finally:
        made.stop()


def _context(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "letterbox")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "letterbox.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
