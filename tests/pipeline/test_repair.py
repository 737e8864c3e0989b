"""Goal: what was lost on the way comes back without a hand, and what was wrong is taken back exactly.

Method: a real ward (SDK), broker, worker, loader and ClickHouse; events are lost by telling the outbox that
Kafka has them. The command line is asked as an operator asks it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from ops.city.prepare import address, prepare
from ops.cli import app
from ops.settings import REPOSITORY, Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers import Ward
from producers.contract.envelope import StatusChangedEvent
from producers.contract.requests import Request
from producers.contract.topics import requests_topic
from producers.contract.vocabulary import Status
from producers.outbox import Draft, Outbox
from producers.repair import ask, decode, new_request
from streams.warehouse.loader import LoaderConfig
from streams.warehouse.store import Store
from tests.builders import START, status
from tests.conftest import eventually, free_port, unique_name
from tests.pipeline.warehouse import running
from tests.pipeline.workers import WorkerProcess, producer

pytestmark = pytest.mark.timeout(120)
LOST, EARLY, AT_WARD = "00070", "00004", "00008"


class Town:
    """One installation on the session's broker and engine."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.store = Store(address(settings))

    def run(self, *arguments: str, code: int = 0) -> Any:
        """A command with --json, as an operator types it."""
        done = CliRunner().invoke(app, [*arguments, "--json"], env=self.settings.environment())
        assert done.exit_code == code, f"{done.exit_code}\n{done.output}\n{done.exception!r}"
        return json.loads(done.stdout)

    @contextmanager
    def ward(self, code: str) -> Iterator[Ward]:
        """The ward's own system."""
        with Ward(
            code,
            outbox=self.folder / f"{code}.sqlite",
            kafka=self.settings.kafka_bootstrap,
            topic=self.settings.events_topic,
            close_days=False,
        ) as ward:
            yield ward

    def lose(self, code: str, count: int) -> range:
        """Events that the ward believes to be in Kafka."""
        with Outbox(self.folder / f"{code}.sqlite") as outbox:
            seqs = outbox.append(code, [step(code, outbox.next_seq(code) + n) for n in range(count)])
            outbox.acknowledge({code: seqs[-1]})
            return seqs

    def sync(self, code: str) -> dict[str, Any]:
        """How far the city has a ward."""
        found = self.store.query("SELECT * FROM v_ward_sync WHERE ward = {w:String}", {"w": code}).dicts()
        return found[0]

    def received(self, code: str) -> dict[str, int]:
        """Received dossiers by field, by the books."""
        sql = (
            "SELECT field, sum(count) FROM v_ward_day_detail WHERE ward = {w:String} AND status = 2"
            " GROUP BY field HAVING sum(count) != 0"
        )
        return {str(field): int(count) for field, count in self.store.query(sql, {"w": code}).rows}


def step(ward: str, seq: int, **members: Any) -> Draft:
    return Draft(StatusChangedEvent, status(seq, ward=ward, **members).data, START)


def send(ward: Ward, count: int, **members: Any) -> list[int]:
    """Events by the SDK; returns when Kafka has them."""
    first = ward.outbox.next_seq(ward.ward)
    known: dict[str, Any] = {"procedure": "2.000815", "channel": "counter", "status": 2, "received_at": START}
    dossier = f"H26.{ward.ward}-250701-{{:04d}}"
    seqs = [
        ward.status(dossier=dossier.format(n), at=START, **known | members)
        for n in range(first, first + count)
    ]
    assert ward.flush(15)
    return seqs


