"""Start the endpoint: as this process (`run`, for the supervisor) or as a child (`start`, for tests)."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.settings import Settings
from ops.stack.process import Child, die_with_parent
from producers.contract.errors import Stop, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_REPOSITORY: Final = Path(__file__).resolve().parents[3]


def run(settings: Settings) -> None:
    """Serve until SIGTERM. Raises `Stop` when it cannot start."""
    die_with_parent()
    _refuse_open_defaults(settings)
    from ops.stack.clickhouse.server import serve

    asyncio.run(serve(settings))


def _refuse_open_defaults(settings: Settings) -> None:
    """Passwords that stand in the documentation are for the loopback address only."""
    host = settings.clickhouse_host
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    known = Settings.model_fields["clickhouse_password"].default
    known_reader = Settings.model_fields["clickhouse_reader_password"].default
    if not inside and (
        settings.clickhouse_password == known or settings.clickhouse_reader_password == known_reader
    ):
        raise Stop(
            "default_password",
            f"ClickHouse would listen on {host} with a password that everybody knows",
            "Set DONGBO_CLICKHOUSE_PASSWORD and DONGBO_CLICKHOUSE_READER_PASSWORD",
        )


@dataclass(slots=True)
class Endpoint(Child):
    """An endpoint that this process started."""

    settings: Settings

    @property
    def host(self) -> str:
        return self.settings.clickhouse_host

    @property
    def port(self) -> int:
        return self.settings.clickhouse_port

    def client(self, database: str | None = None) -> Client:
        """A new writer's client. Close it."""
        password = self.settings.clickhouse_password.get_secret_value()
        return self._client(self.settings.clickhouse_user, password, database)

    def reader(self, database: str | None = None) -> Client:
        """A new reader's client. Close it."""
        password = self.settings.clickhouse_reader_password.get_secret_value()
        return self._client(self.settings.clickhouse_reader_user, password, database)

    def _client(self, user: str, password: str, database: str | None) -> Client:
        import clickhouse_connect

        return clickhouse_connect.get_client(
            host=self.host,
            port=self.port,
            username=user,
            password=password,
            database=database or self.settings.clickhouse_database,
            autogenerate_session_id=False,
        )


def start(settings: Settings, timeout_s: float = 60.0) -> Endpoint:
    """Start an endpoint as a child of this process and wait until it answers."""
    output = settings.data_dir.absolute() / "logs" / "clickhouse.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.stack.clickhouse"],
            env=os.environ | settings.environment(),
            cwd=_REPOSITORY,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    endpoint = Endpoint(process, settings)
    try:
        wait_ready(settings.clickhouse_host, settings.clickhouse_port, timeout_s, process)
    except Unavailable as error:
        endpoint.kill()
        detail = f"{error.detail}; its output: {output.read_text(errors='replace')[-1500:]}"
        raise Unavailable(error.service, detail, error.remedy) from None
    return endpoint


def wait_ready(
    host: str, port: int, timeout_s: float, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Return when ClickHouse answers a ping; raise `Unavailable` after `timeout_s`. For any ClickHouse.

    With `process` given, its end is noticed at once.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/ping", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise Unavailable(
        "clickhouse",
        f"nothing answers at {host}:{port}",
        "See logs/clickhouse.log in the data folder; check DONGBO_CLICKHOUSE_HOST and _PORT",
    )
