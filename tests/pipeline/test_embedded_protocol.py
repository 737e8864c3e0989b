"""Goal: the endpoint speaks HTTP as ClickHouse does, in rarer parts too, and nothing sent to it does harm.

Method: plain HTTP and raw sockets against the real endpoint process.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.stack.clickhouse import Endpoint
from ops.stack.clickhouse.cityhash import cityhash128
from ops.stack.clickhouse.packing import native_block, native_unpack
from ops.stack.clickhouse.statement import as_invoker, parse
from tests.conftest import eventually, unique_name
from tests.pipeline.client import Answer, ask

WRITER = "dongbo"
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 5"


def resident_mb(endpoint: Endpoint) -> int:
    """What the endpoint's process holds in memory."""
    pages = Path(f"/proc/{endpoint.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") >> 20


@contextmanager
def asked(endpoint: Endpoint, query: str, **params: str) -> Iterator[http.client.HTTPConnection]:
    """A connection over which the writer has asked, its answer unread."""
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=120)
    token = base64.b64encode(b"dongbo:dongbo").decode()
    url = "/?" + "&".join(f"{name}={value}" for name, value in params.items())
    connection.request("POST", url, query.encode(), {"Authorization": f"Basic {token}"})
    try:
        yield connection
    finally:
        connection.close()


def running(endpoint: Endpoint, query_id: str) -> bool:
    shown = f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'"
    return ask(endpoint, shown, user=WRITER).text == "1\n"


def test_a_string_that_names_the_process_list_stays_what_it_is(clickhouse: Endpoint) -> None:
    mine = "countIf(query LIKE '%system.processes%') > 0"
    found = ask(clickhouse, f"SELECT 'it''s \\'system.processes', {mine} FROM system.processes", user=WRITER)
    assert found.text == "it\\'s \\'system.processes\t1\n"
    shown = "SELECT /* it's */ count() > 0 FROM system.processes WHERE user = 'dongbo'"
    assert ask(clickhouse, shown, user=WRITER).text == "1\n"


def in_thread(work: Callable[[], Answer]) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    return thread, answers


# Large results


def test_large_result_is_never_in_memory_at_once(clickhouse: Endpoint) -> None:
    ask(clickhouse, "SELECT number FROM numbers(100000) FORMAT JSON", user=WRITER)
    before, most, size = resident_mb(clickhouse), 0, 0
    with asked(
        clickhouse, "SELECT number, repeat('x', 500) FROM numbers(3200000) FORMAT JSONCompact"
    ) as connection:
        answer = connection.getresponse()
        while piece := answer.read(1 << 22):
            size += len(piece)
            most = max(most, resident_mb(clickhouse))
    assert size > 1560 << 20
    assert piece == b""
    # Blocks on their way are in memory, more of them while both cores are busy elsewhere.
    assert most - before < 800


@pytest.mark.parametrize("name", ["JSON", "CSVWithNames", "Parquet", "Arrow", "RowBinaryWithNamesAndTypes"])
def test_streamed_result_is_one_document_in_any_format(clickhouse: Endpoint, name: str) -> None:
    """The engine's own streaming repeats head and foot with every block."""
    query = f"SELECT number, toString(number) FROM numbers(400000) FORMAT {name}"
    streamed = ask(clickhouse, query).body
    whole = ask(clickhouse, query, params={"wait_end_of_query": "1"}).body
    if name == "JSON":
        assert json.loads(streamed)["data"] == json.loads(whole)["data"]
    else:
        assert streamed == whole


