"""Goal: what docs/clients.md and docs/analysts.md show for connecting works as it stands there.

Method: the shell and Python snippets are run against a real endpoint, with only its port in the place of the
default one. Go, Node and JDBC fragments are compared with the programs that tests/clients runs.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest
from typer.main import get_command

from ops.cli import app
from ops.settings import REPOSITORY, Settings
from ops.stack.clickhouse.analysts import Analysts
from tests.clients.conftest import need
from tests.docs.test_operators import follow
from tests.pipeline.analysts import City, begin

CLIENTS = (REPOSITORY / "docs" / "clients.md").read_text(encoding="utf-8")
ANALYSTS = (REPOSITORY / "docs" / "analysts.md").read_text(encoding="utf-8")
USER = "lan.nguyen"


def snippets(page: str, kind: str, having: str) -> list[str]:
    return [one for one in re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) if having in one]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = begin(tmp_path_factory.mktemp("clients"), clickhouse_analyst_seconds_max=60)
    city.passwords[USER] = Analysts(city.endpoint.settings.analysts_file()).add(USER)[1]
    yield city
    city.endpoint.stop()


def placed(snippet: str, city: City) -> str:
    """The snippet with the endpoint's own port."""
    assert "18123" in snippet
    return snippet.replace("18123", str(city.endpoint.port))


def test_curl_of_the_page_answers(city: City) -> None:
    need("curl", "bash")
    (snippet,) = snippets(CLIENTS, "sh", "curl")
    done = subprocess.run(
        ["bash", "-euc", placed(snippet, city)],
        env=os.environ | {"CH_PASSWORD": city.passwords[USER]},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    head, *rows = done.stdout.splitlines()
    assert head == '"day","received"'
    assert rows


@pytest.mark.parametrize("page", [CLIENTS, ANALYSTS], ids=["clients", "analysts"])
def test_python_of_the_pages_answers(city: City, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    (snippet,) = snippets(page, "python", "get_client")
    monkeypatch.setenv("CH_PASSWORD", city.passwords[USER])
    known: dict[str, Any] = {"clickhouse_connect": clickhouse_connect, "password": city.passwords[USER]}
    exec(compile(placed(snippet, city), "snippet", "exec"), known)
    frames = [one for one in known.values() if hasattr(one, "columns")]
    assert all(set(frame["ward"]) == {"00070"} for frame in frames)
    assert len(frames) == (page is CLIENTS)


def test_names_in_the_fragments_are_those_that_the_drivers_are_run_with() -> None:
    programs = REPOSITORY / "tests" / "clients"
    for kind, program in (("go", "client.go"), ("js", "client.mjs")):
        (snippet,) = snippets(CLIENTS, kind, "18123")
        text = (programs / program).read_text(encoding="utf-8")
        for name in re.findall(r"\b(\w+):", snippet.replace("http:", "").replace("127.0.0.1:", "")):
            assert re.search(rf"\b{name}\b", text), f"{program} is not run with {name}"
    assert "jdbc:clickhouse:http://" in CLIENTS
    assert "jdbc:clickhouse:http://" in (programs / "Client.java").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [CLIENTS, ANALYSTS], ids=["clients", "analysts"])
def test_every_analyst_command_that_the_pages_name_exists(page: str) -> None:
    named = re.findall(r"^dongbo (analyst [^#\n]+?)\s*(?:#.*)?$", page, re.MULTILINE)
    assert len(named) >= 2
    for words in named:
        given = [word for word in words.split() if word.startswith("--") or word.isalpha()]
        follow(get_command(app), given)


def test_limits_of_the_page_are_the_settings_defaults() -> None:
    rows = re.findall(r"^\| `DONGBO_(\w+)`(?:, `(_\w+)`)? \| ([0-9, ]+)", CLIENTS, re.MULTILINE)
    assert len(rows) >= 5
    for name, second, told in rows:
        names = [name] + ([re.sub(r"_RUNNING_MAX$", second, name)] if second else [])
        values = [int(value) for value in told.replace(" ", "").strip(",").split(",")]
        assert [getattr(Settings(), each.lower()) for each in names] == values
