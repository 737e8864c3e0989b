"""Goal: each limit of an analyst's statement stops it by itself, with ClickHouse's code and in time, and
turns are fair between analysts.

Method: an endpoint with the city's own schema and narrow limits; statements that would never end.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ops.stack.clickhouse.analysts import Analysts
from ops.stack.clickhouse.packing import native_block, native_unpack
from tests.conftest import eventually, unique_name
from tests.pipeline.analysts import City, begin
from tests.pipeline.client import Answer

SECONDS_MAX = 3
LIMITS = {
    "clickhouse_analyst_seconds_max": SECONDS_MAX,
    "clickhouse_analyst_memory_mb": 64,  # soon used up, on a busy machine too
    "clickhouse_analyst_rows_max": 1_000_000,
    "clickhouse_analyst_waiting_max": 3,
}
STOPPED_S = SECONDS_MAX + 5
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 5"
CUT_S = SECONDS_MAX + 5 + 3  # a client that takes nothing is cut off 5 s after the limit


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = begin(tmp_path_factory.mktemp("limits"), **LIMITS)
    analysts = Analysts(city.endpoint.settings.analysts_file())
    city.passwords.update({name: analysts.add(name)[1] for name in ("lan", "minh", "hoa")})
    yield city
    city.endpoint.stop()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def busy(city: City, threads: ThreadPoolExecutor, user: str, sql: str = ENDLESS) -> Future[Answer]:
    """A statement of the user that runs when this returns."""
    mine = unique_name("busy")
    asked = threads.submit(city.ask, sql, user, params={"query_id": mine, "max_block_size": "1"})
    shown = f"SELECT count() FROM system.processes WHERE query_id = '{mine}'"
    eventually(lambda: asked.done() or city.ask(shown, "dongbo").text == "1\n", interval=0.01)
    assert not asked.done(), asked.result()
    return asked


@pytest.mark.parametrize(
    ("sql", "code", "said"),
    [
        (ENDLESS, 159, "Timeout exceeded"),
        (
            "SELECT sum(a.number * b.number) FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b",
            159,
            "Timeout exceeded",
        ),
        ("SELECT count() FROM numbers(1000000000000) AS c, wards AS a, wards AS b", 159, "Timeout"),
        ("SELECT sleepEachRow(1) FROM numbers(1000000)", 159, "Timeout exceeded"),
        ("SELECT sleep(3), sleep(3), sleep(3)", 159, "Timeout exceeded"),
        ("SELECT number FROM numbers(1000000000) ORDER BY sipHash64(number) LIMIT 1", 159, "Timeout"),
        ("SELECT length(groupArray(number)) FROM numbers(1000000000)", 241, "64.00 MiB"),
        ("SELECT number, count() FROM numbers(1000000000) GROUP BY number", 241, "64.00 MiB"),
        ("SELECT hex(randomString(1000000000))", 241, "64.00 MiB"),
        ("SELECT number FROM numbers(2000000)", 396, "max rows: 1.00 million"),
    ],
)
def test_each_limit_stops_a_statement_in_time(city: City, sql: str, code: int, said: str) -> None:
    # Sleeping is refused by the block (160); block by block it goes on to the limit.
    small = {"max_block_size": "1"} if "sleepEachRow" in sql else {}
    begun = time.monotonic()
    answer = city.ask(sql, "city", params={"wait_end_of_query": "1", **small})
    assert (answer.code, said in answer.text) == (code, True), answer.text
    assert time.monotonic() - begun < STOPPED_S
    assert city.ask("SELECT 1", "city").text == "1\n"


@pytest.mark.parametrize("name", ["max_execution_time", "max_memory_usage", "max_result_rows"])
def test_a_limit_may_be_narrowed_and_never_widened(city: City, name: str) -> None:
    shown, own = f"SELECT getSetting('{name}')", city.ask(f"SELECT getSetting('{name}')", "city").text
    for asked in ("0", "-1", "1e30", "9" * 18, "9" * 40):
        assert city.ask(shown, "city", params={name: asked}).text == own, asked
    assert city.ask(f"{shown} SETTINGS {name} = 0", "city").code == 164
    narrow = "50000000" if name == "max_memory_usage" else "100" if "rows" in name else "2"
    assert city.ask(shown, "city", params={name: narrow}).text == f"{narrow}\n"


def test_more_than_may_wait_are_refused_at_once(city: City, threads: ThreadPoolExecutor) -> None:
    running = busy(city, threads, "lan")
    begun = time.monotonic()
    asked = [threads.submit(city.ask, "SELECT 1", "lan") for _ in range(10)]
    refused = [answer for each in asked if (answer := each.result()).code]
    assert {answer.code for answer in refused} == {202}
    assert len(refused) == 7, "three may wait"
    assert "you have 1 running and 3 waiting" in refused[0].text
    assert "Quá nhiều câu lệnh cùng lúc" in refused[0].text
    assert [each.result().text for each in asked].count("1\n") == 3
    assert running.result().code == 159
    assert time.monotonic() - begun < STOPPED_S


def test_one_analyst_leaves_a_place_for_the_others(city: City, threads: ThreadPoolExecutor) -> None:
    running = busy(city, threads, "lan")
    more = [threads.submit(city.ask, ENDLESS, "lan") for _ in range(3)]
    time.sleep(0.5)
    assert city.ask("SELECT 1", "minh").text == "1\n"
    assert not running.done()
    assert [each.result().code for each in (running, *more)] == [159] * 4


def test_who_asks_little_waits_for_one_statement_however_many_others_wait(
    city: City, threads: ThreadPoolExecutor
) -> None:
    greedy = [busy(city, threads, "lan"), busy(city, threads, "minh")]
    greedy += [threads.submit(city.ask, ENDLESS, user) for user in ("lan", "minh") * 3]
    time.sleep(0.5)
    begun = time.monotonic()
    assert city.ask("SELECT 1", "hoa").text == "1\n"
    assert time.monotonic() - begun < STOPPED_S
    assert sum(each.done() for each in greedy) <= 2
    for each in greedy:
        assert each.result().code == 159


def test_an_analyst_can_stop_the_own_statement_though_no_place_is_free(
    city: City, threads: ThreadPoolExecutor
) -> None:
    running = [busy(city, threads, "lan"), busy(city, threads, "minh")]
    begun = time.monotonic()
    assert "waiting" in city.ask("KILL QUERY WHERE 1", "lan").text
    assert running[0].result().code == 394
    assert time.monotonic() - begun < SECONDS_MAX - 1
    assert running[1].result().code == 159, "minh's was not stopped"


@pytest.mark.parametrize("manner", ["", "compress=1"])
def test_a_client_that_takes_nothing_holds_no_place_for_long(city: City, manner: str) -> None:
    with closing(_reads_nothing(city, "lan", manner)), closing(_reads_nothing(city, "minh", manner)):
        shown = "SELECT count() FROM system.processes WHERE user IN ('lan', 'minh')"
        eventually(lambda: city.ask(shown, "dongbo").text == "2\n", interval=0.02)
        begun = time.monotonic()
        assert city.ask("SELECT 1", "hoa").text == "1\n"
        assert time.monotonic() - begun < CUT_S


def _reads_nothing(city: City, user: str, manner: str) -> socket.socket:
    """A client that has asked for much and never reads the answer."""
    endpoint, token = city.endpoint, base64.b64encode(f"{user}:{city.passwords[user]}".encode()).decode()
    sql = b"SELECT number, randomPrintableASCII(100) FROM numbers(900000)"
    client = socket.create_connection((endpoint.host, endpoint.port))
    head = f"POST /?{manner}&max_block_size=8192 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n"
    client.sendall(f"{head}Content-Length: {len(sql)}\r\n\r\n".encode() + sql)
    return client


@pytest.mark.parametrize("encoding", ["gzip", "native"])
def test_what_comes_small_does_not_become_large(city: City, encoding: str) -> None:
    """A statement of 200 MB, packed into a few hundred kB, took minutes of everybody's time to read."""
    large = b"SELECT " + b"1," * (100 << 20) + b"1"
    body, params = gzip.compress(large, 6), "" if encoding == "gzip" else "decompress=1"
    if encoding == "native":
        block = native_block(large[: 1 << 20])
        body = block * 200
    head = {"Content-Encoding": "gzip"} if encoding == "gzip" else {}
    begun = time.monotonic()
    answer = _posted(city, body[: 1 << 20], params, head)
    assert answer.code == 229, answer.text
    assert time.monotonic() - begun < STOPPED_S


