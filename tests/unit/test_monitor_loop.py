"""Goal: no job holds up or ends another. Method: jobs that fail, wait and hang, in a running monitor."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager

import pytest

from producers.contract.errors import Unavailable
from streams.monitor.config import MonitorConfig
from streams.monitor.jobs import Context, Facts, Job
from streams.monitor.monitor import Monitor
from streams.warehouse.store import Address
from tests.conftest import eventually
from tests.pipeline import monitors

CONFIG = MonitorConfig(bootstrap="nowhere:1", store=Address("nowhere", 1, "none", "nobody", "none"))


def running(*jobs: Job) -> AbstractContextManager[Monitor]:
    return monitors.running(CONFIG, list(jobs), ends_s=20)


def counting(name: str) -> tuple[Job, list[float]]:
    runs: list[float] = []

    def run(_: Context) -> Facts:
        runs.append(time.monotonic())
        return {"runs": len(runs)}

    return Job(name, 0.05, run), runs


def test_job_that_hangs_delays_no_other_and_ends_with_the_monitor() -> None:
    def hang(context: Context) -> Facts:
        context.stop.wait(60)
        return {}

    quick, runs = counting("quick")
    with running(Job("slow", 0.05, hang), quick) as monitor:
        eventually(lambda: len(runs) > 5)
        found = monitor.health()
    assert found["ok"]
    assert found["jobs"]["slow"]["state"] == "starting"
    assert found["jobs"]["quick"]["facts"]["runs"] >= 5


def test_job_that_fails_is_told_tried_again_and_forgotten_once_it_is_well() -> None:
    mend = threading.Event()

    def fail(_: Context) -> Facts:
        if mend.is_set():
            return {"mended": True}
        raise ValueError("a fault of ours")

    quick, runs = counting("quick")
    with running(Job("bad", 0.05, fail), quick) as monitor:
        eventually(lambda: monitor.health()["jobs"]["bad"]["failures"] > 2)
        found = monitor.health()
        assert not found["ok"]
        assert found["jobs"]["bad"]["state"] == "failed"
        assert "ValueError: a fault of ours" in found["detail"]
        before = len(runs)
        eventually(lambda: len(runs) > before + 3)
        mend.set()
        eventually(lambda: monitor.health()["ok"])
        assert monitor.health()["detail"] == ""


def test_traceback_of_a_job_that_goes_on_failing_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The rest are lines: a job is tried again every two seconds for as long as it fails."""

    def fail(_: Context) -> Facts:
        raise ValueError("a fault of ours")

    with running(Job("bad", 0.05, fail)) as monitor:
        eventually(lambda: monitor.health()["jobs"]["bad"]["failures"] > 3)
    told = [record for record in caplog.records if "job bad failed: ValueError" in record.getMessage()]
    assert len(told) > 3
    assert sum(bool(record.exc_info) for record in told) == 1


def test_job_that_waits_for_a_service_says_for_what_and_since_when() -> None:
    def wait(_: Context) -> Facts:
        raise Unavailable("loader", "it is at 5 of 7 in partition 3", "See its health")

    with running(Job("cut", 0.05, wait)) as monitor:
        eventually(lambda: monitor.health()["jobs"]["cut"]["failures"] > 2)
        found = monitor.health()
    assert not found["ok"]
    assert found["jobs"]["cut"]["state"] == "waiting"
    assert "partition 3" in found["detail"]
    assert found["state"].startswith("cut waiting since 20")
