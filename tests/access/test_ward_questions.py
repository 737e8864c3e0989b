"""A ward's viewer and saved questions: only those that name their ward, and of that ward only.

Method: a question that is open to wards is asked for one ward, then other wards' events, difficulties, states
and rejected messages arrive, and it is asked again as of the same cut: nothing of the answer may differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, Final, NamedTuple

import pytest

from dashboards.server.access.viewers import Viewers
from dashboards.server.config import SQL
from dashboards.server.questions.answer import plain
from dashboards.server.questions.catalogue import Catalogue
from ops.stack.clickhouse import Endpoint
from producers.contract.topics import PARTITION_OF_WARD
from streams.warehouse import tables
from streams.warehouse.block import Block, Span
from streams.warehouse.questions import run
from tests.access.visitor import Visitor
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.story import HANOI, Story, insert

OWN, OTHER = "00070", "00004"
OTHER_NAME = "Ba Đình"
# Asked about the whole city these change when another ward's data arrive: else the test would show nothing.
CHANGING: Final = ("channels-by-week", "fields-by-received", "difficulties-open", "rejects-by-reason")
Rows = dict[str, list[list[Any]]]


class Told(NamedTuple):
    """A story, and the answers of that time: for the ward and for the whole city."""

    story: Story
    own: Rows
    whole: Rows


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture(scope="module")
def alone(city: City) -> Told:
    """The city while it has one ward, and what was answered then."""
    story = Story(city.store)
    tell(story, OWN)
    # The newest day with figures is the city's, no ward's: here it is the same before and after.
    day = story.at.astimezone(HANOI).date()
    city.book(OWN, day, arrived=story.at - timedelta(minutes=1), received=1)
    story.cuts(story.at)
    return Told(story, answers(city, story.cut, OWN), answers(city, story.cut, "", CHANGING))


@pytest.fixture(scope="module")
def cut(alone: Told) -> int:
    """A cut of the city after another ward's data have arrived."""
    tell(alone.story, OTHER)
    return alone.story.cut


@pytest.fixture(scope="module")
def ward(city: City, cut: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A visitor who is logged in for `OWN`."""
    folder = tmp_path_factory.mktemp("identity")
    paths = {name: str(folder / name) for name in ("viewers_path", "key_path")}
    server = Dashboard(city.reader, access={"logins_minute": 6000, "token": "t" * 24, **paths})
    visitor = Visitor(server.port)
    visitor.log_in(Viewers(server.access_path("viewers_path")).add("ward", OWN))
    yield visitor
    server.close()


def tell(story: Story, ward: str) -> None:
    """All that a ward can leave in the database: events, difficulties, judgements, rejected messages."""
    story.events(ward, 40)
    story.difficulties(ward)
    story.states(ward)
    block, arrived_ms = Block(), int(story.at.timestamp() * 1000) - 60_000
    span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
    for offset in range(3):
        block.take_event(span, b"not json", ward.encode(), 900_000 + offset, arrived_ms)
    insert(story.store, tables.REJECTS, block.rejects)


def answers(city: City, cut: int, ward: str, names: Collection[str] = ()) -> Rows:
    """Every question that is open to wards (or some of them), as the page asks it."""
    catalogue, found = Catalogue(SQL), {}
    for one in catalogue.listed(OWN)["questions"]:
        if one["travels"] and (not names or one["name"] in names):
            rows = run(city.store, catalogue[one["name"]], {one["ward"]: ward}, catalogue.at(cut)).rows
            found[one["name"]] = [[plain(value) for value in row] for row in rows]
    return found


def test_question_open_to_wards_says_the_same_whatever_other_wards_send(
    city: City, alone: Told, cut: int
) -> None:
    after = answers(city, cut, OWN)

    assert after == alone.own
    assert OTHER not in str(after)
    assert OTHER_NAME not in str(after)
    whole = answers(city, cut, "", CHANGING)
    assert {name for name in CHANGING if whole[name] != alone.whole[name]} == set(CHANGING)
    assert len(after) >= 20


def test_ward_viewer_is_shown_its_own_questions_lists_and_rows(ward: Visitor) -> None:
    listed = ward.get("/api/questions").json()
    assert [one["code"] for one in listed["choices"]["ward"]] == [OWN]
    assert all(one["ward"] for one in listed["questions"])
    assert "due-soon" in [one["name"] for one in listed["questions"]]
    assert ward.open("/questions/due-soon").status == ward.open("/dictionary").status == 200

    found = ward.get("/questions/difficulties-open.json").json()
    place = [column["name"] for column in found["columns"]].index("ward")
    assert found["parameters"]["ward"] == OWN
    assert {row[place] for row in found["rows"]} == {OWN}
    for ending in ("csv", "xlsx", "parquet"):
        answer = ward.get(f"/questions/difficulties-open.{ending}?as_of={found['as_of']}")
        assert answer.status == 200
        assert OTHER.encode() not in answer.body


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/questions/city-by-day.json", "not_for_wards"),
        ("/questions/wards-by-received.csv", "not_for_wards"),
        ("/questions/compare-wards.json", "not_for_wards"),
        (f"/questions/due-soon.json?ward={OTHER}", "other_ward"),
        (f"/questions/due-soon.json?ward={OWN},{OTHER}", "other_ward"),
        (f"/questions/due-soon.parquet?ward={OWN}&ward={OTHER}", "other_ward"),
        (f"/api/snapshot?view=questions&ward={OTHER}", "other_ward"),
        ("/api/snapshot?view=questions", "city_only"),
    ],
)
def test_ward_viewer_reaching_for_more_is_refused(ward: Visitor, path: str, code: str) -> None:
    answer = ward.get(path)

    assert (answer.status, answer.code) == (403, code)


def test_ward_viewer_is_told_which_cut_and_of_no_other_ward(ward: Visitor, cut: int) -> None:
    answer = ward.get(f"/api/snapshot?view=questions&ward={OWN}&cut={cut}")

    assert answer.json()["cut"]["number"] == cut
    assert answer.json()["cut"]["left_out"] == []
    assert OTHER not in answer.text
