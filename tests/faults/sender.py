"""Wards' systems as a process that may be killed: `python -m tests.faults.sender CONFIG.json`.

Three kinds. `outbox`: an outbox and its publisher. `gateway`: an outbox a ward and the gateway. `direct`: a
client without an outbox, that sends windows of events in any order and some of them twice.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from producers.contract.codec import encode
from producers.contract.envelope import wrap_heartbeat
from producers.contract.errors import Unavailable
from producers.contract.events import Heartbeat
from producers.contract.topics import requests_topic
from producers.gateway_client import GatewayClient
from producers.gateway_sender import GatewaySender
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from producers.repair import RequestListener, decode
from tests.faults.events import Made, make
from tests.faults.ledger import Ledger, Writer
from tests.faults.pace import Share

BATCH: Final = 500
_WINDOW: Final = 400
_IDLE_S: Final = 0.05


class Config(msgspec.Struct, frozen=True):
    """What a sender is told. `each`: the events of one ward; how fast stands in `pace.PACE`."""

    name: str
    kind: str
    seed: int
    epoch: str
    wards: list[str]
    each: int
    folder: str
    bootstrap: str
    topic: str
    gateway: str = ""
    tokens: dict[str, str] = {}


class Pace:
    """Which of the sender's events are due: the n-th belongs to ward n modulo the wards."""

    def __init__(self, config: Config) -> None:
        self._config, self._share = config, Share(Path(config.folder))
        self.total = config.each * len(config.wards)

    def due(self, done: int) -> range:
        """The next ones; behind schedule they come in batches."""
        until = min(self.total, int(self._share.now() * self.total), done + BATCH)
        return range(done, max(done, until))

    def made(self, numbers: range) -> list[Made]:
        """The events of these numbers."""
        config, count = self._config, len(self._config.wards)
        return [make(config.seed, config.epoch, config.wards[n % count], n // count + 1) for n in numbers]


def drafts(made: list[Made]) -> list[Draft]:
    """As an outbox takes them."""
    return [Draft(type(event), event.data, event.time, event.data.ward) for _, event in made]


def reached(made: list[Made]) -> dict[str, int]:
    """The newest seq of each ward."""
    return {event.data.ward: fact.seq for fact, event in made}


def run_outbox(config: Config, ledger: Writer, stop: threading.Event) -> None:
    """One outbox for all wards, published to Kafka; requests of the city are answered."""
    with Outbox(Path(config.folder) / f"{config.name}.sqlite", config.epoch) as outbox:
        publisher = Publisher(outbox, config.bootstrap, config.topic, beat_every_s=10.0)
        listener = RequestListener(outbox, publisher, config.bootstrap)
        threads = [_started(publisher.run, stop), _started(listener.run, stop)]
        pace = Pace(config)
        while not stop.is_set():
            _append(outbox, pace, ledger, stop)
        for thread in threads:
            thread.join()


def _started(work: Callable[[threading.Event], None], stop: threading.Event) -> threading.Thread:
    """A thread; when it fails, the process ends and is started again."""

    def guarded() -> None:
        try:
            work(stop)
        except BaseException as error:
            _die(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    return thread


def _die(error: BaseException) -> NoReturn:
    """End the process, whatever its other threads do, so that it is started again."""
    with contextlib.suppress(OSError):  # its log may be full as well
        sys.stderr.write(f"{error!r}\n")
        sys.stderr.flush()
    os._exit(1)


def _append(outbox: Outbox, pace: Pace, ledger: Writer, stop: threading.Event) -> None:
    """Append what is due; a full disk is waited for, as a ward's system would."""
    try:
        made = pace.made(pace.due(outbox.counts().appended))
        if not made:
            stop.wait(_IDLE_S)
            return
        ledger.intend(made)
        outbox.append_mixed(drafts(made))
        ledger.acknowledge(reached(made))
    except Unavailable:
        ledger.refused()
        stop.wait(0.5)


def run_gateway(config: Config, ledger: Writer, stop: threading.Event) -> None:
    """An outbox a ward, sent over HTTP."""
    outboxes, threads = [], []
    for ward in config.wards:
        outbox = Outbox(Path(config.folder) / f"{config.name}-{ward}.sqlite", config.epoch)
        client = GatewayClient(config.gateway, config.tokens[ward])
        sender = GatewaySender(outbox, ward, client, beat_every_s=10.0)
        outboxes.append(outbox)
        threads.append(_started(sender.run, stop))
    own = [Pace(msgspec.structs.replace(config, wards=[ward])) for ward in config.wards]
    while not stop.is_set():
        for outbox, pace in zip(outboxes, own, strict=True):
            _append(outbox, pace, ledger, stop)
    for thread in threads:
        thread.join()


class Direct:
    """A client without an outbox: what Kafka has confirmed stands in the ledger only."""

    def __init__(self, config: Config, ledger: Writer) -> None:
        self._config, self._ledger, self._pace = config, ledger, Pace(config)
        self._failed = 0
        self._beat_at_s = 0.0
        self._producer = Producer(
            {
                "bootstrap.servers": config.bootstrap,
                "acks": "all",
                "partitioner": "murmur2_random",
                "message.timeout.ms": 8000,
                "log_level": 0,
            }
        )

    def done(self) -> int:
        """How many were confirmed before: whole windows only."""
        known = Ledger.read(Path(self._config.folder), self._config.name).acknowledged
        mine = [known.get(ward, 0) for ward in self._config.wards]
        return min(mine) * len(mine) // _WINDOW * _WINDOW

    def run(self, stop: threading.Event) -> None:
        """Window after window, each until Kafka has all of it."""
        asked = _started(self.answer, stop)
        done = self.done()
        while not stop.is_set():
            self.beat(done)
            ready = len(self._pace.due(done)) >= _WINDOW
            last = done < self._pace.total <= done + _WINDOW
            numbers = range(done, min(done + _WINDOW, self._pace.total))
            if not (ready or last) or not numbers:
                stop.wait(_IDLE_S)
                continue
            made = self._pace.made(numbers)
            self._ledger.intend(made)
            if self.send(made, numbers.start):
                self._ledger.acknowledge(reached(made))
                done = numbers.stop
        asked.join()

    def send(self, made: list[Made], salt: int) -> bool:
        """In any order, some twice; whether Kafka confirmed every one."""
        chance = random.Random(f"{self._config.seed}/{salt}")
        shuffled = made + chance.sample(made, len(made) // 20)
        chance.shuffle(shuffled)
        self._failed = 0
        for _, event in shuffled:
            value, key = encode(event), event.data.ward.encode()
            self._producer.produce(self._config.topic, value, key, on_delivery=self._report)
            self._producer.poll(0)
        return self._producer.flush(10) == 0 and self._failed == 0

    def beat(self, done: int) -> None:
        """Every ten seconds say how far each ward is, so that the city notices a lost tail."""
        if time.monotonic() < self._beat_at_s:
            return
        self._beat_at_s = time.monotonic() + 10.0
        wards, now = self._config.wards, datetime.now(UTC)
        for place, ward in enumerate(wards):
            sent = (done - place + len(wards) - 1) // len(wards)
            data = Heartbeat(ward=ward, epoch=self._config.epoch, last_seq=sent, outbox_pending=0, clock=now)
            self._producer.produce(self._config.topic, encode(wrap_heartbeat(data)), ward.encode())
        self._producer.poll(0)

    def _report(self, error: object, _message: object) -> None:
        self._failed += error is not None

    def answer(self, stop: threading.Event) -> None:
        """Give again what the city asks for: made anew, since every event is a function of its number."""
        config = self._config
        known = {"bootstrap.servers": config.bootstrap, "group.id": "none", "log_level": 0}
        consumer = Consumer(known | {"enable.auto.commit": False, "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition(requests_topic(config.topic), 0, OFFSET_BEGINNING)])
        while not stop.is_set():
            for event in self._asked_for(consumer):
                self._producer.produce(config.topic, encode(event[1]), event[1].data.ward.encode())
                self._producer.poll(0)
        consumer.close()

    def _asked_for(self, consumer: Consumer) -> Iterator[Made]:
        message = consumer.poll(0.3)
        if message is None or message.error() is not None:
            return
        key = message.key()
        request = decode(message.value(), key if isinstance(key, bytes) else None)
        config = self._config
        if request and request.epoch == config.epoch and request.ward in config.wards:
            for seq in range(request.first_seq, min(request.last_seq, config.each) + 1):
                yield make(config.seed, config.epoch, request.ward, seq)


def main(config: Config) -> None:
    """Until SIGTERM. Whatever else happens ends the process, which is started again."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ledger = Writer(Path(config.folder) / f"{config.name}.ledger", config.epoch)
    run: dict[str, Any] = {"outbox": run_outbox, "gateway": run_gateway}
    try:
        if config.kind == "direct":
            Direct(config, ledger).run(stop)
        else:
            run[config.kind](config, ledger, stop)
    except BaseException as error:
        _die(error)


if __name__ == "__main__":
    main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Config))
