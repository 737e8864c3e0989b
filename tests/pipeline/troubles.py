"""A few faults of every kind, sent on purpose after the three weeks, so that doubting has something to find.

python -m tests.pipeline.troubles 127.0.0.1:9092
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from confluent_kafka import Producer

from producers.contract.codec import encode
from producers.contract.envelope import StatusChangedEvent
from producers.contract.topics import EVENTS_TOPIC, PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from tests.builders import HANOI, retraction, status

GAP, REUSED, TAKEN, BROKEN = "00070", "00004", "00008", "00025"
# What the question about wards that are not trustworthy must find.
WHY: Final = {GAP: "2 events missing", REUSED: "1 seqs used again", BROKEN: "5 messages rejected"}
AT: Final = datetime(2025, 7, 14, 9, tzinfo=HANOI)


def troubles() -> Iterator[tuple[str, bytes]]:
    """Each message with its ward. None is a reception, so that the city's 66,000 stay 66,000."""
    for ward in (GAP, REUSED, TAKEN):
        for seq in range(1, 9):
            # Two seqs of the first ward never come.
            if ward != GAP or seq not in (3, 4):
                yield ward, encode(_step(ward, seq, AT + timedelta(minutes=seq)))
    yield REUSED, encode(_step(REUSED, 2, AT + timedelta(hours=2)))
    for seq, of in ((9, 2), (10, 5)):
        taken = _step(TAKEN, of, AT + timedelta(minutes=of))
        yield TAKEN, encode(retraction(seq, taken, at=AT + timedelta(hours=3)))
    for _ in range(5):
        yield BROKEN, b"{"


def _step(ward: str, seq: int, at: datetime) -> StatusChangedEvent:
    dossier = f"H26.{ward}-250714-9{seq:03d}"
    return status(seq, ward=ward, at=at, status=Status.PROCESSING, received_at=AT, dossier=dossier)


def publish(bootstrap: str) -> int:
    """Send them all; how many."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    sent = 0
    for ward, value in troubles():
        producer.produce(EVENTS_TOPIC, value, ward.encode(), PARTITION_OF_WARD[ward])
        sent += 1
    assert producer.flush(60) == 0
    return sent


if __name__ == "__main__":
    sys.stdout.write(f"{publish(sys.argv[1])} messages\n")
