"""The live city under a clock that the test sets, with a real outbox: pace, beats, day's end, bounds."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from producers.contract.codec import decode
from producers.contract.envelope import type_of
from producers.contract.events import DayClosed, Difficulty, Heartbeat, Retracted, StatusChanged
from producers.contract.vocabulary import Status
from producers.contract.wards import WARDS
from producers.outbox import Outbox
from producers.simulator.clock import SettableClock, SystemClock
from producers.simulator.live import LiveCity, Pace
from producers.simulator.times import VN
from tests.unit.test_simulator_oracle import FOLLOWING

EVENING = datetime(2025, 7, 8, 20, 0, tzinfo=VN)


class Town:
    """A live city with everything around it."""

    def __init__(self, path: Path, at: datetime, pace: Pace | None = None, pending_max: int = 10**6) -> None:
        self.beats: list[tuple[datetime, str]] = []
        self.clock = SettableClock(at)
        self.outbox = Outbox(path / "outbox.db", "live", pending_max=pending_max)
        self.city = LiveCity(self.outbox, self._beat, self.clock, pace)

    def _beat(self, ward: str) -> None:
        self.beats.append((self.clock.at, ward))

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            self.city.step()
            self.clock.at += timedelta(seconds=1)

    def events(self) -> list[StatusChanged | Retracted | DayClosed]:
        found = []
        for row in self.outbox.pending(1_000_000):
            data = decode(row.value).data
            assert isinstance(data, StatusChanged | Retracted | DayClosed | Difficulty)
            if not isinstance(data, Difficulty):
                found.append(data)
        return found

    def difficulties(self) -> list[tuple[str, Difficulty]]:
        """Steps of difficulties by their names, in the order in which they were said."""
        events = [decode(row.value) for row in self.outbox.pending(1_000_000)]
        return [
            (type_of(event).split(".")[2], event.data)
            for event in events
            if isinstance(event.data, Difficulty)
        ]

    def statuses(self) -> Counter[Status]:
        return Counter(data.status for data in self.events() if isinstance(data, StatusChanged))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path, EVENING)
    yield town
    town.outbox.close()


def test_live_pace_is_six_and_a_half_dossiers_a_minute_at_night_too(town: Town) -> None:
    town.live(3600)
    codes = {data.dossier for data in town.events() if isinstance(data, StatusChanged)}
    assert 330 < len(codes) < 460  # 393 expected; six standard deviations of a Poisson number are 119
    assert all(code[10:16] == "250708" for code in codes)


def test_live_dossiers_visibly_move(town: Town) -> None:
    town.live(3600)
    statuses = town.statuses()
    assert statuses[Status.RECEIVED] > 200
    assert statuses[Status.DONE] > 50
    assert statuses[Status.RETURNED] > 30


def test_live_paths_are_allowed_and_in_order(town: Town) -> None:
    town.live(2 * 3600)
    paths: defaultdict[str, list[StatusChanged]] = defaultdict(list)
    for data in town.events():
        if isinstance(data, StatusChanged):
            before = paths[data.dossier]
            assert data.status in FOLLOWING[before[-1].status if before else 0]
            before.append(data)
        elif isinstance(data, Retracted):
            assert paths[data.of.dossier].pop() == data.of
    done = [data for path in paths.values() for data in path if data.status is Status.RETURNED]
    assert all(data.finished_at and data.due_at and data.received_at <= data.finished_at for data in done)


def test_live_times_of_a_ward_never_go_back_over_midnight(town: Town) -> None:
    town.clock.at = EVENING.replace(hour=23, minute=30)
    town.live(3600)
    last: dict[str, datetime] = {}
    for row in town.outbox.pending(1_000_000):
        event = decode(row.value)
        assert event.time >= last.get(row.ward, event.time)
        last[row.ward] = event.time


def test_live_day_s_end_is_declared_with_true_totals(town: Town) -> None:
    town.live(5 * 3600)
    counts: defaultdict[str, Counter[Status]] = defaultdict(Counter)
    seqs: defaultdict[str, list[int]] = defaultdict(list)
    closed: dict[str, DayClosed] = {}
    for data in town.events():
        if isinstance(data, DayClosed):
            closed[data.ward] = data
        elif data.ward in closed:
            continue
        elif isinstance(data, Retracted):
            counts[data.ward][data.of.status] -= 1
            seqs[data.ward].append(data.seq)
        else:
            counts[data.ward][data.status] += 1
            seqs[data.ward].append(data.seq)
    assert closed.keys() == WARDS.keys()
    for ward, declared in closed.items():
        assert declared.day == EVENING.date()
        assert declared.counts == {status: n for status, n in counts[ward].items() if n}
        between = (seqs[ward][0], seqs[ward][-1]) if seqs[ward] else (0, 0)
        assert (declared.first_seq, declared.last_seq) == between


def test_live_restart_declares_only_days_it_has_seen_whole(tmp_path: Path) -> None:
    for _ in range(2):
        town = Town(tmp_path, EVENING.replace(hour=23, minute=0))
        town.live(1800)
        town.outbox.close()
    town = Town(tmp_path, EVENING.replace(hour=23, minute=59))
    silent = {ward for ward in WARDS if town.outbox.next_seq(ward) == 1}
    town.live(120)
    first = {data.ward for data in town.events() if isinstance(data, DayClosed)}
    assert first == silent
    town.clock.at += timedelta(days=1)
    town.live(1)
    second = [data.ward for data in town.events() if isinstance(data, DayClosed) and data.day.day == 9]
    assert sorted(second) == sorted(WARDS)
    town.outbox.close()


def test_live_restart_never_uses_a_code_again(tmp_path: Path) -> None:
    first: Counter[tuple[str, Status]] = Counter()
    for minute in (0, 20):
        town = Town(tmp_path, EVENING.replace(minute=minute))
        town.live(900)
        town.outbox.close()
    with Outbox(tmp_path / "outbox.db") as outbox:
        for row in outbox.pending(1_000_000):
            data = decode(row.value).data
            if isinstance(data, StatusChanged) and data.status is Status.RECEIVED:
                first[data.dossier, data.status] += 1
    assert first
    assert set(first.values()) == {1}


def test_live_beats_every_ward_every_minute_spread_over_it(town: Town) -> None:
    town.live(300)
    per_ward = Counter(ward for _, ward in town.beats)
    assert per_ward.keys() == WARDS.keys()
    assert set(per_ward.values()) <= {4, 5}  # the last second of the fifth minute is still to come
    at_once = Counter(at for at, _ in town.beats)
    assert max(at_once.values()) <= 3


def test_live_beats_after_a_suspension_are_not_caught_up(town: Town) -> None:
    town.live(1)
    town.clock.at += timedelta(hours=5)
    town.beats.clear()
    town.live(60)
    assert Counter(ward for _, ward in town.beats).most_common(1)[0][1] <= 2
    assert len(town.beats) <= 2 * len(WARDS)


def test_live_after_a_suspension_goes_on_from_now(town: Town) -> None:
    town.live(60)
    before = len(town.events())
    town.clock.at += timedelta(hours=3)
    town.city.step()
    assert len(town.events()) - before < 60


def test_live_office_hours_rests_at_night(tmp_path: Path) -> None:
    town = Town(tmp_path, EVENING.replace(hour=16, minute=30), Pace(office_hours=True))
    town.live(1800)
    at_closing = len(town.events())
    assert at_closing > 100
    town.live(3600)
    assert len(town.events()) == at_closing
    assert town.city.open_dossiers > 0
    assert len(town.beats) >= 89 * len(WARDS)
    town.outbox.close()


def test_live_rate_multiplies_and_open_dossiers_are_bounded(tmp_path: Path) -> None:
    town = Town(tmp_path, EVENING, Pace(rate=50.0, compress=1.0, open_max=100))
    town.live(60)
    assert town.city.open_dossiers == 100
    town.outbox.close()


def test_live_full_outbox_halts_the_city_and_loses_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path, EVENING, Pace(rate=20.0), pending_max=30)
    town.live(120)
    assert town.outbox.counts().pending <= 30
    beats = len(town.beats)
    for _ in range(200):
        rows = town.outbox.pending(1_000)
        town.outbox.acknowledge({row.ward: row.seq for row in rows})
        town.live(1)
    assert len(town.beats) > beats
    rows = [row for ward in WARDS for row in town.outbox.sent(ward, range(1, 10**6))]
    assert len(rows) == town.outbox.counts().sent
    assert len(rows) > 100
    town.outbox.close()


def test_live_without_any_event_closes_an_empty_day(tmp_path: Path) -> None:
    town = Town(tmp_path, EVENING.replace(hour=23, minute=59), Pace(rate=1e-9))
    town.live(62)
    closed = town.events()
    assert len(closed) == len(WARDS)
    assert all(isinstance(data, DayClosed) and data.counts == {} and data.last_seq == 0 for data in closed)
    town.outbox.close()


def test_live_run_ends_when_told(tmp_path: Path) -> None:
    stop, beats = threading.Event(), list[str]()

    def beat(ward: str) -> None:
        beats.append(ward)
        stop.set()

    with Outbox(tmp_path / "outbox.db") as outbox:
        LiveCity(outbox, beat, SystemClock(), Pace(rate=100.0)).run(stop)
    assert beats


def test_live_heartbeats_take_no_seq(town: Town) -> None:
    town.live(120)
    assert not any(isinstance(decode(row.value).data, Heartbeat) for row in town.outbox.pending(10**6))


def test_live_difficulties_are_reported_then_assigned_then_resolved(tmp_path: Path) -> None:
    town = Town(tmp_path, EVENING, Pace(dossiers_per_day=1, difficulties_per_day=2_000))
    town.live(3 * 3600)
    told = town.difficulties()
    steps: defaultdict[str, list[str]] = defaultdict(list)
    for step, data in told:
        steps[data.difficulty].append(step)
        assert (data.owner is not None, data.due is not None) == (step == "assigned",) * 2
    whole = ["reported", "assigned", "resolved"]
    assert all(path == whole[: len(path)] for path in steps.values())
    # 250 reports an hour expected; most are assigned within minutes, resolved within some hours.
    assert 600 < len(steps) < 900
    lengths = Counter(len(path) for path in steps.values())
    assert lengths[3] > 100
    assert lengths[2] > 100
    town.outbox.close()


def test_live_city_without_difficulties_has_none(tmp_path: Path) -> None:
    town = Town(tmp_path, EVENING, Pace(difficulties_per_day=0))
    town.live(600)
    assert town.difficulties() == []
    town.outbox.close()
