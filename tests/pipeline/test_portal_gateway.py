"""Goal: a portal request over HTTP ends as admitted events in Kafka, once, whatever is sent again.

Method: real broker, real HTTP, the gateway in a thread with its real outbox and publisher; the topic is
read back.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ops.stack.kafka import Broker
from producers.contract.codec import admit, encode
from producers.contract.envelope import StatusChangedEvent
from producers.gateway import portal_routes
from producers.natural import NaturalOutbox
from producers.outbox import Outbox
from producers.portal import PortalIntake
from tests.conftest import free_port
from tests.pipeline.gateway import OTHER, OTHER_TOKEN, WARD, Gateway, messages, running, topic
from tests.unit.test_portal import CODE, enveloped, record

DOSSIERS, PROGRESS = "/portal/DongBoHoSoMC", "/portal/CapNhatTienDoHoSoMC"
PERSON = {"ChuHoSo": "Nguyễn Văn A", "SoGiayToChuHoSo": "001099012345", "Email": "a.nguyen@example.vn"}


class Portal(NamedTuple):
    """A gateway with the portal's paths, and the topic behind it."""

    gateway: Gateway
    bootstrap: str
    topic: str

    def admitted(self, count: int) -> list[StatusChangedEvent]:
        """The topic's events, each admitted as the city does it."""
        found = []
        for message in messages(self.bootstrap, self.topic, count):
            event, _ = admit(
                message.value(), message.key(), message.partition(), message.timestamp()[1] / 1000
            )
            if isinstance(event, StatusChangedEvent):
                found.append(event)
        return found


@contextmanager
def opened(bootstrap: str, folder: Path, **limits: Any) -> Iterator[Portal]:
    name = limits.pop("topic", None) or topic(bootstrap)
    with Outbox(folder / "outbox.sqlite") as outbox:
        natural = NaturalOutbox(outbox)
        registrars = [portal_routes.registrar(PortalIntake(natural, records_max=50))]
        with running(
            bootstrap, folder, numberer=natural, registrars=registrars, topic=name, **limits
        ) as gateway:
            yield Portal(gateway, bootstrap, name)


