"""A running city with something to see: wards of every status, open alerts, difficulties old and overdue.

The supervised simulation is held, and the same one runs here instead, for all wards but those that shall be
silent, behind or have a clock of their own. What else goes wrong is sent straight to Kafka. Names of owners
are codes, as a city gives them; the 25 groups keep the names that the settings give.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from confluent_kafka import Producer

from ops.city.prepare import store
from ops.city.up import CITY
from ops.settings import Settings
from ops.stack import supervise
from producers.contract.codec import encode
from producers.contract.envelope import (
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    SequencedEvent,
    wrap,
    wrap_heartbeat,
)
from producers.contract.events import Difficulty, Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from producers.contract.wards import WARDS
from producers.outbox import Outbox
from producers.publisher import Publisher
from producers.simulator.clock import SystemClock
from producers.simulator.live import LiveCity, Pace
from streams.domain.days import HANOI, number_of
from tests.builders import EPOCH, closing, status

SILENT: Final = ("09700", "00166", "10441")
BEHIND: Final = ("00376", "10015", "09556")
SKEWED: Final = ("00454",)
HOLED: Final = ("00070", "09955", "00565")
UNEQUAL: Final = ("00235", "10273")
REUSED: Final = ("00103", "10183")
BROKEN: Final = "00331"
# What the monitor must have found before a picture is taken.
REASONS: Final = {
    **dict.fromkeys(SILENT, "silent"),
    **dict.fromkeys(BEHIND, "behind"),
    **dict.fromkeys(SKEWED, "clock_skew"),
    **dict.fromkeys(HOLED, "missing"),
    **dict.fromkeys(UNEQUAL, "mismatch"),
    **dict.fromkeys(REUSED, "conflict"),
}
# So that a hole is old and a silence long enough while one waits for the pictures.
SOON: Final = {"hole_grace_s": 5, "hole_old_s": 20}
SILENT_AFTER_S: Final = 20
OWNERS: Final = ("so-noi-vu", "so-tu-phap", "so-xay-dung", "so-y-te", "cong-an-tp", "so-tai-chinh", "")
DIFFICULTIES: Final = 90
BEAT_S: Final = 5.0


@contextmanager
def troubled(settings: Settings, folder: Path) -> Iterator[None]:
    """Make the running city of these settings such a one, for as long as this lasts."""
    supervise.halt(settings, CITY)
    _open_offices(settings)
    send(settings, [*_events(), (BROKEN, b"{"), (BROKEN, b"[]")])
    stop = threading.Event()
    with Outbox(folder / "troubled.sqlite") as outbox:
        threads = [
            threading.Thread(target=_live, args=(settings, outbox, stop), daemon=True),
            threading.Thread(target=_beat, args=(settings, stop), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(30.0)


def send(settings: Settings, messages: Sequence[tuple[str, bytes]]) -> None:
    """Straight to Kafka, each under its ward."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "acks": "all", "log_level": 0})
    for ward, value in messages:
        producer.produce(settings.events_topic, value, ward.encode(), PARTITION_OF_WARD[ward])
    assert producer.flush(60) == 0


def _live(settings: Settings, outbox: Outbox, stop: threading.Event) -> None:
    """The other wards work and beat, as the supervised city does."""
    publisher = Publisher(outbox, settings.kafka_bootstrap, settings.events_topic)
    sending = threading.Thread(target=publisher.run, args=(stop,), daemon=True)
    sending.start()
    apart = {*SILENT, *BEHIND, *SKEWED}
    wards = tuple(ward for ward in WARDS if ward not in apart)
    pace = Pace(seed=settings.simulate_seed, rate=settings.simulate_rate, beat_every_s=BEAT_S)
    LiveCity(outbox, publisher.beat, SystemClock(), pace, wards).run(stop)
    sending.join(30.0)


