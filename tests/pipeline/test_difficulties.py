"""Goal: a difficulty's way from the ward's report to its resolution, with a clear answer to whoever is wrong.

Method: the command line as the city's desk types it, a real broker, loader and engine; ages are made by steps
that happened long ago. With signatures required, what the desk and `dongbo publish` send is believed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from ops.city.prepare import address, prepare
from ops.cli import app
from ops.difficulty import moment_of
from ops.identity import keyring_path, registry_path, verifier
from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import (
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    SequencedEvent,
    wrap,
)
from producers.contract.errors import Refused
from producers.contract.events import Difficulty
from producers.contract.topics import PARTITION_OF_WARD
from producers.identity.keys import SigningKeys
from streams.domain.cut import BEGINNING_MS, GRID_MS
from streams.warehouse import as_of, questions, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.loader import LoaderConfig
from streams.warehouse.store import Store
from tests.builders import EPOCH, WARD, status
from tests.conftest import eventually, unique_name
from tests.pipeline.warehouse import SQL, database, empty, insert, insert_cut, running

pytestmark = pytest.mark.timeout(120)
OTHER = "00004"
NOW = datetime.now(UTC).replace(microsecond=0)
STEPS: dict[str, type[SequencedEvent]] = {
    "r": DifficultyReportedEvent,
    "a": DifficultyAssignedEvent,
    "d": DifficultyResolvedEvent,
}


class Desk:
    """The city's desk of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(address(settings))

    def run(self, *arguments: str, code: int = 0) -> Any:
        """A command with --json."""
        done = self._invoke(arguments)
        assert done.exit_code == code, f"{done.exit_code}\n{done.output}\n{done.exception!r}"
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> Refused:
        """What a command was refused with."""
        error = self._invoke(arguments).exception
        assert isinstance(error, Refused), error
        return error

    def _invoke(self, arguments: tuple[str, ...]) -> Any:
        return CliRunner().invoke(app, [*arguments, "--json"], env=self.settings.environment())


@contextmanager
def town(settings: Settings) -> Iterator[Desk]:
    """Topics, schema, and a loader that works as the settings say."""
    prepare(settings)
    config = LoaderConfig(
        bootstrap=settings.kafka_bootstrap,
        app_id=settings.app_id,
        events_topic=settings.events_topic,
        store=address(settings),
        linger_ms=50,
        verify=verifier(settings),
    )
    with running(config):
        yield Desk(settings)


def own(settings: Settings, folder: Path, **more: Any) -> Settings:
    name = unique_name("desk")
    update = {
        "app_id": name,
        "events_topic": f"{name}.events",
        "clickhouse_database": name,
        "data_dir": folder,
    }
    return settings.model_copy(update=update | more)


