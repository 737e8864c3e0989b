"""The whole profile `july-2025`, followed by the oracle once; and the same again from the same seed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from producers.contract.codec import encode
from producers.contract.events import StatusChanged
from producers.contract.procedures import PROCEDURES
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from producers.simulator.city import city_days, city_events, ward_days, ward_events
from producers.simulator.mix import PROCEDURE_SHARES
from producers.simulator.plan import apportion, apportion_all, plan_of
from producers.simulator.profile import Profile, july_2025, scaled
from tests.unit.test_simulator_oracle import Oracle

RARE_ENDS = (Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.STOPPED)
# Change it only with a deliberate change of the simulation: figures in documents change with it.
SCALED_SHA256 = "8a4b209c0849b1c342e748c8830c59dc84a489fce38a1b55511d8afe8613d4c8"


@pytest.fixture(scope="module")
def july() -> Oracle:
    oracle = Oracle(july_2025())
    for event in city_events(oracle.profile):
        oracle.feed(event)
    oracle.finish()
    return oracle


def test_july_receives_exactly_66000_in_126_wards(july: Oracle) -> None:
    assert len(july.received()) == july.status_2_events - july.status_2_retracted == 66_000
    assert {code[4:9] for code in july.received()} == WARDS.keys()
    assert len(july.closed) == 126 * 21


def test_july_has_about_five_events_a_dossier(july: Oracle) -> None:
    assert 300_000 <= july.events <= 380_000
    assert 0.0005 <= july.retracted / july.events <= 0.002


def test_july_every_day_has_receptions_days_off_few(july: Oracle) -> None:
    per_day = _received_per_day(july)
    assert per_day.keys() == set(july.profile.days)
    days_off = [number for day, number in per_day.items() if day.weekday() >= 5]
    assert len(days_off) == 6
    assert max(days_off) * 20 < min(number for day, number in per_day.items() if day.weekday() < 5)


def test_july_weeks_grow(july: Oracle) -> None:
    numbers = [number for _, number in sorted(_received_per_day(july).items())]
    weeks = [sum(numbers[i : i + 7]) for i in (0, 7, 14)]
    assert weeks == sorted(weeks)
    assert weeks[2] > 1.2 * weeks[0]


def _received_per_day(july: Oracle) -> Counter[date]:
    per_day: Counter[date] = Counter()
    for (_, day), counts in july.counts.items():
        per_day[day] += counts[Status.RECEIVED]
    return per_day


def test_july_phuong_larger_than_xa_and_heavy_tailed() -> None:
    numbers = {ward: sum(row) for ward, row in plan_of(july_2025()).items()}
    of_kind = {kind: [n for w, n in numbers.items() if WARDS[w].kind == kind] for kind in ("phuong", "xa")}
    assert sum(of_kind["phuong"]) / 51 > 1.4 * sum(of_kind["xa"]) / 75
    ordered = sorted(numbers.values())
    assert ordered[-1] > 3 * ordered[63]
    assert ordered[0] > 0


def test_july_online_share_grows_to_about_60_percent(july: Oracle) -> None:
    first, last, whole = Counter[Channel](), Counter[Channel](), Counter[Channel]()
    for code in july.received():
        data = july.of_dossier[code][-1].data
        whole[data.channel] += 1
        if data.received_at.date() in (date(2025, 7, 1), date(2025, 7, 21)):
            (first if data.received_at.day == 1 else last)[data.channel] += 1
    assert 0.55 < whole[Channel.ONLINE] / whole.total() < 0.65
    assert first[Channel.ONLINE] / first.total() + 0.15 < last[Channel.ONLINE] / last.total()


def test_july_statuses_all_occur_in_plausible_shares(july: Oracle) -> None:
    net = july.net()
    assert net.keys() == set(Status)
    assert 0.8 < net[Status.DONE] / 66_000 < 0.95
    assert 0.03 < net[Status.SUPPLEMENT] / 66_000 < 0.08
    assert all(0.003 < net[status] / 66_000 < 0.03 for status in RARE_ENDS)


def test_july_some_wards_struggle_with_their_appointments(july: Oracle) -> None:
    done, overdue, early = Counter[str](), Counter[str](), 0
    for events in july.of_dossier.values():
        for data in (event.data for event in events if event.data.status is Status.DONE):
            assert data.due_at
            assert data.finished_at
            done[data.ward] += 1
            overdue[data.ward] += data.finished_at.date() > data.due_at.date()
            early += data.finished_at.date() < data.due_at.date()
    assert 0.02 < overdue.total() / done.total() < 0.08
    assert 0.1 < early / done.total() < 0.4
    shares = sorted(overdue[ward] / done[ward] for ward in WARDS)
    assert shares[-1] > 0.12
    assert shares[63] < 0.05


def test_july_every_procedure_occurs(july: Oracle) -> None:
    assert PROCEDURE_SHARES.keys() == PROCEDURES.keys()
    assert {events[-1].data.procedure for events in july.of_dossier.values() if events} == PROCEDURES.keys()


def test_ward_alone_is_the_same_as_in_the_city() -> None:
    profile = july_2025()
    wards = ("00004", "10180", "00118")
    together: dict[str, list[bytes]] = {ward: [] for ward in wards}
    for event in city_events(profile, wards):
        together[event.data.ward].append(encode(event))
    for ward in wards:
        assert [encode(event) for event in ward_events(profile, ward)] == together[ward]


def test_city_days_go_on_together() -> None:
    profile = scaled(300)
    seen = [(ward_day.day, ward_day.ward) for ward_day in city_days(profile)]
    assert seen == [(day, ward) for day in profile.days for ward in profile.wards]


def _sha256(profile: Profile) -> str:
    whole = hashlib.sha256()
    for event in city_events(profile):
        whole.update(encode(event))
    return whole.hexdigest()


def test_same_seed_is_byte_identical_other_seed_is_not() -> None:
    assert _sha256(scaled()) == _sha256(scaled()) == SCALED_SHA256
    assert _sha256(scaled(seed=2)) != SCALED_SHA256


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_other_process_and_hash_seed_is_byte_identical(hash_seed: str) -> None:
    script = "from tests.unit.test_simulator_city import _sha256, scaled; print(_sha256(scaled()))"
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == SCALED_SHA256


def test_profile_ending_on_a_day_off_leaves_few_waiting() -> None:
    profile = scaled(500, ("00004",), last_day=date(2025, 7, 18))
    (*_, last) = ward_days(profile, "00004")
    registered = [
        e for e in last.events if isinstance(e.data, StatusChanged) and e.data.status is Status.REGISTERED
    ]
    assert 0 < len(registered) < 60


@pytest.mark.parametrize("seed", [1, 2, 3, 99])
def test_plan_every_seed_is_exact(seed: int) -> None:
    plan = plan_of(july_2025(seed))
    assert sum(map(sum, plan.values())) == 66_000
    assert all(sum(row) for row in plan.values())
    assert all(sum(column) for column in zip(*plan.values(), strict=True))


def test_apportion_largest_remainder_examples() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(7, [50, 30, 20]) == [4, 2, 1]
    assert apportion(0, [1, 2]) == [0, 0]
    assert apportion_all(3, [1_000, 1, 1]) == [1, 1, 1]
    assert apportion_all(2, [1_000, 1, 1]) == [2, 0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"last_day": date(2025, 6, 30)},
        {"dossiers": -1},
        {"wards": ()},
        {"wards": ("99999",)},
    ],
)
def test_profile_impossible_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"last_day|known wards"):
        scaled(**wrong)  # type: ignore[arg-type]


def test_epoch_names_profile_and_seed() -> None:
    assert july_2025(7).epoch == "july-2025-s7"
