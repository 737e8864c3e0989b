"""supervisord's configuration: which programs, in which order, with which files. Text only, nothing runs."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.settings import REPOSITORY, Settings
from producers.contract.errors import Stop

# In the order of starting; stopping is the reverse, so that nothing loses what it depends on.
PROGRAMS: Final = ("kafka", "clickhouse", "worker", "loader", "monitor", "dashboard", "gateway", "city")
ENTRY: Final = ("-m", "ops", "run")
# Longer than the slowest clean stop of one process; supervisord then kills its group.
STOP_S: Final = 40
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
autostart={autostart}
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


def config(
    settings: Settings,
    programs: Sequence[str],
    entry: Sequence[str] = ENTRY,
    held: Sequence[str] = (),
) -> str:
    """supervisord's configuration for these programs; those `held` wait for `begin`."""
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
                autostart="false" if name in held else "true",
                command=_escaped(command),
                process_name="worker-%(process_num)d" if worker else name,
                numprocs=settings.worker_count if worker else 1,
                index="%(process_num)d" if worker else "0",
                priority=(PROGRAMS.index(name) + 1) * 10,
                stop_s=STOP_S,
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


def console_log(settings: Settings, process: str) -> Path:
    """What a process such as `kafka` or `worker-0` prints."""
    return Layout.of(settings).logs / _log_name(process)


def _log_name(program: str) -> str:
    """Kafka writes logs/kafka.log by itself; what its JVM prints goes beside it."""
    if program == "kafka":
        return "kafka-console.log"
    return "worker-%(process_num)d.log" if program == "worker" else f"{program}.log"
