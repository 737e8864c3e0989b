"""The integrators' page is tried as a new user would: every snippet, in order, on a running city."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.settings import REPOSITORY
from tests.conftest import eventually
from tests.pipeline.city import Cli

pytestmark = pytest.mark.timeout(700)
PAGE = (REPOSITORY / "docs" / "integrators.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A running city."""
    city = Cli(tmp_path_factory.mktemp("integrator"))
    with city.up():
        yield city


def _snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def _shell(snippet: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", snippet],
        env=os.environ | environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{snippet}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_snippet_works_in_order(cli: Cli, tmp_path: Path) -> None:
    issue, export, *requests = _snippets("sh")
    assert issue.split() == ["dongbo", "ward", "token", "issue", "00070"]
    assert "$URL" in requests[0]
    assert "URL=" in export
    token = cli.json("ward", "token", "issue", "00070")["token"]
    known = {"URL": f"http://127.0.0.1:{cli.settings.gateway_port}", "TOKEN": token}

    dry, first, receipt, daily, difficulty = requests
    assert json.loads(_shell(dry, known))["rejected"] == 0
    assert json.loads(_shell(first, known))["accepted"] == 1
    assert json.loads(_shell(first, known))["duplicate"] == 1
    eventually(lambda: json.loads(_shell(receipt, known))["received"] >= 1, timeout=30, interval=1.0)
    found = json.loads(_shell(receipt, known))
    assert (found["complete"], found["missing"], found["rejected"]) == (True, 0, 0)
    _shell(daily, known)
    _difficulty(cli, _shell(difficulty, known))

    (python,) = _snippets("python")
    _python(python, known, tmp_path)
    query = "SELECT sum(received) AS n FROM v_ward_day WHERE ward = '00070' AND day = '2025-07-01'"
    assert cli.json("sql", query) == [{"n": 1}]


def _difficulty(cli: Cli, answer: str) -> None:
    """What a ward reported is on the city's desk, which gives it an owner."""
    assert json.loads(answer)["accepted"] == 1
    code, named = "VM-00070-250701-0001", "ward, difficulty_group AS number, owner, open"
    query = f"SELECT {named} FROM v_difficulties WHERE difficulty = '{code}'"
    told = {"ward": "00070", "number": 7, "owner": "", "open": True}
    eventually(lambda: cli.json("sql", query) == [told], timeout=30, interval=1.0)
    cli.json("difficulty", "assign", code, "--owner", "so-noi-vu", "--due", "2025-07-31")
    owned = [{**told, "owner": "so-noi-vu"}]
    eventually(lambda: cli.json("sql", query) == owned, timeout=30, interval=1.0)


def _python(snippet: str, known: dict[str, str], folder: Path) -> None:
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 8
    head = f"URL, TOKEN = {known['URL']!r}, {known['TOKEN']!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + snippet],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