def test_error_on_the_way_follows_the_part_and_breaks_the_connection_off(clickhouse: Endpoint) -> None:
    late = "SELECT throwIf(number = 900000), repeat('x', 100) FROM numbers(1000000)"
    with asked(clickhouse, late) as connection:
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
    tag = answer.headers["X-ClickHouse-Exception-Tag"].encode()
    frame = broken.value.partial[-2000:]
    start = frame.index(b"\r\n__exception__\r\n" + tag + b"\r\n")
    assert frame.endswith(tag + b"\r\n__exception__\r\n")
    assert b"Code: 395. DB::Exception" in frame[start:]
    asked_whole = ask(clickhouse, late, params={"wait_end_of_query": "1"})
    assert (asked_whole.status, asked_whole.code) == (500, 395)


# Stopping


def test_kill_query_stops_a_statement_by_the_clients_own_id(clickhouse: Endpoint) -> None:
    mine = unique_name("mine")
    thread, answers = in_thread(lambda: ask(clickhouse, ENDLESS, params={"query_id": mine}))
    eventually(lambda: running(clickhouse, mine), timeout=60)
    killed = ask(clickhouse, f"KILL QUERY WHERE query_id = '{mine}' SYNC FORMAT JSONEachRow")
    thread.join(60)
    assert (answers[0].code, killed.status) == (394, 200), answers
    assert json.loads(killed.body)["query_id"] == mine


def test_a_reader_cannot_stop_or_see_what_is_not_its_own(clickhouse: Endpoint) -> None:
    theirs = unique_name("theirs")
    with asked(clickhouse, ENDLESS, query_id=theirs):
        eventually(lambda: running(clickhouse, theirs), timeout=60)
        assert ask(clickhouse, "KILL QUERY WHERE 1").text == ""
        assert theirs not in ask(clickhouse, "SHOW PROCESSLIST").text
        assert running(clickhouse, theirs)
        assert theirs in ask(clickhouse, "SHOW PROCESSLIST", user=WRITER).text
    eventually(lambda: not running(clickhouse, theirs), timeout=60)


@pytest.mark.parametrize(
    "query", [ENDLESS, "SELECT sleep(3), sleep(3), sleep(3)", "SELECT * FROM system.numbers"]
)
def test_client_that_goes_away_ends_what_reads_for_it(clickhouse: Endpoint, query: str) -> None:
    gone = unique_name("gone")
    with asked(clickhouse, query, query_id=gone):
        eventually(lambda: running(clickhouse, gone), timeout=60)
    eventually(lambda: not running(clickhouse, gone), timeout=60)


def test_kill_takes_conditions_but_no_way_out_of_the_database(clickhouse: Endpoint) -> None:
    assert ask(clickhouse, "KILL QUERY WHERE file('/etc/passwd') != ''").code == 497
    assert ask(clickhouse, "KILL QUERY WHERE 1) UNION ALL (SELECT 1, 2, 3").status != 200
    assert ask(clickhouse, "KILL QUERY WHERE absent").code == 47


# Sessions


def test_session_of_a_writer_keeps_temporary_tables_and_settings(clickhouse: Endpoint) -> None:
    session = {"session_id": unique_name("s"), "session_timeout": "60"}

    def told(sql: str, **more: str) -> Answer:
        return ask(clickhouse, sql, params=session | more, user=WRITER)

    assert told("SELECT 1", session_check="1").code == 372
    assert told("CREATE TEMPORARY TABLE mine (a UInt8)").status == 200
    assert told("INSERT INTO mine VALUES (7)").status == 200
    told("SET max_block_size = 123")
    assert told("SELECT a, getSetting('max_block_size') FROM mine", session_check="1").text == "7\t123\n"
    assert ask(clickhouse, "SELECT a FROM mine", user=WRITER).code == 60
    assert told("SELECT 1", session_timeout="99999999").code == 374


def test_session_in_use_is_locked_and_a_readers_is_harmless(clickhouse: Endpoint) -> None:
    session, query_id = {"session_id": unique_name("s")}, unique_name("busy")
    with asked(clickhouse, "SELECT sleep(3)", query_id=query_id, **session):
        eventually(lambda: running(clickhouse, query_id), timeout=60)
        assert ask(clickhouse, "SELECT 1", params=session, user=WRITER).code == 373
    for _ in range(2):
        assert ask(clickhouse, "SELECT 1", params=session).text == "1\n"
    assert ask(clickhouse, "SET max_threads = 1", params=session).code == 164