@pytest.fixture(scope="module", autouse=True)
def _begun() -> None:
    """This module may have been imported an hour before its first test."""
    global NOW
    NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def desk(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    with town(own(stack_settings, tmp_path_factory.mktemp("desk"))) as made:
        yield made


# The desk


def test_difficulty_goes_from_report_to_resolution(desk: Desk) -> None:
    told = desk.run("difficulty", "report", WARD, "--group", "7")
    code = told["difficulty"]
    assert (told["step"], told["in_kafka"], told["shown"], told["group"]) == ("reported", True, True, 7)
    (row,) = desk.run("difficulty", "list", "--open", "--group", "7", "--owner", "")
    assert (row["difficulty"], row["step"], row["open"], row["overdue"]) == (code, "reported", True, False)
    desk.run("difficulty", "assign", code, "--owner", "so-noi-vu", "--due", "2020-01-01")
    (row,) = desk.run("difficulty", "list", "--overdue", "--owner", "so-noi-vu")
    assert (row["difficulty"], row["due_at"]) == (code, "2020-01-01T23:59:59+07:00")
    assert desk.run("difficulty", "resolve", code)["shown"]
    assert [one for one in desk.run("difficulty", "list", "--open") if one["difficulty"] == code] == []
    (row,) = [one for one in desk.run("difficulty", "list") if one["difficulty"] == code]
    assert (row["step"], row["owner"], row["overdue"]) == ("resolved", "so-noi-vu", False)
    assert row["resolved_at"] > row["assigned_at"] > row["reported_at"]


def test_wrong_step_gets_a_clear_answer_and_sends_nothing(desk: Desk) -> None:
    code = "D-clear"
    assert desk.refused("difficulty", "assign", code, "--owner", "a", "--due", "2030-01-01").code == (
        "no_such_difficulty"
    )
    assert desk.refused("difficulty", "resolve", code).code == "no_such_difficulty"
    assert desk.refused("difficulty", "report", "99999", "--group", "1").code == "unknown_ward"
    assert desk.refused("difficulty", "report", WARD, "--group", "1", "--code", "Nguyễn").code == "bad_code"
    desk.run("difficulty", "report", WARD, "--group", "1", "--code", code)
    again = desk.refused("difficulty", "report", WARD, "--group", "1", "--code", code)
    assert again.code == "difficulty_open"
    assert "chưa giải quyết" in again.vi
    give = ("difficulty", "assign", code, "--due", "2030-01-01", "--owner")
    desk.run(*give, "a")
    before = desk.store.value("SELECT count() FROM events")
    assert desk.run(*give, "a")["already"]
    other = desk.refused(*give, "b")
    assert other.code == "difficulty_assigned"
    assert "assigned to a, due 2030-01-01" in other.en
    assert desk.store.value("SELECT count() FROM events") == before
    assert not desk.run(*give, "b", "--again")["already"]
    desk.run("difficulty", "resolve", code)
    assert desk.run("difficulty", "resolve", code)["already"]
    assert desk.refused(*give, "c").code == "difficulty_resolved"


def test_resolved_difficulty_that_is_reported_again_is_open_with_no_owner(desk: Desk) -> None:
    code = "D-again"
    desk.run("difficulty", "report", WARD, "--group", "2", "--code", code)
    desk.run("difficulty", "assign", code, "--owner", "a", "--due", "2020-01-01")
    desk.run("difficulty", "resolve", code)
    desk.run("difficulty", "report", WARD, "--group", "2", "--code", code)
    (row,) = [one for one in desk.run("difficulty", "list", "--open") if one["difficulty"] == code]
    assert (row["step"], row["owner"], row["due_at"], row["resolved_at"]) == ("reported", "", None, None)


def test_code_of_two_wards_wants_the_ward(desk: Desk) -> None:
    for ward in (WARD, OTHER):
        desk.run("difficulty", "report", ward, "--group", "3", "--code", "D-both")
    error = desk.refused("difficulty", "resolve", "D-both")
    assert error.code == "difficulty_ambiguous"
    assert f"{OTHER}, {WARD}" in error.en
    assert desk.run("difficulty", "resolve", "D-both", "--ward", OTHER)["ward"] == OTHER


def test_desk_speaks_in_an_epoch_of_its_own(desk: Desk) -> None:
    desk.run("difficulty", "report", "00008", "--group", "4")
    epochs = desk.store.query("SELECT DISTINCT epoch FROM events WHERE ward = '00008'").rows
    assert len(epochs) == 1
    assert epochs[0][0].startswith("city-desk-")


@pytest.mark.parametrize("text", ["31-07-2025", "2025-02-30", "2025-07-31T17:00:00", ""])
def test_due_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="2025-07-31"):
        moment_of(text)


