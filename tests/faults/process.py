"""A process of the city with the harness's overrides: `python -m tests.faults.process NAME`.

The overrides stand in a file that is read at each start, so that a fault can change what the next life gets:
another address (a proxy's), a crash point.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

OVERRIDES: Final = "FAULTS_OVERRIDES"
LISTENERS: Final = "FAULTS_LISTENERS"


def own_name(name: str) -> str:
    """The name under the supervisor: workers are told apart."""
    return f"worker-{os.environ.get('DONGBO_WORKER_INDEX', '0')}" if name == "worker" else name


def point_file(name: str) -> Path:
    """Holds the crash point of the process's next lives, until it has died there."""
    return Path(os.environ[OVERRIDES]).with_name(f"{name}.point")


def told_file(name: str) -> Path:
    """Holds the name of the point at which it died: `producers.contract.crash` writes it."""
    return point_file(name).with_suffix(".told")


def armed(name: str) -> dict[str, str]:
    """The environment of a life that shall die at a point; empty if none shall, or one has."""
    point, told = point_file(name), told_file(name)
    if not point.exists() or told.exists():
        return {}
    text, _, block_s = point.read_text(encoding="ascii").partition(" ")
    return {"FAULTS_CRASH_AT": text, "FAULTS_CRASH_TOLD": str(told), "FAULTS_BLOCK_S": block_s or "0"}


def override(name: str) -> None:
    """Take what the harness wants for this process."""
    known = json.loads(Path(os.environ[OVERRIDES]).read_text(encoding="utf-8"))
    for key in (name, own_name(name)):
        os.environ.update(known.get(key, {}))
    os.environ.update(armed(own_name(name)))


def broker() -> None:
    """Become a broker that has a listener for each of the harness's proxies, beside its own."""
    from ops.settings import load
    from ops.stack.kafka import Layout, command
    from ops.stack.process import die_with_parent

    die_with_parent()
    settings = load()
    arguments = command(settings)
    properties = Layout.of(settings).properties
    properties.write_text(_with_listeners(properties.read_text(), json.loads(os.environ[LISTENERS])))
    os.execv(arguments[0], arguments)


def _with_listeners(text: str, ports: dict[str, tuple[int, int]]) -> str:
    lines = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        for listener, (own, shown) in ports.items():
            if name in ("listeners", "advertised.listeners"):
                value += f",{listener}://127.0.0.1:{own if name == 'listeners' else shown}"
            if name == "listener.security.protocol.map":
                value += f",{listener}:PLAINTEXT"
        lines.append(name + equals + value)
    return "\n".join(lines) + "\n"


def main(name: str) -> None:
    """Override, then run as `dongbo run NAME` does."""
    override(name)
    if name == "kafka":
        broker()
    from ops.processes import run

    run(name)


if __name__ == "__main__":
    main(sys.argv[1])