# Compression


def test_native_checksum_is_the_known_one() -> None:
    """Taken from another implementation (Go), at every length where the algorithm takes another way."""
    known = {
        0: "2b9ac064fc9df03d291ee592c340b53c",
        9: "f2779da90850888088ef4ae84f365408",
        40: "34718b73f593dc6708ddbf2759214220",
        127: "2c7d14dc18cd84242e0163390cb41e46",
        144: "227fbc9d0276a19b08a16461a4ae9ca9",
        1000: "24448d65900ddd99c08c302cd54ef570",
    }
    for size, digest in known.items():
        data = bytes((place * 7 + size) & 255 for place in range(size))
        assert cityhash128(data).hex() == digest, size


def test_native_blocks_in_both_directions(clickhouse: Endpoint) -> None:
    query = "SELECT number FROM numbers(500000)"
    packed = ask(clickhouse, query, params={"compress": "1"})
    assert native_unpack(packed.body, 1 << 30) == ask(clickhouse, query).body
    sent = native_block(b"SELECT 'packed'")
    assert _posted(clickhouse, sent, "decompress=1").text == "packed\n"
    broken = bytes([sent[0] ^ 1]) + sent[1:]
    assert _posted(clickhouse, broken, "decompress=1").code == 40
    assert _posted(clickhouse, sent[:20], "decompress=1").code == 271


def _posted(endpoint: Endpoint, body: bytes, url: str, **headers: str) -> Answer:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=60)
    connection.request("POST", f"/?user=reader&password=reader&{url}", body, headers)
    answer = connection.getresponse()
    found = Answer(answer.status, answer.read(), dict(answer.headers))
    connection.close()
    return found


# Heads


def test_every_output_format_has_its_content_type(clickhouse: Endpoint) -> None:
    formats = ask(clickhouse, "SELECT name, content_type FROM system.formats WHERE is_output FORMAT TSV").text
    seen = 0
    for line in formats.splitlines():
        name, kind = line.split("\t")
        answer = ask(clickhouse, "SELECT 1 AS a", params={"default_format": name})
        if answer.status == 200:
            seen += 1
            assert (answer.headers["X-ClickHouse-Format"], answer.headers["Content-Type"]) == (name, kind)
    assert seen > 60


def test_progress_stands_in_the_head_while_the_statement_runs(clickhouse: Endpoint) -> None:
    token = base64.b64encode(b"reader:reader").decode()
    asked_for = "send_progress_in_http_headers=1&http_headers_progress_interval_ms=10"
    sql = b"SELECT sum(sleepEachRow(0.2)) FROM numbers(10) SETTINGS max_block_size = 1"
    head = f"POST /?{asked_for}&max_block_size=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n"
    sql = sql.partition(b" SETTINGS")[0]
    with socket.create_connection((clickhouse.host, clickhouse.port), timeout=60) as connection:
        connection.sendall(f"{head}Connection: close\r\nContent-Length: {len(sql)}\r\n\r\n".encode() + sql)
        heads, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    lines = heads.decode().split("\r\n")
    told = [
        json.loads(line.split(": ", 1)[1]) for line in lines if line.startswith("X-ClickHouse-Progress: ")
    ]
    assert lines[0] == "HTTP/1.1 200 OK"
    assert len(told) >= 2
    assert int(told[-1]["read_rows"]) >= int(told[0]["read_rows"])
    assert any(line.startswith("X-ClickHouse-Summary: ") for line in lines)
    assert b"0\n" in body


def test_summary_tells_what_was_read_and_written(clickhouse: Endpoint) -> None:
    answer = ask(clickhouse, "SELECT number FROM numbers(10)")
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("10", "10")


