"""What wards and strangers send: repetitions, reused seqs, replays, floods, poison, foreign wards."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent, StatusChangedEvent, wrap_heartbeat
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD, changelog_topic
from producers.simulator.faults import malformed
from streams.domain.records import sync_key
from tests.faults.catalogue.base import Fault, NoEffect
from tests.faults.changelog import older_records
from tests.faults.events import make
from tests.faults.plan import Poison
from tests.faults.standing import tolerant


class Data(Fault):
    group = "data"

    def known(self, most: int) -> tuple[str, list[SequencedEvent]]:
        """A ward and its newest promised events that the city has counted, at most so many.

        :raises NoEffect: ClickHouse is away, or nothing is counted yet
        """
        counted = {ward: seq for ward, seq in (tolerant(self.city.counted) or {}).items() if seq > 20}
        if not counted:
            raise NoEffect("no ward has events yet, or ClickHouse was away")
        ward = self.rng.choice(sorted(counted))
        last = counted[ward]
        return ward, self.events(ward, range(max(1, last - most), last + 1))

    def events(self, ward: str, seqs: Iterable[int]) -> list[SequencedEvent]:
        """The very events that the ward sends."""
        config = next(c for c in map(self.city.config_of, self.city.senders) if ward in c.wards)
        return [make(config.seed, config.epoch, ward, seq).event for seq in seqs]

    def produce(self, messages: Iterable[tuple[bytes | None, bytes | None, int]], topic: str = "") -> None:
        """Straight to Kafka, past every gateway and outbox; returns when Kafka has all."""
        failed: list[str] = []

        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error.str())

        producer = Producer(_PRODUCER | {"bootstrap.servers": self.city.settings.kafka_bootstrap})
        for value, key, partition in messages:
            while True:
                try:
                    producer.produce(
                        topic or self.city.settings.events_topic, value, key, partition, on_delivery=report
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        if producer.flush(_PATIENCE_S) or failed:
            raise AssertionError(f"Kafka did not take what the harness sent: {failed[:1]}")

    def send(self, events: Iterable[SequencedEvent]) -> int:
        """Good events once more; how many."""
        found = [(encode(e), e.data.ward.encode(), PARTITION_OF_WARD[e.data.ward]) for e in events]
        self.produce(found)
        self.city.extra.duplicates += len(found)
        return len(found)

    def poison(self, bad: list[Poison]) -> None:
        """Messages that must be rejected, each noted with its offset."""
        producer = Producer(_PRODUCER | {"bootstrap.servers": self.city.settings.kafka_bootstrap})

        def report(one: Poison) -> object:
            def told(error: KafkaError | None, message: Message) -> None:
                if error is None:
                    one.offset = message.offset() or 0

            return told

        for one in bad:
            topic = one.topic or self.city.settings.events_topic
            producer.produce(topic, one.value, one.key, one.partition, on_delivery=report(one))  # type: ignore[arg-type]
        producer.flush(_PATIENCE_S)
        # What Kafka did not take was not sent; an offset of 0 is a real one.
        taken = [one for one in bad if one.offset >= 0]
        self.city.extra.poison += taken
        if not taken:
            raise NoEffect("Kafka took none of the bad messages")


class Duplicates(Data):
    id, name = "F34", "duplicates"
    expectation = "the same events once more, also from long ago: one row, one count"

    def inject(self) -> str:
        ward, events = self.known(400)
        return f"{self.send(events)} events of {ward} sent again"


class Backwards(Data):
    id, name = "F36", "duplicates-backwards"
    expectation = "in the reverse order: the same totals"

    def inject(self) -> str:
        ward, events = self.known(300)
        return f"{self.send(reversed(events))} events of {ward} sent again, the newest first"


class Backfill(Data):
    id, name = "F54", "backfill-over-live"
    expectation = "a ward's whole history is sent again while it goes on: no total changes"

    def inject(self) -> str:
        ward, events = self.known(20_000)
        return f"the whole history of {ward}, {self.send(events)} events, sent again"


class Flood(Data):
    id, name = "F57", "flood"
    expectation = "a burst of repetitions: slower for a while, exact"

    def inject(self) -> str:
        count = sum(self.send(self.known(1000)[1]) for _ in range(8))
        return f"{count} repetitions at once"


class Conflict(Data):
    id, name = "F35", "seq-reused-with-other-content"
    expectation = "the first content counts, the other is shown in v_conflicts"

    def inject(self) -> str:
        ward, events = self.known(60)
        loaded = (tolerant(self.city.loaded) or {}).get(ward, 0)
        good = [e for e in events if isinstance(e, StatusChangedEvent) and e.data.seq <= loaded][:5]
        other = [
            msgspec.structs.replace(e, data=msgspec.structs.replace(e.data, procedure="1.000656"))
            for e in good
        ]
        if not other:
            raise NoEffect(f"nothing of {ward} is loaded that could be said otherwise")
        self.produce((encode(e), ward.encode(), PARTITION_OF_WARD[ward]) for e in other)
        self.city.extra.conflicts |= {(ward, e.data.seq) for e in other}
        return f"{len(other)} seqs of {ward} used again with other content"


class UnknownMember(Data):
    id, name = "F43", "members-of-a-later-version"
    expectation = "members that the contract does not know are dropped, the event is the same"

    def inject(self) -> str:
        ward, events = self.known(100)
        later = [msgspec.json.encode(msgspec.json.decode(encode(e)) | {"later": {"x": [1]}}) for e in events]
        self.produce((value, ward.encode(), PARTITION_OF_WARD[ward]) for value in later)
        self.city.extra.duplicates += len(later)
        return f"{len(later)} events of {ward} with a member of tomorrow"


class PoisonMessages(Data):
    id, name = "F40", "poison"
    expectation = "every kind of bad message is rejected with its reason and its bytes; its neighbours count"

    def inject(self) -> str:
        bad = [
            Poison(one.code, one.value, one.key, one.partition)
            for one in malformed(self.rng.randrange(1_000_000))
            if one.code not in _LARGE
        ]
        self.poison(bad)
        return f"{len(bad)} bad messages"


class Tombstones(Data):
    id, name = "F42", "null-values-and-keys"
    expectation = "rejected; the consumer goes on"

    def inject(self) -> str:
        ward = self.rng.choice(sorted(PARTITION_OF_WARD))
        partition = PARTITION_OF_WARD[ward]
        self.poison([Poison("null_value", None, key, partition) for key in (ward.encode(), b"", None)])
        return "three messages without a value"


class Oversized(Data):
    id, name = "F41", "oversized-message"
    expectation = "2 MB: rejected with its limit; nothing waits behind it"

    def inject(self) -> str:
        ward = self.rng.choice(sorted(PARTITION_OF_WARD))
        value = b'{"x":"' + b"x" * 2_000_000 + b'"}'
        self.poison([Poison("too_large", value, ward.encode(), PARTITION_OF_WARD[ward])])
        return "a message of 2 MB"


class Misclocked(Data):
    id, name = "F39", "clocks-of-1970-and-9999"
    expectation = "a time out of bounds is rejected, never put into a day"

    def inject(self) -> str:
        ward, events = self.known(20)
        bad = [
            Poison("time_out_of_range", _at(event, when), ward.encode(), PARTITION_OF_WARD[ward])
            for event in events[:3]
            for when in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", _in_two_days())
        ]
        self.poison(bad)
        return f"{len(bad)} events with a clock that is wrong by years or two days"


class DeepNesting(Data):
    id, name = "F40d", "deep-nesting"
    expectation = "bounded: rejected for its shape before it is gone into, no crash"

    def inject(self) -> str:
        ward = self.rng.choice(sorted(PARTITION_OF_WARD))
        value = b"[" * 50_000
        self.poison([Poison("bad_shape", value, ward.encode(), PARTITION_OF_WARD[ward])])
        return "50,000 open brackets"


class PoisonAgain(Data):
    id, name = "F53", "dead-letters-replayed-twice"
    expectation = "rejected again, each under its own offset; no total changes"

    def inject(self) -> str:
        bad = self.city.extra.poison
        # Of the events' topic only: what is bad elsewhere is bad for another reason here.
        small = [one for one in bad if not one.topic and len(one.value or b"") < 10_000]
        if not small:
            raise NoEffect("nothing was rejected yet")
        chosen = self.rng.sample(small, min(10, len(small)))
        again = [Poison(one.reason, one.value, one.key, one.partition) for one in chosen * 2]
        self.poison(again)
        return f"{len(again)} rejected messages sent again"


class AbortedTransaction(Data):
    id, name = "F44", "aborted-transaction"
    expectation = "what was aborted counts for nobody; offsets have gaps"

    def inject(self) -> str:
        ward, events = self.known(50)
        names = {"bootstrap.servers": self.city.settings.kafka_bootstrap}
        producer = Producer(_PRODUCER | names | {"transactional.id": f"faults-{time.time_ns()}"} | _SOON)
        producer.init_transactions(20)
        producer.begin_transaction()
        for event in events:
            other = msgspec.structs.replace(event.data, seq=event.data.seq + 1_000_000)
            value = encode(msgspec.structs.replace(event, id=f"{ward}/{other.epoch}/{other.seq}", data=other))
            producer.produce(self.city.settings.events_topic, value, ward.encode(), PARTITION_OF_WARD[ward])
        producer.flush(20)
        producer.abort_transaction(20)
        return f"a transaction with {len(events)} events that never happened, aborted"


class ClockSkewedHeartbeats(Data):
    id, name = "F39h", "heartbeats-of-a-wrong-clock"
    expectation = "a clock that is off by hours is shown, no total changes"

    def inject(self) -> str:
        ward, events = self.known(5)
        now = datetime.now(UTC)
        beats = [
            wrap_heartbeat(
                Heartbeat(
                    ward=ward,
                    epoch=events[-1].data.epoch,
                    last_seq=0,
                    outbox_pending=0,
                    clock=now + timedelta(hours=h),
                )
            )
            for h in (-20, -1, 1, 20)
        ]
        self.produce((encode(beat), ward.encode(), PARTITION_OF_WARD[ward]) for beat in beats)
        return f"four heartbeats of {ward} with clocks wrong by hours"


class ChangelogJunk(Data):
    id, name = "F32", "junk-in-the-changelog"
    expectation = "what is no record, and older records behind newer ones, are rejected and written over"

    def inject(self) -> str:
        ward, _ = self.known(5)
        key, partition = ward.encode(), PARTITION_OF_WARD[ward]
        topic = changelog_topic(self.city.settings.app_id)
        older = older_records(self.city.settings.kafka_bootstrap, topic, partition, most=20)
        self.produce([(value, name, partition) for name, value in older], topic)
        junk = (
            (b"not a record", key + b"|2019-01-01"),
            (b"not a record", sync_key(ward)),
            (b"\x00" * 40, b"99999|sync"),
            (b"x", b"99999|2025-07-01"),
            (b"x", b""),
        )
        self.poison([Poison("bad_shape", value, name, partition, topic=topic) for value, name in junk])
        killed = self.city.kill(self.worker())
        told = f"{len(older)} older records and five messages that are none"
        return f"{told}; a worker that recovers over them was killed: {killed}"


def _at(event: SequencedEvent, when: str) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(encode(event)) | {"time": when})


def _in_two_days() -> str:
    return (datetime.now(UTC) + timedelta(days=2)).isoformat()


# Sent by a fault of its own.
_LARGE = frozenset({"too_large"})
_PATIENCE_S = 300
_PRODUCER: dict[str, str | int | bool] = {
    "message.max.bytes": 4_000_000,
    "acks": "all",
    "enable.idempotence": True,
    "log_level": 0,
    "linger.ms": 5,
    "message.timeout.ms": 1000 * _PATIENCE_S,
}


# The broker aborts what a killed broker has left open; until then nobody reads beyond it.
_SOON: dict[str, str | int | bool] = {"transaction.timeout.ms": 10_000, "message.timeout.ms": 10_000}

FAULTS: tuple[type[Fault], ...] = (
    Duplicates,
    Backwards,
    Backfill,
    Flood,
    Conflict,
    UnknownMember,
    PoisonMessages,
    Tombstones,
    Oversized,
    Misclocked,
    DeepNesting,
    PoisonAgain,
    AbortedTransaction,
    ClockSkewedHeartbeats,
    ChangelogJunk,
)
