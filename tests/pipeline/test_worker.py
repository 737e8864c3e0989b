"""Goal: whatever happens to workers, the changelog ends up holding exactly the books of the log.

Method: real worker processes on a real broker, thousands of events of many wards with repetitions, disorder
and every kind of poison, ended by SIGTERM, SIGKILL and SIGSTOP; the newest records of the changelog are
compared with `Book` and `WardSync` applied one message after the other.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from ops.stack.kafka import Broker
from producers.contract import codec
from producers.contract.envelope import StatusChangedEvent, wrap_heartbeat
from producers.contract.errors import Stop
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS, TopicSpec, changelog_topic, topic_specs
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from streams.app import WorkerConfig, run_worker
from streams.domain.sync import WardSync
from streams.topics_setup import ensure_topics, verify_topics
from tests.builders import EPOCH, START, closing, retraction, status
from tests.conftest import eventually, unique_name
from tests.pipeline.workers import (
    State,
    WorkerProcess,
    committed,
    difference,
    ends,
    expected,
    kept,
    messages,
    producer,
)

WARDS_USED = sorted(WARDS)[:30]
LARGE = b"x" * 2_000_000


class City:
    """A topic of its own, events for it, and the workers that read it."""

    def __init__(self, bootstrap: str, data_dir: Path) -> None:
        self.bootstrap, self.data_dir = bootstrap, data_dir
        self.app_id, self.topic = unique_name("app"), unique_name("events")
        self.random = random.Random(self.app_id)
        self.seqs = dict.fromkeys(WARDS_USED, 0)
        self.workers: list[WorkerProcess] = []
        self.specs = topic_specs(self.topic, self.app_id)

    def prepare(self) -> None:
        ensure_topics(self.bootstrap, self.specs)

    def start(self) -> WorkerProcess:
        name = f"worker{len(self.workers)}"
        worker = WorkerProcess(self.bootstrap, self.app_id, self.topic, self.data_dir, name)
        self.workers.append(worker)
        return worker

    def event(self, ward: str) -> StatusChangedEvent:
        self.seqs[ward] += 1
        seq, draw = self.seqs[ward], self.random
        at = START + timedelta(days=draw.randrange(3), minutes=draw.randrange(500))
        done = {"finished_at": at, "due_at": at + timedelta(days=draw.randrange(-1, 2))}
        return status(
            seq,
            at=at,
            ward=ward,
            channel=draw.choice(list(Channel)),
            status=draw.choice(list(Status)),
            **(done if draw.random() < 0.3 else {}),
        )

    def send(self, count: int, *, poison: bool = True) -> None:
        """Events of all wards; one in ten is sent twice, neighbours change places, some are corrected."""
        batch: list[tuple[str, bytes]] = []
        for _ in range(count):
            ward = self.random.choice(WARDS_USED)
            event = self.event(ward)
            batch.append((ward, codec.encode(event)))
            if self.random.random() < 0.1:
                batch.append(batch[self.random.randrange(len(batch))])
            if self.random.random() < 0.02:
                self.seqs[ward] += 1
                batch.append((ward, codec.encode(retraction(self.seqs[ward], event))))
        for _ in range(count // 4):
            at = self.random.randrange(len(batch) - 1)
            batch[at], batch[at + 1] = batch[at + 1], batch[at]
        sender = producer(self.bootstrap)
        for number, (ward, value) in enumerate(batch):
            sender.produce(self.topic, value, ward.encode(), partition=PARTITION_OF_WARD[ward])
            if poison and number % 200 == 0:
                self._poison(sender.produce)
        assert sender.flush(30) == 0

    def _poison(self, produce: Callable[..., None]) -> None:
        ward = self.random.choice(WARDS_USED)
        home, key = PARTITION_OF_WARD[ward], ward.encode()
        good = codec.encode(status(1, ward=ward))
        produce(self.topic, b"{not json", key, partition=home)
        produce(self.topic, b"\xff\xfe\x00", None, partition=home)
        produce(self.topic, None, key, partition=home)
        produce(self.topic, LARGE, key, partition=home)
        produce(self.topic, good, key, partition=(home + 1) % PARTITIONS)
        produce(self.topic, good, b"99999", partition=home)
        produce(self.topic, codec.encode(status(1, ward="99999")), b"99999", partition=home)
        produce(self.topic, b'{"type":"dongbo.unknown.v9"}', key, partition=home)

    def heartbeat_and_closing(self) -> None:
        sender = producer(self.bootstrap)
        for ward in WARDS_USED[:5]:
            beat = Heartbeat(ward=ward, epoch=EPOCH, last_seq=self.seqs[ward], outbox_pending=0, clock=START)
            self.seqs[ward] += 1
            for event in (wrap_heartbeat(beat), closing(self.seqs[ward], {Status.RECEIVED: 3}, ward=ward)):
                sender.produce(
                    self.topic, codec.encode(event), ward.encode(), partition=PARTITION_OF_WARD[ward]
                )
        assert sender.flush(30) == 0

    def wait_read(self, timeout: float = 45.0) -> None:
        """Until everything in the topic is committed."""
        wanted = ends(self.bootstrap, self.topic)
        eventually(lambda: committed(self.bootstrap, self.app_id, self.topic) == wanted, timeout, 0.3)

    def check(self) -> None:
        assert not (wrong := differences(self)), "\n".join(wrong[:5])


def differences(city: City) -> list[str]:
    """Books must be equal; a ward's record may have counted a change twice in its revision, nothing else."""
    found, wanted = kept(city.bootstrap, city.app_id), expected(city.bootstrap, city.topic)
    revisions = [
        f"{key!r}: revision {record.revision} is too low"
        for key, record in found.items()
        if isinstance(record, WardSync) and record.revision < getattr(wanted.get(key), "revision", 0)
    ]
    return revisions + difference(_plain(found), _plain(wanted))


