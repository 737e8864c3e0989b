"""A whole city for tests: the command line on free ports and a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ops.settings import REPOSITORY, Settings
from ops.stack import supervise
from producers.contract.errors import Unavailable
from tests.conftest import eventually, free_port


class Cli:
    """Runs `dongbo` commands against one city."""

    def __init__(self, data_dir: Path, worker_count: int = 1, **settings: Any) -> None:
        # Worker health ports are consecutive; a free one is asked for, its neighbours are hoped for.
        self.settings = Settings(
            data_dir=data_dir,
            kafka_bootstrap=f"127.0.0.1:{free_port()}",
            clickhouse_port=free_port(),
            dashboard_port=free_port(),
            dashboard_health_port=free_port(),
            gateway_port=free_port(),
            worker_health_port=min(free_port(), 60_000),
            loader_health_port=free_port(),
            monitor_health_port=free_port(),
            worker_count=worker_count,
            **settings,
        )

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command whose words the caller reads; the caller ends it."""
        return self._started(arguments, subprocess.PIPE)

    def daemon(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command that talks into a file: a pipe that nobody reads holds it up once it is full."""
        with (self.settings.data_dir / f"{arguments[-1]}.out").open("a") as log:
            return self._started(arguments, log)

    def _started(self, arguments: tuple[str, ...], out: int | IO[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ops", *arguments],
            env=os.environ | self.settings.environment() | {"NO_COLOR": "1"},
            cwd=REPOSITORY,
            stdout=out,
            stderr=out,
            text=True,
        )

    def run(self, *arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.popen(*arguments)
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate(timeout=60)
            raise AssertionError(f"{arguments} took over {timeout_s} s:\n{out}\n{err}") from None
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, timeout_s: float = 120.0, code: int = 0) -> Any:
        """Run a command with --json; stdout must be one JSON value and nothing else."""
        done = self.run(*arguments, "--json", timeout_s=timeout_s)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def pid_of(self, name: str) -> int:
        """The pid of a running process of this city; 0 if it does not run."""
        try:
            found = {process.name: process.pid for process in supervise.processes(self.settings)}
        except Unavailable:
            return 0
        return found.get(name, 0)

    @contextmanager
    def up(self) -> Iterator[None]:
        """The city, running; stopped at the end as by Ctrl-C."""
        process = self.popen("up")
        try:
            eventually(lambda: self._is_up(process), timeout=400, interval=0.5)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=120)

    def _is_up(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, process.communicate()
        done = self.run("status", "--json")
        lines = json.loads(done.stdout or "[]")
        return {line["process"] for line in lines if line["ok"]} >= {
            "kafka",
            "clickhouse",
            "worker-0",
            "loader",
            "monitor",
            "dashboard",
            "gateway",
            "city",
        }
