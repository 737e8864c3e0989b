"""Goal: a rebuild does the part that was asked for, survives being killed, says what it cannot do, and shows
what another rule would change before it does.

Method: as in `test_rebuild`, without a running worker: it counts, is stopped, and is started at the end, when
everything must be as counting message by message gives it.
"""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from ops.rebuild import rebuild
from ops.settings import REPOSITORY, Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.errors import Refused, Stop, Unavailable
from producers.contract.vocabulary import Status
from streams.domain import lifecycle
from streams.domain.calendar import OfficeCalendar
from streams.domain.logic import logic
from streams.monitor import rebuilds
from streams.monitor.config import MonitorConfig
from streams.monitor.conflicts import Conflicts
from streams.monitor.cuts import Cuts
from streams.monitor.jobs import Context
from tests.builders import START, status
from tests.conftest import eventually
from tests.pipeline.rebuilding import Town, of, send, story, town

pytestmark = pytest.mark.timeout(300)
PARTS, KILLED, RULE, GONE = "00070", "00004", "00008", "00025"
FIRST, SECOND, THIRD = ((START + timedelta(days=n)).date().isoformat() for n in range(3))
MORNINGS: Final = OfficeCalendar(hours=((480, 720),))
_VICTIM: Final = """
import os, signal, sys
from ops.rebuild import rebuild
from streams.rebuild import apply
apply.AT_ONCE = 1  # a record, then the next
def die(step):
    if step == "some":
        os.kill(os.getpid(), signal.SIGKILL)
rebuild(ward=None, first=None, last=None, apply=True, yes=True, accept_missing=False, as_json=True, pause=die)
"""


