"""The dashboard's server as its own process, as it is run for people."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from streams.warehouse.store import Address
from tests.conftest import free_port

_CODE: Final = """
import json, sys
from pathlib import Path
import msgspec
from dashboards.server import DashboardConfig, run_dashboard
from dashboards.server.access import AccessConfig
from streams.warehouse.store import Address
members = json.loads(sys.argv[1])
access = members.pop("access", {})
members["access"] = msgspec.convert(access, AccessConfig, dec_hook=lambda _, path: Path(path))
run_dashboard(DashboardConfig(clickhouse=Address(**members.pop("clickhouse")), **members))
"""


class Dashboard:
    """A server on a free port, or none; it may be stopped and started again on the same port."""

    def __init__(self, clickhouse: Address, **members: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._members = {"clickhouse": asdict(clickhouse), "port": self.port, **members}
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """The running server's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        # A file, not a pipe: nobody reads while it runs, and a full pipe would hold it up.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `_logged`)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, json.dumps(self._members)], stderr=self._log, text=True
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self._logged()
            assert time.monotonic() < deadline, "the dashboard does not answer"
            time.sleep(0.05)

    def stop(self) -> tuple[int, float, str]:
        """SIGTERM; its exit code, how many seconds it took and what it logged."""
        assert self._process is not None
        started = time.monotonic()
        self._process.terminate()
        code, self._process = self._process.wait(timeout=60), None
        return code, time.monotonic() - started, self._logged()

    def _logged(self) -> str:
        with self._log as log:
            log.seek(0)
            return log.read()

    def access_path(self, name: str) -> Path:
        """A file that a member of its access configuration names."""
        return Path(self._members["access"][name])

    def close(self) -> None:
        """Stop it if it runs."""
        if self._process is not None:
            self.stop()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/web/icon.svg", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
