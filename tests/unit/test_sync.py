"""Goal: only a ward's own messages are signs of its life; all of them date its record."""

from __future__ import annotations

from datetime import UTC, datetime

from producers.contract.events import CITY_EPOCHS, Heartbeat
from streams.domain import records
from streams.domain.sync import WardSync


def test_what_the_city_sends_for_a_ward_is_counted_but_no_sign_of_life() -> None:
    sync = WardSync("00070")
    assert sync.take("own", 1, 500, 1_000)
    assert sync.take(f"{CITY_EPOCHS}desk-1", 1, 8_000, 9_000)
    assert (sync.event_ms, sync.arrived_ms) == (500, 1_000)
    assert (sync.events(), sync.known_ms()) == (2, 9_000)


def test_heartbeat_of_a_clock_that_is_ahead_hides_none_that_come_after_it() -> None:
    """Found by `./dev faults` (heartbeats-of-a-wrong-clock)."""
    sync = WardSync("00070")

    def hear(clock_ms: int, arrived_ms: int, last_seq: int) -> bool:
        clock = datetime.fromtimestamp(clock_ms / 1000, UTC)
        beat = Heartbeat(ward="00070", epoch="e", last_seq=last_seq, outbox_pending=0, clock=clock)
        return sync.hear(beat, arrived_ms)

    assert hear(1_000_000, 1_000_500, 5)
    assert hear(72_000_000, 1_001_000, 0)
    assert hear(1_010_000, 1_010_500, 7)
    # Sent before that one and late on its way: it says nothing new.
    assert not hear(1_009_000, 1_011_000, 6)
    assert sync.beat is not None
    assert sync.beat.last_seq == 7


def test_record_of_before_the_city_had_epochs_of_its_own_is_still_read() -> None:
    old = records.encode(WardSync("00070", arrived_ms=7))
    body = records.VERSION_BYTES
    # An array of eleven members, as it was written before `city_ms`.
    assert old[body] == 0x9B
    shorter = old[:body] + bytes([0x9A]) + old[body + 1 : -1]
    assert records.decode_sync(shorter) == WardSync("00070", arrived_ms=7)
