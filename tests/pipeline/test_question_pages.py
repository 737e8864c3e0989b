"""Questions by HTTP: goal: every form of an answer says the same, and nothing that is asked can do harm.

Method: a real server and engine, the saved questions on a simulated month, and questions of this file's own
for what saved ones cannot show: too many rows, too long, texts that a spreadsheet would run.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from dashboards.server.config import SQL
from dashboards.server.problem import Problem
from dashboards.server.questions.answer import JSON_ROWS_MAX, ROWS_MAX, Order
from dashboards.server.questions.catalogue import Catalogue
from dashboards.server.questions.desk import VIEWER_MAX, Desk
from dashboards.server.source import HANOI
from ops.stack.clickhouse import Endpoint
from streams.warehouse.questions import prepared
from streams.warehouse.store import Store
from tests.access.visitor import Answer, Visitor
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.story import WARD, Story

OTHER = "00004"
# Days, codes with words, shares, instants, lists.
ASKED = (
    "city-by-day",
    "channels-by-week",
    "due-soon",
    "difficulties-open",
    "completeness",
    "closings-missing",
)
OWN = {
    "many": "-- param n UInt32 default 0\nSELECT number FROM numbers({n:UInt32})",
    "texts": "-- param text String default ''\n"
    "SELECT {text:String} AS text, [{text:String}] AS list, 0.1 + 0.2 AS x",
    "slow": "SELECT sleep(3), sleep(2.9), sleep(2.8), sleep(2.7)",
    "settings": "SELECT 1 SETTINGS max_threads = 1",
    "wrong": "SELECT nothing FROM v_city_day",
}


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture(scope="module")
def story(city: City) -> Story:
    made = Story(city.store)
    made.tell((WARD, OTHER), dossiers=60)
    return made


@pytest.fixture(scope="module")
def serve(city: City, story: Story) -> Iterator[Callable[..., Visitor]]:
    with ExitStack() as started:

        def start(address: Any = city.reader, **members: Any) -> Visitor:
            server = Dashboard(address, access={"requests_burst": 10_000}, **members)
            started.callback(server.close)
            return Visitor(server.port)

        yield start


@pytest.fixture(scope="module")
def page(serve: Callable[..., Visitor]) -> Visitor:
    return serve()


@pytest.fixture(scope="module")
def own(serve: Callable[..., Visitor], city: City, tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    """A server with the questions of this file, and little patience."""
    folder = tmp_path_factory.mktemp("sql")
    (folder / "questions").mkdir()
    for name, sql in OWN.items():
        text = f"-- vi: {name}?\n-- en: {name}?\n-- audience: analyst\n{sql}"
        (folder / "questions" / f"{name}.sql").write_text(text, encoding="utf-8")
    return serve(replace(city.reader, request_timeout_s=2), sql=str(folder))


def taken(page: Visitor, path: str) -> Answer:
    """What a link gives in the end: a file without its cut leads to the link that has one."""
    answer = page.get(path)
    return page.get(answer.headers["Location"]) if answer.status == 302 else answer


def table_of(answer: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))


def read_back(kind: str, text: str) -> Any:
    """A CSV's cell as the value it stands for."""
    if text == "":
        return None
    if kind.removeprefix("Nullable(").startswith(("Int", "UInt")):
        return int(text)
    if "Float" in kind:
        return float(text)
    return text


@pytest.mark.parametrize("name", ASKED)
def test_every_form_of_an_answer_has_the_rows_of_json(page: Visitor, name: str) -> None:
    found = page.get(f"/questions/{name}.json").json()
    columns, kinds = found["columns"], [column["type"] for column in found["columns"]]
    spoken = [column["kind"] in ("field", "channel", "word", "status", "yes") for column in columns]
    link = f"/questions/{name}.%s?as_of={found['as_of']}&info=no"

    head, *lines = table_of(taken(page, link % "csv"))
    _, data = openpyxl.load_workbook(io.BytesIO(taken(page, link % "xlsx").body)).worksheets
    typed = [list(row) for row in data.iter_rows(min_row=2, values_only=True)]
    whole = pq.read_table(io.BytesIO(taken(page, link % "parquet").body))

    # After a code stands its word: left out here, after a look that it is there.
    places = [i + sum(spoken[:i]) for i in range(len(columns))]
    assert len(head) == len(columns) + sum(spoken)
    assert all(line[place + 1] for line in lines for place, told in zip(places, spoken, strict=True) if told)
    plain = [[as_text(value) for value in row] for row in found["rows"]]
    told = [[read_back(kind, line[p]) for kind, p in zip(kinds, places, strict=True)] for line in lines]
    assert told == plain
    assert [[as_text(of_excel(row[place])) for place in places] for row in typed] == plain
    assert [column["name"] for column in columns] == whole.column_names
    assert [[as_text(value) for value in row.values()] for row in whole.to_pylist()] == plain


