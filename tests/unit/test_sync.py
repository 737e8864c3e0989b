"""Goal: only a ward's own messages are signs of its life, all of them date its record; a proof is kept.

Method: messages by hand; any order of events, losses and heartbeats against a second statement of the rule.
"""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

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
    # An array of thirteen members; of ten, as it was written before `city_ms`, `proven_ms` and `doubt_ms`.
    assert old[body] == 0x9D
    shorter = old[:body] + bytes([0x9A]) + old[body + 1 : -3]
    assert records.decode_sync(shorter) == WardSync("00070", arrived_ms=7)


def heard(sync: WardSync, at_ms: int, last_seq: int, pending: int = 0) -> None:
    clock = datetime.fromtimestamp(at_ms / 1000, UTC)
    data = Heartbeat(ward="00070", epoch="e", last_seq=last_seq, outbox_pending=pending, clock=clock)
    assert sync.hear(data, at_ms)


def test_heartbeat_with_nothing_pending_proves_what_it_announced_once_it_is_here() -> None:
    sync = WardSync("00070")
    heard(sync, 1_000, 0)
    assert sync.proven_ms == 1_000
    sync.take("e", 2, 1_500, 1_600)
    heard(sync, 2_000, 2)
    assert sync.proven_ms == 1_000  # 1 is not here
    sync.take("e", 1, 1_400, 2_100)
    assert sync.proven_ms == 2_000


def test_something_pending_proves_nothing_and_takes_nothing_back() -> None:
    sync = WardSync("00070")
    heard(sync, 1_000, 0)
    heard(sync, 2_000, 0, pending=3)
    heard(sync, 3_000, 0, pending=1)
    assert (sync.proven_ms, sync.doubt_ms) == (1_000, 2_000)  # since the first that said so
    heard(sync, 4_000, 0)
    assert (sync.proven_ms, sync.doubt_ms) == (4_000, 0)


def test_event_in_order_proves_up_to_when_it_happened_and_history_proves_only_itself() -> None:
    sync = WardSync("00070")
    sync.take("e", 1, 5_000, 5_200)
    assert sync.proven_ms == 5_000
    sync.take("e", 2, 1_000, 6_000)
    assert sync.proven_ms == 5_000
    sync.take("e", 3, 99_000, 7_000)  # its clock is ahead
    assert sync.proven_ms == 7_000
    sync.take("e", 5, 8_000, 8_000)
    assert sync.proven_ms == 7_000
    sync.take(f"{CITY_EPOCHS}desk-1", 1, 9_000, 9_000)
    assert sync.proven_ms == 7_000


steps = st.lists(
    st.tuples(st.booleans(), st.integers(1, 8), st.integers(0, 60_000), st.sampled_from([0, 0, 1, 5])),
    max_size=40,
)


@given(steps)
def test_newest_proof_of_any_history_is_kept_and_never_runs_back(
    history: list[tuple[bool, int, int, int]],
) -> None:
    """A proof by a heartbeat, said anew: it had nothing pending, and every seq that it announced has come."""
    sync, here, at_ms = WardSync("00070"), set[int](), 1_000_000
    for is_beat, seq, ago_ms, pending in history:
        before, at_ms = sync.proven_ms, at_ms + 1_000
        if is_beat:
            heard(sync, at_ms, seq, pending)
            proves = at_ms if not pending and set(range(1, seq + 1)) <= here else 0
        else:
            sync.take("e", seq, at_ms - ago_ms, at_ms)
            new, here = seq not in here, here | {seq}
            whole = here == set(range(1, len(here) + 1))
            proves = at_ms - ago_ms if new and whole else 0
        assert sync.proven_ms >= max(before, proves)
        assert sync.proven_ms <= at_ms
