"""The city's processes under supervisor: started in order, restarted when they end, stopped in reverse order.

Invariants:
- One city for each data folder: a second `up` is refused and names the process that is in the way.
- Nothing outlives its parent. `up` killed: supervisord gets SIGTERM and stops everything in order.
  supervisord killed: each process gets SIGTERM from the kernel (see `process.die_with_parent`).
- Settings reach the children by the environment, not by a file: passwords are written nowhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from ops.settings import REPOSITORY, Settings
from ops.stack.supervisor_client import Process, begin, halt, processes
from ops.stack.supervisord import ENTRY, PROGRAMS, STOP_S, Layout, config, console_log
from producers.contract.errors import Stop, Unavailable


class City:
    """A running city, started by this process. `stop` it, or `wait` for its end."""

    def __init__(self, process: subprocess.Popen[bytes], lock: IO[str]) -> None:
        self._process = process
        self._lock = lock

    @property
    def pid(self) -> int:
        """supervisord's."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether supervisord still runs."""
        return self._process.poll() is None

    def wait(self, timeout_s: float | None = None) -> int:
        """supervisord's exit code, when it ends. Raises subprocess.TimeoutExpired."""
        return self._process.wait(timeout_s)

    def stop(self) -> None:
        """Stop all processes in reverse order and wait for them. May be called twice."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S * len(PROGRAMS))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._lock.close()


def start(
    settings: Settings,
    programs: Sequence[str] = PROGRAMS,
    entry: Sequence[str] = ENTRY,
    held: Sequence[str] = (),
) -> City:
    """Start the city in the background; programs `held` wait for `begin`.

    Raises `Stop` when one runs on this data folder already.

    Call it from a thread that lives as long as the city: the kernel ties supervisord to that thread.
    """
    layout = Layout.of(settings)
    layout.logs.mkdir(parents=True, exist_ok=True)
    lock = _take(layout)
    try:
        _wait_for_predecessor(layout)
        layout.config.write_text(config(settings, programs, entry, held))
        process = subprocess.Popen(
            [*_supervisord(), "-n", "-c", str(layout.config)],
            env=os.environ | settings.environment(),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for `up`, which stops the city in order
        )
        city = City(process, lock)
        _wait_started(settings, city, held)
    except BaseException:
        lock.close()
        raise
    return city


def _supervisord() -> list[str]:
    return [sys.executable, "-m", "ops.stack.process", sys.executable, "-m", "supervisor.supervisord"]


def up(settings: Settings, programs: Sequence[str] = PROGRAMS, entry: Sequence[str] = ENTRY) -> int:
    """Run the city until Ctrl-C or SIGTERM, then stop it in order. Call it from the main thread.

    Returns 0, or 1 when supervisord ended by itself.
    """
    with _signals() as asked:
        city = start(settings, programs, entry)
        try:
            while not asked:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    city.wait(0.5)
                    return 1
        finally:
            city.stop()
    return 0


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of being interrupted by them, also while stopping."""
    asked: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda got, _: asked.append(got)) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _take(layout: Layout) -> IO[str]:
    """Hold the data folder's lock for as long as this process lives; the file says who has it."""
    handle = layout.lock.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        pid = handle.read().strip()
        handle.close()
        raise Stop(
            "already_running",
            f"a city runs on {layout.root} already, process {pid}",
            f"Stop it first (Ctrl-C there, or kill {pid}), or choose another DONGBO_DATA_DIR",
        ) from None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def _wait_for_predecessor(layout: Layout) -> None:
    """An `up` that was killed leaves a supervisord that is stopping its processes; let it finish."""
    deadline = time.monotonic() + STOP_S * 2
    while (pid := _alive(layout)) is not None:
        if time.monotonic() > deadline:
            raise Stop(
                "already_running",
                f"supervisord {pid} of an earlier city on {layout.root} does not end",
                f"kill {pid}, then start again",
            )
        time.sleep(0.2)


def _alive(layout: Layout) -> int | None:
    """The pid in the pidfile, if it is still the one of this folder's supervisord."""
    try:
        pid = int(layout.pidfile.read_text())
    except (OSError, ValueError):
        return None
    return pid if _is_supervisord(layout, pid) else None


def _wait_started(settings: Settings, city: City, held: Sequence[str]) -> None:
    """Until every process has been spawned: one that is stopped before that misses its SIGTERM."""
    layout = Layout.of(settings)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(Unavailable):
            if all(p.name in held or _spawned(layout, p) for p in processes(settings)):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            city.wait(0.1)
            break
    city.stop()
    raise Stop(
        "supervisor",
        "supervisord did not start",
        f"See {layout.logs / 'supervisord.log'}",
    )


def _spawned(layout: Layout, process: Process) -> bool:
    """Whether it is its own program yet; until then it is a copy of supervisord and misses SIGTERM."""
    if process.state != "STARTING":
        return process.state != "STOPPED"
    return not _is_supervisord(layout, process.pid)


def _is_supervisord(layout: Layout, pid: int) -> bool:
    """Whether that process is a supervisord of this very folder."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return str(layout.config).encode() in command.split(b"\0")


__all__ = [
    "ENTRY",
    "PROGRAMS",
    "City",
    "Process",
    "begin",
    "config",
    "console_log",
    "halt",
    "processes",
    "start",
    "up",
]
