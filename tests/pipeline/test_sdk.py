"""Goal: five lines at a ward, and every event is with the city exactly once, by Kafka or by the gateway.

Method: the same suite for both ways, on the real broker and the real gateway; a ward's program is killed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from ops.settings import REPOSITORY
from ops.stack.kafka import Broker
from producers import Ward
from producers.contract.codec import decode
from producers.contract.envelope import DayClosedEvent, HeartbeatEvent, SequencedEvent, StatusChangedEvent
from producers.contract.errors import Refused
from producers.contract.receipt import Receipt, SeqRange
from producers.contract.signing import KEY_ID_BYTES, SIGNATURE_HEADER
from producers.contract.topics import EVENTS_TOPIC, requests_topic, topic_specs
from producers.identity.signatures import new_private_key
from producers.outbox import Draft, Outbox
from producers.repair import ask, new_request
from streams.topics_setup import ensure_topics
from tests.builders import START, WARD, status
from tests.conftest import eventually, unique_name
from tests.pipeline import gateway as gateways

pytestmark = pytest.mark.timeout(120)
KNOWN: Final[dict[str, Any]] = {
    "procedure": "2.000815",
    "channel": "counter",
    "status": 2,
    "received_at": START,
    "at": START,
}


class _City:
    """A city that knows which seqs it lacks."""

    def __init__(self) -> None:
        self.lacking: list[SeqRange] = []

    def receipt(self, ward: str) -> Receipt:
        raise NotImplementedError

    def requests(self, ward: str) -> Sequence[SeqRange]:
        return self.lacking


class Way:
    """One way to the city: what `Ward` takes, and what arrived."""

    def __init__(self, bootstrap: str, topic: str, arguments: dict[str, Any], city: _City | None) -> None:
        self.bootstrap, self.topic, self.arguments, self.city = bootstrap, topic, arguments, city

    def ward(self, path: Path, **options: Any) -> Ward:
        """The ward's side."""
        return Ward(WARD, outbox=path, **{"close_days": False, **self.arguments, **options})

    def arrived(self, count: int) -> list[SequencedEvent | HeartbeatEvent]:
        """What is in Kafka, at least so many messages."""
        return [decode(one.value()) for one in gateways.messages(self.bootstrap, self.topic, count)]

    def ask(self, epoch: str, first: int, last: int) -> None:
        """The city lacks seqs."""
        if self.city is not None:
            self.city.lacking = [SeqRange(epoch, first, last)]
        else:
            ask(self.bootstrap, [new_request(WARD, epoch, first, last)], self.topic)


@pytest.fixture(params=["kafka", "gateway"])
def way(request: pytest.FixtureRequest, kafka: Broker, tmp_path: Path) -> Iterator[Way]:
    name = unique_name("sdk")
    specs = topic_specs(f"{name}.events", name)
    ensure_topics(kafka.bootstrap, [specs[0], specs[2]])
    topic = specs[0].name
    if request.param == "kafka":
        yield Way(kafka.bootstrap, topic, {"kafka": kafka.bootstrap, "topic": topic}, None)
        return
    city = _City()
    with gateways.running(kafka.bootstrap, tmp_path, city=city, topic=topic) as door:
        url = f"http://127.0.0.1:{door.port}"
        yield Way(kafka.bootstrap, topic, {"gateway": url, "token": gateways.TOKEN}, city)


def seqs(events: Sequence[SequencedEvent | HeartbeatEvent]) -> list[int]:
    return [event.data.seq for event in events if not isinstance(event, HeartbeatEvent)]


def test_five_lines_arrive_in_order_with_a_heartbeat_and_are_answered_for(way: Way, tmp_path: Path) -> None:
    with way.ward(tmp_path / "ward.sqlite", beat_every_s=0.3) as ward:
        given = [ward.status(dossier=f"H26.{WARD}-250701-{n:04d}", **KNOWN) for n in range(1, 21)]
        assert ward.retract(3, "wrong-status") == 21
        assert ward.close_day(START.date()) == 22
        assert ward.difficulty("VM-1", 7, at=START) == 23
        assert ward.flush(15)
        health = ward.health()
        assert (health.last_seq, health.sent_seq, health.detail) == (23, 23, "")
        events = eventually(lambda: _with_a_beat(way, 24), 15)
    assert given == list(range(1, 21))
    assert seqs(events) == list(range(1, 24))
    beat = next(event for event in events if isinstance(event, HeartbeatEvent) and event.data.last_seq == 23)
    assert (beat.data.epoch, beat.data.outbox_pending) == (health.epoch, 0)
    closed = next(event.data for event in events if isinstance(event, DayClosedEvent))
    assert (closed.counts, closed.first_seq, closed.last_seq) == ({2: 19}, 1, 20)


