"""Ask the processes how they are: each answers on its own loopback port, from a thread of its own."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple

from ops.settings import Settings

TIMEOUT_S = 2.0


class Answer(NamedTuple):
    """What a process said of itself; None when nobody answered."""

    name: str
    report: dict[str, Any] | None


def ports(settings: Settings) -> dict[str, int]:
    """Name and health port of every process that has one."""
    workers = {
        f"worker-{index}": settings.worker_health_port + index for index in range(settings.worker_count)
    }
    return workers | {
        "loader": settings.loader_health_port,
        "monitor": settings.monitor_health_port,
        "dashboard": settings.dashboard_port,
        "gateway": settings.gateway_port,
    }


def ask(name: str, port: int) -> Answer:
    """The report of a process; an unhealthy one (503) reports too."""
    url = f"http://127.0.0.1:{port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            return Answer(name, json.load(response))
    except urllib.error.HTTPError as error:
        return Answer(name, _body(error))
    except (OSError, ValueError):
        return Answer(name, None)


def _body(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        found = json.load(error)
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def ask_all(settings: Settings) -> list[Answer]:
    """The reports of all processes."""
    return [ask(name, port) for name, port in ports(settings).items()]
