"""Goal: with signatures required, only what a ward itself has signed is counted; everything else is
rejected with its reason, by worker and loader alike, now and at every replay.

Method: `dongbo run worker` and `dongbo run loader` as processes with the policy in their settings, a real
broker and a real ClickHouse; a ward's outbox and publisher that sign, and a forger with a bare producer.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Producer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ops.identity import keyring_path, registry_path
from ops.settings import REPOSITORY, Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import Event, StatusChangedEvent
from producers.contract.signing import Headers
from producers.contract.topics import PARTITION_OF_WARD, topic_specs
from producers.identity.keys import GATEWAY, SigningKeys
from producers.identity.signatures import Signer, new_private_key, read_signer
from producers.identity.tokens import Tokens, key_id_of
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from streams.domain import intervals, records
from streams.domain.book import Book
from streams.domain.sync import WardSync
from streams.topics_setup import ensure_topics
from streams.warehouse.store import Store
from tests.builders import START, status
from tests.conftest import eventually, free_port, unique_name
from tests.pipeline import gateway
from tests.pipeline.warehouse import database
from tests.pipeline.workers import committed, difference, ends, kept, messages

WARD, OTHER = "00070", "00004"
HOUR_S: Final = 3600.0
ACTIVATION_S: Final = 2.0
SENT_BY_WARD: Final = 40


class Keys:
    """Public keys in the city's registry, registered as of long ago, and who signs with them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def signer(self, ward: str = WARD, hours_ago: float = 3.0) -> Signer:
        private = Ed25519PrivateKey.generate()
        self.register(ward, private.public_key().public_bytes_raw(), hours_ago)
        return Signer(private)

    def register(self, ward: str, public: bytes, hours_ago: float = 3.0) -> None:
        keys = self._keys(hours_ago)
        keys.new(ward, public)
        keys.close()

    def revoke(self, key_id: str, hours_ago: float = 0.0) -> None:
        keys = self._keys(hours_ago)
        keys.revoke(key_id)
        keys.close()

    def _keys(self, hours_ago: float) -> SigningKeys:
        return SigningKeys(
            registry_path(self._settings),
            keyring_path(self._settings),
            clock=lambda: time.time() - hours_ago * HOUR_S,
            activation_s=ACTIVATION_S,
        )


class Forger:
    """A bare Kafka producer: any bytes under any headers, straight into a ward's partition (F49)."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.events_topic
        self._producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "acks": "all"})
        self.sent: dict[tuple[int, int], str] = {}

    def send(self, code: str, event: Event, headers: Headers = (), value: bytes | None = None) -> None:
        """Send a message and remember what must become of it."""

        def delivered(error: object, message: Any) -> None:
            assert error is None
            self.sent[message.partition(), message.offset()] = code

        ward = event.data.ward
        options: dict[str, Any] = {"headers": list(headers)} if headers else {}
        self._producer.produce(
            self._topic,
            value or encode(event),
            ward.encode(),
            PARTITION_OF_WARD[ward],
            on_delivery=delivered,
            **options,
        )
        assert self._producer.flush(20) == 0


@contextmanager
def process(settings: Settings, name: str, folder: Path) -> Iterator[Path]:
    """`dongbo run NAME` until the end of the block; yields its log."""
    path = folder / f"{name}.log"
    with path.open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "ops", "run", name],
            env=os.environ | settings.environment(),
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
        )
    try:
        yield path
        assert running.poll() is None, path.read_text(errors="replace")[-3000:]
    finally:
        running.terminate()
        running.wait(30)


@pytest.fixture
def settings(kafka: Broker, clickhouse: Endpoint, tmp_path: Path) -> Settings:
    """A city that requires signatures; topics of its own."""
    app_id = unique_name("signed")
    found = Settings(
        data_dir=tmp_path / "var",
        kafka_bootstrap=kafka.bootstrap,
        kafka_external=True,
        app_id=app_id,
        events_topic=f"{app_id}.events",
        clickhouse_external=True,
        clickhouse_host=clickhouse.host,
        clickhouse_port=clickhouse.port,
        worker_health_port=min(free_port(), 60_000),
        loader_health_port=free_port(),
        signature_policy="require",
    )
    ensure_topics(kafka.bootstrap, topic_specs(found.events_topic, app_id))
    return found


def again(settings: Settings, folder: Path) -> Settings:
    """The same city's worker and loader, with nothing read yet: a replay from the first message."""
    app_id = unique_name("replay")
    found = settings.model_copy(
        update={
            "app_id": app_id,
            "worker_health_port": min(free_port(), 60_000),
            "loader_health_port": free_port(),
            "data_dir": folder,
            "identity_path": registry_path(settings),
            "keyring_path": keyring_path(settings),
        }
    )
    ensure_topics(settings.kafka_bootstrap, topic_specs(found.events_topic, app_id)[1:])
    return found


