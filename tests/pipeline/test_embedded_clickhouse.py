"""Goal: any ClickHouse client can use the embedded endpoint, and no reader can get out of it.

Method: clickhouse-connect and plain HTTP against a real endpoint process; nothing is replaced by a fake.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from ops.settings import Settings
from ops.stack.clickhouse import Endpoint, start
from producers.contract.errors import Unavailable
from tests.conftest import eventually, free_port, unique_name

CITY = ZoneInfo("Asia/Ho_Chi_Minh")
COLUMNS = ", ".join(f"n{index} UInt32" for index in range(17))
TABLE = f"(id UInt64, name String, at DateTime64(3, 'Asia/Ho_Chi_Minh'), {COLUMNS})"


def ask(
    endpoint: Endpoint,
    query: str,
    *,
    user: str = "reader",
    headers: dict[str, str] | None = None,
    data: bytes | None = None,
    params: dict[str, str] | None = None,
) -> tuple[int, str, dict[str, str]]:
    """One plain request: status, body, headers. POST; with `data` the query goes in the URL."""
    token = base64.b64encode(f"{user}:{user}".encode()).decode()
    in_url = (params or {}) | ({} if data is None else {"query": query})
    url = f"http://{endpoint.host}:{endpoint.port}/?{urllib.parse.urlencode(in_url)}"
    request = urllib.request.Request(
        url,
        data=query.encode() if data is None else data,
        headers={"Authorization": f"Basic {token}"} | (headers or {}),
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


@pytest.fixture
def database(clickhouse: Endpoint) -> Iterator[str]:
    name = unique_name("db")
    admin = clickhouse.client()
    admin.command(f"CREATE DATABASE {name}")
    yield name
    admin.command(f"DROP DATABASE {name}")
    admin.close()


@pytest.fixture
def writer(clickhouse: Endpoint, database: str) -> Iterator[Client]:
    client = clickhouse.client(database)
    yield client
    client.close()


@pytest.fixture
def reader(clickhouse: Endpoint, database: str) -> Iterator[Client]:
    client = clickhouse.reader(database)
    yield client
    client.close()


def rows(count: int, first: int = 0) -> list[list[object]]:
    at = datetime(2026, 7, 1, 8, tzinfo=CITY)
    return [[number, f"ward {number}", at, *([number] * 17)] for number in range(first, first + count)]


# What clients do


def test_insert_and_query_keep_types_and_the_citys_zone(writer: Client, reader: Client) -> None:
    writer.command(
        "CREATE TABLE t (id UInt32, at DateTime64(3, 'Asia/Ho_Chi_Minh'), day Date,"
        " kind LowCardinality(String), counts Array(UInt32)) ENGINE = MergeTree ORDER BY id"
    )
    at = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=CITY)
    summary = writer.insert("t", [[1, at, at.date(), "tư pháp", [1, 2]]])
    assert summary.written_rows == 1
    (row,) = reader.query("SELECT * FROM t").result_rows
    assert row == (1, at, at.date(), "tư pháp", [1, 2])
    assert row[1].utcoffset() == at.utcoffset()
    assert reader.command("SELECT toString(at) FROM t") == "2026-01-02 03:04:05.678"


def test_parameters_are_bound_by_the_engine(reader: Client) -> None:
    values = {"n": 7, "s": "it's \\ a\ttab\n", "list": ["a", "b'c"]}
    found = reader.query("SELECT {n:UInt32}, {s:String}, {list:Array(String)}", parameters=values)
    assert found.result_rows == [(7, "it's \\ a\ttab\n", ["a", "b'c"])]


@pytest.mark.parametrize("compression", ["gzip", "lz4", "zstd", False])
def test_compression_in_both_directions(
    clickhouse: Endpoint, writer: Client, database: str, compression: str | bool
) -> None:
    writer.command(f"CREATE TABLE t {TABLE} ENGINE = MergeTree ORDER BY id")
    client = clickhouse_connect.get_client(
        host=clickhouse.host,
        port=clickhouse.port,
        username="dongbo",
        password="dongbo",
        database=database,
        compress=compression,
        form_encode_query_params=True,
    )
    client.insert("t", rows(2000))
    assert client.query("SELECT * FROM t WHERE id >= {x:UInt64}", parameters={"x": 0}).row_count == 2000
    client.close()


def test_raw_insert_and_raw_query_take_any_format(writer: Client) -> None:
    writer.command("CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a")
    assert writer.raw_insert("t", ["a", "b"], b"1,x\n2,y\n", fmt="CSV").written_rows == 2
    writer.command("INSERT INTO t VALUES (3, 'z'), (4, 'a; b FORMAT c')")
    assert writer.raw_query("SELECT * FROM t WHERE a = 4", fmt="JSONEachRow") == (
        b'{"a":4,"b":"a; b FORMAT c"}\n'
    )


def test_query_limit_zero_tells_the_columns(reader: Client) -> None:
    assert reader.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")


def test_curl_style_insert_with_the_query_in_the_url(
    clickhouse: Endpoint, writer: Client, database: str
) -> None:
    writer.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    body = gzip.compress(b"1\n2\n")
    status, _, headers = ask(
        clickhouse,
        "INSERT INTO t FORMAT TSV",
        user="dongbo",
        data=body,
        params={"database": database},
        headers={"Content-Encoding": "gzip"},
    )
    assert status == 200
    assert "X-ClickHouse-Format" not in headers
    assert writer.command("SELECT count() FROM t") == 2


def test_answer_names_its_query_format_and_zone(clickhouse: Endpoint) -> None:
    status, body, headers = ask(clickhouse, "SELECT 1 AS a FORMAT JSONEachRow", params={"query_id": "mine"})
    assert (status, body) == (200, '{"a":1}\n')
    assert headers["X-ClickHouse-Query-Id"] == "mine"
    assert headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert headers["X-ClickHouse-Timezone"] == "Asia/Ho_Chi_Minh"


def test_views_materialised_on_insert_and_final(writer: Client, reader: Client) -> None:
    writer.command("CREATE TABLE t (k UInt32, v UInt32) ENGINE = ReplacingMergeTree(v) ORDER BY k")
    writer.command("CREATE TABLE sums (k UInt32, n UInt64) ENGINE = SummingMergeTree ORDER BY k")
    writer.command("CREATE MATERIALIZED VIEW mv TO sums AS SELECT k, count() AS n FROM t GROUP BY k")
    for version in range(3):
        writer.insert("t", [[key, version] for key in range(100)])
    assert reader.command("SELECT count(), sum(v) FROM t FINAL") == ["100", "200"]
    assert reader.command("SELECT sum(n) FROM sums") == 300


def test_settings_of_one_statement_do_not_reach_the_next(writer: Client) -> None:
    setting = "SELECT getSetting('max_block_size')"
    assert writer.command(setting, settings={"max_block_size": 123}) == 123
    assert writer.command(setting) != 123


# Errors


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("SELECT * FROM absent", 404, 60),
        ("SELECT absent()", 404, 46),
        ("SELECT absent", 404, 47),
        ("SELECT (", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("SELECT {x:UInt8}", 500, 456),
        ("SELECT throwIf(1)", 500, 395),
    ],
)
def test_error_has_clickhouses_code_and_status(
    clickhouse: Endpoint, query: str, status: int, code: int
) -> None:
    got, body, headers = ask(clickhouse, query, user="dongbo")
    assert (got, headers["X-ClickHouse-Exception-Code"]) == (status, str(code)), body
    assert body.startswith(f"Code: {code}. DB::Exception: ")


@pytest.mark.parametrize("user", ["dongbo", "reader", "default", "nobody"])
@pytest.mark.parametrize("password", ["wrong", "\xa0reader"])  # sent as one byte, which is no UTF-8
def test_wrong_password_is_forbidden(clickhouse: Endpoint, user: str, password: str) -> None:
    headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
    status, _, answered = ask(clickhouse, "SELECT 1", headers=headers)
    assert (status, answered["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_body_over_the_limit_is_refused_however_small_it_came(clickhouse: Endpoint) -> None:
    bomb = gzip.compress(b"0" * (300 << 20), 1)
    status, _, headers = ask(
        clickhouse,
        "INSERT INTO t FORMAT TSV",
        user="dongbo",
        data=bomb,
        headers={"Content-Encoding": "gzip"},
    )
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (413, "229")


def test_bad_insert_stores_nothing_and_the_process_lives(clickhouse: Endpoint, writer: Client) -> None:
    writer.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    for bad in (b"1\n2\nx\n", b"\xff\xfe"):
        with pytest.raises(DatabaseError):
            writer.raw_insert("t", ["a"], bad, fmt="TSV")
    with pytest.raises(DatabaseError):
        writer.raw_insert("t", ["a"], b"\x01\x01garbage", fmt="Native")
    assert writer.command("SELECT count() FROM t") == 0
    assert clickhouse.process.poll() is None


def test_client_that_goes_away_does_not_harm_the_next(clickhouse: Endpoint) -> None:
    for _ in range(3):
        connection = http.client.HTTPConnection(clickhouse.host, clickhouse.port)
        token = base64.b64encode(b"reader:reader").decode()
        headers = {"Authorization": f"Basic {token}"}
        connection.request("POST", "/", "SELECT sleep(0.5)", headers)
        connection.close()
    assert ask(clickhouse, "SELECT 1")[1] == "1\n"


# What a reader must not


@pytest.mark.parametrize(
    "query",
    [
        "SELECT file('/etc/passwd')",
        "SELECT `file`('/etc/passwd')",
        "SELECT \"\\x66ile\"('/etc/passwd')",
        "SELECT FILE/**/('/etc/passwd')",
        "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
        "SELECT * APPLY(\"\\x66ile\") FROM (SELECT '/etc/passwd')",
        "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
        "WITH p AS (SELECT file('/etc/passwd') AS f) SELECT f FROM p",
        "DESCRIBE TABLE file('/etc/passwd')",
        "EXPLAIN SELECT file('/etc/passwd')",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM s3('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM executable('id', TSV, 'a String')",
        "SELECT * FROM python(settings)",
        "SELECT * FROM eval('SELECT 1')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM default.`/etc/passwd`",
        "DESCRIBE TABLE default.`/etc/passwd`",
        "SELECT 1 INTO OUTFILE '/tmp/dongbo-must-not-exist'",
        "INSERT INTO FUNCTION file('/tmp/dongbo-must-not-exist') SELECT 1",
        "INSERT INTO FUNCTION file('/tmp/dongbo-must-not-exist') FORMAT TSV 1",
        "SELECT 1; SELECT file('/etc/passwd')",
        "graph = 1, file('/etc/passwd'), 1 AS graph",
    ],
)
@pytest.mark.parametrize("user", ["reader", "dongbo"])
def test_no_statement_leaves_the_database(clickhouse: Endpoint, query: str, user: str) -> None:
    status, body, _ = ask(clickhouse, query, user=user)
    assert status != 200, body
    assert "root:" not in body
    assert not Path("/tmp/dongbo-must-not-exist").exists()


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TABLE z (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE z (a UInt8)",
        "INSERT INTO system.one VALUES (1)",
        "DROP DATABASE dongbo",
        "SET readonly = 0",
        "SYSTEM FLUSH LOGS",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "ALTER TABLE t DELETE WHERE 1",
        "TRUNCATE TABLE t",
        "OPTIMIZE TABLE t FINAL",
    ],
)
def test_reader_only_reads(clickhouse: Endpoint, query: str) -> None:
    status, body, headers = ask(clickhouse, query)
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (500, "164"), body


def test_readers_limits_hold_against_its_own_settings(clickhouse: Endpoint) -> None:
    limits = "SELECT getSetting('readonly'), getSetting('max_execution_time'), getSetting('max_result_rows')"
    asked = {"readonly": "0", "max_execution_time": "0", "max_result_rows": "99999999", "max_threads": "1"}
    status, body, _ = ask(clickhouse, limits, params=asked)
    assert (status, body) == (200, "1\t30\t1000000\n")
    assert ask(clickhouse, limits, params={"max_execution_time": "3"})[1] == "1\t3\t1000000\n"
    assert ask(clickhouse, "SELECT number FROM numbers(2000000) FORMAT Null")[2][
        "X-ClickHouse-Exception-Code"
    ]


def test_get_only_reads_and_pages_are_refused(clickhouse: Endpoint) -> None:
    url = f"http://{clickhouse.host}:{clickhouse.port}/?user=dongbo&password=dongbo&query="
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url + "CREATE%20DATABASE%20z", timeout=10)
    with caught.value as error:
        assert error.headers["X-ClickHouse-Exception-Code"] == "164"
    status, _, _ = ask(clickhouse, "SELECT 1", headers={"Origin": "http://elsewhere.example"})
    assert status == 403


# Load and life


def test_four_readers_and_two_writers_at_once(clickhouse: Endpoint, writer: Client, database: str) -> None:
    writer.command(f"CREATE TABLE t {TABLE} ENGINE = ReplacingMergeTree ORDER BY id")
    faults: list[Exception] = []

    def insert(first: int) -> None:
        client = clickhouse.client(database)
        for block in range(5):
            client.insert("t", rows(2000, first + block * 2000))
        client.close()

    def read() -> None:
        client = clickhouse.reader(database)
        for _ in range(15):
            client.query("SELECT count(), sum(n3) FROM t FINAL")
        client.close()

    def guarded(work: threading.Thread) -> None:
        try:
            work.run()
        except Exception as error:
            faults.append(error)

    works = [threading.Thread(target=insert, args=(first,)) for first in (0, 10_000)]
    works += [threading.Thread(target=read) for _ in range(4)]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert writer.command("SELECT count() FROM t FINAL") == 20_000


def test_slow_readers_do_not_hold_up_a_writer(clickhouse: Endpoint, writer: Client) -> None:
    writer.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    slow = [
        threading.Thread(target=ask, args=(clickhouse, "SELECT sleep(2)"), kwargs={"user": "reader"})
        for _ in range(8)
    ]
    for thread in slow:
        thread.start()
    writer.insert("t", [[1]])
    waited = sum(thread.is_alive() for thread in slow)
    for thread in slow:
        thread.join()
    assert waited == 8, "the insert came back while every reader was still asleep"


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, clickhouse_port=free_port())


def test_kill_during_inserts_keeps_every_acknowledged_row(own: Settings) -> None:
    endpoint = start(own)
    client = endpoint.client()
    client.command(f"CREATE TABLE t {TABLE} ENGINE = ReplacingMergeTree ORDER BY id")
    acknowledged: list[int] = []

    def insert() -> None:
        try:
            while True:
                first = len(acknowledged) * 500
                client.insert("t", rows(500, first))
                acknowledged.append(first)
        except Exception:  # the endpoint was killed: expected, whatever the client makes of it
            return

    thread = threading.Thread(target=insert)
    thread.start()
    eventually(lambda: len(acknowledged) >= 20)
    endpoint.kill()
    thread.join()
    client.close()
    again = start(own)
    try:
        reader = again.reader()
        found = reader.query("SELECT intDiv(id, 500), count() FROM t FINAL GROUP BY 1").result_rows
        reader.close()
        whole = {block for block, count in found if count == 500}
        assert whole >= set(range(len(acknowledged)))
        assert all(count == 500 for _, count in found), "a block is there whole or not at all"
    finally:
        again.stop()


def test_tables_of_the_default_database_outlive_a_restart(own: Settings) -> None:
    for expected in (1, 2, 3):
        endpoint = start(own)
        client = endpoint.client("default")
        client.command("CREATE TABLE IF NOT EXISTS t (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.insert("t", [[expected]])
        assert client.command("SELECT count() FROM default.t") == expected
        client.close()
        endpoint.stop()


def test_stop_finishes_what_runs_and_ends_with_zero(own: Settings) -> None:
    endpoint = start(own)
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(ask(endpoint, "SELECT sleep(1.5), 42")[:2]))
    thread.start()
    running = "SELECT count() FROM system.processes WHERE query LIKE '%sleep%42%'"
    eventually(lambda: int(ask(endpoint, running, user="dongbo")[1]) > 1)
    endpoint.stop()
    thread.join()
    assert answers == [(200, "0\t42\n")]
    assert endpoint.process.returncode == 0


def test_second_endpoint_on_the_same_data_is_refused(own: Settings) -> None:
    endpoint = start(own)
    try:
        with pytest.raises(Unavailable, match="data_in_use"):
            start(own.model_copy(update={"clickhouse_port": free_port()}))
        assert ask(endpoint, "SELECT 1")[0] == 200
    finally:
        endpoint.stop()


def test_default_password_on_an_open_address_is_refused(own: Settings) -> None:
    with pytest.raises(Unavailable, match="DONGBO_CLICKHOUSE_PASSWORD"):
        start(own.model_copy(update={"clickhouse_host": "0.0.0.0"}))