@pytest.fixture(scope="module")
def portal(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with opened(kafka.bootstrap, tmp_path_factory.mktemp("portal")) as found:
        yield found


def code(number: int) -> str:
    return f"H26.12.34-250701-{number:04d}"


def test_a_dossiers_life_reaches_kafka_admitted_and_once(kafka: Broker, tmp_path: Path) -> None:
    requests = [
        (DOSSIERS, enveloped(record(2, **PERSON))),
        (PROGRESS, steps(CODE, (4, "20250701090000"), (5, "20250702090000"), (4, "20250703090000"))),
        (DOSSIERS, enveloped(record(9, NgayKetThucXuLy="20250703160000", **PERSON))),
        (DOSSIERS, enveloped(record(10, NgayKetThucXuLy="20250703160000", NgayTra="20250704080000"))),
    ]
    with opened(kafka.bootstrap, tmp_path) as portal:
        answers = [portal.gateway.post(body, path) for path, body in requests for _ in range(2)]
        events = portal.admitted(6)
        figures = portal.gateway.ask("GET", "/metrics").body.decode()
    assert {answer.status for answer in answers} == {200}
    for first, again in zip(answers[::2], answers[1::2], strict=True):
        assert first.json["error_code"] in ("0", "00")
        assert seqs(first) == seqs(again)
    assert [int(event.data.status) for event in events] == [2, 4, 5, 4, 9, 10]
    assert [event.data.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert {(event.data.ward, event.data.dossier) for event in events} == {(WARD, CODE)}
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [word for word in PERSON.values() if word.encode() in stored]
    assert 'dongbo_gateway_events_total{code="",outcome="accepted"} 6.0' in figures


def seqs(answer: Any) -> list[int | None]:
    return [one["seq"] for one in answer.json["result"]]


def steps(dossier: str, *told: tuple[int, str]) -> bytes:
    """The bare array of progress messages that the provincial system sends."""
    return json.dumps(
        [
            {"MaHoSo": dossier, "NguoiXuLy": "Nguyễn Văn A", "TrangThai": str(status), "ThoiDiemXuLy": at}
            for status, at in told
        ]
    ).encode()


def test_the_ward_is_the_tokens_whatever_madonvi_says(portal: Portal) -> None:
    body = enveloped(record(MaHoSo=code(7001)), madonvi="000.00.12.H26")
    assert portal.gateway.post(body, DOSSIERS, token=OTHER_TOKEN).json["error_code"] == "00"
    assert portal.gateway.post(steps(code(7001), (4, "20250701090000")), PROGRESS).json["code"] == (
        "unknown_dossier"
    )
    wards = {e.data.ward for e in portal.admitted(1) if e.data.dossier == code(7001)}
    assert wards == {OTHER}


def test_a_gzipped_request_is_read(portal: Portal) -> None:
    body = gzip.compress(enveloped(record(MaHoSo=code(7002))))
    assert portal.gateway.post(body, DOSSIERS, Content_Encoding="gzip").json["error_code"] == "00"


def test_what_the_door_refuses_keeps_its_status_in_the_portals_form(portal: Portal) -> None:
    refused = portal.gateway.post(enveloped(record()), DOSSIERS, token="dbt_wrong")
    assert (refused.status, refused.json["error_code"], refused.json["code"]) == (401, "19", "unauthorized")
    assert "WWW-Authenticate" in refused.headers
    large = portal.gateway.post(b"[" + b" " * 5_000_000 + b"]", DOSSIERS)
    assert (large.status, large.json["code"]) == (413, "body_too_large")
    assert portal.gateway.ask("GET", DOSSIERS).status == 405


def test_what_a_record_says_is_answered_with_200(portal: Portal) -> None:
    for body in (b"{", b"[[", enveloped(record(99)), enveloped(service="x")):
        answer = portal.gateway.post(body, DOSSIERS)
        assert answer.status == 200
        assert answer.json["error_code"] not in ("0", "00")


def test_a_withheld_9_is_counted_for_prometheus(portal: Portal) -> None:
    answer = portal.gateway.post(enveloped(record(9, MaHoSo=code(7003))), DOSSIERS)
    assert answer.json["findings"][0]["code"] == "done_unproven"
    figures = portal.gateway.ask("GET", "/metrics").body.decode()
    assert 'dongbo_portal_findings_total{code="done_unproven"}' in figures


def test_an_end_retracted_through_the_gateway_is_no_proof_any_more(portal: Portal) -> None:
    """The ward's system knows neither epoch nor seq: it repeats the event without them."""
    body = enveloped(record(9, MaHoSo=code(7004), NgayKetThucXuLy="20250702160000"))
    assert portal.gateway.post(body, DOSSIERS).json["result"][0]["code"] == "accepted"
    (event,) = [event for event in portal.admitted(1) if event.data.dossier == code(7004)]
    data = json.loads(encode(event))["data"]
    of = {name: value for name, value in data.items() if name not in ("epoch", "seq")}
    retraction = {
        "type": "dongbo.dossier.retracted.v1",
        "time": "2025-07-03T08:00:00+07:00",
        "data": {"of": of, "of_time": event.time.isoformat(), "reason": "not-done"},
    }
    assert portal.gateway.post(retraction).status == 202
    answer = portal.gateway.post(steps(code(7004), (9, "20250702160000")), PROGRESS)
    assert [finding["code"] for finding in answer.json["findings"]] == ["done_unproven"]


def test_many_clients_sending_the_same_give_each_event_once(portal: Portal) -> None:
    parts = [range(8000 + first, 8020 + first) for first in range(0, 60, 10)]
    bodies = [enveloped(*(record(MaHoSo=code(number)) for number in part)) for part in parts]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: portal.gateway.post(body, DOSSIERS), bodies * 3))
    assert {answer.json["error_code"] for answer in answers} == {"00"}
    given = {(one["MaHoSo"], one["seq"]) for answer in answers for one in answer.json["result"]}
    assert len(given) == 70
    found = [event for event in portal.admitted(70) if event.data.dossier in {one for one, _ in given}]
    assert {(event.data.dossier, event.data.seq) for event in found} == given
    assert len(found) == 70


def test_kafka_away_is_a_503_that_keeps_the_events_until_it_is_back(tmp_path: Path, kafka: Broker) -> None:
    name = topic(kafka.bootstrap)
    nowhere = f"127.0.0.1:{free_port()}"
    with opened(nowhere, tmp_path, topic=name, there=False, send_timeout_s=0.5) as portal:
        away = portal.gateway.post(enveloped(record()), DOSSIERS)
        assert (away.status, away.json["error_code"], away.json["code"]) == (503, "20", "kafka_away")
        assert "Retry-After" in away.headers
    with opened(kafka.bootstrap, tmp_path, topic=name) as portal:
        again = portal.gateway.post(enveloped(record()), DOSSIERS)
        assert (again.json["error_code"], again.json["result"][0]["code"]) == ("00", "duplicate")
        assert len(portal.admitted(1)) == 1
