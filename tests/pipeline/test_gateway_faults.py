"""Goal: no client and no outage hurts the gateway: bounded memory, right status, no event lost or doubled.

Method: real broker, real sockets; the broker is killed by process id; every wait is bounded.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import random
import resource
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ops.settings import Settings
from ops.stack import kafka as kafka_stack
from ops.stack.kafka import Broker
from producers.contract.topics import topic_specs
from producers.natural.outbox import NaturalOutbox
from producers.outbox import Outbox
from streams.topics_setup import ensure_topics
from tests.conftest import eventually, free_port
from tests.pipeline.gateway import OTHER, OTHER_TOKEN, TOKEN, WARD, Gateway, messages, running, topic
from tests.pipeline.test_gateway import numberless, wire

FUZZED = 10_000


@pytest.fixture(scope="module")
def tight(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose limits are so small that they are reached."""
    with running(
        kafka.bootstrap,
        tmp_path_factory.mktemp("tight"),
        topic=topic(kafka.bootstrap),
        body_bytes_max=100_000,
        in_flight_bytes_max=250_000,
        connections_max=8,
        rate_events_s=20.0,
        burst_events=40,
        idle_timeout_s=1.0,
        body_timeout_s=1.0,
    ) as found:
        yield found


def read_all(connection: Any) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def dripped(connection: socket.socket, line: bytes, seconds: float) -> bool:
    """Send a line again and again; whether the other side ended the connection."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            connection.sendall(line)
        except OSError:
            return True
        time.sleep(0.1)
    return False


def head(length: int, *lines: str) -> bytes:
    first = ["POST /v1/events HTTP/1.1", "Host: x", f"Authorization: Bearer {TOKEN}"]
    return "\r\n".join([*first, f"Content-Length: {length}", *lines, "", ""]).encode()


def code_of(answer: bytes) -> tuple[int, str]:
    first, _, body = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(body)["code"]


def test_slowloris_in_the_head_is_cut_off(tight: Gateway) -> None:
    begun = time.monotonic()
    with tight.raw() as connection:
        connection.sendall(b"POST /v1/events HTTP/1.1\r\n")
        assert dripped(connection, b"X-A: b\r\n", 10.0)
    assert time.monotonic() - begun < 5
    eventually(lambda: tight.door.gate.open == 0)


def test_slowloris_in_the_body_is_408_and_cut_off(tight: Gateway) -> None:
    begun = time.monotonic()
    with tight.raw() as connection:
        connection.sendall(head(1000) + b"{")
        assert code_of(read_all(connection)) == (408, "body_too_slow")
    assert time.monotonic() - begun < 5


def test_silent_connection_is_closed(tight: Gateway) -> None:
    with tight.raw() as connection:
        assert read_all(connection) == b""


def test_body_cut_in_the_middle_sends_nothing_and_frees_its_room(tight: Gateway) -> None:
    body = json.dumps(wire(1)).encode()
    for _ in range(20):
        with tight.raw() as connection:
            connection.sendall(head(len(body)) + body[: len(body) // 2])
    # Accepted after the twenty, whatever its answer: without it the wait could end before they have begun.
    tight.ask("GET", "/healthz")
    eventually(lambda: tight.door.gate.open == 0 and tight.door.room.taken == 0)


def test_gzip_cut_in_the_middle_is_400(tight: Gateway) -> None:
    body = gzip.compress(json.dumps(wire(1)).encode())[:-9]
    answer = tight.post(body, Content_Encoding="gzip")
    assert (answer.status, answer.json["code"]) == (400, "bad_gzip")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_another_encoding_is_415(tight: Gateway, encoding: str) -> None:
    assert tight.post(b"{}", Content_Encoding=encoding).status == 415


def bomb(size: int) -> bytes:
    """A gzip file of so many blanks: a packed mebibyte, repeated, since a full flush makes it stand alone."""
    packer = zlib.compressobj(9, wbits=31)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * (size >> 20) + packer.flush()


def test_gzip_bomb_of_a_gigabyte_costs_neither_memory_nor_time(kafka: Broker, tmp_path: Path) -> None:
    body = bomb(1 << 30)
    assert zlib.decompressobj(31).decompress(body, 4 << 20) == b" " * (4 << 20)
    with running(kafka.bootstrap, tmp_path, topic=topic(kafka.bootstrap)) as gateway:
        before_kb, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        answer = gateway.post(body, Content_Encoding="gzip")
        took_s = time.monotonic() - begun
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert took_s < 2
    assert grown_kb < 64 * 1024


def test_body_over_the_limit_is_413_by_its_length_and_in_chunks(tight: Gateway) -> None:
    declared = tight.post(b" " * 100_001)
    with tight.raw() as connection:
        lines = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        connection.sendall(lines + (b"2710\r\n" + b" " * 10_000 + b"\r\n") * 11)
        chunked = read_all(connection)
    assert (declared.status, declared.json["code"]) == (413, "body_too_large")
    assert code_of(chunked) == (413, "body_too_large")


def test_bodies_over_the_room_for_all_are_503(tight: Gateway) -> None:
    with tight.door.room.lease() as lease:
        lease.grow(249_000)
        busy = tight.post([wire(seq) for seq in range(1, 6)], token=OTHER_TOKEN)
    assert (busy.status, busy.json["code"], "Retry-After" in busy.headers) == (503, "busy", True)


def test_more_connections_than_allowed_are_503(tight: Gateway) -> None:
    eventually(lambda: tight.door.gate.open == 0)
    held = [tight.raw() for _ in range(8)]
    try:
        eventually(lambda: tight.door.gate.open == 8)
        with tight.raw() as connection:
            assert code_of(read_all(connection)) == (503, "busy")
    finally:
        for connection in held:
            connection.close()
    eventually(lambda: tight.door.gate.open == 0)
    assert tight.ask("GET", "/healthz").status == 200


def test_a_ward_that_is_too_fast_gets_429_and_others_are_served(tight: Gateway) -> None:
    def burst() -> Any:
        answer = tight.post([wire(seq) for seq in range(1, 31)])
        assert answer.status == 429
        return answer

    answer = eventually(burst)
    assert answer.json["code"] == "too_many_events"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3
    assert tight.post(wire(1, ward=OTHER), token=OTHER_TOKEN).status == 202
    time.sleep(int(answer.headers["Retry-After"]))
    assert tight.post([wire(seq) for seq in range(1, 31)]).status == 202


async def test_two_hundred_clients_at_once_are_all_served(kafka: Broker, tmp_path: Path) -> None:
    name = topic(kafka.bootstrap)
    with running(kafka.bootstrap, tmp_path, topic=name) as gateway:
        url = f"http://127.0.0.1:{gateway.port}/v1/events"
        connector = aiohttp.TCPConnector(limit=200)

        async def client(session: aiohttp.ClientSession, number: int) -> set[int]:
            statuses = set()
            for first in range(number * 30, number * 30 + 30, 10):
                batch = [wire(seq) for seq in range(first + 1, first + 11)]
                async with session.post(url, json=batch) as response:
                    statuses.add(response.status)
            return statuses

        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            answers = await asyncio.gather(*(client(session, number) for number in range(200)))
    assert set().union(*answers) == {202}
    ids = {json.loads(one.value())["id"] for one in messages(kafka.bootstrap, name, 6_000)}
    assert len(ids) == 6_000


def test_long_bodies_without_events_are_charged_too(tight: Gateway) -> None:
    def refused() -> bool:
        return tight.post(b"[" + b" " * 90_000, token=OTHER_TOKEN).status == 429

    eventually(refused, timeout=5)


def _fuzzed(random_: random.Random) -> bytes:
    """A valid event, batch or NDJSON, damaged in one of many ways."""
    event = wire(random_.randint(1, 9))
    if random_.random() < 0.3:
        event = numberless(random_.randint(1, 9))
    if random_.random() < 0.5:
        place: Any = random_.choice([event, event["data"]])
        place[random_.choice([*place, "x"])] = random_.choice(_VALUES)
    body = bytearray(json.dumps(random_.choice([event, [event], [event, 1]])).encode())
    for _ in range(random_.choice([0, 0, 1, 1, 2, 8])):
        at = random_.randrange(len(body))
        cut = random_.choice([b"", b"\x00", b"\xff", b'"', b"{", b"]", b"\\", b"\\ud800", b"1e999", b"\n"])
        body[at : at + random_.choice([0, 1, 3])] = cut
    return bytes(body[: random_.choice([len(body), len(body), random_.randrange(len(body))])])


_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**53 + 1,
    2**70,
    1e308,
    "",
    "\x00",
    "\ud800",
    "x" * 70_000,
    [],
    {},
    [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]],
    {"a": {"a": {}}},
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "2025-07-01T08:00:00",
    "00004",
    "ế",
]


def test_fuzzed_bodies_never_give_a_5xx_or_a_stack_trace(
    kafka: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seed = 4
    random_, wrong, seen = random.Random(seed), [], set()
    kinds = ("application/json", "application/x-ndjson", "text/plain", "")
    with (
        Outbox(tmp_path / "o.sqlite") as outbox,
        running(
            kafka.bootstrap,
            tmp_path,
            topic=topic(kafka.bootstrap),
            numberer=NaturalOutbox(outbox),
            burst_events=10**9,
        ) as gateway,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
        for number in range(FUZZED):
            body, headers = _fuzzed(random_), {"Authorization": f"Bearer {TOKEN}"}
            headers["Content-Type"] = random_.choice(kinds)
            if random_.random() < 0.1:
                headers["Content-Encoding"] = random_.choice(["gzip", "identity", "x"])
                body = gzip.compress(body, 1) if random_.random() < 0.5 else body
            path = "/v1/events" if number % 50 == 0 else "/v1/events:validate"
            path = random_.choice(["/v1/heartbeat", "/v1/day-totals"]) if number % 50 == 1 else path
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            answer = response.read()
            seen.add(response.status)
            if response.status not in (200, 202, 400, 415, 422) or b"Traceback" in answer:
                wrong.append((number, response.status, body[:200], answer[:200]))
        connection.close()
    assert not wrong, f"seed {seed}: {wrong[:3]}"
    assert seen == {200, 202, 400, 415, 422}
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[tuple[Settings, list[Broker]]]:
    """A broker that the test may kill; the list holds the present one."""
    settings = Settings(data_dir=tmp_path / "kafka", kafka_bootstrap=f"127.0.0.1:{free_port()}")
    brokers = [kafka_stack.start(settings)]
    yield settings, brokers
    brokers[-1].stop()


def test_kafka_killed_in_mid_request_is_503_and_the_retry_gives_each_event_once(
    own_broker: tuple[Settings, list[Broker]], tmp_path: Path
) -> None:
    settings, brokers = own_broker
    name = topic(settings.kafka_bootstrap)
    statuses: list[int] = []
    with (
        Outbox(tmp_path / "o.sqlite") as outbox,
        running(
            settings.kafka_bootstrap,
            tmp_path,
            topic=name,
            numberer=NaturalOutbox(outbox),
            send_timeout_s=1.5,
            burst_events=10**9,
        ) as gateway,
    ):

        def client() -> None:
            """A vendor's program: every batch again until it is 202."""
            for first in range(1, 301, 10):
                batch = [wire(seq) for seq in range(first, first + 10)]
                batch.append(numberless(first))
                for _ in range(100):
                    statuses.append(gateway.post(batch).status)
                    if statuses[-1] == 202:
                        break
                    time.sleep(0.2)

        thread = threading.Thread(target=client)
        thread.start()
        eventually(lambda: statuses.count(202) >= 5)
        brokers[-1].kill()
        eventually(lambda: 503 in statuses)
        assert gateway.ask("GET", "/healthz").json["state"] == "waiting"
        brokers.append(kafka_stack.start(settings))
        thread.join(60)
        assert not thread.is_alive()
        epoch = outbox.epoch
    assert set(statuses) == {202, 503}
    assert statuses.count(202) == 30
    ids = {json.loads(one.value())["id"] for one in messages(settings.kafka_bootstrap, name, 330)}
    complete = {f"{WARD}/test/{seq}" for seq in range(1, 301)}
    assert ids == complete | {f"{WARD}/{epoch}/{seq}" for seq in range(1, 31)}


def test_gateway_started_before_kafka_says_503_and_goes_on_when_it_is_there(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "kafka", kafka_bootstrap=f"127.0.0.1:{free_port()}")
    with running(settings.kafka_bootstrap, tmp_path, topic="gw.late", there=False) as gateway:
        before = gateway.post(wire(1))
        broker = kafka_stack.start(settings)
        try:
            missing = gateway.post(wire(1))
            ensure_topics(settings.kafka_bootstrap, [topic_specs("gw.late", "gw")[0]])
            eventually(lambda: gateway.post(wire(1)).status == 202, timeout=20)
        finally:
            broker.stop()
    assert (before.status, before.json["code"]) == (503, "kafka_away")
    assert missing.status == 503
    assert int(before.headers["Retry-After"]) >= 1
