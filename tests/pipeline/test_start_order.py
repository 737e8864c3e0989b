"""Everything is started before what it needs: every process waits, says for what, and goes on by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from ops.stack import clickhouse as clickhouse_stack
from ops.stack import kafka as kafka_stack
from ops.watch import health
from tests.conftest import eventually
from tests.pipeline.city import Cli

pytestmark = pytest.mark.timeout(1200)
EARLY = ("worker", "loader", "monitor", "gateway", "dashboard", "city")


@pytest.fixture
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Settings of a city of which nothing runs yet."""
    return Cli(tmp_path_factory.mktemp("early"))


@pytest.fixture
def early(cli: Cli) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """The processes that need Kafka and ClickHouse, started without them."""
    started = {name: cli.daemon("run", name) for name in EARLY}
    yield started
    for process in started.values():
        process.terminate()
    for process in started.values():
        process.wait(timeout=180)


def _reports(cli: Cli) -> dict[str, dict[str, object]]:
    return {answer.name: answer.report or {} for answer in health.ask_all(cli.settings)}


def _all_well(cli: Cli) -> bool:
    unwell = {name: report for name, report in _reports(cli).items() if not report.get("ok")}
    assert not unwell, unwell
    return True


def test_processes_started_before_kafka_and_clickhouse_wait_and_say_so(
    cli: Cli, early: dict[str, subprocess.Popen[str]]
) -> None:
    eventually(
        lambda: all(
            _reports(cli).get(name) for name in ("worker-0", "loader", "monitor", "gateway", "dashboard")
        ),
        timeout=180,
    )
    eventually(lambda: "waiting for kafka" in str(_reports(cli)["loader"]["state"]).lower(), timeout=180)
    # The gateway is well without Kafka: it answers its wards with 503 and says that it waits.
    eventually(lambda: _reports(cli)["gateway"].get("state") == "waiting", timeout=180)
    found = _reports(cli)
    assert "waiting for Kafka" in str(found["worker-0"]["state"])
    assert not any(report.get("ok") for name, report in found.items() if name != "gateway")
    assert {name: process.poll() for name, process in early.items()} == dict.fromkeys(EARLY)

    broker, endpoint = kafka_stack.start(cli.settings), clickhouse_stack.start(cli.settings)
    try:
        cli.json("migrate", timeout_s=400)
        eventually(lambda: _all_well(cli), timeout=400)
        eventually(lambda: _reports(cli)["gateway"].get("state") == "running", timeout=180)
        assert {name: process.poll() for name, process in early.items()} == dict.fromkeys(EARLY)
    finally:
        for process in early.values():
            process.terminate()
        for process in early.values():
            process.wait(timeout=180)
        endpoint.stop()
        broker.stop()
