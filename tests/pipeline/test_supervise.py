"""Goal: the city starts and stops as one, and nothing is ever left behind.

Method: a real supervisord over small stand-in programs that write down when they start and stop.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops.city.up import last_words
from ops.settings import REPOSITORY, Settings
from ops.stack.supervise import Process, config, processes, start
from producers.contract.errors import DongBoError, Stop, Unavailable
from tests.conftest import eventually, free_port

STAND_IN = """
import os, signal, sys, time
name = sys.argv[1] + os.environ["DONGBO_WORKER_INDEX"]
journal = os.environ["DONGBO_DATA_DIR"] + "/journal"
def write(word):
    with open(journal, "a") as file:
        file.write(f"{word} {name} {os.getpid()}\\n")
def end(*_):
    time.sleep(0.1)
    write("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
write("start")
while True:
    time.sleep(0.05)
    if os.path.exists(f"{journal}.{name}"):
        os.unlink(f"{journal}.{name}")
        sys.exit(70)
"""
UP = """
import sys
from pathlib import Path
from ops.settings import load
from ops.stack.supervise import up
sys.exit(up(load(), ("kafka", "worker", "city"), (sys.argv[1],)))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, worker_count=2)


@pytest.fixture
def entry(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "stand in 100%.py"
    script.write_text(STAND_IN)
    return (str(script),)


def journal(settings: Settings) -> list[list[str]]:
    path = settings.data_dir / "journal"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def words(settings: Settings, word: str) -> list[str]:
    return [line[1] for line in journal(settings) if line[0] == word]


def running(settings: Settings) -> list[Process]:
    found = processes(settings)
    assert all(process.state == "RUNNING" for process in found), found
    return found


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def run_up(settings: Settings, entry: tuple[str, ...]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", UP, *entry],
        env=os.environ | settings.environment(),
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
    )
    eventually(lambda: len(words(settings, "start")) == 4)
    return process


def pids(settings: Settings) -> set[int]:
    return {int(line[2]) for line in journal(settings)}


def test_start_runs_all_and_stop_ends_them_in_reverse_order(
    settings: Settings, entry: tuple[str, ...]
) -> None:
    city = start(settings, ("city", "kafka", "worker"), entry)
    found = eventually(lambda: running(settings))
    assert [process.name for process in found] == ["kafka", "worker-0", "worker-1", "city"]
    # A process runs a moment before its first words are there.
    eventually(lambda: len(pids(settings)) == len(found))
    assert {process.pid for process in found} == pids(settings)
    city.stop()
    stopped = words(settings, "stop")
    assert stopped[0] == "city0"
    assert set(stopped[1:3]) == {"worker0", "worker1"}
    assert stopped[3] == "kafka0"
    with pytest.raises(Unavailable, match="dev up"):
        processes(settings)


def test_worker_that_exits_70_is_started_again(settings: Settings, entry: tuple[str, ...]) -> None:
    city = start(settings, ("worker",), entry)
    eventually(lambda: running(settings))
    (settings.data_dir / "journal.worker1").touch()
    eventually(lambda: words(settings, "start").count("worker1") == 2)
    city.stop()


def test_external_services_are_not_started(settings: Settings) -> None:
    external = settings.model_copy(update={"kafka_external": True, "clickhouse_external": True})
    text = config(external, ("kafka", "clickhouse", "loader"))
    assert "[program:loader]" in text
    assert "[program:kafka]" not in text
    assert "[program:clickhouse]" not in text


def test_config_holds_no_password(settings: Settings) -> None:
    secret = Settings.model_validate({"clickhouse_password": "rất-bí-mật", "data_dir": settings.data_dir})
    assert "bí-mật" not in config(secret, ("loader",))


def test_unknown_program_is_refused(settings: Settings) -> None:
    with pytest.raises(Stop, match="kafak"):
        start(settings, ("kafak",))


def test_second_start_on_the_same_data_names_the_first(settings: Settings, entry: tuple[str, ...]) -> None:
    city = start(settings, ("kafka",), entry)
    with pytest.raises(DongBoError, match=f"process {os.getpid()}"):
        start(settings, ("kafka",), entry)
    city.stop()
    start(settings, ("kafka",), entry).stop()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_cleanly_on_a_signal(settings: Settings, entry: tuple[str, ...], signum: int) -> None:
    process = run_up(settings, entry)
    process.send_signal(signum)
    assert process.wait(30) == 0
    process.communicate()
    assert sorted(words(settings, "stop")) == ["city0", "kafka0", "worker0", "worker1"]
    assert not any(map(alive, pids(settings)))


def test_up_killed_leaves_nothing_running(settings: Settings, entry: tuple[str, ...]) -> None:
    process = run_up(settings, entry)
    process.kill()
    process.communicate()
    eventually(lambda: not any(map(alive, pids(settings))), 30)
    assert words(settings, "stop")[0] == "city0", "stopped in order"
    start(settings, ("kafka",), entry).stop()


def test_supervisord_killed_leaves_nothing_running(settings: Settings, entry: tuple[str, ...]) -> None:
    process = run_up(settings, entry)
    os.kill(int((settings.data_dir / "supervisord.pid").read_text()), signal.SIGKILL)
    assert process.wait(30) == 1
    process.communicate()
    eventually(lambda: not any(map(alive, pids(settings))), 30)


def test_why_a_process_does_not_run_is_said_in_its_own_words(settings: Settings) -> None:
    port = free_port()
    own = settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{port}"})
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        city = start(own, ("kafka",))
        try:
            said = eventually(lambda: last_words(own), timeout=60)
        finally:
            city.stop()
    assert said == [
        f"dongbo kafka: port_taken: 127.0.0.1:{port} is in use by another program. "
        "Stop that program, or choose another DONGBO_KAFKA_BOOTSTRAP"
    ]


def test_data_folder_with_a_long_path_works(tmp_path: Path, entry: tuple[str, ...]) -> None:
    deep = tmp_path / ("thư-mục-dài " * 8).strip()
    settings = Settings(data_dir=deep)
    city = start(settings, ("kafka",), entry)
    eventually(lambda: running(settings))
    started = time.monotonic()
    city.stop()
    assert time.monotonic() - started < 20