@pytest.fixture(scope="module")
def city(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with town(stack_settings, tmp_path_factory.mktemp("cases")) as found:
        send(found, *story(PARTS), *story(KILLED), *story(GONE), *(_done(n) for n in (1, 2, 3)))
        found.rest()
        found.stop()
        yield found
        found.start()
        send(found, *(status(100, ward=ward) for ward in (PARTS, KILLED, RULE)))
        found.rest()
        assert found.wrong() == []


def _done(seq: int) -> Any:
    return status(
        seq,
        ward=RULE,
        at=START + timedelta(days=1),
        status=Status.DONE,
        finished_at=START + timedelta(days=1),
        due_at=START + timedelta(days=1),
    )


def _code(error: Any) -> str:
    assert isinstance(error, Refused | Stop), error
    return error.code


def test_a_ward_and_days_are_rebuilt_and_nothing_else(city: Town) -> None:
    for day in (FIRST, SECOND):
        city.falsify_row(PARTS, day)
    city.falsify(PARTS, THIRD, lambda book: book.seqs.clear())
    assert city.run("--ward", KILLED)["differing"] == 0
    found = city.run("--ward", PARTS, "--from", SECOND, "--to", SECOND, "--apply", "--yes")
    assert of(found, "day", "cause") == {(SECOND, "row")}
    left = city.run(code=1)
    assert of(left, "ward", "day", "cause") == {(PARTS, FIRST, "row"), (PARTS, THIRD, "state")}
    assert _code(city.refused("--apply")) == "rebuild_unconfirmed"
    assert city.run("--apply", "--yes")["written"] == 2
    assert city.run()["differing"] == 0
    runs = city.store.query("SELECT state, written FROM v_rebuilds WHERE state = 'done' ORDER BY at").rows
    assert runs == [("done", 1), ("done", 2)]
    changed = city.store.query("SELECT DISTINCT day, cause FROM v_rebuild_changes WHERE applied").rows
    assert {(str(day), cause) for day, cause in changed} >= {(FIRST, "row"), (THIRD, "state")}


class Died(Exception):
    """Stands for a process that ended."""


def _killed(city: Town) -> None:
    """kill -9, with one book in Kafka and the other not."""
    environment = city.settings.environment() | {"PYTHONPATH": str(REPOSITORY)}
    victim = subprocess.run(
        [sys.executable, "-c", _VICTIM], env=environment, cwd=REPOSITORY, capture_output=True, check=False
    )
    assert victim.returncode == -signal.SIGKILL, victim.stderr[-2000:]


def _interrupted(city: Town, step: str) -> None:
    def die(reached: str) -> None:
        if reached == step:
            raise Died

    with pytest.MonkeyPatch.context() as patch:
        for name, value in city.settings.environment().items():
            patch.setenv(name, value)
        options: dict[str, Any] = dict.fromkeys(("ward", "first", "last"))
        options |= {"apply": True, "yes": True, "accept_missing": False, "as_json": True}
        with pytest.raises(Died):
            rebuild(**options, pause=die)


def _monitor(city: Town) -> Callable[[], str]:
    """The monitor's own job of cuts; each call says what it waits for, or nothing."""
    settings = city.settings
    config = MonitorConfig(
        bootstrap=settings.kafka_bootstrap,
        store=city.store.address,
        app_id=settings.app_id,
        events_topic=settings.events_topic,
    )
    cuts, context = Cuts(config, Conflicts(7)), Context(config, city.store, threading.Event())

    def publish() -> str:
        try:
            cuts.run(context)
        except Unavailable as error:
            return error.detail
        return ""

    return publish


@pytest.mark.parametrize(("step", "left"), [("writing", 2), ("some", 1), ("written", 0)])
def test_a_rebuild_that_is_killed_is_finished_by_the_next(city: Town, step: str, left: int) -> None:
    rebuilds.done(city.store)
    for day in (FIRST, SECOND):
        city.falsify(KILLED, day, lambda book: book.cells.clear())
    if step == "some":
        _killed(city)
    else:
        _interrupted(city, step)
    with pytest.raises(Unavailable, match="rebuild"):
        rebuilds.done(city.store)  # no cut is published with half of a generation
    publish = _monitor(city)
    if step == "some":
        eventually(lambda: "a cut waits: rebuild" in publish(), 60, 0.3)
    assert _code(city.refused("--ward", PARTS, "--apply", "--yes")) == "rebuild_unfinished"
    found = city.run("--apply", "--yes")
    assert (found["state"], found["written"]) == ("done", left)
    if step == "some":
        eventually(lambda: publish() == "", 60, 0.3)
        newest = "SELECT generation FROM city_cut ORDER BY number DESC LIMIT 1"
        assert city.store.value(newest) == found["generation"]
    rebuilds.done(city.store)
    assert city.wrong() == []
    assert city.differences() == 0
    assert city.run()["differing"] == 0


def test_another_rule_is_shown_before_it_is_applied_and_can_be_taken_back(
    city: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, usual = city.cut(), logic()
    before = city.answers(cut)
    monkeypatch.setattr(lifecycle, "_minutes_between", MORNINGS.minutes_between_s)
    assert logic() != usual
    seen = city.run("--ward", RULE, code=1)
    (line,) = seen["differences"]
    assert (line["cause"], line["day"], line["field"], line["status"]) == ("rule", SECOND, "chung-thuc", 9)
    assert (line["old_count"], line["new_count"]) == (3, 3)
    assert (line["old_minutes"], line["new_minutes"]) == (3 * 480, 3 * 240)
    assert city.answers(cut) == before
    applied = city.run("--ward", RULE, "--apply", "--yes")
    assert applied["logic"] == logic()
    assert _minutes(city) == 3 * 240
    later = city.cut()
    assert city.answers(cut) == before
    monkeypatch.undo()
    assert city.run("--ward", RULE, "--apply", "--yes")["written"] == 1
    assert _minutes(city) == 3 * 480
    assert city.answers(cut) == before
    sql = f"SELECT sum(minutes) FROM v_ward_day_detail_at(as_of = '{later}') WHERE ward = '{RULE}'"
    assert city.store.value(sql) == 3 * 240


def _minutes(city: Town) -> int:
    sql = "SELECT sum(minutes) FROM v_ward_day_detail WHERE ward = {w:String}"
    return int(city.store.value(sql, {"w": RULE}))


def test_two_at_once_are_refused(city: Town) -> None:
    with (city.folder / "rebuild.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert _code(city.refused("--apply", "--yes")) == "rebuild_running"
    assert _code(city.refused("--from", "1.7.2025")) == "day"


def test_a_book_of_which_raw_rows_are_missing_is_named_and_left(city: Town) -> None:
    city.store.command(
        f"ALTER TABLE events DELETE WHERE ward = '{GONE}' AND seq = 5 SETTINGS mutations_sync = 1"
    )
    found = city.run("--ward", GONE, "--apply", "--yes", code=1)
    assert (found["state"], found["kept"]) == ("compared", 1)
    assert of(found, "day", "cause") == {(SECOND, "missing")}
    assert of(city.run("--ward", GONE, "--accept-missing", code=1), "day") == {(SECOND,), (None,)}