def _plain(state: State) -> State:
    return {
        key: msgspec.structs.replace(record, revision=0) if isinstance(record, WardSync) else record
        for key, record in state.items()
    }


@pytest.fixture
def city(kafka: Broker, tmp_path: Path) -> Iterator[City]:
    city = City(kafka.bootstrap, tmp_path)
    city.prepare()
    yield city
    for worker in city.workers:
        worker.kill()


class Fault(NamedTuple):
    after_s: float
    signum: signal.Signals
    for_s: float = 0.0


def test_worker_with_repetitions_disorder_and_every_poison_keeps_exact_books(city: City) -> None:
    worker = city.start()
    city.send(4000)
    city.heartbeat_and_closing()
    city.wait_read()
    city.check()
    assert worker.alive()
    assert worker.terminate() == 0


@pytest.mark.timeout(240)
def test_worker_killed_at_random_moments_keeps_exact_books(city: City) -> None:
    city.send(3000)
    for _ in range(4):
        worker = city.start()
        eventually(lambda worker=worker: "ready:" in worker.text(), 30)  # type: ignore[misc]
        city.send(1500)
        time.sleep(city.random.random() * 0.4)
        worker.kill()
    city.start()
    city.wait_read()
    city.check()


@pytest.mark.timeout(240)
def test_two_workers_that_come_and_go_keep_exact_books(city: City) -> None:
    first = city.start()
    city.send(2000)
    second = city.start()
    city.send(2000)
    eventually(lambda: "ready:" in first.text() and "ready:" in second.text(), 40)
    city.send(1000)
    assert first.terminate() == 0
    city.send(1000)
    city.start()
    city.send(1000)
    city.wait_read()
    assert second.alive()
    city.check()


@pytest.mark.timeout(240)
def test_stopped_worker_that_wakes_up_spoils_nothing(city: City) -> None:
    sleeper, other = city.start(), city.start()
    city.send(2000)
    eventually(lambda: "ready:" in sleeper.text() and "ready:" in other.text(), 40)
    sleeper.process.send_signal(signal.SIGSTOP)
    city.send(2000)
    time.sleep(12)
    sleeper.process.send_signal(signal.SIGCONT)
    city.send(2000)
    city.wait_read(60)
    city.check()


def test_older_records_that_stand_last_in_the_changelog_are_written_over(city: City) -> None:
    """As a worker leaves them that was stopped in a chunk and woke up: compaction would keep them alone."""
    worker = city.start()
    city.send(2000)
    city.wait_read(60)
    worker.kill()
    topic = changelog_topic(city.app_id)
    newest = _last(city)
    first = {key: value for key, value in _all(city) if value != newest[key]}
    victims, junk = sorted(first)[:3], sorted(newest)[-1]
    assert len(victims) == 3
    sender = producer(city.bootstrap)
    for key, value in [*((key, first[key]) for key in victims), (junk, bytes(12))]:
        sender.produce(topic, value, key, partition=PARTITION_OF_WARD[key[:5].decode()])
    assert sender.flush(30) == 0
    assert _last(city) != newest
    city.start()
    eventually(lambda: _last(city) == newest, 60)
    size = sum(ends(city.bootstrap, topic).values())
    city.workers[-1].kill()
    again = city.start()
    eventually(lambda: "ready:" in again.text(), 40)
    assert sum(ends(city.bootstrap, topic).values()) == size
    city.check()