def _with_a_beat(way: Way, count: int) -> list[SequencedEvent | HeartbeatEvent]:
    events = way.arrived(count)
    done = any(isinstance(event, HeartbeatEvent) and event.data.last_seq == 23 for event in events)
    return events if done else []


def test_a_new_ward_is_alive_before_its_first_event(way: Way, tmp_path: Path) -> None:
    with way.ward(tmp_path / "ward.sqlite", beat_every_s=0.3) as ward:
        beat = way.arrived(1)[0]
        assert isinstance(beat, HeartbeatEvent)
        assert (beat.data.ward, beat.data.epoch, beat.data.last_seq) == (WARD, ward.outbox.epoch, 0)


def test_killed_again_and_again_everything_is_there_exactly_once(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "ward.sqlite"
    arguments = [f"{name}={value}" for name, value in way.arguments.items()]
    for _ in range(2):
        victim = subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.sdk_victim", str(path), *arguments],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert victim.stdout is not None
            assert [victim.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
        finally:
            victim.kill()
            victim.communicate(timeout=10)
    with way.ward(path) as ward:
        last = ward.status(dossier=f"H26.{WARD}-250701-0001", **KNOWN)
        assert ward.flush(20)
    assert last > 200
    events = [event for event in way.arrived(last) if isinstance(event, StatusChangedEvent)]
    contents = {event.data.seq: event for event in events}
    assert sorted(contents) == list(range(1, last + 1))
    assert all(contents[event.data.seq] == event for event in events)


def test_what_the_city_lacks_is_sent_again_without_a_hand(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "ward.sqlite"
    with Outbox(path) as outbox:
        outbox.append(WARD, [Draft(StatusChangedEvent, status(1).data, START)] * 9)
        outbox.acknowledge({WARD: 5})  # lost on the way
        epoch = outbox.epoch
    with way.ward(path, beat_every_s=0.3) as ward:
        assert ward.flush(15)
        way.ask(epoch, 1, 5)
        eventually(lambda: ward.health().resent >= 5, 20)
    assert set(seqs(way.arrived(9))) == set(range(1, 10))


def test_city_away_keeps_all_and_a_second_program_is_told(way: Way, tmp_path: Path) -> None:
    path = tmp_path / "ward.sqlite"
    away = {"kafka": "127.0.0.1:1"} if "kafka" in way.arguments else {"gateway": "http://127.0.0.1:1"}
    with way.ward(path, **away) as ward:
        for n in range(1, 4):
            ward.status(dossier=f"H26.{WARD}-250701-{n:04d}", **KNOWN)
        assert not ward.flush(0.5)
        eventually(lambda: ward.health().state == "waiting", 15)
        second = way.ward(path)
        with second:
            eventually(lambda: "outbox_in_use" in second.health().detail, 10)
        assert not ward.close(0.1)
    with way.ward(path) as ward:
        assert ward.flush(15)
    assert seqs(way.arrived(3)) == [1, 2, 3]


def test_with_a_key_every_message_is_signed_also_when_it_is_sent_again(
    way: Way, kafka: Broker, tmp_path: Path
) -> None:
    if way.city is not None:
        with pytest.raises(Refused, match="way_to_the_city"):
            way.ward(tmp_path / "ward.sqlite", signing_key=tmp_path / "none.pem")
        return
    key = tmp_path / "key.pem"
    verify = new_private_key(key).verify
    with way.ward(tmp_path / "ward.sqlite", signing_key=key) as ward:
        ward.status(dossier=f"H26.{WARD}-250701-0001", **KNOWN)
        assert ward.flush(15)
        way.ask(ward.outbox.epoch, 1, 1)
        eventually(lambda: ward.health().resent, 20)
    found = gateways.messages(kafka.bootstrap, way.topic, 2)
    assert len(found) >= 2
    for message in found:
        ((name, header),) = message.headers()
        assert name == SIGNATURE_HEADER
        verify(header[KEY_ID_BYTES:], message.value())


def test_requests_topic_belongs_to_the_topic_of_events() -> None:
    assert requests_topic(EVENTS_TOPIC) == "dossier.requests"