def test_groups_are_placeholders_until_the_user_gives_a_file(desk: Desk, tmp_path: Path) -> None:
    groups = desk.run("difficulty", "groups")
    assert len(groups) == 25
    assert all(group["placeholder"] for group in groups)
    file = tmp_path / "groups.csv"
    file.write_text("number,vi,en,owner,owner_kind\n9,Nhân sự,Staff,Sở A,locality\n", encoding="utf-8")
    mine = Desk(desk.settings.model_copy(update={"difficulty_groups_path": file}))
    assert "reference/difficulty_groups" in mine.run("migrate")["applied"]
    assert mine.run("migrate")["applied"] == []
    (ninth,) = [group for group in mine.run("difficulty", "groups") if not group["placeholder"]]
    assert (ninth["difficulty_group"], ninth["group_vi"], ninth["responsible"]) == (9, "Nhân sự", "Sở A")
    file.write_text("number,vi,en,owner,owner_kind\n9,Nhân sự,Staff,Sở A,city\n", encoding="utf-8")
    assert mine.refused("migrate").code == "difficulty_groups_owner_kind"
    assert "reference/difficulty_groups" in desk.run("migrate")["applied"]


# Signatures


def test_desk_and_publish_sign_where_signatures_are_required(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path: Path
) -> None:
    pem = tmp_path / "gateway.pem"
    unsigned = own(stack_settings, tmp_path / "var", signature_policy="require")
    settings = unsigned.model_copy(update={"gateway_key_path": pem})
    private = Ed25519PrivateKey.generate()
    pem.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    registry_path(settings).parent.mkdir(parents=True)
    keys = SigningKeys(registry_path(settings), keyring_path(settings), clock=lambda: time.time() - 7200)
    keys.new("gateway", private.public_key().public_bytes_raw())
    keys.close()
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(encode(status(seq)) for seq in (1, 2)) + b"\n")
    with town(settings) as desk:
        assert desk.run("difficulty", "report", WARD, "--group", "5")["shown"]
        assert desk.run("publish", str(file))["delivered"] == 2
        eventually(lambda: desk.store.value("SELECT count() FROM events") == 3, 30)
        assert Desk(unsigned).run("publish", str(file))["delivered"] == 2
        eventually(lambda: desk.store.value("SELECT count() FROM rejects") == 2, 30)
        assert desk.store.query("SELECT DISTINCT reason FROM rejects").rows == [("unsigned",)]


# The views


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    shared.command("TRUNCATE TABLE city_cut")
    return shared


def put(store: Store, *told: tuple[str, str, float, dict[str, Any]], first: int = 1) -> None:
    """Steps as `(letter, code, days ago, members)`, in the order of their arrival, a millisecond each."""
    block = Block()
    for seq, (letter, code, days, members) in enumerate(told, start=first):
        known: dict[str, Any] = {"group": 7, "ward": WARD, "seq": seq} | members
        event: SequencedEvent = wrap(
            STEPS[letter], Difficulty(epoch=EPOCH, difficulty=code, **known), NOW - timedelta(days=days)
        )
        ward = event.data.ward
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        block.take_event(span, encode(event), ward.encode(), seq, int(NOW.timestamp() * 1000) + seq)
    assert not block.rejects
    insert(store, tables.EVENTS, block.events)


def test_time_decides_what_is_open_whatever_came_first(store: Store) -> None:
    steps: list[tuple[str, str, float, dict[str, Any]]] = [
        ("d", "A", 1, {}),
        ("a", "A", 2, {"owner": "x", "due": NOW - timedelta(days=1.5)}),
        ("r", "A", 3, {}),
        ("r", "B", 1, {}),
        ("d", "B", 2, {}),
        ("r", "B", 3, {}),
    ]
    put(store, *steps)
    found = {row["difficulty"]: row for row in store.query("SELECT * FROM v_difficulties").dicts()}
    closed, opened = found["A"], found["B"]
    assert (closed["open"], closed["step"], closed["owner"], closed["reports"]) == (False, "resolved", "x", 1)
    assert closed["age_days"] == pytest.approx(2)
    assert (closed["first_at"], closed["resolved_at"]) == (NOW - timedelta(days=3), NOW - timedelta(days=1))
    assert (opened["open"], opened["step"], opened["resolved_at"], opened["reports"]) == (
        True,
        "reported",
        None,
        2,
    )
    assert opened["age_days"] == pytest.approx(1, abs=0.01)
    assert opened["first_at"] == NOW - timedelta(days=3)


