"""Kafka's side of the loader: from the group's position to filled blocks, and the commit.

Invariants:
- The reader never decides what is stored; every message that it is given is in exactly one block.
- A partition is begun only where `positions.start_of` says, and its spans follow each other without a gap.
- One thread does everything with the consumer.

Known limits of confluent-kafka: a call of another thread waits while `consume` waits, and can starve for half
a minute (measured on 2.16 with `commit`), so nothing is committed from the writer's thread. Pausing a
partition throws away what was fetched ahead, so it is done only when ClickHouse has been away for some time.
A KafkaException that leaves a callback comes out of `consume` as a KafkaError, which is no exception: no
`except` and no `finally` sees it, and the thread is gone. So callbacks keep what went wrong for `_consume`.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from operator import methodcaller
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from producers.contract.errors import Stop, Unavailable
from producers.contract.signing import Headers
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS
from streams.warehouse.block import Block, Span
from streams.warehouse.config import LoaderConfig
from streams.warehouse.health import Health
from streams.warehouse.positions import LOG_TRUNCATED, LOST_RANGE, Found, Start, explain, start_of

log: Final = logging.getLogger(__name__)
_Key = tuple[str, int]

_RPC_S: Final = 10.0
_LOST: Final = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._LOG_TRUNCATION)
_TOPIC_GONE: Final = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
_REMEDY: Final = "Start Kafka and create the topics (dongbo up does both); the loader goes on by itself"


class Reopen(Exception):
    """A topic was deleted and made again, or the consumer has failed for good: make the reader anew."""


class Reader:
    """One consumer of the group, from its opening to its closing.

    :raises Unavailable: Kafka is away or a topic is not there yet
    :raises Stop: a topic has another number of partitions, or another loader took this one's place
    """

    def __init__(self, config: LoaderConfig, health: Health) -> None:
        self._config, self._health = config, health
        self._admin = AdminClient(config.client(), logger=log)
        self._ids = self._topic_ids()
        self._next: dict[_Key, int] = {}
        self._ends: dict[_Key, int] = {}
        self._open: dict[_Key, Span] = {}
        self._incidents: list[tuple[Any, ...]] = []
        self._paused = False
        self._fault: Exception | None = None
        self._asked: Future[Any] | None = None
        self._consumer = Consumer(config.consumer() | {"error_cb": self._on_error}, logger=log)
        self._consumer.subscribe(
            list(config.topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def fill(self, block: Block, timeout_s: float) -> int:
        """Wait for messages for so long and put them into the block; how many came.

        :raises Unavailable: the keys to verify with cannot be read; the block must be thrown away
        """
        self._resume()
        if not block.spans:
            self._open.clear()
        messages = self._consume(self._config.consume_max, timeout_s)
        events_topic, verify = self._config.events_topic, self._config.verify
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_message_error(error, message)
                continue
            topic, partition, offset = _place(message)
            span = self._open.get((topic, partition)) or self._begin(block, topic, partition)
            if span is None or offset < span.first:
                continue  # fetched before the partition was taken away, or given to this reader again
            value, key, arrived_ms = message.value(), message.key(), message.timestamp()[1]
            if topic != events_topic:
                block.take_record(span, value, key, offset, arrived_ms)
            elif verify is None:
                block.take_event(span, value, key, offset, arrived_ms)
            else:
                block.take_event(span, value, key, offset, arrived_ms, headers_of(message), verify)
        for place, span in self._open.items():
            self._next[place] = span.last + 1
        self._hand_incidents(block)
        self._health.back("keyring")
        return len(messages)

    def idle(self, timeout_s: float) -> None:
        """Stay in the group while nothing can be taken."""
        if not self._paused:
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
        for message in self._consume(1, timeout_s):
            error = message.error()
            if error is not None:
                self._on_message_error(error, message)
            else:  # librdkafka drops what was fetched before the pause; were it not so, read it again
                self._consumer.seek(TopicPartition(*_place(message)))

    def commit(self, block: Block) -> None:
        """Commit where the block ends, of partitions that are still ours. A failure is only noted.

        The rows are stored: whoever reads the same messages again writes the same rows.
        """
        ends = {(span.topic, span.partition): span for span in block.spans if span.last >= span.first}
        offsets = [
            TopicPartition(span.topic, span.partition, span.last + 1, span.topic_id)
            for key, span in ends.items()
            if key in self._next
        ]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.warning("commit failed, the same messages may be read again: %s", error)
            self._health.error(f"commit: {error}")

    def tick(self) -> None:
        """Once every few seconds: the lag, and whether the topics are still the same ones."""
        self._health.lag(self._lag())
        if self._asked is None:
            self._asked = self._ask_topics()
        elif self._asked.done():
            self._compare(self._asked)
            self._asked = None

    def _consume(self, count: int, timeout_s: float) -> list[Message]:
        messages = self._consumer.consume(count, timeout_s)
        if self._fault is not None:
            raise self._fault
        return messages

    def _begin(self, block: Block, topic: str, partition: int) -> Span | None:
        first = self._next.get((topic, partition))
        if first is None:
            return None
        span = Span(self._ids[topic], topic, partition, first, first - 1)
        self._open[topic, partition] = span
        block.spans.append(span)
        return span

    def _hand_incidents(self, block: Block) -> None:
        block.incidents += self._incidents
        self._incidents = []

    def _resume(self) -> None:
        if self._paused:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False

    # Positions

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._assign(consumer, partitions)
        except (KafkaException, KeyError) as error:
            self._fault = Reopen(f"cannot tell where to begin: {error}")
            consumer.assign([])

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        committed = consumer.committed(partitions, timeout=_RPC_S)
        for partition in committed:
            start = self._start(partition)
            partition.offset = start.offset
            self._next[partition.topic, partition.partition] = start.offset
            self._open.pop((partition.topic, partition.partition), None)
        self._paused = False
        consumer.assign(committed)
        self._health.back("kafka")
        log.info("reading %d partitions", len(committed))

    def _start(self, partition: TopicPartition) -> Start:
        found = self._found(partition)
        self._ends[partition.topic, partition.partition] = found.high
        start = start_of(found, self._ids[partition.topic])
        if start.incident:
            self._tell(start.incident, partition.topic, partition.partition, found.committed)
        return start

    def _found(self, partition: TopicPartition) -> Found:
        low, high = self._consumer.get_watermark_offsets(
            TopicPartition(partition.topic, partition.partition), timeout=_RPC_S
        )
        return Found(partition.offset, partition.metadata or "", low, high)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._next.pop((partition.topic, partition.partition), None)
            self._open.pop((partition.topic, partition.partition), None)

    def _lost(self, topic: str, partition: int, truncated: bool) -> None:
        """Kafka no longer has the next offset: begin where it begins now, and say so."""
        key = (topic, partition)
        if key not in self._next:
            return
        self._check_topics()
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_RPC_S)
        expected = self._next[key]
        start = start_of(Found(expected, "", low, high), "")
        incident = start.incident or (LOG_TRUNCATED if truncated else LOST_RANGE)
        self._tell(incident, topic, partition, expected)
        self._open.pop(key, None)
        self._next[key] = low
        self._consumer.seek(TopicPartition(topic, partition, low))

    def _tell(self, kind: str, topic: str, partition: int, offset: int) -> None:
        """Say it. What the writer can see in what was loaded, it stores; a truncated log it cannot see."""
        what = f"{kind} in {topic}/{partition} at offset {offset}"
        log.error("incident: %s", what)
        self._health.incident(what)
        if kind == LOG_TRUNCATED and topic == self._config.events_topic:
            self._incidents.append(incident_row(self._ids[topic], topic, partition, kind, offset, offset))

    # Kafka's state

    def _topic_ids(self) -> dict[str, str]:
        wanted = list(self._config.topics)
        futures = self._admin.describe_topics(TopicCollection(wanted), request_timeout=_RPC_S)
        found = {}
        for name in wanted:
            topic = _described(name, futures[name])
            if len(topic.partitions) != PARTITIONS:
                raise Stop(
                    "wrong_partitions",
                    f"topic {name} has {len(topic.partitions)} partitions, the contract says {PARTITIONS}",
                    "Make a new topic with that number and publish to it; partitions cannot be taken away",
                )
            found[name] = str(topic.topic_id)
        return found

    def _check_topics(self) -> None:
        try:
            found = self._topic_ids()
        except Unavailable as error:
            raise Reopen(error.detail) from error
        if found != self._ids:
            raise Reopen("a topic was deleted and made again")

    def _ask_topics(self) -> Future[Any]:
        topic = self._config.events_topic
        found: Future[Any] = self._admin.describe_topics(TopicCollection([topic]), request_timeout=_RPC_S)[
            topic
        ]
        return found

    def _compare(self, asked: Future[Any]) -> None:
        topic = self._config.events_topic
        try:
            found = str(_described(topic, asked).topic_id)
        except Unavailable as error:
            return self._health.waiting("kafka", error.detail)
        if found != self._ids[topic]:
            raise Reopen(f"topic {topic} was deleted and made again")
        return self._health.back("kafka")

    def _lag(self) -> dict[str, int]:
        lag = dict.fromkeys(self._config.topics, 0)
        for (topic, partition), position in list(self._next.items()):
            try:
                _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            except KafkaException:
                continue
            # Negative until the first answer to a fetch: then what was found at the beginning is the end.
            known = high if high >= 0 else self._ends[topic, partition]
            lag[topic] += max(0, known - position)
        return lag

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._health.waiting("kafka", f"no broker answers at {self._config.bootstrap}")
        if error.fatal():
            self._fault = _fatal(error, self._config)

    def _on_message_error(self, error: KafkaError, message: Message) -> None:
        if error.code() in _LOST and message.topic() is not None:
            topic, partition, _ = _place(message)
            self._lost(topic, partition, error.code() == KafkaError._LOG_TRUNCATION)
        elif error.code() in _TOPIC_GONE:
            raise Reopen(str(error))
        elif error.fatal() or error.code() == KafkaError._FATAL:
            raise _fatal(error, self._config)
        else:
            log.warning("kafka: %s", error)
            self._health.error(f"kafka: {error}")


def _fatal(error: KafkaError, config: LoaderConfig) -> Stop | Reopen:
    """What a consumer that has failed for good means; librdkafka names the first error in the text only."""
    if "fenced" not in error.str().lower():
        return Reopen(str(error))
    return Stop(
        "loader_fenced",
        f"another loader of group {config.group} has the name {config.instance}",
        "Nothing to do if it was started in place of this one; else give each loader its own name",
    )


def _described(name: str, future: Future[Any]) -> Any:
    """What the cluster says about a topic.

    Asked with `exception()`: the client sets errors that are no exceptions, and Python cannot raise them.
    """
    try:
        error = future.exception(_RPC_S + 1)
    except TimeoutError:
        error = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    if error is not None:
        raise Unavailable("kafka", f"topic {name}: {error}", _REMEDY)
    return future.result()


# Not `message.headers()`: where a name is not UTF-8, the client returns a result and leaves an exception set.
# Called from C that is a SystemError; from specialized bytecode nobody looks, and the next call fails for it.
_read_headers: Final = methodcaller("headers")


def headers_of(message: Message) -> Headers:
    """The headers; none where a name is not UTF-8."""
    try:
        found: Any = _read_headers(message)  # a list of pairs, or None
    except SystemError:
        return ()
    return found or ()


def _place(message: Message) -> tuple[str, int, int]:
    """Topic, partition, offset: a message of a consumer always has them."""
    return message.topic(), message.partition(), message.offset()  # type: ignore[return-value]


def incident_row(
    topic_id: str, topic: str, partition: int, kind: str, first: int, last: int
) -> tuple[Any, ...]:
    """A row of `incidents`: which wards, what happened, what to do."""
    wards = [ward for ward, number in PARTITION_OF_WARD.items() if number == partition]
    words = explain(kind, first, last, wards)
    seen_ms = time.time_ns() // 1_000_000
    return topic_id, topic, partition, kind, first, last, wards, words.vi, words.en, seen_ms
