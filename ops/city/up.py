"""`dongbo up`: every process of the city under the supervisor, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ops import console
from ops.city.prepare import prepare
from ops.settings import Settings, load
from ops.stack import supervise
from producers.contract.errors import DongBoError, Unavailable

CITY: Final = "city"
PROGRAMS: Final = supervise.PROGRAMS
# They speak of tables and columns that a migration makes: begun before its end, they would only log errors.
_AFTER_SCHEMA: Final = ("loader", "monitor")


def up() -> int:
    """Start everything, say where to look, stop everything when asked."""
    settings = load()
    with asked_to_stop() as stop, started(settings) as stack:
        try:
            ready(settings)
        except DongBoError as error:
            console.note("\n".join([f"not ready: {error}", *last_words(settings)]))
            return 1
        supervise.begin(settings, CITY)
        return hold(settings, stack, stop)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that stopping is in order and not interrupted."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def started(settings: Settings) -> Iterator[supervise.City]:
    """What works without a schema; `ready` makes that and begins the rest. Stopped at the end."""
    console.note(f"starting the city; logs in {settings.data_dir / 'logs'}")
    stack = supervise.start(settings, PROGRAMS, held=(CITY, *_AFTER_SCHEMA))
    try:
        yield stack
    finally:
        console.note("stopping the city")
        stack.stop()


def ready(settings: Settings) -> None:
    """Topics and schema, then every process but the simulated city.

    :raises Unavailable: Kafka, ClickHouse or the supervisor does not answer
    :raises Stop: a topic or a migration is not what it must be
    """
    prepare(settings)
    for name in _AFTER_SCHEMA:
        supervise.begin(settings, name)


def last_words(settings: Settings) -> list[str]:
    """Why processes do not run: the last line that each of them printed."""
    try:
        down = [p.name for p in supervise.processes(settings) if p.state not in ("RUNNING", "STOPPED")]
    except Unavailable:
        return []
    return [line for name in down if (line := _last_line(supervise.console_log(settings, name)))]


def _last_line(log: Path) -> str:
    try:
        return log.read_text(errors="replace").rstrip().rpartition("\n")[2]
    except OSError:
        return ""


def hold(settings: Settings, stack: supervise.City, stop: threading.Event) -> int:
    """Keep it running until asked to stop; 1 if the supervisor ended by itself."""
    console.note(
        f"the city is up: http://{settings.dashboard_host}:{settings.dashboard_port}  (Ctrl-C stops it)"
    )
    console.note(f"the wards' gateway: http://{settings.gateway_host}:{settings.gateway_port}/docs")
    console.note("in another terminal: ./dev status   ./dev ask city-by-day   ./dev tap")
    while not stop.wait(0.5):
        if not stack.alive:
            console.note(f"the supervisor ended; see {settings.data_dir / 'logs' / 'supervisord.log'}")
            return 1
    return 0