def test_difficulties_as_of_a_cut_are_what_was_known_then(store: Store) -> None:
    number = (int(NOW.timestamp() * 1000) - BEGINNING_MS) // GRID_MS + 1
    cut = datetime.fromtimestamp(insert_cut(store, number) / 1000, UTC)
    due = cut - timedelta(hours=1)
    put(store, ("r", "A", 3, {}), ("a", "A", 2, {"owner": "x", "due": due}))
    bound, names = as_of.bound(str(number)), as_of.travelling(SQL)
    sql = as_of.rewrite("SELECT * FROM v_difficulties", names)
    (before,) = store.query(sql, bound).dicts()
    assert (before["open"], before["overdue"], before["owner"]) == (True, True, "x")
    assert before["age_days"] == pytest.approx((cut - NOW).total_seconds() / 86400 + 3)
    after_cut = int((cut - NOW).total_seconds() * 1000) + 1
    put(store, ("d", "A", 1, {}), ("r", "B", 1, {}), first=after_cut)
    assert store.query(sql, bound).dicts() == [before]
    assert store.query("SELECT difficulty, open FROM v_difficulties ORDER BY difficulty").rows == [
        ("A", False),
        ("B", True),
    ]
    for view in ("v_difficulties_by_group", "v_difficulties_by_owner"):
        assert store.query(as_of.rewrite(f"SELECT sum(open) FROM {view}", names), bound).rows == [(1,)]


def test_of_a_seq_that_was_used_twice_the_first_arrival_counts(store: Store) -> None:
    put(store, ("r", "A", 3, {"seq": 5}), ("d", "A", 2, {"seq": 5}))
    assert store.query("SELECT difficulty, open FROM v_difficulties").rows == [("A", True)]


def test_groups_and_owners_count_ages_and_what_is_overdue(store: Store) -> None:
    late, later = (
        {"owner": "x", "due": NOW - timedelta(days=2)},
        {"owner": "y", "due": NOW + timedelta(days=9)},
    )
    put(
        store,
        ("r", "A", 1, {}),
        ("r", "B", 10, {}),
        ("a", "B", 9, late),
        ("r", "C", 40, {"ward": OTHER}),
        ("a", "C", 39, later | {"ward": OTHER}),
        ("r", "D", 6, {}),
        ("d", "D", 2, {}),
        ("r", "E", 5, {"group": 8}),
    )
    columns = "open, unassigned, overdue, open_week, open_month, open_older, wards, resolved"
    rows_found = store.query(
        f"SELECT difficulty_group, {columns}, round(oldest_days), round(resolved_days)"
        " FROM v_difficulties_by_group WHERE open > 0 ORDER BY difficulty_group"
    ).rows
    assert rows_found == [(7, 3, 1, 1, 1, 1, 1, 2, 1, 40, 4), (8, 1, 1, 0, 1, 0, 0, 1, 0, 5, 0)]
    owners = store.query(
        "SELECT owner, open, overdue, round(overdue_days), next_due_at, groups"
        " FROM v_difficulties_by_owner ORDER BY owner"
    ).rows
    assert owners == [
        ("", 2, 0, 0, None, [7, 8]),
        ("x", 1, 1, 2, None, [7]),
        ("y", 1, 0, 0, later["due"], [7]),
    ]
    known = questions.load(SQL / "questions")
    (answer,) = questions.run(store, known["difficulties-overdue-owners"]).dicts()
    assert (answer["owner"], answer["overdue"], answer["overdue_days"]) == ("x", 1, 2.0)
    assert len(questions.run(store, known["difficulties-open"]).rows) == 4
    assert len(questions.run(store, known["difficulties-open"], {"group": "8"}).rows) == 1
    assert [
        row["difficulty_group"] for row in questions.run(store, known["difficulties-by-group"]).dicts()
    ] == [7, 8]
