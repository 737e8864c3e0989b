"""Goal: an operator reads on the command line what was declared wrongly and why a day changed, in words.

Method: rows by hand in the real engine, the commands as they are typed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from producers.contract.vocabulary import Status
from streams.domain.cut import cut_of_arrival
from streams.warehouse.store import Store
from tests.builders import EPOCH, START, WARD, closing, status
from tests.pipeline.test_control_totals import take as take_closed
from tests.pipeline.test_corrections import END, OTHER, Arrival, in_time, late, take
from tests.pipeline.warehouse import database, empty, insert_cut

DAY = START.date().isoformat()


class City:
    """A database and the command line on it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        update = {"clickhouse_database": store.address.database}
        self._env = settings.model_copy(update=update).environment() | {"NO_COLOR": "1"}

    def said(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and notes of a command."""
        done = CliRunner().invoke(app, [*arguments], env=self._env)
        assert done.exit_code == code, f"{done.exit_code}\n{done.output}\n{done.exception!r}"
        return done.stdout, done.stderr

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.said(*arguments, "--json", code=code)[0])


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint, stack_settings: Settings) -> Iterator[City]:
    with database(clickhouse) as store:
        yield City(store, stack_settings)


@pytest.fixture
def city(shared: City) -> City:
    empty(shared.store)
    shared.store.command("TRUNCATE TABLE city_cut")
    return shared


def test_why_tells_each_change_in_both_languages(city: City) -> None:
    take(city.store, [in_time(status(1)), late(status(2), 60), late(status(3), 61)])
    out, note = city.said("why", DAY)
    first, last = (cut_of_arrival(int((END + timedelta(minutes=m)).timestamp() * 1000)) for m in (60, 61))
    when = "02/07/2025 01:00:00 - 02/07/2025 01:01:00"
    assert out.splitlines() == [
        f"Hoàn Kiếm: +2 Được tiếp nhận (1 -> 3), đến muộn 2 sự kiện lúc {when}, mốc {first} - {last}",
        f"Hoàn Kiếm: +2 Received (1 -> 3), 2 events came late at {when}, cut {first} - {last}",
    ]
    assert "1 changes after the end of 2025-07-01" in note


def test_why_of_a_ward_leaves_the_others_out_and_a_cut_what_came_later(city: City) -> None:
    other = status(1, ward=OTHER), status(2, ward=OTHER)
    take(city.store, [in_time(status(1)), late(status(2), 60), late(status(3), 120), in_time(other[0])])
    take(city.store, [in_time(other[0]), late(other[1], 60)])
    assert {one["ward"] for one in city.json("why", DAY)} == {WARD, OTHER}
    (now,) = city.json("why", DAY, "--ward", WARD)
    number = cut_of_arrival(int((END + timedelta(minutes=70)).timestamp() * 1000))
    insert_cut(city.store, number)
    (then,) = city.json("why", DAY, "--ward", WARD, "--as-of", str(number))
    assert [(one["change"], one["new_count"], one["cause"]) for one in (now, then)] == [
        (2, 3, "late"),
        (1, 2, "late"),
    ]
    assert "came late" in now["en"]


def test_why_sums_up_history_that_wards_brought_along(city: City) -> None:
    joined = START + timedelta(days=10)
    take(city.store, [Arrival(status(seq), joined) for seq in (1, 2, 3)])
    out, _ = city.said("why", DAY)
    assert out.splitlines() == [
        "1 phường, xã: 3 bước, dữ liệu cũ khi mới kết nối",
        "1 wards: 3 steps, history loaded when the ward joined",
    ]


def test_why_of_a_quiet_day_says_nothing(city: City) -> None:
    take(city.store, [in_time(status(1))])
    assert city.said("why", DAY)[0] == ""


def test_totals_of_a_day_end_with_a_finding_when_one_is_short(city: City) -> None:
    take_closed(city.store, [status(1), status(3), closing(4, {Status.RECEIVED: 3})])
    (found,) = city.json("totals", "--day", DAY, code=1)
    assert (found["ward"], found["state"], found["epoch"]) == (WARD, "short", EPOCH)
    assert (found["missing_first"], found["missing_last"]) == ([2], [2])
    assert found["words_en"] == "short by 1; 1 events have not arrived, seqs 2"


def test_totals_that_match_are_shown_for_a_day_and_are_no_finding(city: City) -> None:
    take_closed(city.store, [status(1), closing(2, {Status.RECEIVED: 1})])
    assert [one["state"] for one in city.json("totals", "--day", DAY, "--ward", WARD)] == ["matched"]
    states = {one["state"] for one in city.json("totals")}
    assert states == {"not_declared"}  # of the last month, only what did not match


def test_a_day_that_is_none_is_refused(city: City) -> None:
    done = CliRunner().invoke(app, ["why", "yesterday"])
    assert "day" in repr(done.exception)