def of_excel(value: Any) -> Any:
    """Excel knows no zones and no days without hours."""
    if isinstance(value, datetime) and value.time() == datetime.min.time() and not value.tzinfo:
        return value.date()
    return value.replace(tzinfo=HANOI) if isinstance(value, datetime) else value


def as_text(value: Any) -> Any:
    """What differs between forms for good reason: how an instant, a list and nothing are written."""
    if isinstance(value, datetime):
        return value.astimezone(HANOI).isoformat(timespec="milliseconds").replace(".000", "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    if isinstance(value, bool):
        return str(value).lower()
    return None if value == "" else value


def test_json_says_which_question_as_of_when_with_which_values(page: Visitor, story: Story) -> None:
    found = page.get("/questions/city-by-day.json?from=2020-01-01").json()

    assert found["question"] == "city-by-day"
    assert found["as_of"] == found["cut"]["number"] == story.cut
    assert found["parameters"] == {"from": "2020-01-01", "to": None}
    assert found["total"] == len(found["rows"]) > 0
    assert found["truncated"] is False
    assert {"name", "type", "vi", "en"} <= set(found["columns"][0])


def test_file_without_a_cut_leads_to_the_link_that_has_it(page: Visitor, story: Story) -> None:
    answer = page.get("/questions/channels-by-week.csv?lang=en&ward=00070")

    assert answer.status == 302
    assert (
        answer.headers["Location"] == f"/questions/channels-by-week.csv?lang=en&ward=00070&as_of={story.cut}"
    )
    first, second = page.get(answer.headers["Location"]), page.get(answer.headers["Location"])
    assert first.body == second.body
    assert f"Cut,{story.cut}\r\n" in first.body.decode("utf-8-sig")


def test_answer_as_of_a_cut_stays_when_events_arrive(page: Visitor, city: City, story: Story) -> None:
    link = f"/questions/city-by-day.json?as_of={story.cut}&to=2020-01-02"
    before = page.get(link).json()["rows"]
    city.book(OTHER, date(2020, 1, 2), received=5)

    assert page.get(link + "&from=2020-01-01").json()["rows"] == before


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing.json", 404, "no_such_question"),
        ("nothing.csv", 404, "no_such_question"),
        ("..%2f..%2fetc%2fpasswd.json", 404, "not_found"),
        ("city-by-day.html", 404, "not_found"),
        ("city-by-day.json?from=2025-02-30", 400, "bad_value"),
        ("city-by-day.json?from=" + quote("2025-01-01' OR 1=1 --"), 400, "bad_value"),
        ("wards-by-received.json?top=" + quote("1; DROP TABLE book"), 400, "bad_value"),
        ("wards-by-received.json?top=-1", 400, "bad_value"),
        ("due-soon.json?ward=" + quote("' UNION ALL SELECT 1"), 400, "bad_value"),
        ("due-soon.json?days=3&days=4", 400, "twice"),
        ("due-soon.json?" + quote("ward}:String") + "=1", 400, "unknown_parameter"),
        ("due-soon.json?as_of=" + quote("1' OR '1"), 400, "bad_as_of"),
        ("due-soon.json?as_of=1", 404, "no_such_cut"),
        ("due-soon.csv?lang=xx", 400, "bad_lang"),
        ("lag.json?as_of=1", 400, "not_as_of"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_both_languages(
    page: Visitor, path: str, status: int, code: str
) -> None:
    answer = page.get(f"/questions/{path}")

    assert (answer.status, answer.code) == (status, code)
    assert set(answer.json()) == {"code", "vi", "en"}
    assert all(answer.json().values())


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "' OR 1=1 --", '=HYPERLINK("x";"y")', "{x}"]
)
def test_text_of_an_answer_is_bound_and_run_by_no_spreadsheet(own: Visitor, text: str) -> None:
    query = f"?text={quote(text)}"
    assert own.get(f"/questions/texts.json{query}").json()["rows"] == [[text, [text], 0.1 + 0.2]]

    *_, line = table_of(own.get(f"/questions/texts.csv{query}"))
    about, data = openpyxl.load_workbook(io.BytesIO(own.get(f"/questions/texts.xlsx{query}").body)).worksheets
    safe = f"'{text}" if text[0] in "=+-@" else text
    assert line[:2] == [safe, safe]
    assert {cell.data_type for sheet in (about, data) for row in sheet for cell in row} <= {"s", "n"}
    assert data["A2"].value == text


