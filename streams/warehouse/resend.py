"""The messages behind raw rows, to be sent again: as they lie in Kafka, else made anew from the rows.

Original bytes come with their headers, so their signatures still hold. What is made anew is what the row
says, exact in everything that a book counts; it carries no signature of the ward's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from producers.contract.codec import encode
from producers.contract.envelope import StatusChangedEvent, wrap
from producers.contract.errors import Unavailable
from streams.warehouse.originals import rebuilt
from streams.warehouse.store import Store

Headers = list[tuple[str, bytes | None]]
_READ_S: Final = 20.0
_POLL_S: Final = 1.0
# Offsets nearer than this are read through, not jumped to.
_JUMP: Final = 2_000


class Source(NamedTuple):
    """A raw row: who it is, where its message lies, and what it would be made from."""

    epoch: str
    seq: int
    partition: int
    offset: int
    row: dict[str, Any]


class Letter(NamedTuple):
    """A message to send again; `original` if its bytes are those that the ward sent."""

    epoch: str
    seq: int
    value: bytes
    headers: Headers
    original: bool


def sources(store: Store, ward: str, day: date) -> list[Source]:
    """The raw rows of a ward's book: of each seq the first arrival, in the order of their arrival.

    :raises Unavailable: ClickHouse is away
    """
    rows = store.query(_ROWS, {"ward": ward, "day": day}).dicts()
    return [Source(row["epoch"], row["seq"], row["partition"], row["offset"], row) for row in rows]


def letters(bootstrap: str, topic: str, found: Sequence[Source]) -> tuple[list[Letter], list[Source]]:
    """What can be sent again, in the same order, and the rows of which nothing exact can be made.

    :raises Unavailable: Kafka does not answer
    """
    kept = _read(bootstrap, topic, found) if found else {}
    made, lost = [], []
    for source in found:
        message = kept.get((source.partition, source.offset))
        letter = _original(source, message) if message is not None else _anew(source)
        if letter is None:
            lost.append(source)
        else:
            made.append(letter)
    return made, lost


def _original(source: Source, message: tuple[bytes, Headers]) -> Letter | None:
    # Another message may lie there: the topic was made anew, so offsets began again.
    value, headers = message
    if f'{source.row["ward"]}/{source.epoch}/{source.seq}"'.encode() not in value:
        return _anew(source)
    return Letter(source.epoch, source.seq, value, headers, True)


def _anew(source: Source) -> Letter | None:
    row = source.row
    if row["body"]:
        return Letter(source.epoch, source.seq, row["body"].encode(), [], False)
    try:
        payload, moment = rebuilt(row)
    except ValueError:
        return None
    value = encode(wrap(StatusChangedEvent, payload, moment))
    return Letter(source.epoch, source.seq, value, [], False)


def _read(
    bootstrap: str, topic: str, found: Sequence[Source]
) -> dict[tuple[int, int], tuple[bytes, Headers]]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "dongbo-resend",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            "log_level": 0,
        }
    )
    kept = {}
    try:
        for partition in sorted({source.partition for source in found}):
            offsets = sorted({source.offset for source in found if source.partition == partition})
            for offset, message in _messages(consumer, topic, partition, offsets):
                kept[partition, offset] = message
    except KafkaException as error:
        raise Unavailable("kafka", f"{bootstrap}: {error}", "Check that Kafka runs; try again") from None
    finally:
        consumer.close()
    return kept


def _messages(
    consumer: Consumer, topic: str, partition: int, offsets: Sequence[int]
) -> Iterator[tuple[int, tuple[bytes, Headers]]]:
    """Those of the offsets that Kafka still has."""
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_READ_S)
    wanted = [offset for offset in offsets if low <= offset < high]
    for run in _runs(wanted):
        consumer.assign([TopicPartition(topic, partition, run[0])])
        left, deadline_s = set(run), time.monotonic() + _READ_S
        while left and time.monotonic() < deadline_s:
            message = consumer.poll(_POLL_S)
            if message is None or message.error() is not None:
                continue
            offset, value = message.offset(), message.value()
            if offset is not None and offset in left and isinstance(value, bytes):
                yield offset, (value, _headers(message.headers()))
            # What is not there (compacted away, a marker) is not waited for.
            left = {one for one in left if offset is None or one > offset}


def _headers(found: Any) -> Headers:
    pairs = found.items() if isinstance(found, dict) else found or []
    return [(str(name), value) for name, value in pairs if value is None or isinstance(value, bytes)]


def _runs(offsets: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for offset in offsets:
        if runs and offset - runs[-1][-1] <= _JUMP:
            runs[-1].append(offset)
        else:
            runs.append([offset])
    return runs


_ROWS: Final = """
SELECT
    toString(ward) AS ward, toString(epoch) AS epoch, seq, occurred_at, book_day, dossier, procedure, field,
    channel, status, received_at, due_at, finished_at, applicant, service_level, paid_online, digitised,
    timeliness, minutes, body, partition, `offset`
FROM r_events
WHERE ward = {ward:String} AND book_day = {day:Date32} AND counted
ORDER BY arrived_at, `offset`
"""
