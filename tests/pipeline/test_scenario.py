"""Goal: a day on which much goes wrong gives exactly the rows, alerts, statuses and ledger that it must,
and a day that gives anything else is told from it.

Method: a whole city with its simulated wards runs; two wards are known since yesterday. The scripted day is
played on it by the command line, as an operator in training does, and its own comparison must find nothing
different; what it expected is looked at as well. Then it is played with a fact that was tampered with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from ops.city import scenario_steps
from ops.city.scenario_day import Day, Expectation, Step
from ops.city.scenario_wards import received
from ops.cli import app
from producers.contract.codec import encode
from producers.contract.envelope import wrap_heartbeat
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from tests.builders import EPOCH, HANOI, closing, status
from tests.conftest import eventually
from tests.pipeline.city import Cli
from tests.pipeline.past import send_then
from tests.pipeline.workers import producer

pytestmark = pytest.mark.timeout(900)
# They have declared yesterday, as offices do, so that they owe nothing.
KNOWN = ("00070", "00004")
_WELL = "SELECT ward FROM v_ward_status WHERE status = 'good' AND ward IN ('00070', '00004')"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    cli = Cli(tmp_path_factory.mktemp("troubled"))
    cli.settings = cli.settings.model_copy(update={"wards_every_s": 1.0})
    with cli.up():
        yield cli


def beat(cli: Cli, ward: str) -> None:
    """A heartbeat of a ward's own system."""
    data = Heartbeat(ward=ward, epoch=EPOCH, last_seq=2, outbox_pending=0, clock=datetime.now(HANOI))
    sender = producer(cli.settings.kafka_bootstrap, log_level=0)
    partition = PARTITION_OF_WARD[ward]
    sender.produce(cli.settings.events_topic, encode(wrap_heartbeat(data)), ward.encode(), partition)
    assert sender.flush(30) == 0


def known_since_yesterday(cli: Cli) -> str:
    """Two wards that Kafka has events of since yesterday; that day."""
    at = datetime.now(HANOI) - timedelta(days=1)
    for ward in KNOWN:
        totals = closing(2, {Status.RECEIVED: 1}, ward=ward, at=at)
        events = [status(1, ward=ward, at=at, received_at=at), totals]
        send_then(cli.settings.kafka_bootstrap, cli.settings.events_topic, at, events)
        beat(cli, ward)
    eventually(lambda: len(cli.json("sql", _WELL)) == len(KNOWN), 90, 1.0)
    return at.date().isoformat()


def test_troubled_day_on_a_running_city_is_found_exactly_and_leaves_nothing_behind(city: Cli) -> None:
    yesterday, before = known_since_yesterday(city), city.pid_of("city")
    results = city.json("scenario", "troubled-day", timeout_s=400)
    assert not [result for result in results if not result["ok"]]
    assert len(results) >= 25
    ledgers = {
        letter: next(one for one in results if f"the corrections of {letter}:" in one["expectation"])
        for letter in "DE"
    }
    for letter, ledger in ledgers.items():
        why = f"the corrections of {letter}: late, since it is known since {yesterday}"
        assert why in ledger["expectation"]
        assert {row[3].split("/")[0] for row in ledger["wanted"]} <= set(KNOWN)
    said = {letter: [row[:3] for row in ledger["found"]] for letter, ledger in ledgers.items()}
    late, back = [yesterday, "late", 1], [yesterday, "retraction", -1]
    assert said == {"D": [late], "E": [late, back]}
    # Each had one dossier of yesterday, and what it had with it stands in the row.
    counted = {letter: [row[4:] for row in ledger["found"]] for letter, ledger in ledgers.items()}
    assert counted == {"D": [[1, 2]], "E": [[1, 2], [2, 1]]}
    (closed,) = [one for one in results if "status of G: closed" in one["expectation"]]
    assert closed["found"] == [False, "good", "closed"]
    after = eventually(lambda: city.pid_of("city"), 30)
    assert after != before, "the simulated city was held"
    left = city.json("sql", "SELECT count() AS n FROM v_office_overrides")
    assert left == [{"n": 0}]


def tampered(day: Day) -> list[Step]:
    """The morning, on which A takes in a dossier that nobody has planned."""
    morning = scenario_steps.steps(day)[0]

    def act() -> None:
        day.main.append(day.wards["A"], received(day.wards["A"], 77, datetime.now(HANOI)))
        morning.act()

    def expect() -> Sequence[Expectation]:
        return [one._replace(within_s=8) for one in morning.expect()]

    return [morning._replace(act=act, expect=expect)]


@pytest.mark.parametrize("as_json", [True, False])
def test_day_that_differs_is_printed_and_ends_with_1(
    city: Cli, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr("ops.city.scenario.steps", tampered)
    flags = ["--json"] if as_json else []
    done = CliRunner().invoke(app, ["scenario", "troubled-day", *flags], env=city.settings.environment())
    assert done.exit_code == 1, done.output
    if as_json:
        (result,) = json.loads(done.stdout)
        assert (result["ok"], result["wanted"]["A"], result["found"]["A"]) == (False, 3, 4)
        assert {letter: result["found"][letter] for letter in "CDEF"} == dict.fromkeys("CDEF", 3)
    else:
        assert "≠" in done.stdout
        assert "KHÁC · DIFFERENT" in done.output
    eventually(lambda: city.pid_of("city"), 60)
