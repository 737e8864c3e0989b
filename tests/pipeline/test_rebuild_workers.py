"""Goal: where this machine's supervisor runs the workers, a rebuild stops them all, and starts them again
whatever happens; also those that a rebuild which was killed has left stopped.

Method: a real supervisord over small stand-in programs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.rebuild_workers import start as start_again
from ops.rebuild_workers import stopped
from ops.settings import Settings
from ops.stack.supervise import halt, processes, start
from tests.conftest import eventually

STAND_IN = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(0.05)
"""


def states(settings: Settings) -> dict[str, str]:
    return {process.name: process.state for process in processes(settings)}


def _fail_meanwhile(settings: Settings) -> None:
    with stopped(settings):
        assert states(settings) == {"kafka": "RUNNING", "worker-0": "STOPPED", "worker-1": "STOPPED"}
        raise ZeroDivisionError


def test_workers_are_stopped_for_a_while_and_started_again(tmp_path: Path) -> None:
    settings, script = Settings(data_dir=tmp_path, worker_count=2), tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    up = {"kafka": "RUNNING", "worker-0": "RUNNING", "worker-1": "RUNNING"}
    city = start(settings, ("kafka", "worker"), (str(script),))
    try:
        eventually(lambda: states(settings) == up, 60)
        with pytest.raises(ZeroDivisionError):
            _fail_meanwhile(settings)
        eventually(lambda: states(settings) == up, 60)
        halt(settings, "worker:worker-1")  # as a rebuild that was killed leaves it
        start_again(settings)
        eventually(lambda: states(settings) == up, 60)
    finally:
        city.stop()
    with stopped(settings):
        pass  # no city of ours: the group alone tells whether workers run
