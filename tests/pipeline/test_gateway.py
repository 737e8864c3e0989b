"""Goal: what the gateway answers is what Kafka has. Method: real broker, real HTTP, a gateway in a thread."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.stack.kafka import Broker
from producers.contract import codec
from producers.contract.errors import Unavailable
from producers.contract.examples import EXAMPLES
from producers.contract.receipt import Receipt, SeqRange
from producers.contract.topics import PARTITION_OF_WARD
from producers.natural.outbox import NaturalOutbox
from producers.outbox import Outbox
from tests.builders import status
from tests.pipeline.gateway import OTHER, OTHER_TOKEN, TOKEN, WARD, Gateway, messages, running, topic


def wire(seq: int, **members: Any) -> dict[str, Any]:
    found = json.loads(codec.encode(status(seq, **members)))
    assert isinstance(found, dict)
    return found


def numberless(serial: int, **members: Any) -> dict[str, Any]:
    """An event of a system that has no seqs, with as little as the gateway asks for."""
    event = wire(serial, **members)
    data = {name: value for name, value in event["data"].items() if name not in ("ward", "epoch", "seq")}
    return {"type": event["type"], "time": event["time"], "data": data}


class City:
    """A city that says what it is told to."""

    def __init__(self) -> None:
        self.away = False

    def receipt(self, ward: str) -> Receipt:
        self._check()
        return Receipt(
            ward=ward, complete=False, received=3, missing=3, rejected=0, heard_at=None, epochs=[], rejects=[]
        )

    def requests(self, ward: str) -> list[SeqRange]:
        self._check()
        return [SeqRange("test", 17, 19)]

    def _check(self) -> None:
        if self.away:
            raise Unavailable("clickhouse", "away", "wait")


@pytest.fixture(scope="module")
def city() -> City:
    return City()


@pytest.fixture(scope="module")
def name(kafka: Broker) -> str:
    return topic(kafka.bootstrap)


@pytest.fixture(scope="module")
def gateway(
    kafka: Broker, city: City, name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    with (
        Outbox(folder / "outbox.sqlite") as outbox,
        running(
            kafka.bootstrap,
            folder,
            topic=name,
            city=city,
            numberer=NaturalOutbox(outbox),
            body_bytes_max=1_000_000,
            batch_events_max=300,
            burst_events=1_000_000,
        ) as found,
    ):
        yield found


def test_accepted_events_are_in_the_wards_partition_with_its_key(kafka: Broker, tmp_path: Path) -> None:
    events = [wire(seq) for seq in range(1, 101)]
    own = topic(kafka.bootstrap)
    with running(kafka.bootstrap, tmp_path, topic=own) as gateway:
        ndjson = b"\n".join(json.dumps(event).encode() for event in events[:40])
        answers = [
            gateway.post(ndjson, Content_Type="application/x-ndjson"),
            gateway.post(events[40:99]),
            gateway.post(gzip.compress(json.dumps(events[99]).encode()), Content_Encoding="gzip"),
        ]
    assert [(answer.status, answer.json["accepted"]) for answer in answers] == [
        (202, 40),
        (202, 59),
        (202, 1),
    ]
    assert answers[0].json["events"][16] == {"index": 16, "outcome": "accepted", "id": f"{WARD}/test/17"}
    found = messages(kafka.bootstrap, own, 100)
    assert {(one.key(), one.partition()) for one in found} == {(WARD.encode(), PARTITION_OF_WARD[WARD])}
    assert [json.loads(one.value())["id"] for one in found] == [event["id"] for event in events]


def test_every_published_example_is_accepted(gateway: Gateway) -> None:
    answer = gateway.post([json.loads(codec.encode(event)) for event in EXAMPLES])
    assert answer.status == 202
    assert answer.json["accepted"] == len(EXAMPLES)


def test_members_the_contract_does_not_know_never_reach_kafka(kafka: Broker, tmp_path: Path) -> None:
    event = wire(1) | {"chuHoSo": "Nguyễn Văn A"}
    event["data"] |= {"email": "a@example.invalid"}
    own = topic(kafka.bootstrap)
    with running(kafka.bootstrap, tmp_path, topic=own) as gateway:
        assert gateway.post(event).status == 202
    (found,) = messages(kafka.bootstrap, own, 1)
    assert codec.decode(found.value()) == status(1)
    assert b"Nguy" not in found.value()
    assert b"example" not in found.value()


FAULTS: list[tuple[str, bytes]] = [
    ("not_json", b'{"id": '),
    ("not_json", b"\xff\xfe"),
    ("not_json", b"NaN"),
    ("bad_shape", b"1"),
    ("bad_shape", json.dumps(wire(1) | {"data": {}}).encode()),
    ("bad_shape", json.dumps(wire(1) | {"specversion": "2.0"}).encode()),
    ("unknown_type", json.dumps(wire(1) | {"type": "dongbo.x.v9"}).encode()),
    ("identity_mismatch", json.dumps(wire(1) | {"id": f"{WARD}/test/2"}).encode()),
    ("identity_mismatch", json.dumps(wire(1) | {"source": "/wards/00004"}).encode()),
    ("time_out_of_range", json.dumps(wire(1) | {"time": "1970-01-01T00:00:00Z"}).encode()),
    ("time_out_of_range", json.dumps(wire(1) | {"time": "9999-01-01T00:00:00Z"}).encode()),
    ("too_large", json.dumps(wire(1) | {"x": "x" * 70_000}).encode()),
    ("too_deep", json.dumps(wire(1) | {"x": json.loads("[" * 20 + "]" * 20)}).encode()),
    ("too_deep", b"[" + b"[" * 30 + b"]" * 30 + b"]"),
    ("foreign_ward", json.dumps(wire(1, ward=OTHER)).encode()),
]


@pytest.mark.parametrize(("code", "body"), FAULTS, ids=[f"{n}-{code}" for n, (code, _) in enumerate(FAULTS)])
def test_a_wrong_event_is_answered_with_its_code_member_and_remedy(
    gateway: Gateway, code: str, body: bytes
) -> None:
    answer = gateway.post(body)
    assert answer.status == 422
    (one,) = answer.json["events"]
    assert (one["outcome"], one["code"], one["index"]) == ("rejected", code, 0)
    assert one["member"].startswith("$")
    assert all(one[word] for word in ("vi", "en", "remedy_vi", "remedy_en"))
    assert answer.json["code"] == "some_rejected"


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        ("not_json", b'[{"id": 1}', ""),
        ("not_json", b"[1,]", ""),
        ("too_deep", b"[" * 100_000, ""),
        ("empty_batch", b"", ""),
        ("empty_batch", b" \n", ""),
        ("empty_batch", b"[]", ""),
        ("empty_batch", b"\n\n \r\n", "application/x-ndjson"),
        ("batch_too_long", b"[" + b",".join([b"1"] * 301) + b"]", ""),
        ("batch_too_long", b"1\n" * 301, "application/x-ndjson"),
        ("batch_too_long", b"[" + b"1," * 400_000 + b"1]", ""),
    ],
)
def test_a_wrong_batch_is_one_problem_with_422(gateway: Gateway, code: str, body: bytes, kind: str) -> None:
    answer = gateway.post(body, Content_Type=kind or "application/json")
    assert (answer.status, answer.json["code"]) == (422, code)
    assert answer.json["vi"]


def test_a_mixed_batch_reports_every_event_and_sends_the_good_ones(kafka: Broker, tmp_path: Path) -> None:
    batch = [wire(1), wire(2, ward=OTHER), wire(1), {"x": 1}, wire(3), wire(3, field="dat-dai")]
    own = topic(kafka.bootstrap)
    with running(kafka.bootstrap, tmp_path, topic=own) as gateway:
        answer = gateway.post(batch)
    assert answer.status == 422
    said = [(one["outcome"], one.get("code")) for one in answer.json["events"]]
    assert said == [
        ("accepted", None),
        ("rejected", "foreign_ward"),
        ("duplicate", None),
        ("rejected", "unknown_type"),
        ("accepted", None),
        ("rejected", "id_reused"),
    ]
    assert "Kafka" in answer.json["vi"]
    found = messages(kafka.bootstrap, own, 2)
    assert [json.loads(one.value())["id"] for one in found] == [f"{WARD}/test/1", f"{WARD}/test/3"]


def test_a_foreign_token_never_produces_another_wards_event(gateway: Gateway) -> None:
    complete = gateway.post(wire(1), token=OTHER_TOKEN)
    without = gateway.post(numberless(1) | {"source": f"/wards/{WARD}"}, token=OTHER_TOKEN)
    named = numberless(1)
    named["data"]["ward"] = WARD
    foreign = gateway.post(named, token=OTHER_TOKEN)
    codes = [answer.json["events"][0]["code"] for answer in (complete, without, foreign)]
    assert codes == ["foreign_ward", "identity_mismatch", "foreign_ward"]
    assert {answer.status for answer in (complete, without, foreign)} == {422}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nothing",
        f"Bearer {TOKEN} x",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}%0A",
        f"Bearer {TOKEN}\\n",
        f'Bearer "{TOKEN}"',
        f"Bearer {TOKEN}é",
        "Bearer " + "x" * 5000,
    ],
)
def test_a_wrong_token_is_401(gateway: Gateway, header: str) -> None:
    answer = gateway.post(wire(1), token=None, Authorization=header)
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("end", [b"\n", b"\n x", b"\r"])
def test_a_token_with_a_stray_line_end_is_refused_and_says_so(gateway: Gateway, end: bytes) -> None:
    with gateway.raw() as connection:
        head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"
        connection.sendall(head + b"Authorization: Bearer " + TOKEN.encode() + end + b"\r\n\r\n{}")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.split()[1] in (b"400", b"401")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"] in ("bad_request", "unauthorized")


@pytest.mark.parametrize("path", ["/v1/receipt", "/v1/requests", "/v1/heartbeat", "/v1/day-totals"])
def test_every_ward_path_without_a_token_is_401(gateway: Gateway, path: str) -> None:
    method = "GET" if path in ("/v1/receipt", "/v1/requests") else "POST"
    assert gateway.ask(method, path, token=None).status == 401


def test_validate_says_the_same_and_sends_nothing(kafka: Broker, tmp_path: Path) -> None:
    own = topic(kafka.bootstrap)
    with running(kafka.bootstrap, tmp_path, topic=own) as gateway:
        dry = gateway.post([wire(1), wire(2)], "/v1/events:validate")
        wrong = gateway.post([wire(1), wire(2, ward=OTHER)], "/v1/events:validate")
        assert gateway.post(wire(9)).status == 202
    assert (dry.status, [one["outcome"] for one in dry.json["events"]]) == (200, ["valid", "valid"])
    assert (wrong.status, wrong.json["events"][1]["code"]) == (422, "foreign_ward")
    (only,) = messages(kafka.bootstrap, own, 1)
    assert json.loads(only.value())["id"].endswith("/9")


def test_events_without_seqs_are_numbered_and_a_blind_retry_is_a_duplicate(
    kafka: Broker, tmp_path: Path
) -> None:
    own, batch = topic(kafka.bootstrap), [numberless(serial) for serial in range(1, 6)]
    with Outbox(tmp_path / "o.sqlite") as outbox:
        with running(kafka.bootstrap, tmp_path, topic=own, numberer=NaturalOutbox(outbox)) as gateway:
            first = gateway.post(batch)
        # Again after a restart, and with one that is new.
        with running(kafka.bootstrap, tmp_path, topic=own, numberer=NaturalOutbox(outbox)) as gateway:
            second = gateway.post([*batch, numberless(6)])
        epoch = outbox.epoch
    ids = [f"{WARD}/{epoch}/{seq}" for seq in range(1, 7)]
    assert (first.status, [one["id"] for one in first.json["events"]]) == (202, ids[:5])
    assert (second.status, second.json["accepted"], second.json["duplicate"]) == (202, 1, 5)
    assert [one["id"] for one in second.json["events"]] == ids
    found = messages(kafka.bootstrap, own, 6)
    assert Counter(json.loads(one.value())["id"] for one in found) == Counter(ids)


def test_another_content_under_the_same_natural_identity_is_refused(gateway: Gateway) -> None:
    first = gateway.post(numberless(77))
    other = gateway.post(numberless(77, field="dat-dai"))
    assert first.status == 202
    assert (other.status, other.json["events"][0]["code"]) == (422, "id_reused")


def test_heartbeat_and_day_totals_reach_kafka(kafka: Broker, tmp_path: Path) -> None:
    own = topic(kafka.bootstrap)
    totals = {"day": "2025-07-01", "counts": {"2": 5, "9": 3}}
    with (
        Outbox(tmp_path / "o.sqlite") as outbox,
        running(kafka.bootstrap, tmp_path, topic=own, numberer=NaturalOutbox(outbox)) as gateway,
    ):
        answers = [
            gateway.ask("POST", "/v1/heartbeat", b""),
            gateway.post({"epoch": "e1", "last_seq": 7}, "/v1/heartbeat"),
            gateway.post(totals, "/v1/day-totals"),
            gateway.post(totals, "/v1/day-totals"),
            gateway.post(totals | {"epoch": "e1", "seq": 8}, "/v1/day-totals"),
        ]
        half = gateway.post(totals | {"seq": 8}, "/v1/day-totals")
        wrong = gateway.post({"epoch": "số"}, "/v1/heartbeat")
    assert [answer.status for answer in answers] == [202] * 5
    assert answers[3].json["duplicate"] == 1
    assert (half.status, half.json["code"]) == (422, "bad_shape")
    assert (wrong.status, wrong.json["code"]) == (422, "bad_shape")
    assert wrong.json["detail"]
    found = [codec.decode(one.value()) for one in messages(kafka.bootstrap, own, 4)]
    assert Counter(type(event).__name__ for event in found) == {"HeartbeatEvent": 2, "DayClosedEvent": 2}


def test_receipt_and_requests_say_what_the_city_says(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/v1/receipt").json["received"] == 3
    found = gateway.ask("GET", "/v1/requests").json
    assert found == {"ward": WARD, "requests": [{"epoch": "test", "first": 17, "last": 19}]}


def test_receipt_while_clickhouse_is_away_is_503_and_events_are_taken(gateway: Gateway, city: City) -> None:
    city.away = True
    try:
        away, taken = gateway.ask("GET", "/v1/receipt"), gateway.post(wire(1))
    finally:
        city.away = False
    assert (away.status, away.json["code"], taken.status) == (503, "city_away", 202)
    assert int(away.headers["Retry-After"]) > 0


def test_health_metrics_openapi_and_docs_need_no_token(gateway: Gateway) -> None:
    gateway.post(wire(1))
    health, metrics, openapi, docs = (
        gateway.ask("GET", path, token=None) for path in ("/healthz", "/metrics", "/openapi.json", "/docs")
    )
    assert health.json["ok"] is True
    assert health.headers["Server"] == "dongbo"
    assert b'dongbo_gateway_events_total{code="",outcome="accepted"}' in metrics.body
    assert openapi.json["openapi"] == "3.1.0"
    assert docs.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in docs.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "not_found"),
        ("GET", "/v1/events", "method_not_allowed"),
        ("DELETE", "/healthz", "method_not_allowed"),
        ("POST", "/../../etc/passwd", "not_found"),
    ],
)
def test_an_unknown_path_or_method_has_the_one_error_shape(
    gateway: Gateway, method: str, path: str, code: str
) -> None:
    answer = gateway.ask(method, path)
    assert answer.json["code"] == code
    assert set(answer.json) == {"code", "vi", "en", "remedy_vi", "remedy_en"}


@pytest.mark.parametrize(("expect", "statuses"), [("100-continue", [b"100", b"202"]), ("x", [b"400"])])
def test_expect_header_is_answered(gateway: Gateway, expect: str, statuses: list[bytes]) -> None:
    body = json.dumps(wire(1)).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: {expect}\r\n\r\n"
    )
    with gateway.raw() as connection:
        connection.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert [line.split()[1] for line in lines] == statuses


def test_the_clock_of_a_heartbeat_is_now_when_it_says_none(gateway: Gateway) -> None:
    answer = gateway.post({"epoch": "e1", "last_seq": 1}, "/v1/heartbeat")
    clock = datetime.fromisoformat(answer.json["events"][0]["id"].split("/hb/")[1])
    assert abs((datetime.now(UTC) - clock).total_seconds()) < 60


@pytest.mark.parametrize(
    "kind", ["application/json" + "(" * 900, '"' * 900, "application/json; a=" + "(" * 900]
)
def test_content_type_of_many_brackets_is_no_fault_of_ours(gateway: Gateway, kind: str) -> None:
    """Found by `./dev fuzz`: aiohttp's parser of that header descends into each bracket."""
    assert gateway.post([wire(1)], "/v1/events:validate", Content_Type=kind).status == 200
