"""Goal: the broker we start is a real one that keeps its data. Method: real clients, SIGTERM and SIGKILL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ops.settings import Settings
from ops.stack import jars
from ops.stack.kafka import Broker, Layout, command, start, wait_ready
from producers.contract.errors import Stop, Unavailable
from tests.conftest import free_port, unique_name


def make_topic(bootstrap: str, config: dict[str, str] | None = None) -> str:
    name = unique_name("topic")
    topic = NewTopic(name, num_partitions=1, replication_factor=1, config=config or {})
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([topic])[name].result(20)
    return name


def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 8_000_000, "acks": "all"})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0


def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": unique_name("group")})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        return [message.value() or b"" for message in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, kafka_bootstrap=f"127.0.0.1:{free_port()}")


@pytest.fixture
def own_broker(own_settings: Settings) -> Iterator[Broker]:
    broker = start(own_settings)
    yield broker
    broker.stop()


def test_broker_takes_a_two_megabyte_message(kafka: Broker) -> None:
    topic = make_topic(kafka.bootstrap)
    produce(kafka.bootstrap, topic, [b"x" * 2_000_000])
    assert [len(value) for value in consume(kafka.bootstrap, topic, 1)] == [2_000_000]


def test_broker_stamps_arrival_time_where_the_topic_asks(kafka: Broker) -> None:
    topic = make_topic(kafka.bootstrap, {"message.timestamp.type": "LogAppendTime"})
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"from long ago", timestamp=1)
    producer.flush(20)
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "stamps"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    (message,) = consumer.consume(1, timeout=20)
    consumer.close()
    assert message.timestamp()[1] > 1_700_000_000_000


def test_broker_does_not_create_topics_by_itself(kafka: Broker) -> None:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "none"})
    name = unique_name("absent")
    assert consumer.list_topics(name, timeout=10).topics[name].error is not None
    consumer.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_broker_restarts_on_its_data(own_settings: Settings, own_broker: Broker, end: str) -> None:
    topic = make_topic(own_broker.bootstrap)
    produce(own_broker.bootstrap, topic, [b"kept"] * 100)
    getattr(own_broker, end)()
    again = start(own_settings)
    try:
        assert consume(again.bootstrap, topic, 100) == [b"kept"] * 100
    finally:
        again.stop()


def test_broker_writes_its_log_to_the_data_folder(own_settings: Settings, own_broker: Broker) -> None:
    log = Layout.of(own_settings).log.read_text()
    assert "Kafka Server started" in log
    assert log.count("\n") < 30, "the log is for what matters"


def test_command_on_a_taken_port_names_it(own_settings: Settings, own_broker: Broker) -> None:
    with pytest.raises(Stop, match=own_settings.kafka_bootstrap) as caught:
        command(own_settings)
    assert caught.value.code == "port_taken"


def test_wait_ready_without_a_broker_is_unavailable_with_a_remedy() -> None:
    with pytest.raises(Unavailable, match="DONGBO_KAFKA_BOOTSTRAP"):
        wait_ready(f"127.0.0.1:{free_port()}", 0.5)


def test_verify_changed_or_foreign_jar_stops(tmp_path: Path) -> None:
    (tmp_path / "good.jar").write_bytes(b"good")
    (tmp_path / "foreign.jar").write_bytes(b"foreign")
    good = "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c"
    lock = tmp_path / "lock"
    lock.write_text(f"# pinned\ngood.jar  {good}\nabsent.jar  {good}\n")
    with pytest.raises(Stop, match=r"absent\.jar, foreign\.jar"):
        jars.verify([tmp_path / "good.jar", tmp_path / "foreign.jar"], lock)


def test_lock_holds_names_and_checksums_only() -> None:
    assert len(jars.read_lock()) > 40
    assert "://" not in jars.LOCK.read_text()


def test_resolve_without_the_repository_says_how_to_use_another_kafka(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    with pytest.raises(Unavailable, match="DONGBO_KAFKA_EXTERNAL=true"):
        jars.resolve(settings)


def test_jars_run_from_a_folder_of_ours_that_jgo_does_not_touch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=tmp_path / "cache")
    asked: list[int] = []
    found, away = jars.resolve(settings), [tmp_path / "jgo links it anew"]

    def resolve(_: Settings) -> list[Path]:
        asked.append(len(found))
        return [*found[1:], away.pop()] if away else found

    monkeypatch.setattr(jars, "resolve", resolve)
    paths = jars.ready(settings)
    assert len(asked) == 2, "a jar was away at first"
    assert jars.ready(settings) == paths == sorted(paths)
    assert len(asked) == 2
    assert {path.parent.parent for path in paths} == {settings.cache_dir}
    assert [path.name for path in settings.cache_dir.iterdir() if path.is_dir()] == [paths[0].parent.name]
    paths[0].unlink()
    with pytest.raises(Stop, match=paths[0].name) as wrong:
        jars.ready(settings)
    assert str(paths[0].parent) in str(wrong.value)


def test_oversized_message_is_refused(kafka: Broker) -> None:
    topic = make_topic(kafka.bootstrap, {"max.message.bytes": "1000"})
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"x" * 5000, on_delivery=lambda error, _: errors.append(error))
    producer.flush(20)
    assert "MSG_SIZE_TOO_LARGE" in repr(errors[0])