def test_long_answer_is_cut_and_says_so(own: Visitor) -> None:
    few = own.get(f"/questions/many.json?n={JSON_ROWS_MAX + 1}").json()
    assert (len(few["rows"]), few["total"], few["truncated"]) == (JSON_ROWS_MAX, JSON_ROWS_MAX + 1, True)
    assert len(table_of(own.get(f"/questions/many.csv?info=no&n={JSON_ROWS_MAX + 1}"))) == JSON_ROWS_MAX + 2

    many = own.get(f"/questions/many.json?n={ROWS_MAX + 1}").json()
    assert (len(many["rows"]), many["total"], many["truncated"]) == (JSON_ROWS_MAX, None, True)
    for ending in ("csv", "xlsx", "parquet"):
        answer = own.get(f"/questions/many.{ending}?n={ROWS_MAX + 1}")
        assert (answer.status, answer.code) == (413, "too_many_rows")


def test_answer_without_rows_has_its_columns_in_every_form(own: Visitor) -> None:
    found = own.get("/questions/many.json?n=0").json()
    assert (found["rows"], found["columns"][0]["name"], found["columns"][0]["type"]) == (
        [],
        "number",
        "UInt64",
    )
    whole = pq.read_table(io.BytesIO(own.get("/questions/many.parquet?n=0").body))
    assert (whole.column_names, whole.num_rows) == (["number"], 0)
    assert len(table_of(own.get("/questions/many.csv?n=0&info=no"))) == 1


def test_question_that_takes_too_long_is_stopped_and_the_page_lives_on(own: Visitor) -> None:
    answer = own.get("/questions/slow.json")

    assert (answer.status, answer.code) == (504, "question_slow")
    assert own.get("/api/questions").status == 200
    assert own.get("/questions/many.json?n=1").json()["rows"] == [[0]]


@pytest.mark.parametrize("name", ["wrong", "settings"])
def test_question_that_clickhouse_refuses_shows_nothing_of_its_insides(own: Visitor, name: str) -> None:
    answer = own.get(f"/questions/{name}.json")

    assert (answer.status, answer.code) == (500, "question_fails")
    assert "nothing" not in answer.text
    assert "Exception" not in answer.text


def test_page_of_a_question_is_there_and_ready_for_its_own_script_only(page: Visitor) -> None:
    for path in ("/questions", "/questions/city-by-day", "/dictionary"):
        answer = page.open(path)
        assert answer.status == 200
        assert "script-src 'self';" in (answer.headers["Content-Security-Policy"] or "")


async def test_same_question_is_asked_once_and_a_viewer_has_so_many_turns(city: City, story: Story) -> None:
    with Store(city.reader) as store:
        desk = Desk(store, Catalogue(SQL))
        cut = await desk.cut(story.cut)
        order = Order("city-by-day", (("from", "2020-01-01"),), story.cut)
        one, other = await asyncio.gather(desk.answer(order, cut), desk.answer(order, cut))
        assert one is other is await desk.answer(order, cut)
        with ExitStack() as turns:
            for _ in range(VIEWER_MAX):
                turns.enter_context(desk.turn("somebody"))
            with desk.turn("somebody else"), pytest.raises(Problem, match="too_many_questions"):
                turns.enter_context(desk.turn("somebody"))
        with desk.turn("somebody"):
            desk.close()


def test_every_column_of_every_question_has_a_title_in_both_languages(city: City) -> None:
    catalogue, untitled = Catalogue(SQL), []
    for name in [path.stem for path in sorted((SQL / "questions").glob("*.sql"))]:
        sql, bound = prepared(catalogue[name])
        for column, kind, *_ in city.store.query(f"DESCRIBE TABLE ({sql})", bound).rows:
            found = catalogue.titles.column(catalogue[name], column, kind)
            if "_" in column and found.en == column.replace("_", " "):
                untitled.append((name, column))
    assert untitled == []


def test_question_with_a_header_that_cannot_be_read_is_left_out_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "questions").mkdir()
    for name, text in {
        "good": "-- vi: a?\n-- en: b?\n-- audience: analyst\nSELECT 1",
        "bad": "SELECT 1",
    }.items():
        (tmp_path / "questions" / f"{name}.sql").write_text(text, encoding="utf-8")

    assert [one["name"] for one in Catalogue(tmp_path).listed(None)["questions"]] == ["good"]


def test_dictionary_says_every_column_in_both_languages_and_where_it_comes_from(page: Visitor) -> None:
    found = page.get("/api/dictionary").json()
    objects = {one["name"]: one for one in found["objects"]}
    received = next(one for one in objects["v_city_day"]["columns"] if one["name"] == "received")

    assert "status-changed.data.status" in received["members"]
    assert set(received["members"]) <= set(found["members"])
    assert "city-by-day" in objects["v_city_day"]["questions"]
    assert objects["v_city_day"]["travels"]
    assert not [name for name in objects if name.endswith("_at")]
    assert all(column["vi"] and column["en"] for one in objects.values() for column in one["columns"])