def _beat(settings: Settings, stop: threading.Event) -> None:
    """Wards that have much to send, and one whose clock goes wrong."""
    while not stop.wait(BEAT_S):
        now = datetime.now(HANOI)
        beats = [(ward, 60 + int(ward) % 90, now) for ward in BEHIND]
        beats += [(ward, 0, now - timedelta(minutes=7)) for ward in SKEWED]
        made = [
            Heartbeat(ward=ward, epoch=EPOCH, last_seq=0, outbox_pending=pending, clock=clock)
            for ward, pending, clock in beats
        ]
        send(settings, [(beat.ward, encode(wrap_heartbeat(beat))) for beat in made])


def _open_offices(settings: Settings) -> None:
    """The silent wards' offices are open now, whatever day and hour it is."""
    today = number_of(datetime.now(HANOI).date())
    rows = [
        (ward, today, today, [0, 1440], SILENT_AFTER_S, "pictures", time.time_ns(), False) for ward in SILENT
    ]
    kinds = {
        "ward": "LowCardinality(String)",
        "first_day": "Date32",
        "last_day": "Date32",
        "open_minutes": "Array(UInt16)",
        "silent_after_s": "UInt32",
        "note": "String",
        "version": "UInt64",
        "deleted": "Bool",
    }
    with store(settings) as opened:
        opened.insert("office_overrides", tuple(kinds), tuple(kinds.values()), list(zip(*rows, strict=True)))


def _events() -> Iterator[tuple[str, bytes]]:
    """Holes, totals that do not agree, seqs used twice, and the difficulties."""
    now = datetime.now(HANOI) - timedelta(minutes=1)
    for ward in (*HOLED, *UNEQUAL, *REUSED):
        for seq in range(1, 13):
            if ward not in HOLED or seq not in (5, 6, 7):
                yield ward, encode(_received(ward, seq, now))
    for ward in UNEQUAL:
        yield ward, encode(closing(13, {Status.RECEIVED: 17}, ward=ward, at=now))
    for ward in REUSED:
        yield ward, encode(_received(ward, 4, now + timedelta(seconds=20)))
    yield from ((event.data.ward, encode(event)) for event in _difficulties(now))


def _received(ward: str, seq: int, at: datetime) -> SequencedEvent:
    dossier = f"H26.{ward}-{at:%y%m%d}-8{seq:03d}"
    return status(seq, ward=ward, at=at, received_at=at, due_at=at + timedelta(days=2), dossier=dossier)


def _difficulties(now: datetime) -> Iterator[SequencedEvent]:
    """Of most groups; the newer the more, most assigned, some overdue, some resolved."""
    chance, seqs = Random(25), dict.fromkeys(WARDS, 0)  # the same board at every run
    for number in range(1, DIFFICULTIES + 1):
        ward, group = chance.choice(tuple(WARDS)), 1 + min(24, int(chance.expovariate(0.12)))
        begun = now - timedelta(days=min(75.0, chance.expovariate(1 / 14)), minutes=5)
        owner, due = chance.choice(OWNERS), begun + timedelta(days=chance.choice((5, 10, 15, 30)))
        steps: list[tuple[type[Any], datetime, dict[str, Any]]] = [(DifficultyReportedEvent, begun, {})]
        if owner:
            given = {"owner": owner, "due": due}
            steps.append((DifficultyAssignedEvent, begun + timedelta(minutes=2), given))
        # Little of what is assigned is past its due time: most of that was resolved before.
        if owner and (due < now and chance.random() < 0.75):
            steps.append((DifficultyResolvedEvent, begun + timedelta(minutes=4), {}))
        for kind, at, members in steps:
            seqs[ward] += 1
            code = f"VM-{ward}-{begun:%y%m%d}-{number:02d}"
            known: dict[str, Any] = {
                "ward": ward,
                "epoch": "board",
                "seq": seqs[ward],
                "difficulty": code,
                "group": group,
            }
            yield wrap(kind, Difficulty(**known, **members), at)
