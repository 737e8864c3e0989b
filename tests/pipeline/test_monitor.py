"""Goal: silence, holes and wrong clocks are seen, and a cut holds exactly what Kafka had by its instant.

Method: real broker, worker, loader and ClickHouse, a monitor with its own two jobs; wards are heartbeats and
events that the test sends. Offices are open or closed by overrides, so the hour of the day does not matter.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.city.prepare import address, prepare
from ops.cli import app
from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import Event, wrap_heartbeat
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Channel, Status
from streams.domain.alive import Thresholds
from streams.domain.cut import GRID_MS, cut_of_arrival, instant_of_cut
from streams.monitor.config import MonitorConfig
from streams.monitor.monitor import Monitor
from streams.warehouse.config import LoaderConfig
from streams.warehouse.store import Store
from tests.builders import EPOCH, HANOI, status
from tests.conftest import eventually, unique_name
from tests.pipeline.monitors import monitoring
from tests.pipeline.warehouse import LoaderProcess
from tests.pipeline.workers import WorkerProcess, producer

pytestmark = pytest.mark.timeout(240)
STOPS, RESTS, HOLE, FAST_CLOCK, COUNTED, LATE = "00070", "00004", "00008", "00025", "00082", "00091"
GAP, NEVER, CLOSES = "00097", "00103", "00118"
DELAYED, PILES_UP = "00145", "00160"
# It judges and cuts.
JOBS = ("wards", "cut")


class Town:
    """One installation on the session's broker and engine."""

    def __init__(self, settings: Settings, loader: LoaderProcess) -> None:
        self.settings, self.loader = settings, loader
        self.store = Store(address(settings))
        self._producer = producer(settings.kafka_bootstrap)

    def config(self) -> MonitorConfig:
        return MonitorConfig(
            bootstrap=self.settings.kafka_bootstrap,
            store=address(self.settings),
            app_id=self.settings.app_id,
            events_topic=self.settings.events_topic,
            wards_every_s=0.5,
            cut_settle_s=1.0,
            limits=Thresholds(hole_grace_s=1, hole_old_s=3600),
        )

    def send(self, *events: Event) -> int:
        """Returns when Kafka has them, with its time of the last one, in ms."""
        arrived: list[int] = []

        def delivered(error: Any, message: Any) -> None:
            assert error is None, error
            arrived.append(message.timestamp()[1])

        for event in events:
            ward = event.data.ward
            self._producer.produce(
                self.settings.events_topic,
                encode(event),
                ward,
                partition=PARTITION_OF_WARD[ward],
                on_delivery=delivered,
            )
        self._producer.flush(20)
        assert len(arrived) == len(events)
        return max(arrived)

    def beat(self, ward: str, *, ahead: timedelta = timedelta(), last_seq: int = 0, pending: int = 0) -> int:
        clock = datetime.now(HANOI) + ahead
        data = Heartbeat(ward=ward, epoch=EPOCH, last_seq=last_seq, outbox_pending=pending, clock=clock)
        return self.send(wrap_heartbeat(data))

    def step(self, ward: str, seq: int, **members: Any) -> int:
        now = datetime.now(HANOI)
        return self.send(status(seq, ward=ward, at=now, received_at=now, **members))

    def state(self, ward: str) -> dict[str, Any]:
        """How the monitor judged a ward last."""
        sql = "SELECT * FROM v_ward_status WHERE ward = {w:String}"
        return self.store.query(sql, {"w": ward}).dicts()[0]

    def state_at(self, ward: str, cut: int) -> dict[str, Any]:
        sql = f"SELECT * FROM v_ward_status_at(as_of = '{cut}') WHERE ward = {{w:String}}"
        return self.store.query(sql, {"w": ward}).dicts()[0]

    def cut_after(self, arrived_ms: int, timeout: float = 90.0) -> dict[str, Any]:
        """The first published cut that holds what arrived then."""
        sql = (
            "SELECT * FROM v_city_cut WHERE toUnixTimestamp64Milli(at) >= {ms:Int64} ORDER BY number LIMIT 1"
        )
        return eventually(lambda: self.store.query(sql, {"ms": arrived_ms}).dicts(), timeout, 0.2)[0]

    def run(self, *arguments: str, code: int = 0) -> Any:
        """A command with --json, as an operator types it."""
        done = CliRunner().invoke(app, [*arguments, "--json"], env=self.settings.environment())
        assert done.exit_code == code, f"{done.exit_code}\n{done.output[:2000]}\n{done.exception!r}"
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def town(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    name, folder = unique_name("monitor"), tmp_path_factory.mktemp("monitor")
    settings = stack_settings.model_copy(
        update={
            "app_id": name,
            "events_topic": f"{name}.events",
            "clickhouse_database": name,
            "data_dir": folder,
        }
    )
    prepare(settings)
    config = LoaderConfig(
        bootstrap=kafka.bootstrap,
        app_id=name,
        events_topic=settings.events_topic,
        store=address(settings),
        linger_ms=50,
    )
    worker = WorkerProcess(kafka.bootstrap, name, settings.events_topic, folder)
    loader = LoaderProcess(config, folder / "loader.log")
    try:
        yield Town(settings, loader)
    finally:
        loader.process.send_signal(signal.SIGCONT)
        loader.kill()
        worker.kill()


@pytest.fixture(scope="module")
def monitor(town: Town) -> Iterator[Monitor]:
    with monitoring(town.config(), *JOBS) as running:
        yield running


def days(first: int = 0) -> tuple[str, ...]:
    """Options of an override for today and tomorrow, so that a test may run at midnight."""
    today = datetime.now(HANOI).date() + timedelta(days=first)
    return "--from", today.isoformat(), "--to", (today + timedelta(days=1)).isoformat()


def test_ward_that_stops_is_silent_soon_after_its_deadline_and_a_closed_office_never(
    town: Town, monitor: Monitor, tmp_path: Path
) -> None:
    town.run("calendar", "set", STOPS, "00:00-24:00", *days(), "--silent-after", "6")
    town.run("calendar", "set", RESTS, "--closed", *days(), "--silent-after", "6")
    heard_ms = max(town.beat(STOPS), town.beat(RESTS))
    eventually(lambda: town.state(STOPS)["alive"] == "silent", 66, 0.2)
    found = town.state(STOPS)
    since_ms = round(found["since"].timestamp() * 1000)
    assert 0 <= heard_ms + 6000 - since_ms < 2000  # the deadline, to the millisecond of its own heartbeat
    assert found["at"].timestamp() * 1000 - since_ms < 60_000
    assert (found["status"], found["reason"]) == ("bad", "silent")
    assert f"{datetime.fromtimestamp((since_ms - 6000) / 1000, HANOI):%H:%M}" in found["reason_vi"]
    assert town.state(RESTS)["alive"] == "closed"
    shown = town.run("ward", "show", STOPS, code=1)
    assert shown["silent_at"].startswith(f"{found['since'].astimezone(HANOI):%Y-%m-%dT%H:%M:%S}")
    assert not found["covered"]
    town.run("calendar", "set", STOPS, "00:00-24:00", *days(), "--silent-after", "3600")
    eventually(lambda: town.state(STOPS)["alive"] == "quiet", 60, 0.2)


def test_ward_silent_when_its_office_closes_is_left_out_until_it_is_heard(
    town: Town, monitor: Monitor
) -> None:
    while f"{datetime.now(HANOI):%H:%M}" >= "23:57":
        time.sleep(1)
    town.run("calendar", "set", CLOSES, "00:00-24:00", *days(), "--silent-after", "3")
    heard_ms = town.beat(CLOSES)
    eventually(lambda: town.state(CLOSES)["alive"] == "silent", 66, 0.2)
    closing = datetime.now(HANOI).replace(second=0, microsecond=0) + timedelta(minutes=1)
    town.run("calendar", "set", CLOSES, f"00:00-{closing:%H:%M}", *days(), "--silent-after", "3")
    eventually(lambda: town.state(CLOSES)["alive"] == "closed", 150, 0.5)
    found = town.state(CLOSES)
    assert (found["status"], found["reason"], found["covered"]) == ("bad", "silent_before_closing", False)
    assert round(found["complete_at"].timestamp() * 1000) == heard_ms
    cut = town.cut_after(round(closing.timestamp() * 1000))
    assert dict(zip(cut["left_out"], cut["left_out_reason"], strict=True))[CLOSES] == "silent_before_closing"
    town.beat(CLOSES, pending=1)  # heard, but something waits
    eventually(lambda: town.state(CLOSES)["reason"] == "unproven", 60, 0.2)
    town.beat(CLOSES)
    eventually(lambda: town.state(CLOSES)["covered"], 60, 0.2)
    assert town.state(CLOSES)["status"] == "good"


def test_hole_is_known_since_it_was_revealed_and_the_ward_is_covered_once_it_is_filled(
    town: Town, monitor: Monitor
) -> None:
    town.step(HOLE, 1)
    time.sleep(0.05)
    revealed_ms = town.step(HOLE, 5)
    town.step(HOLE, 4)  # the seq right after the hole comes later than what revealed it
    eventually(lambda: town.state(HOLE)["hole_since"], 60, 0.2)
    found = town.state(HOLE)
    assert (found["hole_first"], found["hole_last"], found["missing"]) == ([2], [3], 2)
    assert round(found["hole_since"][0].timestamp() * 1000) == revealed_ms
    eventually(lambda: town.state(HOLE)["reason"] == "in_flight", 60, 0.2)
    assert "(số 2-3)" in town.state(HOLE)["reason_vi"]
    live = town.store.query("SELECT hole_since FROM v_ward_sync WHERE ward = {w:String}", {"w": HOLE}).rows
    assert round(live[0][0][0].timestamp() * 1000) == revealed_ms
    town.step(HOLE, 2)
    town.step(HOLE, 3)
    # Announced and not sent: a hole since the heartbeat said so.
    announced_ms = town.beat(HOLE, last_seq=7)
    eventually(lambda: town.state(HOLE)["hole_first"] == [6], 60, 0.2)
    assert round(town.state(HOLE)["hole_since"][0].timestamp() * 1000) == announced_ms
    assert not town.state(HOLE)["covered"]
    town.step(HOLE, 6)
    town.step(HOLE, 7)
    eventually(lambda: town.state(HOLE)["covered"], 60, 0.2)


def test_clock_of_a_ward_is_measured_against_the_broker_s(town: Town, monitor: Monitor) -> None:
    town.beat(FAST_CLOCK, ahead=timedelta(hours=1))
    eventually(lambda: town.state(FAST_CLOCK)["skew_ms"], 60, 0.2)
    found = town.state(FAST_CLOCK)
    assert abs(found["skew_ms"] - 3_600_000) < 60_000
    assert (found["status"], found["reason"]) == ("attention", "clock_skew")
    assert "nhanh" in found["reason_vi"]


def test_arrival_delay_and_newest_signs_of_life_stand_in_the_ward_s_row(town: Town, monitor: Monitor) -> None:
    """100 events: 96 of half a minute ago, 4 of two minutes ago, and a heartbeat."""
    while f"{datetime.now(HANOI):%H:%M}" < "00:03":  # yesterday's events of a new ward are backfill
        time.sleep(1)
    now = datetime.now(HANOI)
    ages = [timedelta(seconds=120 if seq % 25 == 0 else 30) for seq in range(1, 101)]
    events = [
        status(seq, ward=DELAYED, at=now - age, received_at=now - age) for seq, age in enumerate(ages, 1)
    ]
    town.send(*events)
    beaten_ms = town.beat(DELAYED, last_seq=100)
    sql = "SELECT * FROM v_ward_sync WHERE ward = {w:String}"

    def row() -> dict[str, Any]:
        found = town.store.query(sql, {"w": DELAYED}).dicts()[0]
        assert found["events"] == 100
        assert found["delay_ms_p50"] is not None
        assert found["heartbeat_at"] is not None
        assert 30_000 <= found["delay_ms_p50"] < 60_000, found
        assert 120_000 <= found["delay_ms_p99"] < 150_000, found
        return found

    # Delays are asked for with what is slow.
    found = eventually(row, 90, 0.5)
    assert abs(found["event_at"] - (now - timedelta(seconds=30))) < timedelta(milliseconds=2)
    assert abs(found["heartbeat_at"].timestamp() * 1000 - beaten_ms) < 5000
    assert 0 <= found["heartbeat_age_s"] < 90
    shown = town.run("ward", "show", DELAYED)
    said = CliRunner().invoke(app, ["ward", "show", DELAYED], env=town.settings.environment()).output
    assert re.search(r"delay\W+3\d s · 2 min", said), said
    for name in ("delay_ms_p50", "delay_ms_p99"):
        assert shown[name] == found[name]
    assert [shown[name][:19] for name in ("event_at", "heartbeat_at")] == [
        found[name].astimezone(HANOI).isoformat()[:19] for name in ("event_at", "heartbeat_at")
    ]


def test_ward_whose_outbox_piles_up_is_behind_until_it_is_empty(town: Town, monitor: Monitor) -> None:
    town.run("calendar", "set", PILES_UP, "00:00-24:00", *days(), "--silent-after", "3600")
    town.beat(PILES_UP, pending=25)
    eventually(lambda: town.state(PILES_UP)["alive"] == "behind", 60, 0.2)
    found = town.state(PILES_UP)
    assert (found["reason"], found["covered"]) == ("behind", False)
    assert "25" in found["reason_vi"]
    town.beat(PILES_UP)
    eventually(lambda: town.state(PILES_UP)["alive"] == "quiet", 60, 0.2)
    assert town.state(PILES_UP)["status"] == "good"


def test_cut_has_exactly_what_had_arrived_by_its_instant(town: Town, monitor: Monitor) -> None:
    """Events all the time, so that every cut has some right before and right after it."""
    arrived: list[int] = []
    town.step(GAP, 2)
    before, seq = monitor.health()["jobs"]["cut"]["facts"]["skipped"], 1
    while seq < 25 or arrived[-1] - arrived[0] < 3.1 * GRID_MS:
        done = {"status": Status.DONE, "finished_at": datetime.now(HANOI), "channel": Channel.ONLINE}
        arrived.append(town.step(COUNTED, seq, **(done if seq % 3 == 0 else {"channel": Channel.ONLINE})))
        seq += 1
        time.sleep(0.1)
    last = town.cut_after(arrived[-1])
    cuts = town.store.query(
        "SELECT * FROM v_city_cut WHERE number >= {first:UInt64} AND number <= {last:UInt64} ORDER BY number",
        {"first": cut_of_arrival(arrived[0]), "last": last["number"]},
    ).dicts()
    # Each ten seconds one; what a busy machine passed over the monitor says itself.
    skipped = monitor.health()["jobs"]["cut"]["facts"]["skipped"] - before
    assert len(cuts) + skipped >= cuts[-1]["number"] - cuts[0]["number"] + 1
    assert len(cuts) >= 3
    for cut in cuts:
        at_ms = round(cut["at"].timestamp() * 1000)
        assert at_ms == instant_of_cut(cut["number"])
        assert (cut["lag_ms"], cut["wards_total"]) == (
            round(cut["published_at"].timestamp() * 1000) - at_ms,
            126,
        )
        there = town.state_at(COUNTED, cut["number"])
        assert there["events"] == sum(one <= at_ms for one in arrived)
        reasons = dict(zip(cut["left_out"], cut["left_out_reason"], strict=True))
        assert (reasons[GAP], reasons[NEVER]) == ("in_flight", "never")
        assert COUNTED not in reasons
        as_of = f"(as_of = '{cut['number']}')"
        raw, books = f"r_events_at{as_of}", f"v_city_day_at{as_of}"
        assert town.store.value(f"SELECT count() FROM {raw}") == cut["events"]
        names = ("received", "resolved", "returned", "online", "early", "on_time", "overdue")
        sums = ", ".join(f"sum({name})" for name in names)
        assert town.store.query(f"SELECT {sums} FROM {books}").rows[0] == tuple(cut[name] for name in names)
        assert cut["covered"] + len(cut["left_out"]) == 126
    assert town.run("cut", "show", str(last["number"]))["events"] == last["events"]


def test_no_cut_while_the_loader_stands_still_and_then_they_go_on(town: Town, monitor: Monitor) -> None:
    town.step(LATE, 1)
    town.loader.process.send_signal(signal.SIGSTOP)
    try:
        arrived_ms = town.step(LATE, 2)
        eventually(lambda: monitor.health()["jobs"]["cut"]["state"] == "waiting", 60, 0.2)
        cut_job = monitor.health()["jobs"]["cut"]
        assert "loader is at" in cut_job["detail"]
        assert "partition" in cut_job["detail"]
        assert not monitor.health()["ok"]
        time.sleep(1)
        held = "SELECT max(toUnixTimestamp64Milli(at)) FROM city_cut"
        assert town.store.value(held) < arrived_ms
    finally:
        town.loader.process.send_signal(signal.SIGCONT)
    cut = town.cut_after(arrived_ms)
    assert town.state_at(LATE, cut["number"])["events"] == 2
    eventually(lambda: monitor.health()["jobs"]["cut"]["state"] == "ok", 60, 0.2)


def test_two_monitors_publish_the_same_cuts_once(town: Town, monitor: Monitor) -> None:
    with monitoring(replace(town.config(), cut_settle_s=1.01), *JOBS) as second:
        first = town.cut_after(town.step(LATE, 3))["number"]
        eventually(lambda: (second.health()["jobs"]["cut"]["facts"].get("number") or 0) >= first, 60, 0.2)
    sql = "SELECT number, count() AS rows FROM city_cut FINAL GROUP BY number HAVING rows != 1"
    assert town.store.query(sql).rows == []
    sql = "SELECT cut, count() AS rows FROM ward_states FINAL GROUP BY cut HAVING rows != 126"
    assert town.store.query(sql).rows == []
    said = "tuple(events, received, covered, left_out, toString(complete_at))"
    sql = f"SELECT number, uniqExact({said}) AS n FROM city_cut GROUP BY number HAVING n > 1"
    assert town.store.query(sql).rows == []


def test_commands_show_wards_cuts_and_hours(town: Town, monitor: Monitor) -> None:
    cut = town.cut_after(town.step(LATE, 4))
    listed = town.run("ward", "list", code=0)
    assert len(listed) == 126
    assert {row["status"] for row in listed} <= {"good", "waiting", "attention"}
    assert town.run("ward", "show", LATE, "--as-of", str(cut["number"]))["events"] == 4
    assert town.run("cut", "list", "-n", "1")[0]["number"] >= cut["number"]
    number, instant = str(cut["number"]), f"{cut['at'].astimezone(HANOI):%Y-%m-%d %H:%M:%S}"
    asked = [town.run("ask", "silent-wards", "--as-of", as_of) for as_of in (number, instant)]
    assert asked[0] == asked[1]
    assert town.run("calendar", "set", LATE, "--closed", *days(3), "--dry-run")[0]["hours"] == "closed"
    town.run("calendar", "remove", LATE, code=1)
    rows = town.run("calendar", "set", LATE, "08:00-12:00", *days(3))
    assert (rows[0]["ward"], rows[0]["hours"]) == (LATE, "08:00-12:00")
    shown = town.run("calendar", "show", LATE)
    assert [row["hours"] for row in shown][3:5] == ["08:00-12:00"] * 2
    town.run("calendar", "remove", LATE)
    assert LATE not in {row["ward"] for row in town.run("calendar", "show")}
    for wrong in (["8-12"], ["12:00-08:00"], ["--closed", "--from", "2026-12-02", "--to", "2026-12-01"]):
        done = CliRunner().invoke(app, ["calendar", "set", LATE, *wrong], env=town.settings.environment())
        assert type(done.exception).__name__ == "Refused"
