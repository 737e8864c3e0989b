"""Goal: only a ward's own messages are signs of its life; all of them date its record."""

from __future__ import annotations

from producers.contract.events import CITY_EPOCHS
from streams.domain import records
from streams.domain.sync import WardSync


def test_what_the_city_sends_for_a_ward_is_counted_but_no_sign_of_life() -> None:
    sync = WardSync("00070")
    assert sync.take("own", 1, 500, 1_000)
    assert sync.take(f"{CITY_EPOCHS}desk-1", 1, 8_000, 9_000)
    assert (sync.event_ms, sync.arrived_ms) == (500, 1_000)
    assert (sync.events(), sync.known_ms()) == (2, 9_000)


def test_record_of_before_the_city_had_epochs_of_its_own_is_still_read() -> None:
    old = records.encode(WardSync("00070", arrived_ms=7))
    body = records.VERSION_BYTES
    # An array of eleven members, as it was written before `city_ms`.
    assert old[body] == 0x9B
    shorter = old[:body] + bytes([0x9A]) + old[body + 1 : -1]
    assert records.decode_sync(shorter) == WardSync("00070", arrived_ms=7)
