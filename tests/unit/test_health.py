"""Goal: health is told truthfully, also by a process whose event loop hangs. Method: real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import Counter

from ops.health import HealthServer
from producers.contract.errors import Stop


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(("ok", "status"), [(True, 200), (False, 503)])
def test_healthz_status_follows_the_report(ok: bool, status: int) -> None:
    server = HealthServer(0, lambda: {"ok": ok, "nói": "được"}).start()
    assert get(server, "/healthz") == (
        status,
        json.dumps({"ok": ok, "nói": "được"}, ensure_ascii=False) + "\n",
    )
    server.stop()


def test_healthz_of_a_report_that_raises_is_503_with_the_reason() -> None:
    def report() -> Mapping[str, Any]:
        raise RuntimeError("broken")

    server = HealthServer(0, report).start()
    status, body = get(server, "/healthz")
    assert (status, json.loads(body)) == (503, {"ok": False, "error": "RuntimeError: broken"})
    server.stop()


def test_client_that_does_not_wait_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    asked, gone = threading.Event(), threading.Event()

    def report() -> Mapping[str, Any]:
        asked.set()
        gone.wait(10)
        return {"ok": True, "long": "x" * 5_000_000}

    server = HealthServer(0, report).start()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert asked.wait(10)
        # Closed with a reset, so that writing the answer fails.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.set()
    assert get(server, "/healthz")[0] == 200
    server.stop()
    assert capfd.readouterr().err == ""


def test_metrics_are_prometheus_text() -> None:
    Counter("health_test", "Counts nothing.").inc()
    server = HealthServer(0, lambda: {"ok": True}).start()
    status, body = get(server, "/metrics")
    assert status == 200
    assert "health_test_total 1.0" in body
    assert get(server, "/other")[0] == 404
    server.stop()


async def test_healthz_answers_while_the_event_loop_hangs() -> None:
    last_beat = time.monotonic()
    server = HealthServer(0, lambda: {"ok": time.monotonic() - last_beat < 0.2}).start()
    answers: list[int] = []

    def ask() -> None:
        time.sleep(0.4)
        answers.append(get(server, "/healthz")[0])

    thread = threading.Thread(target=ask)
    thread.start()
    await asyncio.sleep(0)
    thread.join()  # blocks the loop, as a fault would
    assert answers == [503]
    server.stop()


def test_taken_port_is_named() -> None:
    server = HealthServer(0, lambda: {"ok": True})
    with pytest.raises(Stop, match=str(server.port)):
        HealthServer(server.port, lambda: {"ok": True})
    server.stop()


def test_check_as_a_container_runs_it_follows_the_report() -> None:
    """`python -m ops.health PORT` is the health check of docker-compose.yml."""
    well = {"ok": True}
    server = HealthServer(0, lambda: well).start()
    command = [sys.executable, "-m", "ops.health", str(server.port)]
    try:
        assert subprocess.run(command, check=False, timeout=30).returncode == 0
        well["ok"] = False
        assert subprocess.run(command, check=False, timeout=30).returncode == 1
    finally:
        server.stop()
    assert subprocess.run(command, check=False, timeout=30).returncode == 1
