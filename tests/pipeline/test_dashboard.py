"""The live page's server against the real engine: what it says, how it streams, how it fails and ends.

Each test has a database of its own, filled with books the way the loader fills it, and a server process.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, NamedTuple

import aiohttp
import pytest

from ops.stack.clickhouse import Endpoint
from tests.browser.city import MONDAY, City, plausible
from tests.browser.dashboard import Dashboard
from tests.browser.gate import Gate
from tests.conftest import free_port

WARD = "00070"
HANOI = timezone(timedelta(hours=7))


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    id: str
    data: dict[str, Any]
    at_s: float


@pytest.fixture
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture
def serve(city: City) -> Iterator[Callable[..., Dashboard]]:
    """Start a dashboard on the city's database; members of its configuration may be given."""
    started: list[Dashboard] = []

    def start(**members: Any) -> Dashboard:
        started.append(Dashboard(members.pop("clickhouse", city.reader), **members))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def gated(city: City, serve: Callable[..., Dashboard]) -> Iterator[tuple[Gate, Dashboard]]:
    """A filled city's dashboard that reaches ClickHouse through a gate."""
    city.fill()
    with Gate(city.reader.port) as gate:
        yield gate, serve(clickhouse=replace(city.reader, port=gate.port))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def read_json(http: aiohttp.ClientSession, url: str, status: int = 200) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        async with http.get(url) as answer:
            body: dict[str, Any] = await answer.json()
        # The first reading of a fresh server takes long on a busy machine.
        if answer.status == status or body.get("code") != "clickhouse_away" or time.monotonic() > deadline:
            assert answer.status == status, body
            return body


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """Parse a stream."""
    members: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name:
            members[name] = value
        elif "data" in members:
            data = json.loads(members["data"])
            yield Event(members.get("event", ""), members.get("id", ""), data, time.monotonic())
            members = {}


def row_of(snapshot: dict[str, Any], ward: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in snapshot["rows"] if row["ward"] == ward)
    return found