def _all(city: City) -> list[tuple[bytes, bytes]]:
    """The changelog in the order of each partition, less what has no key."""
    found = messages(city.bootstrap, changelog_topic(city.app_id))
    return [(key, each.value() or b"") for each in found if isinstance(key := each.key(), bytes)]


def _last(city: City) -> dict[bytes, bytes]:
    """What compaction would leave."""
    return dict(_all(city))


def test_sigterm_ends_in_time_and_leaves_nothing_to_read_again(city: City) -> None:
    worker = city.start()
    city.send(3000)
    eventually(lambda: sum(committed(city.bootstrap, city.app_id, city.topic).values()) > 0, 30)
    city.send(3000, poison=False)
    wanted = ends(city.bootstrap, city.topic)
    eventually(lambda: kept_events(city) >= 6000, 30)
    started = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - started < 10
    assert committed(city.bootstrap, city.app_id, city.topic) == wanted
    size = sum(ends(city.bootstrap, changelog_topic(city.app_id)).values())
    again = city.start()
    eventually(lambda: "ready:" in again.text(), 30)
    time.sleep(2)
    assert sum(ends(city.bootstrap, changelog_topic(city.app_id)).values()) == size
    city.check()


def kept_events(city: City) -> int:
    state = kept(city.bootstrap, city.app_id)
    return sum(record.events() for record in state.values() if isinstance(record, WardSync))


def test_transactions_by_mistake_count_when_committed_only(city: City) -> None:
    """Markers are holes in the offsets, also at a partition's end; the changelog may have them likewise."""
    worker = city.start()
    sender = producer(city.bootstrap, **{"transactional.id": city.app_id})
    sender.init_transactions(10)
    for aborted in (False, True, False, True):
        sender.begin_transaction()
        for ward in WARDS_USED[:10]:
            key, home = ward.encode(), PARTITION_OF_WARD[ward]
            sender.produce(city.topic, codec.encode(city.event(ward)), key, partition=home)
            if not aborted:
                sender.produce(changelog_topic(city.app_id), b"garbage", b"no record", partition=home)
        sender.flush(10)
        (sender.abort_transaction if aborted else sender.commit_transaction)(10)
    eventually(lambda: kept_events(city) == 20, 30)
    assert worker.terminate() == 0
    again = city.start()
    eventually(lambda: "ready:" in again.text(), 30)
    assert "changelog record skipped" in again.text()
    city.send(500)
    eventually(lambda: kept_events(city) > 500, 30)
    city.check()


def test_worker_whose_changelog_refuses_a_record_ends_with_70_and_commits_nothing(
    kafka: Broker, tmp_path: Path
) -> None:
    city = City(kafka.bootstrap, tmp_path)
    events, changelog, *others = city.specs
    small = msgspec.structs.replace(changelog, config=changelog.config | {"max.message.bytes": "150"})
    ensure_topics(kafka.bootstrap, [events, small, *others])
    city.send(200, poison=False)
    worker = city.start()
    try:
        assert worker.process.wait(30) == 70
        assert set(committed(kafka.bootstrap, city.app_id, city.topic).values()) == {0}
        assert "failed; ending" in worker.text()
    finally:
        worker.kill()


def test_worker_waits_for_its_topics_and_says_so(kafka: Broker, tmp_path: Path) -> None:
    city = City(kafka.bootstrap, tmp_path)
    worker = city.start()
    try:
        eventually(lambda: f"waiting for topics that do not exist: {city.topic}" in worker.text(), 20)
        city.prepare()
        eventually(lambda: "ready:" in worker.text(), 20)
    finally:
        worker.kill()


@pytest.mark.parametrize(
    ("partitions", "config", "code"),
    [
        (12, {"message.timestamp.type": "LogAppendTime"}, "partitions_mismatch"),
        (PARTITIONS, {"message.timestamp.type": "CreateTime"}, "topic_config_mismatch"),
    ],
)
def test_worker_refuses_a_topic_that_differs(
    kafka: Broker, tmp_path: Path, partitions: int, config: dict[str, str], code: str
) -> None:
    topic = unique_name("wrong")
    ensure_topics(kafka.bootstrap, [TopicSpec(topic, partitions, config)])
    with pytest.raises(Stop) as caught:
        run_worker(
            WorkerConfig(
                bootstrap=kafka.bootstrap, app_id=unique_name("app"), events_topic=topic, data_dir=tmp_path
            )
        )
    assert caught.value.code == code


def test_ensure_topics_twice_changes_nothing(city: City) -> None:
    city.prepare()
    assert verify_topics(city.bootstrap, city.specs) == []
