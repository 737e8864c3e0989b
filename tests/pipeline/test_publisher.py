"""Goal: every event of an outbox reaches its ward's partition, in order, whatever dies in between (F1-F3).

Method: a real outbox, a real broker; publisher and broker are killed, and the topic is read back whole.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, but not re-exported for mypy
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic

from ops.settings import Settings
from ops.stack.kafka import Broker, start
from producers.contract.codec import decode
from producers.contract.envelope import HeartbeatEvent, StatusChangedEvent
from producers.contract.errors import Stop
from producers.contract.topics import EVENTS_CONFIG, PARTITION_OF_WARD, PARTITIONS, murmur2
from producers.contract.wards import WARDS
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from tests.builders import START, WARD, status
from tests.conftest import eventually, free_port, unique_name
from tests.pipeline import publisher_victim
from tests.pipeline.workers import bounds
from tests.unit.test_outbox import file_size_limit

ROOT = Path(__file__).parents[2]
OTHER = "00004"


class Read(NamedTuple):
    """One message of the topic."""

    partition: int
    key: bytes
    value: bytes

    @property
    def id(self) -> str:
        return decode(self.value).id


def make_topic(bootstrap: str, partitions: int = PARTITIONS, config: dict[str, str] | None = None) -> str:
    name = unique_name("events")
    _create(bootstrap, NewTopic(name, partitions, 1, config=EVENTS_CONFIG | (config or {})))
    return name


def _create(bootstrap: str, topic: NewTopic) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})  # must outlive the future
    admin.create_topics([topic])[topic.topic].result(20)


def let_grow(bootstrap: str, topic: str) -> None:
    """Repair a topic that takes small messages only."""
    bound = ConfigEntry("max.message.bytes", "1000000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[bound])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(20)


def read_all(bootstrap: str, topic: str) -> list[Read]:
    """Every message of the topic, in the order of each partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": unique_name("group")})
    try:
        places = [
            TopicPartition(topic, p, 0) for p in consumer.list_topics(topic, 10).topics[topic].partitions
        ]
        total = sum(bounds(consumer, topic, place.partition)[1] for place in places)
        consumer.assign(places)
        found: list[Read] = []
        while len(found) < total and (messages := consumer.consume(min(total - len(found), 100_000), 30)):
            assert all(message.error() is None for message in messages)
            found += [Read(m.partition() or 0, m.key() or b"", m.value() or b"") for m in messages]
        return found
    finally:
        consumer.close()


def fill(outbox: Outbox, count: int, ward: str = WARD) -> None:
    outbox.append(ward, [Draft(StatusChangedEvent, status(1, ward=ward).data, START)] * count)


def seqs_of(messages: list[Read], ward: str) -> list[int]:
    """The seqs of a ward's messages, in the order of the partition."""
    return [int(message.id.rpartition("/")[2]) for message in messages if message.key == ward.encode()]


def first_seen(seqs: list[int]) -> list[int]:
    """Without repetitions."""
    return list(dict.fromkeys(seqs))


@contextmanager
def running(publisher: Publisher) -> Iterator[None]:
    """The publisher in a thread of its own, stopped at the end; what it raises is raised here."""
    stop, raised = threading.Event(), []

    def run() -> None:
        try:
            publisher.run(stop)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def topic(kafka: Broker) -> str:
    """A topic for tests that do not read it back."""
    return make_topic(kafka.bootstrap)


def test_publish_sends_all_bytes_in_order_to_each_wards_partition(kafka: Broker, outbox: Outbox) -> None:
    for _ in range(3):
        outbox.append_mixed(
            [Draft(StatusChangedEvent, status(1, ward=ward).data, START) for ward in WARDS for _ in range(5)]
        )
    sent = {ward: [row.value for row in outbox.pending(10_000) if row.ward == ward] for ward in WARDS}
    name = make_topic(kafka.bootstrap)
    assert Publisher(outbox, kafka.bootstrap, name).run_until_empty(30)
    messages = read_all(kafka.bootstrap, name)
    for ward, values in sent.items():
        assert [message.value for message in messages if message.key == ward.encode()] == values
    assert {(message.key.decode(), message.partition) for message in messages} == set(
        PARTITION_OF_WARD.items()
    )
    assert outbox.counts().pending == 0


def test_murmur2_of_any_key_is_the_partition_librdkafka_chooses(kafka: Broker) -> None:
    chance, name = random.Random(7), make_topic(kafka.bootstrap)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    for length in list(range(1, 40)) * 25:
        producer.produce(name, b"", chance.randbytes(length))
    assert producer.flush(20) == 0
    messages = read_all(kafka.bootstrap, name)
    assert len(messages) == 39 * 25
    for message in messages:
        assert message.partition == (murmur2(message.key) & 0x7FFFFFFF) % PARTITIONS