@pytest.fixture(scope="module")
def town(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    name, folder = unique_name("repair"), tmp_path_factory.mktemp("repair")
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
    try:
        with running(config):
            yield Town(settings, folder)
    finally:
        worker.kill()


def test_hole_is_shown_asked_for_and_filled_without_a_hand(town: Town) -> None:
    with town.ward(LOST) as ward:
        send(ward, 16)
    lost = town.lose(LOST, 3)
    with town.ward(LOST) as ward:
        send(ward, 5)
        eventually(lambda: town.sync(LOST)["missing"] == 3, 30)
        (gap,) = town.run("ward", "gaps", LOST, code=1)
        assert (
            (gap["first_seq"], gap["last_seq"], gap["missing"])
            == (17, 19, 3)
            == (lost[0], lost[-1], len(lost))
        )
        assert gap["epoch"] == ward.outbox.epoch
        (asked,) = town.run("ward", "request", LOST, "17-19")
        assert (asked["first_seq"], asked["last_seq"]) == (17, 19)
        eventually(lambda: town.sync(LOST)["complete"], 20)
    assert town.run("ward", "gaps", LOST) == []
    assert (town.sync(LOST)["events"], town.received(LOST)) == (24, {"chung-thuc": 24})
    assert town.run("reconcile", "--ward", LOST) == []


def test_retraction_that_comes_before_its_original_gives_the_same_book_as_after_it(town: Town) -> None:
    with town.ward(EARLY) as ward:
        send(ward, 2)
    (wrong,) = town.lose(EARLY, 1)
    with town.ward(EARLY) as ward:
        taken_back = ward.retract(wrong, "wrong-status")
        assert ward.retract(wrong, "wrong-status") == taken_back
        send(ward, 2)
        eventually(lambda: town.sync(EARLY)["missing"] == 1, 30)
        town.run("ward", "request", EARLY)
        eventually(lambda: town.sync(EARLY)["complete"], 20)
    eventually(lambda: town.received(EARLY) == {"chung-thuc": 4}, 10)
    assert town.run("reconcile", "--ward", EARLY) == []


def test_retract_by_the_city_subtracts_exactly_and_takes_no_seq_of_the_wards(town: Town) -> None:
    end = START + timedelta(days=2, hours=3, microseconds=59_999_600)
    with town.ward(AT_WARD) as ward:
        send(ward, 2)
        (wrong,) = send(
            ward, 1, status=Status.DONE, due_at=START, finished_at=end, received_at=START, service_level=4
        )
        (second,) = send(ward, 1)
        epoch, last = ward.outbox.epoch, ward.outbox.ward(AT_WARD).last_seq
        eventually(lambda: town.sync(AT_WARD)["events"] == 4, 20)
        report = town.run("ward", "retract", AT_WARD, str(wrong), "--reason", "wrong-status")
        assert not report["already"]
        assert report["retraction"].startswith(f"{AT_WARD}/city-corrections-")
        town.run("ward", "retract", AT_WARD, str(second), "--reason", "twice", "--epoch", epoch)
        assert ward.outbox.ward(AT_WARD).last_seq == last
    eventually(lambda: town.sync(AT_WARD)["events"] == 6, 20)
    assert town.sync(AT_WARD)["complete"]
    again = town.run("ward", "retract", AT_WARD, str(wrong), "--reason", "wrong-status", "--epoch", epoch)
    assert (again["already"], again["retraction"]) == (True, report["retraction"])
    cells = (
        "SELECT status, sum(count), sum(minutes) FROM v_ward_day_detail"
        " WHERE ward = {w:String} GROUP BY status"
    )
    assert town.store.query(cells, {"w": AT_WARD}).rows == [(2, 2, 0)]
    assert town.run("reconcile", "--ward", AT_WARD) == []


def test_retract_of_what_is_not_there_and_bad_words_change_nothing(town: Town) -> None:
    for arguments in (
        ("retract", AT_WARD, "999", "--reason", "wrong-status", "--epoch", "none"),
        ("retract", "99999", "1", "--reason", "wrong-status"),
        ("request", LOST, "19-17"),
        ("request", LOST, "1-2; DROP"),
        ("request", "00073", "1-2"),
        ("gaps", "Nguyễn Văn A"),
    ):
        done = CliRunner().invoke(app, ["ward", *arguments], env=town.settings.environment())
        assert done.exit_code != 0, arguments
        assert done.stdout == "", arguments


def test_listener_passes_over_what_is_no_request_of_its_own(town: Town) -> None:
    with town.ward(LOST) as ward:
        epoch, before = ward.outbox.epoch, ward.outbox.ward(LOST)
        raw = producer(town.settings.kafka_bootstrap)
        for value in (b"{", b"\xff" * 9000, b'{"ward": 1}', None):
            raw.produce(requests_topic(town.settings.events_topic), value, LOST.encode())
        assert raw.flush(10) == 0
        others = [new_request(EARLY, epoch, 1, 2), new_request(LOST, "another-life", 1, 2)]
        beyond = new_request(LOST, epoch, 24, 2**53)
        ask(town.settings.kafka_bootstrap, [*others, beyond], town.settings.events_topic)
        eventually(lambda: answers(ward)[0], 15)
        assert answers(ward) == (1, 1)
        assert ward.outbox.ward(LOST) == before


def test_exit_codes_tell_a_wrong_word_from_a_service_that_is_away(town: Town) -> None:
    away = town.settings.model_copy(update={"clickhouse_port": free_port()})
    for arguments, code in ((("gaps", "99999"), 2), (("gaps", LOST), 3)):
        done = subprocess.run(
            [sys.executable, "-m", "ops", "ward", *arguments, "--json"],
            env=os.environ | away.environment(),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.splitlines()[-1].startswith("dongbo: ")
        assert "Traceback" not in done.stderr


def answers(ward: Ward) -> tuple[int, int]:
    """Requests answered and events sent again, in this life of the process."""
    health = ward.health()
    return health.answered, health.resent


def test_request_of_any_other_shape_is_none() -> None:
    good = new_request(LOST, "e", 1, 2)
    value = msgspec.json.encode(good)
    assert decode(value, LOST.encode()) == good
    assert decode(value, EARLY.encode()) is None
    backwards = msgspec.structs.replace(good, first_seq=3)
    assert decode(msgspec.json.encode(backwards), LOST.encode()) is None
    assert isinstance(good, Request)
