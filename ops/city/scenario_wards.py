"""The wards' side of the scripted day: outboxes that send, beat and answer, and what goes wrong there.

Two lines: one for six of the wards, and one of its own for the ward that loses events on the way, since that
happens between its outbox and Kafka. Each has an epoch that no other run has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from confluent_kafka import Producer

from ops.identity import gateway_sign
from ops.settings import Settings
from producers.contract.codec import decode, encode
from producers.contract.envelope import DayClosedEvent, RetractedEvent, StatusChangedEvent, wrap
from producers.contract.errors import Unavailable
from producers.contract.events import DayClosed, Retracted, StatusChanged
from producers.contract.vocabulary import Channel, Status
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from producers.repair import RequestListener
from streams.domain.days import HANOI

BEAT_EVERY_S: Final = 4.0
_SENT_S: Final = 30.0
_JOIN_S: Final = 10.0


class Line:
    """One outbox with what sends it, what answers the city's requests, and the heartbeats of its wards."""

    def __init__(self, settings: Settings, folder: Path, epoch: str, wards: Sequence[str]) -> None:
        self._settings, self.epoch = settings, epoch
        self._outbox = Outbox(folder / f"{epoch}.sqlite", epoch)
        self._sign = gateway_sign(settings)
        self._publisher = Publisher(
            self._outbox, settings.kafka_bootstrap, settings.events_topic, sign=self._sign
        )
        self._listener = RequestListener(self._outbox, self._publisher, settings.kafka_bootstrap)
        self._beating = set(wards)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Send and beat from now on."""
        self._begin(lambda: self._publisher.run(self._stop))
        self._begin(self._beat)

    def answer(self) -> None:
        """Answer the city's requests from now on, those that were made before as well."""
        self._begin(lambda: self._listener.run(self._stop))

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Send what is left, and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_S)
        self._outbox.close()

    def silence(self, ward: str) -> None:
        """No heartbeat of this ward any more."""
        self._beating.discard(ward)

    def speak(self, ward: str) -> None:
        """Heartbeats again."""
        self._beating.add(ward)
        self.beat(ward)

    def beat(self, ward: str) -> None:
        """One heartbeat now."""
        self._publisher.beat(ward)

    def append(self, ward: str, *drafts: Draft) -> range:
        """Hand events to the outbox; their seqs."""
        return self._outbox.append(ward, drafts)

    def wait_sent(self) -> None:
        """Until Kafka has everything.

        :raises Unavailable: it does not take it
        """
        waited = threading.Event()
        for _ in range(int(_SENT_S / 0.05)):
            if self._outbox.counts().pending == 0:
                return
            waited.wait(0.05)
        raise Unavailable("kafka", "the scenario's events are not taken", "See: dongbo status")

    def lose(self, ward: str, seqs: range) -> None:
        """Send what waits, but for these seqs, and believe that all of it was sent: before `start`."""
        rows = self._outbox.pending(10_000)
        self._produce(ward, [row.value for row in rows if row.seq not in seqs])
        self._outbox.acknowledge({ward: rows[-1].seq})

    def reuse(self, ward: str, seq: int) -> None:
        """Send a seq again with another content, as an outbox does that was restored from a copy."""
        event = decode(self._outbox.kept(ward, range(seq, seq + 1))[0].value)
        assert isinstance(event, StatusChangedEvent)
        other = msgspec.structs.replace(event.data, channel=Channel.POST)
        self._produce(ward, [encode(wrap(StatusChangedEvent, other, event.time))])

    def _produce(self, ward: str, values: Sequence[bytes]) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self._settings.kafka_bootstrap,
                "partitioner": "murmur2_random",
                "acks": "all",
                "log_level": 0,
            }
        )
        for value in values:
            options: dict[str, Any] = {"headers": self._sign(ward, value)} if self._sign else {}
            producer.produce(self._settings.events_topic, value, ward.encode(), **options)
        if producer.flush(_SENT_S):
            raise Unavailable("kafka", "the scenario's events are not taken", "See: dongbo status")

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_EVERY_S):
            for ward in tuple(self._beating):
                self._publisher.beat(ward)


def now() -> datetime:
    """The present, in Hanoi."""
    return datetime.now(HANOI)


def received(ward: str, number: int, at: datetime) -> Draft:
    """A dossier that a ward takes in."""
    data = StatusChanged(
        ward=ward,
        epoch="-",
        seq=1,
        dossier=f"H26.{ward}-{at:%y%m%d}-{900_000 + number}",
        procedure="2.000815",
        field="chung-thuc",
        channel=Channel.COUNTER,
        status=Status.RECEIVED,
        received_at=at,
        due_at=at + timedelta(days=2),
    )
    return Draft(StatusChangedEvent, data, at, ward)


def retraction(wrong: Draft) -> Draft:
    """What takes the event back that is appended just before it: so both arrive together."""
    data = wrong.payload
    assert isinstance(data, StatusChanged)

    def payload(epoch: str, seq: int) -> Retracted:
        of = msgspec.structs.replace(data, epoch=epoch, seq=seq - 1)
        return Retracted(
            ward=data.ward, epoch=epoch, seq=seq, of=of, of_time=wrong.time, reason="wrong-status"
        )

    return Draft(RetractedEvent, payload, now(), data.ward)


def closing(ward: str, day: date, counts: dict[Status, int], last_seq: int) -> Draft:
    """The ward's own totals of a day."""

    def payload(epoch: str, seq: int) -> DayClosed:
        return DayClosed(
            ward=ward, epoch=epoch, seq=seq, day=day, counts=counts, first_seq=1, last_seq=last_seq
        )

    return Draft(DayClosedEvent, payload, now(), ward)
