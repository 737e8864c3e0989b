"""What is fuzzed: codec, gateway, embedded ClickHouse endpoint. Each says what must never happen."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from ops.settings import Settings
from ops.stack import clickhouse, kafka
from producers.contract.codec import admit, encode
from producers.contract.errors import Reject
from producers.contract.examples import EXAMPLES
from producers.contract.topics import PARTITION_OF_WARD
from producers.natural import NaturalOutbox
from producers.outbox.outbox import Outbox
from streams.warehouse import questions
from streams.warehouse.migrate import migrate
from streams.warehouse.receipts import Receipts
from streams.warehouse.store import Address, Store
from tests.conftest import free_port
from tests.fuzz import http
from tests.pipeline import gateway as gateways

_ARRIVED_S: Final = 1_893_456_000.0
_TIMEOUT_S: Final = 60.0
_WARD: Final = b"00070"
_SQL: Final = Path(__file__).resolve().parents[2] / "sql"


class Target(NamedTuple):
    """`taste` says in a word what an input did; it raises AssertionError for what must not happen."""

    seeds: tuple[bytes, ...]
    taste: Callable[[bytes], str]
    pid: int
    """The process whose time and memory are watched; 0 for this one."""
    cpu_s_max: float = 2.0
    """Of one input: time on the processors, which a busy machine does not make longer."""
    growth_mb_max: float = 150.0
    """Of one input."""


@contextmanager
def codec() -> Iterator[Target]:
    """Any bytes are an event or have a reason."""
    yield Target(tuple(encode(event) for event in EXAMPLES), _admitted, 0)


def _admitted(value: bytes) -> str:
    partition = PARTITION_OF_WARD[_WARD.decode()]
    try:
        event, _ = admit(value, _WARD, partition, _ARRIVED_S)
    except Reject as reject:
        return f"{reject.code} {reject.member}"
    again, _ = admit(encode(event), _WARD, partition, _ARRIVED_S)
    assert again == event, "what was admitted is another event when it is read again"
    return type(event).__name__


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[clickhouse.Endpoint, Store]]:
    """The embedded engine with the whole schema."""
    server = clickhouse.start(settings)
    password = settings.clickhouse_password.get_secret_value()
    address = Address(
        server.host, server.port, settings.clickhouse_database, settings.clickhouse_user, password
    )
    try:
        with Store(address) as store:
            migrate(store, _SQL)
            yield server, store
    finally:
        server.stop()


@contextmanager
def gateway() -> Iterator[Target]:
    """Any request has an answer below 500, with Kafka and the city's ClickHouse there."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(data_dir=folder, kafka_bootstrap=f"127.0.0.1:{free_port()}")
        broker = kafka.start(settings)
        stack.callback(broker.stop)
        _, store = stack.enter_context(_database(Settings(data_dir=folder, clickhouse_port=free_port())))
        outbox = stack.enter_context(Outbox(folder / "o.sqlite"))
        door = stack.enter_context(
            gateways.running(
                broker.bootstrap,
                folder,
                topic=gateways.topic(broker.bootstrap),
                city=Receipts(store),
                numberer=NaturalOutbox(outbox),
                burst_events=10**9,
            )
        )
        yield Target(_gateway_seeds(), lambda text: _answered(door.port, text), 0)


def _gateway_seeds() -> tuple[bytes, ...]:
    events = [json.loads(encode(event)) for event in EXAMPLES]
    bodies = [json.dumps(events[0]), json.dumps(events), "\n".join(map(json.dumps, events))]
    kinds = ["application/json", "application/json", "application/x-ndjson"]
    seeds = [
        _request("POST", path, body, kind)
        for path in ("/v1/events", "/v1/events:validate")
        for body, kind in zip(bodies, kinds, strict=True)
    ]
    seeds += [
        _request("POST", path, json.dumps(events[-1]["data"])) for path in ("/v1/heartbeat", "/v1/day-totals")
    ]
    seeds += [
        _request("GET", path, "") for path in ("/v1/receipt", "/docs", "/v1/openapi.json", "/health", "/")
    ]
    return tuple(seeds)


def _request(method: str, path: str, body: str, kind: str = "application/json") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\nAuthorization: Bearer {gateways.TOKEN}\nContent-Type: {kind}\n\n{body}"
    ).encode()


def _lives(port: int, path: str) -> None:
    """Closed without an answer is right for what is no HTTP; but who closed must still be there."""
    reply = http.send(port, f"GET {path} HTTP/1.1\n\n".encode(), _TIMEOUT_S)
    assert reply.status == 200, f"closed without an answer, and then {path} says {reply.status}"


def _answered(port: int, text: bytes) -> str:
    reply = http.send(port, text, _TIMEOUT_S)
    if not reply.status:
        _lives(port, "/healthz")
    assert reply.status < 500, f"{reply.status}: {reply.raw[:300]!r}"
    assert b"Traceback" not in reply.raw, "a stack trace went out"
    return str(reply.status)


@contextmanager
def endpoint() -> Iterator[Target]:
    """Any request of a reader has an answer; where it is refused, with ClickHouse's own code."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(data_dir=folder, clickhouse_port=free_port(), clickhouse_reader_seconds_max=5)
        server, _ = stack.enter_context(_database(settings))
        # A reader may use a gigabyte for five seconds on both processors, and merges go on beside it.
        pid = server.process.pid
        yield Target(_endpoint_seeds(), lambda text: _asked(server.port, text), pid, 15.0, 1_500.0)


def _endpoint_seeds() -> tuple[bytes, ...]:
    asked = [one.sql for one in questions.load(_SQL / "questions").values() if not one.parameters]
    plain = [
        "SELECT number, toString(number) FROM numbers(100) FORMAT JSON",
        "SELECT * FROM v_city_day ORDER BY day LIMIT 5 FORMAT CSVWithNames",
        "SHOW TABLES",
        "DESCRIBE TABLE v_ward_day",
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() LIMIT 20 FORMAT Native",
        "INSERT INTO events FORMAT JSONEachRow {}",
        "WITH 1 AS a SELECT a, [1, 2], map('x', 1), now64(3) SETTINGS max_threads = 1",
    ]
    seeds = [_query("", text) for text in (*plain, *asked)]
    seeds.append(_query("&param_day=2025-07-01&query_id=abc&session_id=s1", "SELECT {day:Date}"))
    seeds.append(_query("&default_format=Parquet&enable_http_compression=1&wait_end_of_query=1", "SELECT 1"))
    seeds.append(b"GET /?query=SELECT%201&user=reader&password=reader HTTP/1.1\nAccept-Encoding: gzip\n\n")
    seeds.append(b"GET /ping HTTP/1.1\n\n")
    return tuple(seeds)


def _query(more: str, sql: str) -> bytes:
    head = f"POST /?database=dongbo{more} HTTP/1.1\nX-ClickHouse-User: reader\nX-ClickHouse-Key: reader"
    return f"{head}\n\n{sql}".encode()


def _asked(port: int, text: bytes) -> str:
    reply = http.send(port, text, _TIMEOUT_S)
    if not reply.status:
        _lives(port, "/ping")
    code = reply.raw.lower().partition(b"x-clickhouse-exception-code: ")[2].partition(b"\r\n")[0].decode()
    # As a server of ClickHouse's: 500 is the status of a statement that failed, and then it has a code.
    assert reply.status < 500 or code, f"{reply.status} without a code: {reply.raw[:300]!r}"
    assert b"Traceback" not in reply.raw, "a stack trace went out"
    return f"{reply.status} {code}"


TARGETS: Final = {"codec": codec, "gateway": gateway, "endpoint": endpoint}