async def test_snapshot_of_a_filled_city_adds_up(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    friday = MONDAY - timedelta(days=3)
    city.fill((MONDAY, friday), but=("00082",))
    city.judge(w00082="waiting/never")
    snapshot = await read_json(http, f"{serve().url}/api/snapshot")
    assert snapshot["day"] == snapshot["newest"] == MONDAY.isoformat()
    assert snapshot["days"] == [MONDAY.isoformat(), friday.isoformat()]
    assert (snapshot["keys"]["rows"], len(snapshot["rows"])) == ("ward", 126)
    row, expected = row_of(snapshot, WARD), plausible(WARD, MONDAY)
    assert (row["received"], row["overdue"]) == (expected["received"], expected["overdue"])
    assert row["returned"] == expected["returned"]
    totals = snapshot["totals"]
    assert totals["day"]["received"] == sum(row["received"] for row in snapshot["rows"])
    assert totals["week"] == totals["day"]
    assert totals["all"]["received"] > totals["day"]["received"]
    assert totals["day"]["backlog"] == sum(row["backlog"] for row in snapshot["rows"])
    assert snapshot["age_s"] < 2
    assert snapshot["error"] is None
    statuses = {row["ward"]: row["standing"]["status"] for row in snapshot["rows"]}
    assert (statuses[WARD], statuses["00082"]) == ("good", "waiting")


async def test_finished_day_is_compared_with_the_whole_day_before(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    friday = MONDAY - timedelta(days=3)
    city.book(WARD, friday, received=30, early=6)
    city.book(WARD, MONDAY, received=20)
    before = (await read_json(http, f"{serve().url}/api/snapshot"))["before"]
    assert (before["kind"], before["at"]) == ("day", friday.isoformat())
    assert (before["day"]["received"], before["day"]["backlog"]) == (30, 24)
    # What came since: this week's and all days' figures as they stood on Friday evening.
    assert (before["week"]["received"], before["all"]["received"]) == (0, 30)


async def test_running_day_is_compared_with_the_cut_of_the_same_time_yesterday(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    now = datetime.now(UTC)
    yesterday_now, today = now - timedelta(days=1), now.astimezone(HANOI).date()
    yesterday = today - timedelta(days=1)
    city.book(WARD, yesterday, arrived=yesterday_now - timedelta(hours=1), received=8)
    city.book(WARD, yesterday, arrived=yesterday_now + timedelta(hours=1), received=50)
    city.book(WARD, today, received=9)
    city.judge()
    url = f"{serve().url}/api/snapshot"
    first = await read_json(http, url)
    assert (first["before"]["kind"], first["before"]["reason"]) == ("none", "no_cut_yesterday")
    city.cut(yesterday_now - timedelta(minutes=2))
    second = await read_json(http, f"{serve().url}/api/snapshot")
    assert second["totals"]["day"]["received"] == 9
    assert (second["before"]["kind"], second["before"]["day"]["received"]) == ("cut", 8)


async def test_wards_that_nobody_judged_are_unknown_and_missing_parts_say_so(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    city.fill()
    snapshot = await read_json(http, f"{serve().url}/api/snapshot")
    assert {row["standing"]["status"] for row in snapshot["rows"]} == {"unknown"}
    assert (snapshot["cut"], snapshot["pipeline"]) == (None, None)


async def test_cut_names_the_wards_that_it_leaves_out(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    number = city.cut(datetime.now(UTC), left_out={"00082": "silent", WARD: "missing"})
    cut = (await read_json(http, f"{serve().url}/api/snapshot"))["cut"]
    assert (cut["number"], cut["covered"], cut["wards_total"]) == (number, 124, 126)
    assert {each["ward"]: each["reason"] for each in cut["left_out"]} == {"00082": "silent", WARD: "missing"}
    assert {each["name"] for each in cut["left_out"]} >= {"Hoàn Kiếm"}


async def test_past_cut_shows_what_was_known_then_for_ever(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    then = datetime.now(UTC) - timedelta(hours=2)
    city.book(WARD, MONDAY, arrived=then - timedelta(minutes=1), received=5)
    number = city.cut(then, left_out={WARD: "missing"})
    city.alert("over", since=then - timedelta(hours=1), ended_at=then + timedelta(minutes=5), state="ended")
    city.alert("later", since=then + timedelta(minutes=1))
    city.acknowledge("over")
    city.book(WARD, MONDAY, received=7)
    url = f"{serve().url}/api/snapshot"
    past = await read_json(http, f"{url}?cut={number}")
    assert (past["past"], past["cut"]["number"]) == (number, number)
    assert past["totals"]["day"]["received"] == 5
    assert row_of(past, WARD)["standing"]["reason"] == "missing"
    assert [(one["id"], one["open"], one["acked_by"]) for one in past["alerts"]] == [("over", True, "")]
    assert (await read_json(http, url))["totals"]["day"]["received"] == 7
    city.book(WARD, MONDAY, received=8)
    assert await read_json(http, f"{url}?cut={number}") == past
    assert (await read_json(http, f"{url}?cut={number - 1}", 404))["code"] == "no_such_cut"


async def test_cuts_of_a_day_come_as_unbroken_runs(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    noon = datetime(2025, 7, 21, 5, 0, tzinfo=UTC)
    numbers = [city.cut(noon + timedelta(seconds=s)) for s in (0, 10, 20, 60, 70)]
    url = f"{serve().url}/api/cuts?day="
    found = await read_json(http, f"{url}{MONDAY}")
    assert found["runs"] == [[numbers[0], numbers[2]], [numbers[3], numbers[4]]]
    assert found["days"] == [MONDAY.isoformat()]
    assert (await read_json(http, f"{url}2025-07-22"))["runs"] == []
    # What was known is remembered, and what is published later is seen.
    later = city.cut(noon + timedelta(days=1))
    found = await read_json(http, f"{url}2025-07-22")
    assert found["days"] == [MONDAY.isoformat(), "2025-07-22"]
    assert found["runs"] == [[later, later]]


async def test_chosen_day_shows_that_day_and_its_week(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    tuesday, sunday_before = MONDAY + timedelta(days=1), MONDAY - timedelta(days=1)
    for day, received in ((MONDAY, 7), (tuesday, 5), (sunday_before, 100)):
        city.book(WARD, day, received=received)
    url = serve().url
    snapshot = await read_json(http, f"{url}/api/snapshot?day={tuesday}")
    totals = {name: each["received"] for name, each in snapshot["totals"].items()}
    assert totals == {"day": 5, "week": 12, "all": 112}
    snapshot = await read_json(http, f"{url}/api/snapshot?day={MONDAY}")
    totals = {name: each["received"] for name, each in snapshot["totals"].items()}
    assert (snapshot["day"], snapshot["newest"]) == (MONDAY.isoformat(), tuesday.isoformat())
    assert totals == {"day": 7, "week": 7, "all": 107}
    empty = await read_json(http, f"{url}/api/snapshot?day=2024-02-29")
    assert {each["received"] for each in empty["totals"].values()} == {0}


async def test_empty_database_shows_wards_without_figures(
    serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    snapshot = await read_json(http, f"{serve().url}/api/snapshot")
    assert (snapshot["day"], snapshot["days"], snapshot["totals"], snapshot["cut"]) == (None, [], {}, None)
    assert len(snapshot["rows"]) == 126


async def test_stream_sends_all_first_then_changed_rows_once_a_second(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    city.fill()
    number = city.cut(datetime.now(UTC))
    async with http.get(f"{serve().url}/events") as answer:
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Content-Type"] == "text/event-stream"
        stream = events(answer)
        first = await anext(stream)
        assert (first.name, len(first.data["rows"])) == ("snapshot", 126)
        assert first.id.startswith(f"{number}.")
        assert first.data["words"]["timeliness"]["overdue"]["vi"] == "Quá hạn"
        city.book(WARD, received=500)
        written_s = time.monotonic()
        got = [await anext(stream)]
        while "rows" not in got[-1].data:
            got.append(await anext(stream))
        assert got[-1].at_s - written_s < 2.5
        assert [row["ward"] for row in got[-1].data["rows"]] == [WARD]
        assert got[-1].data["rows"][0]["received"] == 500
        news = [got[-1]]
        for number in range(501, 504):
            city.book(WARD, received=number)
            while "rows" not in (event := await anext(stream)).data:
                assert event.name == "tick"
            news.append(event)
        assert {event.name for event in news} == {"delta"}
        assert len({event.id for event in news}) == len(news)
        gaps = [after.at_s - before.at_s for before, after in pairwise(news)]
        assert min(gaps) > 0.8, gaps


async def test_stream_that_comes_back_gets_only_what_changed(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    city.fill()
    url = f"{serve().url}/events"
    async with http.get(url) as answer:
        first = await anext(events(answer))
    city.book(WARD, received=1)
    async with http.get(url, headers={"Last-Event-ID": first.id}) as answer:
        back = await anext(events(answer))
    # A tick, if the last event is still the newest.
    assert back.name in ("delta", "tick")
    assert len(back.data.get("rows", [])) <= 1
    async with http.get(url, headers={"Last-Event-ID": "another-life-1"}) as answer:
        assert (await anext(events(answer))).name == "snapshot"


async def test_clickhouse_away_is_said_and_recovers(
    gated: tuple[Gate, Dashboard], http: aiohttp.ClientSession
) -> None:
    gate, dashboard = gated
    assert (await read_json(http, f"{dashboard.url}/healthz"))["ok"] is True
    async with http.get(f"{dashboard.url}/events") as answer:
        stream = events(answer)
        await anext(stream)
        gate.close()
        error = await _until(stream, "error")
        assert (error["code"], set(error)) == ("clickhouse_away", {"code", "vi", "en"})
        problem = await read_json(http, f"{dashboard.url}/healthz", 503)
        assert problem["code"] == "clickhouse_away"
        gate.open()
        assert await _until(stream, "error") is None
    assert (await read_json(http, f"{dashboard.url}/healthz"))["ok"] is True


async def test_slow_reading_of_the_page_is_no_ill_health(
    gated: tuple[Gate, Dashboard], http: aiohttp.ClientSession
) -> None:
    gate, dashboard = gated
    assert (await read_json(http, f"{dashboard.url}/healthz"))["ok"] is True
    gate.drag_s = 0.5
    reading = asyncio.create_task(read_json(http, f"{dashboard.url}/api/snapshot"))
    await asyncio.sleep(0.1)
    assert (await read_json(http, f"{dashboard.url}/healthz"))["ok"] is True
    assert not reading.done()
    reading.cancel()


async def test_health_of_a_database_without_views_is_503(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    dashboard = serve(clickhouse=replace(city.reader, database="default"))
    assert (await read_json(http, f"{dashboard.url}/healthz", 503))["code"] == "clickhouse_away"


async def test_hanging_clickhouse_neither_silences_the_stream_nor_holds_up_the_end(
    gated: tuple[Gate, Dashboard], http: aiohttp.ClientSession
) -> None:
    gate, dashboard = gated
    async with http.get(f"{dashboard.url}/events") as answer:
        stream = events(answer)
        await anext(stream)
        gate.freeze()
        async with asyncio.timeout(20):
            age_s = 0.0
            while age_s < 2.5:
                age_s = (await anext(stream)).data["age_s"]
        started = time.monotonic()
        assert (await read_json(http, f"{dashboard.url}/healthz", 503))["code"] == "clickhouse_away"
        assert time.monotonic() - started < 2.0
        code, seconds, log = await asyncio.to_thread(dashboard.stop)
        assert (code, seconds < 3.0) == (0, True), log


async def _until(stream: AsyncIterator[Event], member: str) -> Any:
    async with asyncio.timeout(60):
        async for event in stream:
            if member in event.data:
                return event.data[member]
    raise AssertionError("the stream ended")


async def test_clickhouse_never_there_gives_a_page_that_says_so(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    dashboard = serve(clickhouse=replace(city.reader, port=free_port()))
    async with http.get(f"{dashboard.url}/events") as answer:
        first = await anext(events(answer))
    assert (first.name, first.data["error"]["code"]) == ("snapshot", "clickhouse_away")
    assert first.data["age_s"] is None
    assert (await read_json(http, f"{dashboard.url}/api/snapshot", 503))["code"] == "clickhouse_away"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/web/../server/config.py", 404, "not_found"),
        ("GET", "/web/", 404, "not_found"),
        ("GET", "/web/%2e%2e/server/config.py", 404, "not_found"),
        ("POST", "/events", 405, "method_not_allowed"),
        ("GET", "/events?day=yesterday", 400, "bad_day"),
        ("GET", "/api/snapshot?day=2025-02-30", 400, "bad_day"),
        ("GET", "/api/snapshot?day=9999-12-31", 400, "bad_day"),
        ("GET", "/events?view=nothing", 400, "bad_view"),
        ("GET", "/events?view=ward&ward=99999", 400, "bad_ward"),
        ("GET", "/api/snapshot?cut=1e9", 400, "bad_cut"),
        ("GET", "/events?cut=17", 400, "past_has_no_stream"),
        ("GET", "/api/cuts?day=today", 400, "bad_day"),
    ],
)
async def test_errors_have_one_shape(
    serve: Callable[..., Dashboard],
    http: aiohttp.ClientSession,
    method: str,
    path: str,
    status: int,
    code: str,
) -> None:
    async with http.request(method, serve().url + path) as answer:
        body = await answer.json()
        assert (answer.status, body["code"], set(body)) == (status, code, {"code", "vi", "en"})


async def test_every_answer_forbids_foreign_and_inline_code(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    url = serve().url
    for path in ("/", "/web/main.js", "/events", "/api/snapshot", "/nothing"):
        async with http.get(url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_more_clients_than_allowed_are_sent_away(
    serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    url = f"{serve(clients_max=1).url}/events"
    async with http.get(url) as answer:
        await anext(events(answer))
        assert (await read_json(http, url, 503))["code"] == "too_many_clients"


async def test_nobody_watching_asks_clickhouse_nothing(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    with Gate(city.reader.port) as gate:
        dashboard = serve(clickhouse=replace(city.reader, port=gate.port), refresh_s=0.1)
        async with http.get(f"{dashboard.url}/events") as answer:
            stream = events(answer)
            for _ in range(3):
                await anext(stream)
        # A stream whose browser has gone is noticed when it would send again, two seconds later.
        await asyncio.sleep(3)
        asked = gate.bytes_asked
        await asyncio.sleep(1)
        assert asked > 0
        assert gate.bytes_asked == asked


async def test_stream_that_opens_right_after_the_last_watcher_left_gets_what_comes(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    city.fill()
    url = serve().url
    await read_json(http, f"{url}/api/snapshot")
    # By now nobody is read for, and what was read last is new enough for a first page.
    await asyncio.sleep(1.4)
    async with http.get(f"{url}/events") as answer:
        stream = events(answer)
        assert (await anext(stream)).data["age_s"] > 1.0
        city.book(WARD, received=500)
        assert [row["received"] for row in await _until(stream, "rows")] == [500]


async def test_many_browsers_cost_the_queries_of_one(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    city.fill()

    async def watch(url: str) -> int:
        async with http.get(url) as answer:
            stream = events(answer)
            return sum([len((await anext(stream)).data.get("rows", [])) for _ in range(4)])

    with Gate(city.reader.port) as gate:
        dashboard = serve(clickhouse=replace(city.reader, port=gate.port))
        assert await watch(f"{dashboard.url}/events") >= 126
        alone, gate.bytes_asked = gate.bytes_asked, 0
        await asyncio.gather(*(watch(f"{dashboard.url}/events") for _ in range(40)))
        assert gate.bytes_asked < 2.5 * alone


async def test_sigterm_ends_open_streams_within_three_seconds(
    serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    dashboard = serve()
    async with http.get(f"{dashboard.url}/events") as one, http.get(f"{dashboard.url}/events") as other:
        await anext(events(one))
        code, seconds, log = await asyncio.to_thread(dashboard.stop)
        await other.read()
    assert (code, seconds < 3.0) == (0, True), log
    assert "Traceback" not in log


async def test_future_day_of_a_fast_clock_does_not_become_the_newest(
    city: City, serve: Callable[..., Dashboard], http: aiohttp.ClientSession
) -> None:
    city.book(WARD, received=3)
    city.book("00082", date(2099, 1, 1), received=1)
    snapshot = await read_json(http, f"{serve().url}/api/snapshot")
    assert snapshot["newest"] == MONDAY.isoformat()
