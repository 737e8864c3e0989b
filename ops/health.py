"""Is this process well, and its figures: `/healthz` and `/metrics`, answered by threads of their own.

Threads of their own, because a health check that runs in the event loop it judges says nothing when the loop
hangs. `report` is called from those threads: it must not block and must only read.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from producers.contract.errors import Stop

Report = Callable[[], Mapping[str, Any]]
_READ_TIMEOUT_S: Final = 5.0


class HealthServer:
    """Serves `report()` on a port. `report()["ok"]` decides between 200 and 503; one that raises is a 503."""

    def __init__(
        self, port: int, report: Report, host: str = "127.0.0.1", registry: CollectorRegistry = REGISTRY
    ) -> None:
        """Opens the port at once, so a taken one is a `Stop` here. Port 0 takes a free one (see `port`)."""
        handler = type("Handler", (_Handler,), {"report": staticmethod(report), "registry": registry})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise Stop(
                "port_taken",
                f"cannot serve health on {host}:{port} ({error.strerror})",
                "Stop the program that has it, or choose another health port",
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> HealthServer:
        """Begin to answer; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever does not wait for the answer is no fault of this process; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    report: Report
    registry: CollectorRegistry
    timeout = _READ_TIMEOUT_S  # a client that says nothing must not keep a thread

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._health()
        elif self.path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.registry))
        else:
            self._answer(404, "text/plain", b"/healthz or /metrics\n")

    def _health(self) -> None:
        try:
            report = dict(self.report())
        except Exception as error:  # whatever it is, it is the answer
            report = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        body = json.dumps(report, ensure_ascii=False, default=str).encode() + b"\n"
        self._answer(200 if report.get("ok") else 503, "application/json; charset=utf-8", body)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Health checks come every few seconds; they are not worth a line."""


def check(port: int, host: str = "127.0.0.1") -> bool:
    """Ask a process whether it is well: what containers run as their health check."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=_READ_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


__all__ = ["HealthServer", "Report", "check"]


if __name__ == "__main__":
    sys.exit(0 if check(int(sys.argv[1])) else 1)