def test_publish_again_sends_nothing_twice(kafka: Broker, outbox: Outbox) -> None:
    name = make_topic(kafka.bootstrap)
    for _ in range(2):
        fill(outbox, 10)
        assert Publisher(outbox, kafka.bootstrap, name).run_until_empty(30)
    assert seqs_of(read_all(kafka.bootstrap, name), WARD) == list(range(1, 21))


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4", "zstd"])
def test_publish_compressed_is_stored_plainly(
    kafka: Broker, outbox: Outbox, compression: str, stack_settings: Settings
) -> None:
    fill(outbox, 200)
    name = make_topic(kafka.bootstrap)
    assert Publisher(outbox, kafka.bootstrap, name, compression=compression).run_until_empty(30)
    folder = stack_settings.data_dir / "kafka" / "data" / f"{name}-{PARTITION_OF_WARD[WARD]}"
    stored = b"".join(file.read_bytes() for file in folder.glob("*.log"))
    assert stored.count(b'"dossier":') == 200


def test_run_sends_what_another_outbox_object_appends_meanwhile(
    kafka: Broker, outbox: Outbox, topic: str
) -> None:
    with running(Publisher(outbox, kafka.bootstrap, topic)), Outbox(outbox.path) as gateway:
        for count in range(1, 6):
            fill(gateway, 3)
            eventually(lambda count=count: outbox.ward(WARD).sent_seq == 3 * count)  # type: ignore[misc]


def test_publish_killed_again_and_again_loses_nothing(kafka: Broker, tmp_path: Path) -> None:
    """F1, F2: a restart repeats at most the window, byte by byte; the first of each id are in order."""
    chance, name, path = random.Random(11), make_topic(kafka.bootstrap), tmp_path / "o.db"
    for _ in range(8):
        victim = subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.publisher_victim", str(path), kafka.bootstrap, name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        with victim:
            assert victim.stdout is not None
            assert victim.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.0, 0.4))
            victim.kill()
    with Outbox(path) as outbox:
        assert Publisher(outbox, kafka.bootstrap, name).run_until_empty(60)
        messages = read_all(kafka.bootstrap, name)
        for ward in publisher_victim.WARDS:
            last = outbox.ward(ward).last_seq
            assert first_seen(seqs_of(messages, ward)) == list(range(1, last + 1))
    by_id: dict[str, set[bytes]] = {}
    for message in messages:
        by_id.setdefault(message.id, set()).add(message.value)
    assert {len(values) for values in by_id.values()} == {1}


def test_publish_while_kafka_is_away_waits_and_catches_up_in_order(tmp_path: Path, outbox: Outbox) -> None:
    """F3: no Kafka at first, then kill -9 of the broker, then it is back."""
    settings = Settings(data_dir=tmp_path / "stack", kafka_bootstrap=f"127.0.0.1:{free_port()}")
    publisher = Publisher(outbox, settings.kafka_bootstrap)
    fill(outbox, 500)
    with running(publisher):
        eventually(lambda: publisher.health().state == "waiting")
        assert (publisher.beat(WARD), outbox.counts().pending) == (None, 500)
        broker = start(settings)
        _create(broker.bootstrap, NewTopic("dossier.events", PARTITIONS, 1, config=EVENTS_CONFIG))
        eventually(lambda: outbox.counts().pending == 0, timeout=30)
        broker.kill()
        fill(outbox, 500)
        eventually(lambda: publisher.health().state == "waiting")
        assert publisher.health().pending == 500
        broker = start(settings)
        try:
            eventually(lambda: outbox.counts().pending == 0, timeout=30)
            found = seqs_of(read_all(broker.bootstrap, "dossier.events"), WARD)
        finally:
            broker.stop()
    assert first_seen(found) == list(range(1, 1001))


def test_run_until_empty_without_kafka_returns_in_time_and_keeps_all(outbox: Outbox) -> None:
    fill(outbox, 5)
    began = time.monotonic()
    assert not Publisher(outbox, f"127.0.0.1:{free_port()}").run_until_empty(0.5)
    assert time.monotonic() - began < 6
    assert outbox.counts().pending == 5


def test_publish_refused_by_the_broker_is_sent_again_in_order(kafka: Broker, outbox: Outbox) -> None:
    """A topic that takes no message of this size yet: every delivery fails, until its owner repairs it."""
    name = make_topic(kafka.bootstrap, config={"max.message.bytes": "300"})
    fill(outbox, 100)
    publisher = Publisher(outbox, kafka.bootstrap, name, compression="none")
    with running(publisher):
        eventually(lambda: publisher.health().state == "waiting")
        assert "too large" in publisher.health().detail.lower()
        let_grow(kafka.bootstrap, name)
        eventually(lambda: outbox.counts().pending == 0, timeout=30)
    assert publisher.health().sessions > 1
    assert first_seen(seqs_of(read_all(kafka.bootstrap, name), WARD)) == list(range(1, 101))


def test_publish_on_a_full_disk_sends_and_acknowledges_with_space(
    kafka: Broker, outbox: Outbox, topic: str
) -> None:
    """F45: that Kafka has the events cannot be written down yet; it is told, and tried again."""
    fill(outbox, 50)
    publisher = Publisher(outbox, kafka.bootstrap, topic)
    with file_size_limit(outbox.path.with_name("outbox.db-wal").stat().st_size), running(publisher):
        eventually(lambda: "outbox_disk" in publisher.health().detail)
        assert publisher.health().delivered == 50
        assert outbox.counts().pending == 50
        with file_size_limit(resource.RLIM_INFINITY):
            eventually(lambda: outbox.counts().pending == 0)
            eventually(lambda: publisher.health().detail == "")
    assert (publisher.health().delivered, publisher.health().sessions) == (50, 1)


def test_publish_to_a_missing_topic_waits_for_it(kafka: Broker, outbox: Outbox) -> None:
    fill(outbox, 1)
    publisher = Publisher(outbox, kafka.bootstrap, unique_name("missing"))
    with running(publisher):
        eventually(lambda: publisher.health().state == "waiting")
        assert "unknown topic" in publisher.health().detail.lower()


def test_publish_to_another_number_of_partitions_stops(kafka: Broker, outbox: Outbox) -> None:
    fill(outbox, 1)
    with pytest.raises(Stop) as caught:
        Publisher(outbox, kafka.bootstrap, make_topic(kafka.bootstrap, 12)).run_until_empty(10)
    assert caught.value.code == "partitions"
    assert outbox.counts().pending == 1


def test_publish_by_two_at_once_stops_the_second(kafka: Broker, outbox: Outbox, topic: str) -> None:
    with running(Publisher(outbox, kafka.bootstrap, topic)), Outbox(outbox.path) as again:
        time.sleep(0.2)
        fill(again, 1)
        with pytest.raises(Stop, match="outbox_in_use"):
            Publisher(again, kafka.bootstrap, topic).run_until_empty(10)


def test_beat_says_what_was_sent_behind_the_events_it_speaks_of(kafka: Broker, outbox: Outbox) -> None:
    name = make_topic(kafka.bootstrap)
    publisher = Publisher(outbox, kafka.bootstrap, name, beat_every_s=0.2, clock=lambda: START)
    with running(publisher):
        fill(outbox, 7)
        eventually(lambda: outbox.counts().pending == 0)
        event = eventually(lambda: publisher.beat(WARD))
        assert isinstance(event, HeartbeatEvent)
        assert (event.data.last_seq, event.data.outbox_pending) == (7, 0)
        time.sleep(0.5)
    messages = [decode(message.value) for message in read_all(kafka.bootstrap, name)]
    assert event in messages[7:]
    assert len(messages) >= 9  # the publisher's own beats stand beside the one asked for


def test_resend_gives_the_same_bytes_again(kafka: Broker, outbox: Outbox) -> None:
    name = make_topic(kafka.bootstrap)
    publisher = Publisher(outbox, kafka.bootstrap, name)
    fill(outbox, 9)
    with running(publisher):
        eventually(lambda: outbox.counts().pending == 0)
        assert publisher.resend(WARD, range(3, 6)) == 3
        assert publisher.resend(OTHER, range(1, 6)) == 0
    messages = read_all(kafka.bootstrap, name)
    assert seqs_of(messages, WARD) == [*range(1, 10), 3, 4, 5]
    assert messages[9:] == messages[2:5]


def test_publish_of_100_000_events_is_fast_enough_for_a_replay(
    kafka: Broker, outbox: Outbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three weeks of the city are 350,000 events, to be replayed in minutes. The figure is a record."""
    drafts = [
        Draft(StatusChangedEvent, status(1, ward=ward).data, START) for ward in WARDS for _ in range(40)
    ]
    for _ in range(20):
        outbox.append_mixed(drafts)
    count = outbox.counts().pending
    name = make_topic(kafka.bootstrap)
    began = time.perf_counter()
    assert Publisher(outbox, kafka.bootstrap, name).run_until_empty(60)
    rate = count / (time.perf_counter() - began)
    with capsys.disabled():
        print(f"\n  outbox to Kafka: {rate:,.0f} events/s")
    assert rate > 10_000