def _posted(city: City, body: bytes, params: str, head: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(city.endpoint.host, city.endpoint.port, timeout=60)
    who = {"X-ClickHouse-User": "lan", "X-ClickHouse-Key": city.passwords["lan"]}
    try:
        connection.request("POST", f"/?{params}", body, head | who)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), dict(answer.headers))
    finally:
        connection.close()


# Downloads in native blocks


def test_native_blocks_of_many_at_once_are_whole(city: City, threads: ThreadPoolExecutor) -> None:
    sql = "SELECT number, repeat('x', number % 50) FROM numbers(200000)"
    whole = city.ask(sql, "lan").body
    asked = [threads.submit(city.ask, sql, user, params={"compress": "1"}) for user in ("lan", "minh", "hoa")]
    for each in asked:
        assert native_unpack(each.result().body, 1 << 30) == whole


def test_packing_goes_on_when_its_process_is_killed_or_a_client_goes(city: City) -> None:
    sql, params = "SELECT number, repeat('x', number % 50) FROM numbers(200000)", {"compress": "1"}
    whole = city.ask(sql, "lan").body
    for _ in range(2):
        _reads_nothing(city, "minh", "compress=1").close()
        assert native_unpack(city.ask(sql, "lan", params=params).body, 1 << 30) == whole
        (process,) = _packing(city)
        os.kill(process, signal.SIGKILL)
    assert native_unpack(city.ask(sql, "lan", params=params).body, 1 << 30) == whole


def _packing(city: City) -> list[int]:
    """The packing processes of the endpoint."""
    assert city.endpoint.process is not None
    children = Path(f"/proc/{city.endpoint.process.pid}/task").glob("*/children")
    return [int(child) for each in children for child in each.read_text().split()]
