"""How the city's processes are, as each tells on its own port. Asked beside the reading, never in its way."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

import msgspec

EVERY_S: Final = 5.0
TIMEOUT_S: Final = 1.0


class Process(msgspec.Struct, frozen=True):
    """`state`: `well`, `ill` (it answers so) or `away` (nobody answers). `note`: what it says of itself."""

    name: str
    state: str
    note: str = ""


class Pulse:
    """Answers of the processes, at most `EVERY_S` and one round old while somebody asks."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = dict(ports)
        self._found: tuple[Process, ...] = ()
        self._asked_s = 0.0
        self._asking = threading.Lock()

    def processes(self) -> tuple[Process, ...]:
        """What is known now; a new round begins if that is old."""
        if (
            self._ports
            and time.monotonic() - self._asked_s > EVERY_S
            and self._asking.acquire(blocking=False)
        ):
            self._asked_s = time.monotonic()
            threading.Thread(target=self._round, name="pulse", daemon=True).start()
        return self._found

    def _round(self) -> None:
        try:
            self._found = tuple(ask(name, port) for name, port in self._ports.items())
        finally:
            self._asking.release()


def ask(name: str, port: int) -> Process:
    """One process's answer; it never raises."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=TIMEOUT_S) as answer:
            return _process(name, _json(answer.read()))
    except urllib.error.HTTPError as error:
        return _process(name, _json(error.read()) | {"ok": False})
    except OSError:
        return Process(name, "away")


def _process(name: str, report: dict[str, Any]) -> Process:
    return Process(name, "well" if report.get("ok", True) else "ill", str(report.get("state", ""))[:120])


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
