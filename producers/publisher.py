"""From the outbox to Kafka: in the order of seq, again after any failure; Kafka may be away for days.

Invariants:
- An event is acknowledged to the outbox only after Kafka's delivery report, and a ward only up to the first
  event without one: what is lost between is sent again, under the same id, and counted once by the city.
- A failed delivery ends the session: its producer is thrown away with what it holds, and the next session
  starts from what the outbox says was not acknowledged. There is no second place that remembers.
- Messages do not expire inside librdkafka (`message.timeout.ms=0`): Kafka away, they keep order.

Known limit: the topic must be readable by the city's workers, whose Kafka client has no decoder for lz4,
snappy and zstd; `EVENTS_CONFIG` makes the broker store it uncompressed, whatever a ward sends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.contract import crash
from producers.contract.codec import encode
from producers.contract.envelope import HeartbeatEvent, wrap_heartbeat
from producers.contract.errors import Stop, Unavailable
from producers.contract.events import Heartbeat
from producers.contract.signing import Sign
from producers.contract.topics import EVENTS_TOPIC, PARTITIONS
from producers.outbox import Outbox
from producers.outbox.lock import only_publisher

_log: Final = logging.getLogger(__name__)

IN_FLIGHT_MAX: Final = 20_000
_READ_ROWS: Final = 2_000
_IDLE_S: Final = 0.02
_ACKNOWLEDGE_EVERY_S: Final = 0.25
_METADATA_WAIT_S: Final = 3.0
_LOOK_EVERY_S: Final = 1.0
_LOOK_WAIT_S: Final = 0.5
_DRAIN_S: Final = 10.0
_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_KAFKA_REMEDY: Final = "The events wait in the outbox; check the line to the city and the address of Kafka"

AsideReport = Callable[[bool], object]
State = Literal["stopped", "connecting", "sending", "idle", "waiting"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the publisher is. `waiting` means that Kafka does not take events; `detail` says why."""

    state: State
    detail: str
    pending: int
    in_flight: int
    delivered: int
    sessions: int


def _tell(report: AsideReport, error: KafkaError | None, _message: Message) -> None:
    report(error is None)


class _Refused(Exception):
    """A delivery failed; the session ends."""


class _Session:
    """One producer's life, and what Kafka has confirmed in it: per ward, an unbroken row of seqs.

    Only the thread that polls changes it; the delivery reports run inside `poll`. Other threads may only
    `send_aside`.
    """

    def __init__(self, config: Mapping[str, object], sign: Sign | None) -> None:
        self._sign = sign
        self.producer = Producer({**config, "error_cb": self._on_error}, logger=_log)
        self.position = 0
        self.in_flight = 0
        self.delivered = 0
        self.confirmed: dict[str, int] = {}
        self.unsaved: dict[str, int] = {}
        self.failure = ""
        self.away = ""
        self._guard = threading.Lock()
        self._closed = False

    def report(self, ward: str, seq: int, error: KafkaError | None, _message: Message) -> None:
        """Take one delivery report."""
        self.in_flight -= 1
        if error is not None:
            self.failure = self.failure or f"{ward}/{seq}: {error.str()}"
            return
        self.delivered += 1
        self.away = ""
        if seq == self.confirmed[ward] + 1:
            self.confirmed[ward] = self.unsaved[ward] = seq

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self.failure = self.failure or error.str()
        elif error.code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION):
            self.away = error.str()

    def look(self, topic: str) -> None:
        """Notice that Kafka is back where no event of the outbox's own would tell."""
        try:
            self.producer.list_topics(topic, _LOOK_WAIT_S)
        except KafkaException:
            return
        self.away = ""

    def produce(self, topic: str, ward: str, value: bytes, report: Callable[..., None] | None) -> None:
        """Queue a message, signed if the publisher has a key. Raises BufferError when there is no room."""
        options: dict[str, Any] = {} if report is None else {"on_delivery": report}
        if self._sign is not None:
            # Signed when it is sent, not when it is kept: what is asked for again gets today's key.
            options["headers"] = self._sign(ward, value)
        self.producer.produce(topic, value, ward.encode(), **options)

    def send_aside(self, topic: str, ward: str, value: bytes, report: AsideReport | None = None) -> bool:
        """Queue a message beside the outbox's own, from any thread; say whether it was queued.

        `report` is called by the publishing thread with whether Kafka has it.
        """
        with self._guard:  # librdkafka must not be closed while another thread is inside `produce`
            if self._closed or self.away:
                return False
            try:
                self.produce(topic, ward, value, None if report is None else partial(_tell, report))
            except BufferError:
                return False
            return True

    def close(self) -> None:
        """Throw away what was not delivered; the outbox has it."""
        with self._guard:
            self._closed = True
            self.producer.purge(in_queue=True, in_flight=True, blocking=True)
            self.producer.poll(0)
            self.producer.close()


