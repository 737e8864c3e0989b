"""Workers stopped for as long as a rebuild writes, where this machine's own supervisor runs them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from ops import console
from ops.settings import Settings
from ops.stack import supervise
from ops.stack.supervisor_client import Process
from ops.stack.supervisord import STOP_S
from producers.contract.errors import Stop, Unavailable

_GROUP: Final = "worker"
_STOPPED: Final = ("STOPPED", "EXITED", "FATAL")
_POLL_S: Final = 0.2


@contextlib.contextmanager
def stopped(settings: Settings) -> Iterator[None]:
    """Stop the workers of this machine's city, and start them again whatever happens; without one, nothing.

    :raises Stop: `workers_running`: one does not end
    """
    names = [worker.name for worker in _workers(settings)]
    if names:
        console.note("stopping the workers; Kafka keeps what the wards send / dừng worker, Kafka giữ hộ")
    try:
        for name in names:
            # It ends later than the answer may wait.
            with contextlib.suppress(Unavailable):
                supervise.halt(settings, f"{_GROUP}:{name}")
        _wait(settings)
        yield
    finally:
        start(settings)


def start(settings: Settings) -> None:
    """Start those that do not run; a rebuild that was killed left them so."""
    for worker in _workers(settings):
        if worker.state in _STOPPED:
            supervise.begin(settings, f"{_GROUP}:{worker.name}")


def _wait(settings: Settings) -> None:
    deadline = time.monotonic() + STOP_S + 5
    while running := [worker.name for worker in _workers(settings) if worker.state not in _STOPPED]:
        if time.monotonic() > deadline:
            raise Stop(
                "workers_running",
                f"{', '.join(running)} does not end / {', '.join(running)} chưa dừng",
                "See its log, then run again / xem nhật ký rồi chạy lại",
            )
        time.sleep(_POLL_S)


def _workers(settings: Settings) -> list[Process]:
    try:
        listed = supervise.processes(settings)
    except Unavailable:
        return []
    return [process for process in listed if process.name.partition("-")[0] == _GROUP]
