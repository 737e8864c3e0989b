"""Goal: `dongbo analyst`, `retention` and `migrate --render` do what they say, with their exit codes.

Method: the program in a process of its own, against a real engine with the city's schema.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ops.stack.clickhouse import Endpoint, start
from streams.warehouse import migrate
from streams.warehouse.store import Store
from tests.pipeline.city import Cli
from tests.pipeline.client import ask
from tests.pipeline.warehouse import SQL, address


@dataclass(frozen=True, slots=True)
class Town:
    """The command line and the endpoint that it speaks to."""

    cli: Cli
    endpoint: Endpoint

    def told(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a command prints on stdout and stderr."""
        done = self.cli.run(*words)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    cli = Cli(tmp_path_factory.mktemp("town"))
    endpoint = start(cli.settings)
    with Store(address(endpoint, "dongbo")) as store:
        migrate.migrate(store, SQL)
    yield Town(cli, endpoint)
    endpoint.stop()


def test_analyst_is_let_in_until_revoked_and_the_password_is_shown_once(town: Town) -> None:
    shown, note = town.told("analyst", "add", "lan.nguyen", "--ward", "00070", "--days", "90")
    password = shown.strip()
    assert f"127.0.0.1:{town.endpoint.port}, user lan.nguyen" in note
    asked = ask(town.endpoint, "SELECT code FROM wards", user="lan.nguyen", password=password)
    assert (asked.status, asked.text) == (200, "00070\n")
    listed, _ = town.told("analyst", "list", "--json")
    (line,) = json.loads(listed)
    assert (line["name"], line["ward"], line["revoked"]) == ("lan.nguyen", "00070", None)
    assert line["expires"] > line["created"]
    assert password not in listed + note
    assert "analyst_exists" in town.told("analyst", "add", "lan.nguyen", code=2)[1]
    assert json.loads(town.told("analyst", "revoke", "lan.nguyen", "--json")[0])[0]["revoked"]
    assert ask(town.endpoint, "SELECT 1", user="lan.nguyen", password=password).code == 516
    assert "no_such_analyst" in town.told("analyst", "revoke", "lan.nguyen", code=2)[1]


def test_analyst_of_no_ward_or_with_a_name_of_ours_is_refused(town: Town) -> None:
    assert "unknown_ward" in town.told("analyst", "add", "an", "--ward", "99999", code=4)[1]
    for name in ("reader", "dongbo", "a'b", "An"):
        assert "analyst_name" in town.told("analyst", "add", name, code=2)[1]
    listed = json.loads(town.told("analyst", "list", "--json")[0])
    assert not {"an", "An", "a'b", "reader", "dongbo"} & {line["name"] for line in listed}


def test_analysts_of_a_server_of_ones_own_are_made_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    cli = Cli(tmp_path_factory.mktemp("server"), clickhouse_external=True, clickhouse_database="city")
    refused = cli.run("analyst", "add", "lan")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "analyst_elsewhere" in refused.stderr
    made = cli.run("analyst", "sql", "--user", "lan", "--ward", "00070")
    (hashed,) = re.findall(r"sha256_hash BY '([0-9a-f]{64})'", made.stdout)
    assert hashlib.sha256(made.stderr.splitlines()[0].encode()).hexdigest() == hashed
    assert "GRANT dongbo_ward_00070 TO `lan`;" in made.stdout
    assert "city.v_ward_day" in cli.run("analyst", "sql", "--ward", "00070").stdout
    roles = cli.run("analyst", "sql").stdout
    assert "GRANT SELECT ON city.v_* TO dongbo_analyst;" in roles
    assert not re.search(r"\{\w+\}", roles + made.stdout)
    for words, code in ((("--user", "a'b"), 2), (("--ward", "0"), 4)):
        done = cli.run("analyst", "sql", *words)
        assert (done.returncode, done.stdout) == (code, "")
    assert cli.run("analyst", "list", "--json").stdout.strip() == "[]"


def test_retention_shows_applies_and_does_it_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, settings = town.told("retention", "show", "--json")
    assert {line["what"] for line in json.loads(shown)} >= {"raw", "history"}
    assert "heartbeats_days=7" in settings
    town.told("retention", "apply")
    shorter = town.cli.settings.model_copy(update={"retention_heartbeats_days": 3})
    monkeypatch.setattr(town.cli, "settings", shorter)
    removed, told = town.told("retention", "apply", "--json")
    assert (json.loads(removed), told.split(" /")[0]) == ([], "1 TTLs set, 0 removals")
    assert "0 TTLs set" in town.told("retention", "apply")[1]
    with Store(address(town.endpoint, "dongbo")) as store:
        assert "toIntervalDay(3)" in str(store.value("SHOW CREATE TABLE heartbeats"))


def test_retention_shorter_than_kafkas_is_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    short = town.cli.settings.model_copy(update={"retention_raw_days": 30})
    monkeypatch.setattr(town.cli, "settings", short)
    assert "invalid_setting" in town.told("retention", "apply", code=1)[1]


def test_migrate_rendered_for_a_cluster_is_all_of_it_and_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    nobody = Cli(tmp_path_factory.mktemp("nobody"))
    done = nobody.run("migrate", "--render", "--cluster", "hanoi")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ";\n\n".join(migrate.rendered(SQL, "hanoi")) + ";\n"
    assert "ON CLUSTER 'hanoi'" in done.stdout
    plain = nobody.run("migrate", "--render").stdout
    assert "ON CLUSTER" not in plain
    wrong = nobody.run("migrate", "--render", "--cluster", "x'; DROP TABLE events")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "cluster_name" in wrong.stderr
