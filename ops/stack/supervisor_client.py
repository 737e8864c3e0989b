"""Ask a running supervisord over its socket: which processes there are, start one that waits."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any, NamedTuple

from ops.settings import Settings
from ops.stack.supervisord import PROGRAMS, Layout
from producers.contract.errors import Unavailable


class Process(NamedTuple):
    """One supervised process as supervisord sees it; pid is 0 when it does not run."""

    name: str
    state: str
    pid: int
    uptime_s: int


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.close()
            raise


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> _UnixConnection:
        connection = _UnixConnection(self._path)
        self._connection = (host, connection)  # the base class closes what stands here
        return connection


def processes(settings: Settings) -> list[Process]:
    """Every supervised process, in the order of starting. Raises `Unavailable` when no city runs."""
    listed = [_process(info) for info in _call(settings, "getAllProcessInfo")]
    return sorted(listed, key=lambda process: (PROGRAMS.index(process.name.split("-")[0]), process.name))


def _process(info: dict[str, Any]) -> Process:
    running = info["statename"] == "RUNNING"
    return Process(
        name=info["name"],
        state=info["statename"],
        pid=info["pid"],
        uptime_s=info["now"] - info["start"] if running else 0,
    )


def begin(settings: Settings, name: str) -> None:
    """Start a program that was held back. Raises `Unavailable` when no city runs."""
    _call(settings, "startProcess", name, False)


def halt(settings: Settings, name: str) -> None:
    """Stop a program and leave it stopped until `begin`. Raises `Unavailable` when no city runs."""
    _call(settings, "stopProcess", name, True)


def _call(settings: Settings, method: str, *arguments: Any) -> Any:
    path = Layout.of(settings).socket
    proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_UnixTransport(path))
    try:
        with proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        raise Unavailable(
            "supervisor", f"no city runs on {settings.data_dir} ({error})", "Start it: ./dev up"
        ) from None
