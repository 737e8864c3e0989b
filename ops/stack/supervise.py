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
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from ops.settings import REPOSITORY, Settings
from producers.contract.errors import Stop, Unavailable

# In the order of starting; stopping is the reverse, so that nothing loses what it depends on.
PROGRAMS: Final = ("kafka", "clickhouse", "worker", "loader", "dashboard", "city")
ENTRY: Final = ("-m", "ops", "run")
# Longer than the slowest clean stop of one process; supervisord then kills its group.
_STOP_S: Final = 40
_SOCKET_PATH_MAX: Final = 100  # the kernel's limit is 108, and supervisor adds a suffix while it binds

_HEAD: Final = """\
[supervisord]
nodaemon=true
silent=true
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={pidfile}
directory={directory}

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
# A process that ends after `startsecs` is started again at once: exit 70 of a worker is its normal way to say
# that it must not go on. One that ends sooner is started again after 1 s, 2 s, 3 s ...
_PROGRAM: Final = """
[program:{name}]
command={command}
process_name={process_name}
numprocs={numprocs}
environment=DONGBO_WORKER_INDEX="{index}"
priority={priority}
autostart=true
autorestart=true
startsecs=2
startretries=10000
stopsignal=TERM
stopwaitsecs={stop_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


class Process(NamedTuple):
    """One supervised process as supervisord sees it; pid is 0 when it does not run."""

    name: str
    state: str
    pid: int
    uptime_s: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a city's supervisor keeps its files."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        return cls(settings.data_dir.absolute())

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def config(self) -> Path:
        return self.root / "supervisord.conf"

    @property
    def pidfile(self) -> Path:
        return self.root / "supervisord.pid"

    @property
    def lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def socket(self) -> Path:
        """In the data folder, or, when its path is too long for a socket, under the temporary folder."""
        inside = self.root / "supervisor.sock"
        if len(str(inside)) <= _SOCKET_PATH_MAX:
            return inside
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"dongbo-{os.getuid()}-{digest}.sock"


class City:
    """A running city, started by this process. `stop` it, or `wait` for its end."""

    def __init__(self, process: subprocess.Popen[bytes], lock: IO[str]) -> None:
        self._process = process
        self._lock = lock

    @property
    def pid(self) -> int:
        """supervisord's."""
        return self._process.pid

    def wait(self, timeout_s: float | None = None) -> int:
        """supervisord's exit code, when it ends. Raises subprocess.TimeoutExpired."""
        return self._process.wait(timeout_s)

    def stop(self) -> None:
        """Stop all processes in reverse order and wait for them. May be called twice."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_S * len(PROGRAMS))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._lock.close()


def config(settings: Settings, programs: Sequence[str], entry: Sequence[str] = ENTRY) -> str:
    """supervisord's configuration for these programs."""
    layout = Layout.of(settings)
    parts = [
        _HEAD.format(
            logs=layout.logs, pidfile=layout.pidfile, socket=layout.socket, directory=REPOSITORY
        ).replace("%", "%%")
    ]
    for name in _wanted(settings, programs):
        worker = name == "worker"
        command = [sys.executable, "-m", "ops.stack.process", sys.executable, *entry, name]
        parts.append(
            _PROGRAM.format(
                name=name,
                command=_escaped(command),
                process_name="worker-%(process_num)d" if worker else name,
                numprocs=settings.worker_count if worker else 1,
                index="%(process_num)d" if worker else "0",
                priority=(PROGRAMS.index(name) + 1) * 10,
                stop_s=_STOP_S,
                logs=str(layout.logs).replace("%", "%%"),
                log=_log_name(name),
            )
        )
    return "".join(parts)


def _wanted(settings: Settings, programs: Sequence[str]) -> list[str]:
    """The programs without those that the customer runs elsewhere."""
    unknown = sorted(set(programs) - set(PROGRAMS))
    if unknown:
        raise Stop("unknown_program", f"no program {', '.join(unknown)}", f"Known: {', '.join(PROGRAMS)}")
    elsewhere = {
        name
        for name, external in (
            ("kafka", settings.kafka_external),
            ("clickhouse", settings.clickhouse_external),
        )
        if external
    }
    return [name for name in PROGRAMS if name in programs and name not in elsewhere]


def _escaped(command: Sequence[str]) -> str:
    """A command line as supervisor reads it: shell quoting, `%` doubled."""
    quoted = (f'"{word}"' if " " in word else word for word in command)
    return " ".join(quoted).replace("%", "%%")


def _log_name(program: str) -> str:
    """Kafka writes logs/kafka.log by itself; what its JVM prints goes beside it."""
    if program == "kafka":
        return "kafka-console.log"
    return "worker-%(process_num)d.log" if program == "worker" else f"{program}.log"


def start(settings: Settings, programs: Sequence[str] = PROGRAMS, entry: Sequence[str] = ENTRY) -> City:
    """Start the city in the background. Raises `Stop` when one runs on this data folder already.

    Call it from a thread that lives as long as the city: the kernel ties supervisord to that thread.
    """
    layout = Layout.of(settings)
    layout.logs.mkdir(parents=True, exist_ok=True)
    lock = _take(layout)
    try:
        _wait_for_predecessor(layout)
        layout.config.write_text(config(settings, programs, entry))
        process = subprocess.Popen(
            [*_supervisord(), "-n", "-c", str(layout.config)],
            env=os.environ | settings.environment(),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for `up`, which stops the city in order
        )
        city = City(process, lock)
        _wait_started(settings, city)
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
    deadline = time.monotonic() + _STOP_S * 2
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


def _wait_started(settings: Settings, city: City) -> None:
    """Until every process has been spawned: one that is stopped before that misses its SIGTERM."""
    layout = Layout.of(settings)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(Unavailable):
            if all(_spawned(layout, process) for process in processes(settings)):
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
    path = Layout.of(settings).socket
    proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_UnixTransport(path))
    try:
        with proxy:
            found: Any = proxy.supervisor.getAllProcessInfo()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        raise Unavailable(
            "supervisor", f"no city runs on {settings.data_dir} ({error})", "Start it: ./dev up"
        ) from None
    listed = [_process(info) for info in found]
    return sorted(listed, key=lambda process: (PROGRAMS.index(process.name.split("-")[0]), process.name))


def _process(info: dict[str, Any]) -> Process:
    running = info["statename"] == "RUNNING"
    return Process(
        name=info["name"],
        state=info["statename"],
        pid=info["pid"],
        uptime_s=info["now"] - info["start"] if running else 0,
    )


__all__ = ["ENTRY", "PROGRAMS", "City", "Process", "config", "processes", "start", "up"]
