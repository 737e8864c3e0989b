"""The operators' page is held to what exists: every SQL snippet runs as the user who can only read, every
command and option that it names is there, and it explains every notion in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from typer.main import get_command

from ops.cli import app
from ops.settings import REPOSITORY
from ops.stack.clickhouse import Endpoint
from streams.domain.cut import number_of_cut
from streams.domain.days import HANOI
from streams.warehouse.store import Store
from tests.pipeline.warehouse import database, insert_cut

PAGE = (REPOSITORY / "docs" / "operators.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
AS_OF = re.compile(r"as_of = '([^']+)'")


@pytest.fixture(scope="module")
def reading(clickhouse: Endpoint) -> Iterator[Store]:
    """A migrated database in which the cuts that the page names are published, for a reader."""
    with database(clickhouse) as store:
        for name in AS_OF.findall(PAGE):
            at = datetime.fromisoformat(name).replace(tzinfo=HANOI)
            insert_cut(store, number_of_cut(int(at.timestamp() * 1000)))
        settings = clickhouse.settings
        user, password = settings.clickhouse_reader_user, settings.clickhouse_reader_password
        address = replace(store.address, user=user, password=password.get_secret_value())
        with Store(address) as reader:
            yield reader


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda sql: sql.split("FROM ")[1].split()[0])
def test_sql_of_the_operators_page_runs_as_the_reader(reading: Store, snippet: str) -> None:
    reading.query(snippet)
    assert reading.query(f"DESCRIBE ({snippet})").rows


def test_operators_page_has_sql_behind_each_notion() -> None:
    notions = re.findall(r"^\*\*(\d+)\. .+ · .+\*\*", PAGE, re.MULTILINE)
    assert notions == [str(number) for number in range(1, 12)]
    parts = re.split(r"^\*\*\d+\. ", PAGE, flags=re.MULTILINE)[1:]
    assert all("```sql" in part for part in parts)


def test_every_command_that_the_operators_page_names_exists() -> None:
    named = re.findall(r"`(?:dongbo|\./dev) ([a-z][a-z -]*[a-z])", PAGE)
    assert len(named) > 20
    for words in named:
        follow(get_command(app), words.split())


def follow(command: Any, words: list[str]) -> None:
    """Down to the command that the words name; its options must be there as well."""
    for word in words:
        known = getattr(command, "commands", None)
        if word.startswith("--"):
            assert word in {name for option in command.params for name in option.opts}, words
        elif known is not None and word not in ("up", "setup"):
            assert word in known, words
            command = known[word]
