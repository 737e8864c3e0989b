"""A replay into a real outbox: complete, resumed after any stop, patient when full, and alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from producers.contract.codec import encode
from producers.contract.errors import Stop
from producers.contract.events import StatusChanged
from producers.outbox import Draft, Outbox
from producers.simulator.city import city_events, ward_events
from producers.simulator.profile import scaled
from producers.simulator.replay import replay

WARDS = ("00004", "10180", "00118")
PROFILE = scaled(150, WARDS)


def _open(tmp_path: Path, pending_max: int = 1_000_000) -> Outbox:
    return Outbox(tmp_path / "outbox.db", PROFILE.epoch, pending_max=pending_max)


def _all(outbox: Outbox) -> list[bytes]:
    return [row.value for row in outbox.pending(1_000_000)]


def _sorted_events() -> list[bytes]:
    return sorted(encode(event) for event in city_events(PROFILE))


def test_replay_appends_every_event_in_the_city_s_order(tmp_path: Path) -> None:
    with _open(tmp_path) as outbox:
        number = replay(PROFILE, outbox)
        assert _all(outbox) == [encode(event) for event in city_events(PROFILE)]
        assert number == outbox.counts().appended


def test_replay_second_run_appends_nothing(tmp_path: Path) -> None:
    with _open(tmp_path) as outbox:
        replay(PROFILE, outbox)
        assert replay(PROFILE, outbox) == 0


def test_replay_reports_each_day(tmp_path: Path) -> None:
    seen: list[tuple[date, int]] = []
    with _open(tmp_path) as outbox:
        number = replay(PROFILE, outbox, progress=lambda day, so_far: seen.append((day, so_far)))
    assert [day for day, _ in seen] == list(PROFILE.days)
    assert [so_far for _, so_far in seen] == sorted(so_far for _, so_far in seen)
    assert seen[-1][1] == number


@pytest.mark.parametrize("pending_max", [1, 7, 100])
def test_replay_full_outbox_waits_for_the_publisher(tmp_path: Path, pending_max: int) -> None:
    with _open(tmp_path, pending_max) as outbox:
        sent: list[bytes] = []

        def publish() -> None:
            rows = outbox.pending(1_000)
            sent.extend(row.value for row in rows)
            outbox.acknowledge({row.ward: row.seq for row in rows})

        replay(PROFILE, outbox, wait=publish)
        publish()
    assert sent == [encode(event) for event in city_events(PROFILE)]


class _GaveUp(Exception):
    pass


def _give_up() -> None:
    raise _GaveUp


@pytest.mark.parametrize("room", [1, 50, 333])
def test_replay_stopped_anywhere_goes_on_where_it_stopped(tmp_path: Path, room: int) -> None:
    with _open(tmp_path, pending_max=room) as outbox, pytest.raises(_GaveUp):
        replay(PROFILE, outbox, wait=_give_up)
    with _open(tmp_path) as outbox:
        before = outbox.counts().appended
        assert 0 < before <= room
        assert replay(PROFILE, outbox) == len(_sorted_events()) - before
        assert sorted(_all(outbox)) == _sorted_events()


def test_replay_some_wards_then_all(tmp_path: Path) -> None:
    with _open(tmp_path) as outbox:
        assert replay(PROFILE, outbox, wards=WARDS[:1]) == len(list(ward_events(PROFILE, WARDS[0])))
        replay(PROFILE, outbox)
        assert sorted(_all(outbox)) == _sorted_events()


def test_replay_outbox_of_another_epoch_is_refused(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", "another") as outbox, pytest.raises(Stop, match="replay_epoch"):
        replay(PROFILE, outbox)


def test_replay_someone_else_appends_meanwhile_adds_nothing_wrong(tmp_path: Path) -> None:
    with _open(tmp_path, pending_max=50) as outbox:
        with pytest.raises(Stop, match="replay_position"):
            replay(PROFILE, outbox, wait=_intruder(outbox))
        counts = outbox.counts()
        assert counts.pending == len(WARDS)  # the intruder's; the replay has added nothing after them
        events = [encode(event) for event in city_events(PROFILE)]
        sent = [row for ward in WARDS for row in outbox.sent(ward, range(1, 1_000))]
        assert sorted(row.value for row in sent) == sorted(events[: counts.sent])


def _intruder(outbox: Outbox) -> Callable[[], None]:
    """Makes room, and uses it: appends an event to each ward behind the replay's back."""

    def intrude() -> None:
        rows = outbox.pending(1_000)
        outbox.acknowledge({row.ward: row.seq for row in rows})
        for ward in WARDS:
            event = next(e for e in ward_events(PROFILE, ward) if isinstance(e.data, StatusChanged))
            outbox.append(ward, [Draft(type(event), event.data, event.time)])

    return intrude