def test_writer_that_asks_for_readonly_only_reads(clickhouse: Endpoint) -> None:
    create = "CREATE TABLE z (a UInt8) ENGINE = Memory"
    assert ask(clickhouse, create, params={"readonly": "1"}, user=WRITER).code == 164


# Bad input


@pytest.mark.parametrize(
    ("params", "headers"),
    [
        ({"database": "x` ; DROP DATABASE dongbo; --"}, {}),
        ({"database": "../../etc"}, {}),
        ({"default_format": "TSV INTO OUTFILE '/tmp/x'"}, {}),
        ({"default_format": "TSV\nSETTINGS readonly=0"}, {}),
        ({}, {"X-ClickHouse-Format": "TSV'; --"}),
        ({}, {"X-ClickHouse-Database": "a`b"}),
        ({"max_block_size": "1, readonly = 0"}, {}),
        ({"session_timezone": "'; SELECT 1"}, {}),
        ({"session_id": "x' OR 1", "session_timeout": "-1"}, {}),
        ({"session_timeout": "1e9", "session_id": "x"}, {}),
        ({"decompress": "1"}, {}),
        ({}, {"Content-Encoding": "gzip"}),
        ({}, {"Content-Encoding": "../x"}),
        ({}, {"X-ClickHouse-User": "nobody' OR 1=1 --", "X-ClickHouse-Key": ""}),
    ],
)
def test_hostile_parameters_are_refused(
    clickhouse: Endpoint, params: dict[str, str], headers: dict[str, str]
) -> None:
    answer = ask(clickhouse, "SELECT getSetting('readonly')", params=params, headers=headers)
    assert answer.status != 200, answer.text
    assert answer.code > 0
    assert "\n" not in answer.headers["X-ClickHouse-Exception-Code"]
    assert ask(clickhouse, "SELECT getSetting('readonly')").text == "1\n"


def test_odd_names_are_ignored_and_values_stay_values(clickhouse: Endpoint) -> None:
    params = {
        "param_x": "'); DROP DATABASE dongbo; --",
        "query_id": "a\r\nSet-Cookie: x=1",
        "readonly, max_threads": "0",
        "max_execution_time": "1' , readonly = '0",
        "no such setting": "1",
        "http_headers_progress_interval_ms": "x" * 50,
    }
    answer = ask(clickhouse, "SELECT {x:String}, getSetting('readonly')", params=params)
    assert answer.text == "\\'); DROP DATABASE dongbo; --\t1\n"
    assert "Set-Cookie" not in answer.headers
    assert "\n" not in answer.headers["X-ClickHouse-Query-Id"]
    name = ask(clickhouse, "SELECT * FROM {t:Identifier}", params={"param_t": "one` UNION ALL SELECT 1 --"})
    assert name.code == 60


def test_a_reader_sends_statements_and_no_data(clickhouse: Endpoint) -> None:
    assert ask(clickhouse, "SELECT 1 -- " + "x" * (2 << 20)).code == 229
    assert ask(clickhouse, "SELECT '" + "x" * 300_000 + "'").code == 62


@pytest.mark.parametrize("piece", [b"'\\", b"/*", b"'\\\"", b"`\\`", b"(", b"--x\n", b"'x", b"#!"])
def test_no_text_takes_longer_than_its_length(piece: bytes) -> None:
    """Each of these took hours while what is never closed was looked for again from every character."""
    parse(b"SELECT " + piece * (250_000 // len(piece)), b"")


def test_views_read_as_whoever_asks_whatever_they_were_written_with() -> None:
    head, tail = "CREATE VIEW v /* DEFINER = a */ ", " AS SELECT 'SQL SECURITY DEFINER'"
    written = f"{head}DEFINER = CURRENT_USER SQL SECURITY definer{tail}"
    assert as_invoker(written) == f"{head} SQL SECURITY INVOKER{tail}"