class Publisher:
    """Sends an outbox's events to Kafka. One publisher an outbox; its methods may be called by any thread."""

    def __init__(
        self,
        outbox: Outbox,
        bootstrap: str,
        topic: str = EVENTS_TOPIC,
        *,
        partitions: int = PARTITIONS,
        linger_ms: float = 5.0,
        compression: str = "zstd",
        in_flight_max: int = IN_FLIGHT_MAX,
        beat_every_s: float = 0.0,
        beat_wards: Sequence[str] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        librdkafka: Mapping[str, object] | None = None,
        sign: Sign | None = None,
    ) -> None:
        """Nothing is opened yet. `beat_every_s` of 0 sends no heartbeats; `librdkafka` adds e.g. SASL.

        `beat_wards` send heartbeats before their first event, too.

        `sign` is `producers.identity.signatures.read_signer(FILE)` where the city asks for signatures.
        """
        self._sign = sign
        self.outbox, self.topic, self.partitions = outbox, topic, partitions
        self._in_flight_max, self._beat_every_s, self._clock = in_flight_max, beat_every_s, clock
        self._session: _Session | None = None
        self._beat_wards = tuple(beat_wards)
        self._state: State = "stopped"
        self._detail = self._unsaved = ""
        self._sessions = self._delivered_before = 0
        self._acknowledge_at_s = self._beat_at_s = self._look_at_s = 0.0
        self._config: dict[str, object] = {
            **_PRODUCER,
            "bootstrap.servers": bootstrap,
            "linger.ms": linger_ms,
            "compression.type": compression,
            # Room for heartbeats and for what the city asks for again, beside the window.
            "queue.buffering.max.messages": in_flight_max + 20_000,
            **(librdkafka or {}),
        }

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set, whatever happens to Kafka meanwhile.

        :raises Stop: another process publishes this outbox, or the topic has not the contract's partitions
        """
        self._run(stop.is_set)

    def run_until_empty(self, timeout_s: float) -> bool:
        """Publish until nothing waits, at most `timeout_s`; return whether the outbox is empty.

        :raises Stop: as `run`
        """
        deadline_s = time.monotonic() + timeout_s
        self._run(lambda: self.outbox.counts().pending == 0 or time.monotonic() > deadline_s)
        return self.outbox.counts().pending == 0

    def health(self) -> Health:
        """How it goes, for a health page or a log line."""
        session = self._session
        away = session.away if session else ""
        return Health(
            state="waiting" if away else self._state,
            detail=away or self._detail,
            pending=self.outbox.counts().pending,
            in_flight=session.in_flight if session else 0,
            delivered=self._delivered_before + (session.delivered if session else 0),
            sessions=self._sessions,
        )

    def beat(self, ward: str) -> HeartbeatEvent | None:
        """Send a heartbeat: everything up to `last_seq` has been sent. None if Kafka is away.

        A heartbeat is not kept: one that could not be sent says nothing later.
        """
        at = self.outbox.ward(ward)
        event = wrap_heartbeat(
            Heartbeat(
                ward=ward,
                epoch=self.outbox.epoch,
                last_seq=at.sent_seq,
                outbox_pending=at.pending,
                clock=self._clock(),
            )
        )
        session = self._session
        queued = session is not None and session.send_aside(self.topic, ward, encode(event))
        return event if queued else None

    def resend(self, ward: str, seqs: range, report: AsideReport | None = None) -> int:
        """Send again what the city asks for, as far as it is kept; return how many events were queued.

        Fewer than asked for: the outbox no longer keeps the rest, or Kafka is away or slow; ask again.
        `report` is called for each queued event with whether Kafka has it; it must be quick and not raise.
        """
        session, queued = self._session, 0
        if session is None:
            return 0
        for row in self.outbox.sent(ward, seqs):
            if not session.send_aside(self.topic, ward, row.value, report):
                break
            queued += 1
        return queued

    def _run(self, done: Callable[[], bool]) -> None:
        failures = 0
        with only_publisher(self.outbox.path):
            while not done():
                delivered = self._delivered_before
                try:
                    self._run_session(done)
                except (_Refused, KafkaException, Unavailable) as error:
                    failures = 0 if self._delivered_before > delivered else failures
                    self._say("waiting", str(error))
                    _pause(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)], done)
                    failures += 1
            self._say("stopped", "")

    def _run_session(self, done: Callable[[], bool]) -> None:
        session = _Session(self._config, self._sign)
        self._sessions += 1
        try:
            self._say("connecting", "")
            self._check_topic(session)
            self._session = session
            while not done():
                self._step(session)
            self._drain(session)
        finally:
            self._session = None
            self._delivered_before += session.delivered
            session.close()

    def _check_topic(self, session: _Session) -> None:
        """Refuse a topic that would put a ward into another partition (D10 of the design)."""
        found = session.producer.list_topics(self.topic, _METADATA_WAIT_S).topics[self.topic]
        if found.error is not None:
            raise Unavailable("kafka", f"topic {self.topic}: {found.error.str()}", _KAFKA_REMEDY)
        if len(found.partitions) != self.partitions:
            raise Stop(
                "partitions",
                f"{self.topic} has {len(found.partitions)} partitions, the contract says {self.partitions}",
                "Use the contract's topic; a topic's number of partitions must never be changed",
            )

    def _step(self, session: _Session) -> None:
        """Queue some events, take delivery reports, acknowledge."""
        queued = self._queue_some(session)
        if crash.ARMED and queued:
            crash.at("publisher.queued")
        # With a full window or an empty outbox this waits for the next report, at most _IDLE_S.
        session.producer.poll(0 if queued else _IDLE_S)
        if session.failure:
            self._acknowledge(session)
            raise _Refused(session.failure)
        idle = not queued and not session.in_flight
        # At once when all is sent, unless the disk has just refused it.
        if session.unsaved and (time.monotonic() >= self._acknowledge_at_s or (idle and not self._unsaved)):
            self._acknowledge(session)
        self._say("idle" if idle else "sending", self._unsaved)
        self._look(session)
        self._beat_all()

    def _queue_some(self, session: _Session) -> int:
        room = min(_READ_ROWS, self._in_flight_max - session.in_flight)
        rows = self.outbox.pending(room, session.position) if room > 0 else []
        queued = 0
        for position, ward, seq, value in rows:
            report = partial(session.report, ward, seq)
            try:
                session.produce(self.topic, ward, value, report)
            except BufferError:
                break  # librdkafka's bound on bytes; the next poll makes room
            session.confirmed.setdefault(ward, seq - 1)
            session.position = position
            session.in_flight += 1
            queued += 1
        return queued

    def _acknowledge(self, session: _Session) -> None:
        """Tell the outbox what Kafka has. A full disk stops nothing: it is told again a little later."""
        self._acknowledge_at_s = time.monotonic() + _ACKNOWLEDGE_EVERY_S
        if crash.ARMED and session.unsaved:
            crash.at("publisher.delivered")
        try:
            self.outbox.acknowledge(session.unsaved)
        except Unavailable as error:
            self._unsaved = str(error)
        else:
            self._unsaved = ""
            session.unsaved.clear()

    def _drain(self, session: _Session) -> None:
        """Before the end wait for the reports that are on their way, unless Kafka is away."""
        deadline_s = time.monotonic() + _DRAIN_S
        while session.in_flight and not session.away and time.monotonic() < deadline_s:
            session.producer.poll(0.1)
        if not session.away:
            session.producer.flush(1.0)  # heartbeats and resent events, which nobody counts
        self._acknowledge(session)

    def _look(self, session: _Session) -> None:
        if session.away and time.monotonic() >= self._look_at_s:
            session.look(self.topic)
            self._look_at_s = time.monotonic() + _LOOK_EVERY_S

    def _beat_all(self) -> None:
        if self._beat_every_s and time.monotonic() >= self._beat_at_s:
            self._beat_at_s = time.monotonic() + self._beat_every_s
            for ward in dict.fromkeys((*self._beat_wards, *self.outbox.wards())):
                self.beat(ward)

    def _say(self, state: State, detail: str) -> None:
        """Keep the state for `health`; log only when Kafka goes away and when it is back."""
        if detail and detail != self._detail:
            _log.warning("publisher %s: %s", state, detail)
        self._state, self._detail = state, detail


_PRODUCER: Final[dict[str, object]] = {
    "client.id": "dongbo-publisher",
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "message.timeout.ms": 0,
    "allow.auto.create.topics": False,
    "queue.buffering.max.kbytes": 65_536,
    "reconnect.backoff.max.ms": 2_000,
    "log.connection.close": False,
}


def _pause(wait_s: float, done: Callable[[], bool]) -> None:
    until_s = time.monotonic() + wait_s
    while time.monotonic() < until_s and not done():
        time.sleep(0.05)
