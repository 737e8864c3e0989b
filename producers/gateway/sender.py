"""Events into Kafka, and the answer only when Kafka has them.

Invariants:
- A batch is done when every one of its events has its delivery report (acks=all, idempotent); the request
  awaits exactly that, with a deadline. What is late may still arrive: ids repeat, so a
  client's retry is harmless.
- The event loop never blocks on Kafka: `produce` only queues, a thread polls, and it wakes the loop once for
  all batches that became ready in one poll, not once an event.
- Queue and age are bounded (`queue.buffering.max.*`, `message.timeout.ms`): Kafka away costs no memory.
- A producer that has failed for good (a broker that lost its tail) is replaced. Should the polling thread
  end all the same, so does the process: a gateway that takes and never answers helps nobody.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.contract import crash
from producers.contract.signing import Sign
from producers.contract.topics import PARTITIONS
from producers.gateway.config import GatewayConfig
from producers.gateway.problem import Problem

_log: Final = logging.getLogger(__name__)
_POLL_S: Final = 0.05
_PROBE_S: Final = 1.0
_PROBE_WAIT_S: Final = 1.0
_CLOSE_S: Final = 5.0
_AWAY: Final = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION})
_RETRY_AFTER_S: Final = 2.0


class _Batch:
    """The events of one request; only the polling thread counts."""

    __slots__ = ("_done", "error", "future", "left")

    def __init__(self, size: int, future: asyncio.Future[str], done: list[_Batch]) -> None:
        self.left, self.future, self._done, self.error = size, future, done, ""

    def report(self, error: KafkaError | None, _message: Message) -> None:
        """Take one delivery report; called inside `poll`."""
        if error is not None:
            self.error = error.str()
        self.left -= 1
        if not self.left:
            self._done.append(self)


class Sender:
    """One idempotent producer, its polling thread, and whether Kafka is there."""

    def __init__(self, config: GatewayConfig, sign: Sign | None = None) -> None:
        self._config, self._sign = config, sign
        self._ready: list[_Batch] = []
        self._stop = threading.Event()
        self._fatal = False
        self._loop: asyncio.AbstractEventLoop | None = None
        # Until Kafka has said what the topic is like, nothing is taken.
        self.away = "not connected yet"
        self.fault = ""
        self.delivered = 0
        self._producer = self._new()
        self._thread = threading.Thread(target=self._run, name="gateway-kafka", daemon=True)

    def start(self) -> None:
        """Begin to poll; called in the event loop that sends."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def close(self) -> None:
        """Wait a little for what is on its way, then end."""
        self._stop.set()
        self._thread.join(_CLOSE_S + _PROBE_WAIT_S + 1.0)

    @property
    def queued(self) -> int:
        """Events that have no delivery report yet."""
        return len(self._producer)

    async def send(self, ward: str, values: Sequence[bytes]) -> None:
        """Return when Kafka has all of one ward's events durably.

        :raises Problem: kafka_away (not confirmed in time), busy (the queue is full)
        """
        if self.away or self.fault:
            raise Problem("kafka_away", retry_after_s=_RETRY_AFTER_S)
        if not values:
            return
        if crash.ARMED:
            crash.at("gateway.judged")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._queue(ward, values, _Batch(len(values), future, self._ready))
        try:
            async with asyncio.timeout(self._config.send_timeout_s):
                error = await future
                if crash.ARMED:
                    crash.at("gateway.confirmed")
        except TimeoutError:
            raise Problem("kafka_away", retry_after_s=_RETRY_AFTER_S) from None
        if error:
            raise Problem("kafka_away", retry_after_s=_RETRY_AFTER_S)

    def _queue(self, ward: str, values: Sequence[bytes], batch: _Batch) -> None:
        """Queue all; if that fails half-way the request fails, and what was queued is harmless."""
        produce, topic, key, report = self._producer.produce, self._config.topic, ward.encode(), batch.report
        try:
            for value in values:
                if self._sign is None:
                    produce(topic, value, key, on_delivery=report)
                else:
                    produce(topic, value, key, on_delivery=report, headers=[*self._sign(ward, value)])
        except BufferError:
            raise Problem("busy", retry_after_s=1.0) from None
        except KafkaException:
            raise Problem("kafka_away", retry_after_s=_RETRY_AFTER_S) from None

    def _new(self) -> Producer:
        return Producer(
            {
                **_PRODUCER,
                "bootstrap.servers": self._config.bootstrap,
                "linger.ms": self._config.linger_ms,
                "message.timeout.ms": int(self._config.send_timeout_s * 1000),
                "queue.buffering.max.kbytes": max(1024, self._config.in_flight_bytes_max // 1024),
                "error_cb": self._on_error,
            },
            logger=_log,
        )

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = True
        elif error.code() in _AWAY:
            self._say_away(error.str())

    def _say_away(self, why: str) -> None:
        if not self.away:
            _log.warning("kafka is away: %s", why)
        self.away = why

    def _run(self) -> None:
        try:
            self._poll_until_stopped()
        except Exception:
            _log.critical("sending has failed; ending, to be started again", exc_info=True)
            self.fault = "sending has failed"
            os.kill(os.getpid(), signal.SIGTERM)

    def _poll_until_stopped(self) -> None:
        probe_at_s = 0.0
        while not self._stop.is_set():
            self._poll(_POLL_S)
            if self._fatal:
                self._replace()
            if self.away and time.monotonic() >= probe_at_s:
                self._probe()
                probe_at_s = time.monotonic() + _PROBE_S
        deadline_s = time.monotonic() + _CLOSE_S
        while len(self._producer) and not self.away and time.monotonic() < deadline_s:
            self._poll(_POLL_S)
        self._producer.purge(in_queue=True, in_flight=True, blocking=True)
        self._poll(0)
        self._producer.close()

    def _poll(self, wait_s: float) -> None:
        """Take delivery reports; wake the loop once for all batches that they complete."""
        self._fatal = not _served(self._producer, wait_s) or self._fatal
        if self._ready and self._loop is not None:
            ready = self._ready[:]
            self._ready.clear()
            self.delivered += len(ready)
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_settle, ready)

    def _probe(self) -> None:
        """Ask for the topic; a topic with other partitions would scatter wards, so nothing is sent to it."""
        try:
            found = self._producer.list_topics(self._config.topic, _PROBE_WAIT_S).topics[self._config.topic]
        except KafkaException as error:
            self.away = error.args[0].str()
            return
        if found.error is not None:
            self.away = f"topic {self._config.topic}: {found.error.str()}"
        elif len(found.partitions) != PARTITIONS:
            self.fault = f"{self._config.topic} has {len(found.partitions)} partitions, not {PARTITIONS}"
            _log.error("%s", self.fault)
        else:
            _log.info("kafka is there")
            self.away = self.fault = ""

    def _replace(self) -> None:
        """A producer with a fatal error never sends again: its requests fail, a new one takes over."""
        _log.warning("the producer failed for good and is replaced")
        old, self._fatal = self._producer, False
        self.away = "the producer is replaced"
        self._producer = self._new()
        old.purge(in_queue=True, in_flight=True, blocking=True)
        _served(old, 0)


def _served(producer: Producer, wait_s: float) -> bool:
    """Let a producer call back; False if it never sends again.

    An idempotent producer tells a fatal error by `poll` (confluent-kafka 2.16), not through `error_cb`.
    """
    try:
        producer.poll(wait_s)
    except KafkaException as error:
        _log.warning("kafka: %s", error)
        return not error.args[0].fatal()
    return True


def _settle(batches: list[_Batch]) -> None:
    for batch in batches:
        if not batch.future.done():
            batch.future.set_result(batch.error)


_PRODUCER: Final[dict[str, object]] = {
    "client.id": "dongbo-gateway",
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "allow.auto.create.topics": False,
    "queue.buffering.max.messages": 200_000,
    "reconnect.backoff.max.ms": 1_000,
    "log.connection.close": False,
}