@contextmanager
def city(settings: Settings, endpoint: Endpoint, folder: Path) -> Iterator[tuple[Settings, Store]]:
    """A worker and a loader, running."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        store = stack.enter_context(database(endpoint))
        ours = settings.model_copy(update={"clickhouse_database": store.address.database})
        stack.enter_context(process(ours, "worker", folder))
        stack.enter_context(process(ours, "loader", folder))
        yield ours, store


def wait_read(settings: Settings, store: Store, timeout: float = 60.0) -> None:
    """Until worker and loader have everything that is in the topic."""
    topic, bootstrap = settings.events_topic, settings.kafka_bootstrap
    wanted = ends(bootstrap, topic)
    eventually(lambda: committed(bootstrap, settings.app_id, topic) == wanted, timeout, 0.3)
    group = f"{settings.app_id}-loader"
    full = {number: end for number, end in wanted.items() if end}

    def loaded() -> bool:
        found = committed(bootstrap, group, topic)
        return {number: found[number] for number in full} == full

    eventually(loaded, timeout, 0.3)


def rejects(store: Store) -> dict[tuple[int, int], str]:
    """What the loader rejected, by place."""
    query = "SELECT partition, offset, reason FROM rejects FINAL WHERE topic LIKE '%.events'"
    return {(int(partition), int(offset)): reason for partition, offset, reason in store.query(query).rows}


def counted(settings: Settings) -> dict[str, int]:
    """How many events the worker's books hold, by ward."""
    found: dict[str, int] = {}
    for record in kept(settings.kafka_bootstrap, settings.app_id).values():
        if isinstance(record, Book):
            found[record.ward] = found.get(record.ward, 0) + record.events()
    return found


def raw(store: Store) -> dict[str, int]:
    """How many different events the loader stored, by ward."""
    rows = store.query("SELECT ward, uniqExact(epoch, seq) FROM events GROUP BY ward").rows
    return {ward: int(count) for ward, count in rows}


def ward_sends(settings: Settings, signer: Signer, folder: Path) -> str:
    """A ward's own outbox, emptied by a publisher that signs; returns its epoch."""
    with Outbox(folder / "outbox.db") as outbox:
        draft = Draft(StatusChangedEvent, status(1).data, START)
        outbox.append(WARD, [draft] * SENT_BY_WARD)
        publisher = Publisher(
            outbox, settings.kafka_bootstrap, settings.events_topic, sign=signer, beat_every_s=0.2
        )
        assert publisher.run_until_empty(20)
        return outbox.epoch


def attack(settings: Settings, keys: Keys, own: Signer) -> Forger:
    """One message of each kind, each with a seq of its own, so that one that was counted would show."""
    forger, other = Forger(settings), keys.signer(OTHER)
    ended = keys.signer(hours_ago=5)
    keys.revoke(ended.key_id, hours_ago=4)
    early, stranger = keys.signer(hours_ago=-1), Signer(Ed25519PrivateKey.generate())
    events = [status(seq) for seq in range(101, 120)]
    forger.send("unsigned", events[0])
    forger.send("bad_signature", events[1], other(WARD, encode(events[1])))
    forger.send("bad_signature", events[2], ended(WARD, encode(events[2])))
    forger.send("bad_signature", events[3], early(WARD, encode(events[3])))
    forger.send("bad_signature", events[4], stranger(WARD, encode(events[4])))
    forger.send("bad_signature", events[5], own(WARD, encode(events[6])))
    forger.send("bad_signature", status(1, ward=OTHER), own(OTHER, encode(status(1, ward=OTHER))))
    forger.send("bad_signature", events[7], [*own(WARD, encode(events[7])), *own(WARD, encode(events[7]))])
    forger.send("bad_signature", events[8], [("dongbo-signature", b"short")])
    return forger


class Misnamed(str):
    """A header's name that is not UTF-8 on the wire."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


async def send_misnamed(settings: Settings, event: Event, headers: Headers) -> tuple[int, int]:
    """A batch in which good messages stand around one with such a name; returns where that one lies."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
    await producer.start()
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    named = [(Misnamed("x"), b""), *headers]
    for number, found in enumerate((headers, named, headers)):
        batch._builder.append(number, 1000, event.data.ward.encode(), encode(event), list(found))
    batch._relative_offset = 3
    partition = PARTITION_OF_WARD[event.data.ward]
    sent = await (await producer.send_batch(batch, settings.events_topic, partition=partition))
    await producer.stop()
    return partition, sent.offset + 1


