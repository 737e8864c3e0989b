"""The city asks for seqs that it lacks; the ward's outbox answers without a hand.

Invariants:
- An answer is the outbox's own bytes, so an event that did arrive is counted once all the same.
- A request is done with only when all of its answer is confirmed: a process that dies before that reads
  it again. The place is kept by Kafka, in a group named after the outbox's epoch.
- What the outbox no longer keeps cannot be given; it is said in the log, and nothing waits for it.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from producers.contract.errors import Unavailable
from producers.contract.requests import Request
from producers.contract.topics import EVENTS_TOPIC, requests_topic
from producers.contract.wards import WARDS
from producers.outbox import Outbox, Stored
from producers.publisher import Publisher

_log: Final = logging.getLogger(__name__)
_PAGE_ROWS: Final = 1_000
_POLL_S: Final = 0.2
_CONFIRM_S: Final = 30.0
_RETRY_S: Final = 1.0
_PLACE_S: Final = 5.0
_DELIVERY_S: Final = 15.0
_VALUE_BYTES_MAX: Final = 4_096

# Sends stored events again; says whether whoever was to have them has confirmed all of them.
Send = Callable[[str, list[Stored]], bool]


class Answer(NamedTuple):
    """What a request got: events sent again, events that the outbox keeps no longer."""

    sent: int
    gone: int


def new_request(ward: str, epoch: str, first_seq: int, last_seq: int) -> Request:
    """A request that nobody has made before."""
    now = datetime.now(UTC)
    return Request(
        request=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        ward=ward,
        epoch=epoch,
        first_seq=first_seq,
        last_seq=last_seq,
        requested_at=now,
    )


def decode(value: bytes | None, key: bytes | None) -> Request | None:
    """The request in a message, None if it is none."""
    if value is None or len(value) > _VALUE_BYTES_MAX:
        return None
    try:
        request = msgspec.json.decode(value, type=Request)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    fits = request.ward in WARDS and key == request.ward.encode() and request.first_seq <= request.last_seq
    return request if fits else None


def ask(bootstrap: str, requests: Iterable[Request], topic: str = EVENTS_TOPIC) -> int:
    """Ask wards for what the city lacks; return how many requests Kafka has. `topic` is that of the events.

    :raises Unavailable: Kafka does not take all of them; asking again is harmless
    """
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0, **_ASK})
    confirmed, asked = [0], 0

    def report(error: KafkaError | None, _message: Message) -> None:
        confirmed[0] += error is None

    for request in requests:
        value, key = msgspec.json.encode(request), request.ward.encode()
        producer.produce(requests_topic(topic), value, key, on_delivery=report)
        asked += 1
    producer.flush(_DELIVERY_S + 1)
    if confirmed[0] < asked:
        detail = f"{bootstrap} took {confirmed[0]} of {asked} requests"
        raise Unavailable(
            "kafka", detail, "Check that Kafka runs and that `dongbo migrate` was run; ask again"
        )
    return confirmed[0]


_ASK: Final[Mapping[str, str | int | bool]] = {
    "message.timeout.ms": int(_DELIVERY_S * 1000),
    "enable.idempotence": True,
    "allow.auto.create.topics": False,
}


def answer(outbox: Outbox, request: Request, send: Send, stop: threading.Event) -> Answer | None:
    """Send again what a request asks for, each page until it is confirmed; None if `stop` came first.

    Events that have never been sent are left alone: they are on their way in their order.
    """
    end = min(request.last_seq, outbox.ward(request.ward).sent_seq) + 1
    wanted, sent, at = max(0, end - request.first_seq), 0, request.first_seq
    while rows := outbox.sent(request.ward, range(at, end), _PAGE_ROWS):
        while not send(request.ward, rows):
            if stop.wait(_RETRY_S):
                return None
        sent, at = sent + len(rows), rows[-1].seq + 1
    return Answer(sent, wanted - sent)


def through(publisher: Publisher, stop: threading.Event) -> Send:
    """A way to send again through the publisher that runs on the same outbox."""

    def send(ward: str, rows: list[Stored]) -> bool:
        told: list[bool] = []
        queued = publisher.resend(ward, range(rows[0].seq, rows[-1].seq + 1), told.append)
        deadline_s = time.monotonic() + _CONFIRM_S
        while len(told) < queued and time.monotonic() < deadline_s and not stop.wait(0.01):
            pass
        return queued >= len(rows) and len(told) == queued and all(told)

    return send


class RequestListener:
    """Answers the city's requests to the wards of one outbox, from Kafka, until it is stopped."""

    def __init__(
        self,
        outbox: Outbox,
        publisher: Publisher,
        bootstrap: str,
        *,
        librdkafka: Mapping[str, object] | None = None,
    ) -> None:
        """Nothing is opened yet; the topic is the one that belongs to the publisher's."""
        self._outbox, self._publisher = outbox, publisher
        self._topic = requests_topic(publisher.topic)
        self.answered = self.resent = 0
        self._config: dict[str, object] = {
            "bootstrap.servers": bootstrap,
            "group.id": f"dongbo-requests-{outbox.epoch}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "allow.auto.create.topics": False,
            "reconnect.backoff.max.ms": 2_000,
            "log.connection.close": False,
            **(librdkafka or {}),
        }

    def run(self, stop: threading.Event) -> None:
        """Listen until `stop` is set. Kafka away, or a city that knows no requests yet: wait and go on."""
        said = ""
        while not stop.is_set():
            consumer = Consumer(self._config, logger=_log)
            try:
                consumer.assign([self._place(consumer)])
                self._listen(consumer, stop)
            except KafkaException as error:
                if str(error) != said:  # Kafka may be away for days
                    _log.warning("requests: %s", error)
                said = str(error)
                stop.wait(_RETRY_S)
            finally:
                consumer.close()

    def _place(self, consumer: Consumer) -> TopicPartition:
        """Where to go on. Not left to librdkafka, which asks once and never again if Kafka is just starting.

        :raises KafkaException: Kafka does not tell
        """
        (found,) = consumer.committed([TopicPartition(self._topic, 0)], timeout=_PLACE_S)
        if found.error is not None:
            raise KafkaException(found.error)
        return TopicPartition(self._topic, 0, found.offset if found.offset >= 0 else OFFSET_BEGINNING)

    def _listen(self, consumer: Consumer, stop: threading.Event) -> None:
        send = through(self._publisher, stop)
        while not stop.is_set():
            message = consumer.poll(_POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                raise KafkaException(error)  # a new consumer knows nothing that is no longer so
            key = message.key()
            request = decode(message.value(), key if isinstance(key, bytes) else None)
            # Those for others are not committed: reading a week's requests again at a start costs nothing.
            if request and self._is_ours(request) and self._answer(request, send, stop):
                consumer.commit(message=message, asynchronous=False)

    def _is_ours(self, request: Request) -> bool:
        return request.epoch == self._outbox.epoch and self._outbox.ward(request.ward).last_seq > 0

    def _answer(self, request: Request, send: Send, stop: threading.Event) -> bool:
        """Whether the request is done with."""
        given = answer(self._outbox, request, send, stop)
        if given is None:
            return False
        self.resent += given.sent
        self.answered += 1
        _log.info("request %s: %d sent again, %d no longer kept", request.request, given.sent, given.gone)
        return True
