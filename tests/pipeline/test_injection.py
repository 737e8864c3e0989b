"""Goal: no text that a person gives is ever SQL: it is refused with a code, or bound and found nowhere.

Method: hostile texts through every parameter of every saved question, by HTTP and by the commands as they are
run (`main`, with its exit codes), and past all checks through each question into a real engine. The tables
must stay as they were, to the row.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from ops.cli import main
from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Stop
from streams.warehouse import questions, values
from streams.warehouse.store import Store
from tests.access.visitor import Visitor
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.story import Story
from tests.databases import SQL

QUESTIONS: Final = questions.load(SQL / "questions")
HOSTILE: Final = (
    "'",
    '"',
    "`",
    "\\",
    "\\'",
    "00070' OR '1' = '1",
    "00070') OR ('' = '",
    "' UNION ALL SELECT value FROM rejects --",
    "1 UNION ALL SELECT name FROM system.tables",
    "0; DROP TABLE events",
    "'; DROP TABLE events; --",
    "/* */ 1",
    "1 -- x",
    "# x",
    "a\x00b",
    "a\nb",
    "\u202e07000",
    "\ufeff00070",
    "{ward:String}",
    "{x:Identifier}",
    "$$00070$$",
    "events",
    "dongbo.rejects",
    "(SELECT 1)",
    "toDate('2025-07-01')",
    "file('/etc/passwd')",
    "٣",
    "9" * 30,
    "-1e400",
    "0x10",
    "nan",
    "x" * 5000,
)
# What the program prints of a refusal; its exit code would be 0 for an answer.
CODE: Final = re.compile(r"^dongbo: ([a-z_]+)(:| at )", re.MULTILINE)


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    Story(made.store).tell(("00070", "00004"), dossiers=5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(city: City) -> Iterator[Visitor]:
    server = Dashboard(city.reader, access={"requests_burst": 100_000, "requests_s": 10_000.0})
    yield Visitor(server.port)
    server.close()


@pytest.fixture
def intact(city: City) -> Iterator[None]:
    """Every table is there with its rows, before as after."""
    before = _tables(city.store)
    assert before["events"] > 0
    yield
    assert _tables(city.store) == before


def _tables(store: Store) -> dict[str, int]:
    rows = store.query(
        "SELECT name, ifNull(total_rows, 0) FROM system.tables WHERE database = currentDatabase()"
    ).rows
    return {str(name): int(count) for name, count in rows}


# Into the engine, past every check


def refused_with(work: Callable[[], object]) -> str:
    """The code of the refusal, and what was said; empty if there was none."""
    try:
        work()
    except Stop as refused:
        return f"{refused.code}: {refused.detail}"
    return ""


@pytest.mark.usefixtures("intact")
@pytest.mark.parametrize("name", sorted(name for name, one in QUESTIONS.items() if one.parameters))
def test_values_past_all_checks_are_bound_and_never_sql(city: City, name: str) -> None:
    """A text may be anything and is found nowhere; what is no day or number fails to be read as one."""
    sql, bound = questions.prepared(QUESTIONS[name])
    kinds = {one.name: one.plain_kind for one in QUESTIONS[name].parameters}
    texts = {
        one: "' UNION ALL SELECT value FROM rejects --" for one, kind in kinds.items() if kind == "String"
    }
    others = {one: "0; DROP TABLE events" for one in kinds if one not in texts}
    with Store(city.reader) as reader:
        if texts:
            assert refused_with(lambda: reader.query(sql, bound | texts)) == ""
        if others:
            told = refused_with(lambda: reader.query(sql, bound | others))
            assert told.startswith("clickhouse_refused"), told
            assert "Syntax error" not in told


def test_every_text_is_refused_or_is_a_value_for_every_parameter() -> None:
    taken = set()
    for name, question in QUESTIONS.items():
        for one in question.parameters:
            for text in HOSTILE:
                told = refused_with(lambda: values.checked(name, [one], {one.name: text}))  # noqa: B023
                assert not told or told.split(":")[0] in ("bad_value", "unknown_choice")
                taken |= set() if told else {text}
    assert taken == set()


# By HTTP


@pytest.mark.usefixtures("intact")
@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_questions_page_refuses_hostile_values_with_a_code(page: Visitor, name: str) -> None:
    question = QUESTIONS[name]
    for parameter in question.parameters:
        for text in HOSTILE:
            answer = page.get(f"/questions/{name}.json?{parameter.name}={quote(text)}")
            assert answer.status == 400, (parameter.name, text, answer.text)
            assert answer.code == "bad_value"
    for text in HOSTILE[:12]:
        answer = page.get(f"/questions/{name}.json?{quote(text)}=1")
        assert (answer.status, answer.code) == (400, "unknown_parameter"), text


@pytest.mark.usefixtures("intact")
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_questions_page_refuses_hostile_names_cuts_and_forms(page: Visitor, text: str) -> None:
    path = "/questions/city-by-day"
    given = quote(text, safe="")
    for address in (f"{path}.json?as_of={given}", f"{path}.csv?as_of={given}", f"{path}.json?lang={given}"):
        answer = page.get(address)
        assert 400 <= answer.status < 500, (address, answer.text)
        assert re.fullmatch(r"[a-z_]+", answer.code)
    assert 400 <= page.get(f"/questions/{given}.json").status < 500
    assert 400 <= page.get(f"{path}.{given}").status < 500


# By the command line


@pytest.fixture
def command(
    city: City, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """Runs `dongbo` as its program does, on the city's database; returns its exit code and what it told."""
    for name, value in {
        "HOST": city.address.host,
        "PORT": str(city.address.port),
        "DATABASE": city.address.database,
    }.items():
        monkeypatch.setenv(f"DONGBO_CLICKHOUSE_{name}", value)
    monkeypatch.setenv("DONGBO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dongbo", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return int(ended.value.code or 0), told.err

    return run


COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "ask": ("ask", "{}"),
    "ask-as-of": ("ask", "city-by-day", "--as-of", "{}"),
    "ask-parameter": ("ask", "city-by-day", "-p", "{}=1"),
    "describe": ("describe", "{}"),
    "describe-member": ("describe", "--member", "{}"),
    "export-ward": ("export", "--out", "made", "--ward", "{}"),
    "export-day": ("export", "--out", "made", "--from", "{}"),
    "export-as-of": ("export", "--out", "made", "--as-of", "{}"),
    "export-what": ("export", "--out", "made", "--what", "{}"),
    "rebuild-ward": ("rebuild", "--ward", "{}"),
    "rebuild-day": ("rebuild", "--to", "{}"),
    "why-day": ("why", "{}"),
    "why-ward": ("why", "2025-07-21", "--ward", "{}"),
    "why-as-of": ("why", "2025-07-21", "--as-of", "{}"),
    "totals-day": ("totals", "--day", "{}"),
    "totals-ward": ("totals", "--ward", "{}"),
}


@pytest.mark.usefixtures("intact")
@pytest.mark.parametrize("name", COMMANDS)
def test_command_refuses_hostile_words_with_a_code(
    command: Callable[..., tuple[int, str]], name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in HOSTILE:
        if text.startswith("-") or (name, text) == ("export-what", "events"):
            continue  # an option, which the parser of options judges; and what may be asked for
        code, told = command(*(word.replace("{}", text) for word in COMMANDS[name]))
        assert code in (1, 2, 4), (text, code, told)
        assert CODE.search(told), (text, told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("intact")
@pytest.mark.parametrize("name", sorted(name for name, one in QUESTIONS.items() if one.parameters))
def test_ask_refuses_hostile_values_with_a_code(command: Callable[..., tuple[int, str]], name: str) -> None:
    for parameter in QUESTIONS[name].parameters:
        for text in ("'; DROP TABLE events; --", "\\'"):
            code, told = command("ask", name, "-p", f"{parameter.name}={text}")
            found = CODE.search(told)
            assert code == 2, (parameter.name, text, told)
            assert found is not None
            assert found[1] in ("bad_value", "unknown_choice")
