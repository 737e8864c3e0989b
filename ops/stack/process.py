"""Small facts about processes and ports that every part of the stack needs.

Run as a module (`python -m ops.stack.process PROGRAM ARGUMENTS...`) it becomes that program, tied to its
parent's life.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

from producers.contract.errors import Stop

_PR_SET_PDEATHSIG: Final = 1
_PORTS: Final = range(20_000, 32_768)


def die_with_parent(signum: int = signal.SIGTERM) -> None:
    """Ask the kernel to signal this process when its parent ends, however it ends (Linux only).

    Survives `execv`. The parent here is the thread that forked: start children from a thread that lives on.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:  # it ended between the two calls
        os.kill(os.getpid(), signum)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now. It is not reserved: use it soon.

    It is none of the kernel's own (32768 and above): a connection of anybody, or a server that lets the
    kernel choose, could take one of those before it is used. None is given twice until all were.
    """
    for port in islice(_ports, len(_PORTS)):
        if not port_is_taken("127.0.0.1", port):
            return port
    raise Stop(
        "no_free_port",
        f"every port from {_PORTS.start} to {_PORTS.stop - 1} is in use",
        "End programs that listen there",
    )


def port_is_taken(host: str, port: int) -> bool:
    """Whether a listener could not be opened there. A port in TIME_WAIT is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _walk() -> Iterator[int]:
    """All ports again and again, from anywhere, so that two processes seldom meet.

    In steps, since workers take the neighbours of one (11 and the number of ports have no common divisor).
    """
    start = random.SystemRandom().randrange(len(_PORTS))
    for step in count():
        yield _PORTS[(start + 11 * step) % len(_PORTS)]


_ports: Final = _walk()


@dataclass(slots=True)
class Child:
    """A server that this process started."""

    process: subprocess.Popen[bytes]

    def stop(self, timeout_s: float = 30.0) -> None:
        """End it as an operator does (SIGTERM); kill it when it takes longer than `timeout_s`."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    die_with_parent()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted
