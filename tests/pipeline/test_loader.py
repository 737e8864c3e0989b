"""Goal: every message of Kafka is in ClickHouse exactly once in effect, whatever dies on the way.

Method: a real broker and the real engine; events that are known one by one; kills, outages and replays; then
the tables are compared with what was sent.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.cimpl import NewPartitions

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent, wrap_heartbeat
from producers.contract.errors import Stop
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS
from producers.contract.vocabulary import Status
from producers.contract.wards import WARDS
from streams.domain import records
from streams.domain.book import Book
from streams.domain.cut import GRID_MS
from streams.warehouse.block import Block
from streams.warehouse.health import Health
from streams.warehouse.loader import Loader
from streams.warehouse.reader import Reader
from streams.warehouse.reconcile import differences, holes
from streams.warehouse.store import Store
from tests.builders import EPOCH, START, WARD, status
from tests.conftest import eventually, free_port
from tests.pipeline.warehouse import (
    LoaderProcess,
    Topics,
    address,
    covered,
    database,
    running,
    stored,
    wait_all_read,
    wait_stored,
)
from tests.pipeline.workers import bounds

PARTITION = PARTITION_OF_WARD[WARD]


@pytest.fixture
def store(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def topics(kafka: Broker) -> Topics:
    return Topics(kafka.bootstrap)


def city(count: int, wards: int = 30) -> list[SequencedEvent]:
    """`count` events, spread over wards and three days."""
    codes = list(WARDS)[:wards]
    return [
        status(
            index // wards + 1,
            ward=codes[index % wards],
            at=START + timedelta(minutes=index % 4320),
            status=Status.RECEIVED if index % 3 else Status.DONE,
            finished_at=None if index % 3 else START + timedelta(hours=30),
        )
        for index in range(count)
    ]


def offsets(topics: Topics, group: str) -> dict[tuple[str, int], int]:
    """What the group has committed."""
    request = [ConsumerGroupTopicPartitions(group)]
    found = topics.admin.list_consumer_group_offsets(request)[group].result(20)
    return {(tp.topic, tp.partition): tp.offset for tp in found.topic_partitions if tp.offset >= 0}


def figures(store: Store) -> list[list[tuple[Any, ...]]]:
    """Everything that must not change when the same messages are loaded again."""
    return [
        store.query(sql).rows
        for sql in (
            "SELECT *, content_hash, rank FROM events FINAL ORDER BY ward, epoch, seq, content_hash",
            "SELECT * EXCEPT (key, value), hex(value) FROM rejects FINAL ORDER BY partition, `offset`",
            "SELECT * FROM heartbeats FINAL ORDER BY ward, arrived_at, `offset`",
            "SELECT * FROM book FINAL ORDER BY ward, day",
            "SELECT * FROM book_history FINAL ORDER BY ward, day, version",
            "SELECT * FROM ward_sync FINAL ORDER BY ward",
            "SELECT * FROM v_dossiers ORDER BY ward, dossier",
            "SELECT partition, max(last_offset) FROM coverage GROUP BY partition ORDER BY partition",
        )
    ]


def reset_to_earliest(topics: Topics, group: str) -> None:
    """What an operator does to replay everything."""
    places = [(name, p) for name in (topics.events, topics.changelog) for p in range(PARTITIONS)]
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(name, p, 0) for name, p in places])
    eventually(lambda: _altered(topics, request), 30)


def _altered(topics: Topics, request: ConsumerGroupTopicPartitions) -> bool:
    """A group with a static member stays until its session has timed out."""
    (future,) = topics.admin.alter_consumer_group_offsets([request]).values()
    return future.exception(20) is None and all(tp.error is None for tp in future.result().topic_partitions)


def test_events_books_and_syncs_are_loaded_and_agree(topics: Topics, store: Store) -> None:
    events = city(600)
    topics.send(events)
    topics.count(events, time.time_ns() // 1_000_000)
    with running(topics.config(store)) as loader:
        wait_stored(store, 600)
        wait_all_read(loader)
        health = loader.health()
    assert store.value("SELECT sum(received) + sum(resolved) FROM v_city_day") == 600
    assert store.value("SELECT countIf(complete) FROM v_ward_sync") == 30
    assert differences(store) == []
    assert holes(store) == []
    assert (health["events"], health["rejects"], health["incidents"]) == (600, 0, 0)
    assert covered(store) == 600
    committed = offsets(topics, topics.config(store).group)
    assert sum(offset for (name, _), offset in committed.items() if name == topics.events) == 600


def test_single_event_is_visible_soon(topics: Topics, store: Store) -> None:
    with running(topics.config(store, linger_ms=150)) as loader:
        eventually(lambda: loader.health()["state"] == "running", 30)
        delays = []
        for seq in range(1, 21):
            began = time.monotonic()
            topics.send([status(seq)])
            eventually(lambda seq=seq: stored(store) == seq, 10, 0.01)  # type: ignore[misc]
            delays.append(time.monotonic() - began)
    assert sorted(delays)[10] < 1.0, delays


BAD: list[tuple[bytes | None, bytes | None, int, str]] = [
    (None, WARD.encode(), PARTITION, "null_value"),
    (None, None, 3, "null_value"),
    (b"", WARD.encode(), PARTITION, "not_json"),
    (b"\xff\xfe\x00\x01", WARD.encode(), PARTITION, "not_json"),
    (b"\x00" * 100, b"\x00\xff", 5, "not_json"),
    (b"x" * 2_000_000, WARD.encode(), PARTITION, "too_large"),
    (b'{"a": NaN}', WARD.encode(), PARTITION, "not_json"),
    (b"{}", WARD.encode(), PARTITION, "unknown_type"),
    (encode(status(1)).replace(b'"status":2', b'"status":99'), WARD.encode(), PARTITION, "bad_shape"),
    (encode(status(1)).replace(b".v1", b".v9"), WARD.encode(), PARTITION, "unknown_type"),
    (encode(status(1)).replace(WARD.encode(), b"99999"), b"99999", 1, "unknown_ward"),
    (encode(status(1)), b"00004", PARTITION, "identity_mismatch"),
    (encode(status(1)), WARD.encode(), (PARTITION + 1) % PARTITIONS, "misrouted"),
    (
        encode(status(1)).replace(b'"time":"2025', b'"time":"1970'),
        WARD.encode(),
        PARTITION,
        "time_out_of_range",
    ),
]


def test_every_kind_of_bad_message_is_kept_with_its_bytes(topics: Topics, store: Store) -> None:
    for value, key, partition, _ in BAD:
        topics.raw(value, key, partition)
    topics.raw(b"not a record", b"00070|2025-07-01", PARTITION, topics.changelog)
    topics.raw(None, b"00070|2025-07-01", PARTITION, topics.changelog)
    topics.flush()
    topics.send(city(50))
    with running(topics.config(store)) as loader:
        wait_stored(store, 50)
        wait_all_read(loader)
    rows = store.query(
        "SELECT hex(value), hex(key), has_value, has_key, partition, reason"
        " FROM rejects FINAL WHERE topic = {t:String}",
        {"t": topics.events},
    ).rows
    sent = [
        ((value or b"").hex(), (key or b"").hex(), value is not None, key is not None, partition, reason)
        for value, key, partition, reason in BAD
    ]
    found = [(value.lower(), key.lower(), *rest) for value, key, *rest in rows]
    assert sorted(found) == sorted(sent)
    of_ward = store.value(f"SELECT count() FROM v_rejects WHERE ward = '{WARD}'")
    assert of_ward == sum(key == WARD.encode() for _, key, _, _ in BAD)
    assert store.value("SELECT count() FROM rejects FINAL") == len(BAD) + 2
    assert holes(store) == []


def test_heartbeats_are_kept_raw(topics: Topics, store: Store) -> None:
    clock = START
    beats = [
        wrap_heartbeat(
            Heartbeat(
                ward=WARD, epoch=EPOCH, last_seq=n, outbox_pending=0, clock=clock + timedelta(minutes=n)
            )
        )
        for n in range(5)
    ]
    topics.send(beats)
    with running(topics.config(store)):
        eventually(lambda: store.value("SELECT count() FROM heartbeats FINAL") == 5, 30)


def test_loading_everything_again_changes_nothing(topics: Topics, store: Store) -> None:
    events = city(400)
    topics.send(events)
    topics.raw(b"broken", WARD.encode(), PARTITION)
    topics.count(events, time.time_ns() // 1_000_000)
    config = topics.config(store, session_timeout_ms=6_000)
    with running(config) as loader:
        wait_stored(store, 400)
        wait_all_read(loader)
    before = figures(store)
    reset_to_earliest(topics, config.group)
    with running(config) as loader:
        eventually(lambda: loader.health()["events"] == 400, 60)
        wait_all_read(loader)
    assert figures(store) == before


def test_killed_loader_leaves_exact_tables(topics: Topics, store: Store, tmp_path: Path) -> None:
    """kill -9 at random moments of a load of 60,000 events with rejects among them (F15, F16, F17)."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    events = city(60_000, wards=60)
    config = topics.config(store, block_rows_max=4_000, consume_max=1_000, session_timeout_ms=6_000)
    topics.send(events[:30_000])
    topics.count(events[:600], time.time_ns() // 1_000_000)
    for kill in range(5):
        loader = LoaderProcess(config, tmp_path / "loader.log")
        begun = stored(store)
        eventually(lambda begun=begun: stored(store) > begun or stored(store) >= 30_000, 60)  # type: ignore[misc]
        time.sleep(chance.random() * 0.6)
        loader.kill()
        topics.raw(b"broken %d" % kill, WARD.encode(), PARTITION)
    topics.send(events[30_000:])
    loader = LoaderProcess(config, tmp_path / "loader.log")
    wait_stored(store, 60_000, 120)
    eventually(lambda: store.value("SELECT count() FROM rejects FINAL") == 5, 30)
    assert loader.stop() == 0
    assert store.value("SELECT count() FROM events FINAL") == 60_000
    assert store.value("SELECT uniqExact(ward, dossier, seq) FROM dossiers") == 60_000
    assert store.value("SELECT sum(b.events) FROM v_ward_day AS b") == 600
    assert holes(store) == []
    assert store.query("SELECT * FROM v_conflicts").rows == []


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Settings:
    """Settings of an endpoint that a test may stop and start."""
    return Settings(data_dir=tmp_path / "own", clickhouse_port=free_port())


def test_clickhouse_away_in_mid_load_holds_offsets_and_recovers(
    topics: Topics, own_clickhouse: Settings
) -> None:
    endpoint = clickhouse_stack.start(own_clickhouse)
    events = city(20_000)
    try:
        with database(endpoint) as store:
            config = topics.config(store, block_rows_max=2_000, consume_max=500)
            with running(config) as loader:
                topics.send(events[:5_000])
                wait_stored(store, 5_000)
                wait_all_read(loader)
                endpoint.kill()
                topics.send(events[5_000:])
                health = _waiting(loader, "waiting for clickhouse since")
                assert health["held"]["messages"] > 0
                assert health["rejects"] == 0
                # The block that waits behind the one in the writer's hands is held too.
                eventually(lambda: _beside_the_writers(loader.health()["held"]) >= 2_000, 60)
                time.sleep(2)
                committed = offsets(topics, config.group)
                assert sum(n for (name, _), n in committed.items() if name == topics.events) == 5_000
                endpoint = clickhouse_stack.start(own_clickhouse)
                wait_stored(store, 20_000)
                wait_all_read(loader)
                assert loader.health()["state"] == "running"
            assert store.value("SELECT count() FROM events FINAL") == 20_000
            assert holes(store) == []
            assert store.query("SELECT * FROM v_incidents").rows == []
    finally:
        endpoint.stop()


def test_lag_and_what_was_read_are_everything_from_the_first_moment(store: Store, topics: Topics) -> None:
    sent = topics.send(city(3_000))
    config = topics.config(store, consume_max=10, linger_ms=1)
    health, block = Health(config), Block()
    reader = Reader(config, health)
    try:
        eventually(lambda: reader.fill(block, 0.001) or len(block), 30, 0)
        while len(block) < sent:
            reader.tick()
            assert health.snapshot()["lag"][topics.events] + len(block) == sent
            reader.fill(block, 0.001)
    finally:
        reader.close()


def _beside_the_writers(held: dict[str, Any]) -> int:
    """How many messages are held beside those of the block in the writer's hands, whose spans are shown."""
    spans = [span.rpartition(": ")[2].split("-") for span in held["spans"]]
    return int(held["messages"]) - sum(int(last) - int(first) + 1 for first, last in spans)


def _waiting(loader: Loader, words: str) -> dict[str, Any]:
    return eventually(lambda: (health := loader.health())["state"].startswith(words) and health, 30)


def test_tables_that_are_not_there_yet_are_waited_for(topics: Topics, clickhouse: Endpoint) -> None:
    from streams.warehouse.migrate import migrate
    from tests.conftest import unique_name
    from tests.pipeline.warehouse import SQL

    topics.send(city(10))
    with Store(address(clickhouse, unique_name("late"))) as store, running(topics.config(store)) as loader:
        health = _waiting(loader, "waiting for clickhouse")
        assert "migrat" in health["state"]
        migrate(store, SQL)
        wait_stored(store, 10)
        store.command(f"DROP DATABASE {store.address.database}")


def test_loader_without_kafka_says_what_it_waits_for(store: Store, topics: Topics) -> None:
    from dataclasses import replace

    config = replace(topics.config(store), bootstrap=f"127.0.0.1:{free_port()}")
    with running(config) as loader:
        health = _waiting(loader, "waiting for kafka since")
        assert health["events"] == 0


def test_topic_that_is_made_later_is_waited_for(store: Store, kafka: Broker) -> None:
    topics = Topics(kafka.bootstrap)
    delete(topics)
    with running(topics.config(store)) as loader:
        _waiting(loader, "waiting for kafka since")
        topics.create(topics.specs[0])
        topics.send(city(10))
        wait_stored(store, 10)


def delete(topics: Topics) -> None:
    """Delete the events topic and wait until it is gone: what is sent before may be acknowledged and lost."""
    topics.admin.delete_topics([topics.events])[topics.events].result(20)
    eventually(lambda: topics.events not in topics.admin.list_topics(timeout=10).topics, 20)
    time.sleep(0.5)


def test_wrong_number_of_partitions_is_refused(store: Store, topics: Topics) -> None:
    topics.admin.create_partitions([NewPartitions(topics.events, PARTITIONS + 1)])[topics.events].result(20)
    eventually(
        lambda: len(topics.admin.list_topics(topics.events).topics[topics.events].partitions) > PARTITIONS
    )
    with pytest.raises(Stop, match=r"25 partitions.*24"), running(topics.config(store)) as loader:
        eventually(lambda: loader.health()["state"].startswith("stopped"), 30)


def test_deleted_unread_messages_are_an_incident_never_a_jump(topics: Topics, store: Store) -> None:
    """Retention takes messages that were not read (F26)."""
    topics.send([status(seq) for seq in range(1, 11)])
    with running(topics.config(store)) as loader:
        wait_stored(store, 10)
        wait_all_read(loader)
    topics.send([status(seq) for seq in range(11, 31)])
    topics.admin.delete_records([TopicPartition(topics.events, PARTITION, 25)])
    eventually(lambda: _low(topics) == 25)
    with running(topics.config(store)) as loader:
        wait_stored(store, 15)
        wait_all_read(loader)
        health = loader.health()
    (row,) = store.query("SELECT * FROM v_incidents").dicts()
    assert (row["kind"], row["partition"], row["first_offset"], row["last_offset"]) == (
        "lost_range",
        PARTITION,
        10,
        24,
    )
    assert WARD in row["wards"]
    assert "v_ward_sync" in row["detail_en"]
    assert health["incidents"] >= 1
    assert [(hole.first_offset, hole.last_offset) for hole in holes(store)] == [(10, 24)]


def _low(topics: Topics) -> int:
    consumer = Consumer({"bootstrap.servers": topics.bootstrap, "group.id": "low"})
    try:
        low, _ = bounds(consumer, topics.events, PARTITION)
    finally:
        consumer.close()
    return low


def test_position_that_an_operator_moved_forward_is_an_incident(topics: Topics, store: Store) -> None:
    config = topics.config(store, session_timeout_ms=6_000)
    topics.send([status(seq) for seq in range(1, 6)])
    with running(config) as loader:
        wait_stored(store, 5)
        wait_all_read(loader)
    topics.send([status(seq) for seq in range(6, 21)])
    jump = ConsumerGroupTopicPartitions(config.group, [TopicPartition(topics.events, PARTITION, 15)])
    eventually(lambda: _altered(topics, jump), 30)
    with running(config) as loader:
        wait_stored(store, 10)
    assert [(hole.first_offset, hole.last_offset) for hole in holes(store)] == [(5, 14)]
    assert store.value("SELECT count() FROM v_incidents") == 1


def test_recreated_topic_is_read_from_its_beginning(topics: Topics, store: Store) -> None:
    """Offsets begin at 0 again, below what was committed (F29)."""
    topics.send([status(seq) for seq in range(1, 11)])
    with running(topics.config(store)) as loader:
        wait_stored(store, 10)
        wait_all_read(loader)
        delete(topics)
        topics.create(topics.specs[0])
        topics.send([status(seq) for seq in range(11, 31)])
        wait_stored(store, 30)
        eventually(
            lambda: store.value("SELECT count() FROM v_incidents WHERE kind = 'topic_recreated'") == 1, 20
        )
    assert store.value("SELECT uniqExact(topic_id) FROM events") == 2
    assert store.value("SELECT count() FROM events FINAL") == 30


def test_second_loader_of_the_same_name_takes_over_at_once(topics: Topics, store: Store) -> None:
    """A loader that hangs cannot hold up its successor, and ends when it wakes up (F18)."""
    config = topics.config(store)
    topics.send(city(100))

    def overtaken() -> None:
        with running(config) as first:
            wait_stored(store, 100)
            wait_all_read(first)
            with running(config) as second:
                topics.send(city(200)[100:])
                wait_stored(store, 200, 20)
                eventually(lambda: first.health()["state"].startswith("stopped"), 30)
                wait_all_read(second)

    with pytest.raises(Stop, match="loader_fenced"):
        overtaken()


def test_two_loaders_share_the_partitions(topics: Topics, store: Store) -> None:
    first, second = (topics.config(store, instance=name) for name in ("a", "b"))
    with running(first) as one, running(second) as two:
        eventually(lambda: one.health()["state"] == two.health()["state"] == "running", 30)

        def both_have_some() -> bool:
            """A loader that has joined may get its partitions a moment later: send until each has some."""
            topics.send(city(600))
            return bool(one.health()["events"] > 0 and two.health()["events"] > 0)

        eventually(both_have_some, 40, 1.0)
        wait_stored(store, 600)
    assert holes(store) == []


def test_old_record_of_a_zombie_worker_does_not_win(topics: Topics, store: Store) -> None:
    book = Book(WARD, "2025-07-01")
    values = []
    # In a cell of the grid each: of one cell a block keeps the newest only, and here ClickHouse must decide.
    now_ms = time.time_ns() // 1_000_000
    for seq in range(1, 4):
        book.apply(status(seq), now_ms - (4 - seq) * GRID_MS)
        values.append(records.encode(book))
    for value in (values[2], values[0], values[1]):
        topics.raw(value, records.book_key(WARD, "2025-07-01"), PARTITION, topics.changelog)
        topics.flush()
    with running(topics.config(store)) as loader:
        eventually(lambda: store.value("SELECT count() FROM v_revisions") == 3, 30)
        wait_all_read(loader)
    assert store.query("SELECT received, revision FROM v_ward_day").rows == [(3, 3)]


def test_too_many_rejects_are_said_in_health(topics: Topics, store: Store) -> None:
    for _ in range(30):
        topics.raw(b"broken", WARD.encode(), PARTITION)
    topics.flush()
    topics.send(city(90))
    with running(topics.config(store, rejected_window=100)) as loader:
        wait_stored(store, 90)
        eventually(lambda: loader.health()["rejected_too_many"], 20)
        assert loader.health()["rejected_share"] == 0.25
        assert loader.health()["state"] == "running"