def capture_and_resend(settings: Settings) -> int:
    """Send every signed message again as it was, headers and all (F48); returns how many."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "acks": "all"})
    captured = [
        message
        for message in messages(settings.kafka_bootstrap, settings.events_topic)
        if message.headers() and b'"seq"' in (message.value() or b"")
    ]
    for message in captured:
        producer.produce(
            settings.events_topic,
            message.value(),
            message.key(),
            message.partition() or 0,
            headers=message.headers(),
        )
    assert producer.flush(20) == 0
    return len(captured)


def test_city_that_requires_signatures_counts_only_what_wards_signed(
    settings: Settings, clickhouse: Endpoint, tmp_path: Path
) -> None:
    keys = Keys(settings)
    public = new_private_key(tmp_path / "ward.pem")
    keys.register(WARD, public.public_bytes_raw())
    own, ours_to_vouch = read_signer(tmp_path / "ward.pem"), keys.signer(GATEWAY)
    epoch = ward_sends(settings, own, tmp_path)
    assert capture_and_resend(settings) == SENT_BY_WARD
    forger = attack(settings, keys, own)
    vouched = status(1, ward="00008")
    forger.send("taken", vouched, ours_to_vouch("00008", encode(vouched)))
    signed = status(2, ward="00008")
    place = asyncio.run(send_misnamed(settings, signed, ours_to_vouch("00008", encode(signed))))
    forger.sent[place] = "unsigned"
    wanted = {place: code for place, code in forger.sent.items() if code != "taken"}
    truth = {WARD: SENT_BY_WARD, "00008": 2}

    with city(settings, clickhouse, tmp_path / "first") as (first, store):
        wait_read(first, store)
        assert rejects(store) == wanted
        assert (counted(first), raw(store)) == (truth, truth)
        state = kept(first.kafka_bootstrap, first.app_id)
        sync = state[records.sync_key(WARD)]
        assert isinstance(sync, WardSync)
        assert {name: intervals.size(seqs) for name, seqs in sync.seqs.items()} == {epoch: SENT_BY_WARD}
        assert sync.rejected == len(wanted) - 2  # two were sent in other wards' names
        new_key_is_believed_without_a_restart(first, store, keys, forger)

    # The ward's key has ended meanwhile; what it signed in its time stays counted.
    keys.revoke(own.key_id)
    time.sleep(ACTIVATION_S)
    with city(again(settings, tmp_path / "var2"), clickhouse, tmp_path / "second") as (second, store):
        wait_read(second, store)
        assert rejects(store) == {place: code for place, code in forger.sent.items() if code != "taken"}
        assert counted(second) == raw(store) == truth | {OTHER: 1}
        newest = kept(second.kafka_bootstrap, second.app_id)
        assert not (wrong := difference(_books(newest), _books(kept(first.kafka_bootstrap, first.app_id)))), (
            wrong
        )


def _books(state: dict[bytes, Book | WardSync]) -> dict[bytes, Book | WardSync]:
    """Books only, as far as they say what was counted: revisions depend on how chunks were cut."""
    return {key: record for key, record in state.items() if isinstance(record, Book)}


def new_key_is_believed_without_a_restart(
    settings: Settings, store: Store, keys: Keys, forger: Forger
) -> None:
    """Before its beginning the key's messages are rejected, after it taken: by both, and never anew."""
    signer = keys.signer(OTHER, hours_ago=0)
    early, late = status(2, ward=OTHER), status(3, ward=OTHER, at=START + timedelta(days=1))
    forger.send("bad_signature", early, signer(OTHER, encode(early)))
    time.sleep(ACTIVATION_S)
    forger.send("taken", late, signer(OTHER, encode(late)))
    wait_read(settings, store)
    assert rejects(store) == {place: code for place, code in forger.sent.items() if code != "taken"}
    assert (counted(settings)[OTHER], raw(store)[OTHER]) == (1, 1)


@pytest.mark.parametrize("name", ["worker", "loader"])
def test_process_without_its_keyring_says_so_and_reads_nothing(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "run", name],
        env=os.environ | settings.environment(),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78
    assert "keyring_missing" in done.stderr


def test_gateway_with_real_tokens_takes_a_wards_own_events_only(kafka: Broker, tmp_path: Path) -> None:
    """F46 and F47: rotated in mid stream, the old token ends with its overlap; nobody speaks for another."""
    now_s = [time.time()]
    tokens = Tokens(tmp_path / "wards.sqlite", clock=lambda: now_s[0])
    old, theirs = tokens.issue(WARD), tokens.issue(OTHER)
    topic = gateway.topic(kafka.bootstrap)
    with gateway.running(kafka.bootstrap, tmp_path, authority=tokens, topic=topic) as door:

        def post(seq: int, token: str, ward: str = WARD) -> tuple[int, str]:
            answer = door.post(encode(status(seq, ward=ward)), token=token)
            events = answer.json.get("events") or [{}]
            return answer.status, str(events[0].get("code", ""))

        assert post(1, old)[0] == 202
        assert post(2, theirs) == (422, "foreign_ward")
        assert post(1, old, OTHER) == (422, "foreign_ward")
        new = tokens.rotate(WARD, overlap_s=60)
        assert (post(2, old)[0], post(3, new)[0]) == (202, 202)
        newest = tokens.issue(WARD)
        assert post(4, newest)[0] == 202
        now_s[0] += 60
        tokens.revoke(key_id_of(newest))
        time.sleep(1.0)  # the promise: no request is taken a second later
        assert (post(5, old)[0], post(5, newest)[0], post(5, new)[0]) == (401, 401, 202)
    found = {message.value() for message in gateway.messages(kafka.bootstrap, topic, 5)}
    assert found == {encode(status(seq)) for seq in range(1, 6)}
    tokens.close()
