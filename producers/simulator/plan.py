"""How many dossiers each ward receives on each day: totals are exact by construction.

Shares are integers and whole dossiers are dealt out by largest remainder, so no rounding can lose or add
one. First the days get their numbers, then each day's number goes to the wards.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from random import Random
from typing import Final

from producers.contract.wards import WARDS
from producers.simulator.office import office_of
from producers.simulator.profile import Profile
from producers.simulator.times import day_number

# The simulation's own choices.
_UNIT: Final = 1_000_000
_GROWTH: Final = 0.5
_WEEKDAY_SHARES: Final = (1.12, 1.05, 1.0, 0.97, 0.92, 0.9, 0.9)
_DAY_OFF_SHARE: Final = 0.02
_WARD_SHARES: Final = {"phuong": 1.8, "xa": 1.0}
_WARD_SPREAD: Final = 0.6
_DAY_SPREAD: Final = 0.15

Plan = dict[str, tuple[int, ...]]


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Deal out `total` in proportion to `weights` by largest remainder; ties go to the first."""
    whole = sum(weights)
    shares = [divmod(total * weight, whole) for weight in weights]
    numbers = [number for number, _ in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
    for i in by_remainder[: total - sum(numbers)]:
        numbers[i] += 1
    return numbers


def apportion_all(total: int, weights: Sequence[int]) -> list[int]:
    """The same, but everyone gets at least one if there are enough."""
    if total < len(weights):
        return apportion(total, weights)
    return [1 + number for number in apportion(total - len(weights), weights)]


@lru_cache(maxsize=8)
def plan_of(profile: Profile) -> Plan:
    """Receptions per ward, one number for each day of the profile."""
    rng = Random(f"{profile.seed}/plan")  # noqa: S311 (a simulation, not a secret)
    per_day = apportion_all(profile.dossiers, _day_weights(profile, rng))
    ward_weights = [ward_weight(profile.seed, ward) for ward in profile.wards]
    rows = []
    for number in per_day:
        noisy = [max(1, int(weight * rng.lognormvariate(0.0, _DAY_SPREAD))) for weight in ward_weights]
        rows.append(apportion(number, noisy))
    _visit_every_ward(rows)
    return {ward: tuple(row[i] for row in rows) for i, ward in enumerate(profile.wards)}


def _day_weights(profile: Profile, rng: Random) -> list[int]:
    office = office_of(profile.first_day, profile.last_day)
    days = profile.days

    def weight(i: int, day: date) -> float:
        growth = 1.0 + _GROWTH * i / len(days)
        open_share = _WEEKDAY_SHARES[day.weekday()] if office.works_on(day_number(day)) else _DAY_OFF_SHARE
        return growth * open_share * rng.uniform(0.98, 1.02)

    return [int(_UNIT * weight(i, day)) for i, day in enumerate(days)]


def ward_weight(seed: int, ward: str) -> int:
    """Heavy-tailed sizes; `phuong` larger than `xa` on the whole."""
    rng = Random(f"{seed}/{ward}/size")  # noqa: S311 (a simulation, not a secret)
    return int(_UNIT * _WARD_SHARES[WARDS[ward].kind] * rng.lognormvariate(0.0, _WARD_SPREAD))


def _visit_every_ward(rows: list[list[int]]) -> None:
    """Give a ward without a dossier one of a larger ward's, on the same day, if there are enough."""
    totals = [sum(column) for column in zip(*rows, strict=True)]
    for poor in [i for i, number in enumerate(totals) if number == 0]:
        rich = max(range(len(totals)), key=lambda i: (totals[i], -i))
        if totals[rich] < 2:
            return
        row = max(rows, key=lambda numbers: numbers[rich])
        row[rich] -= 1
        row[poor] += 1
        totals[rich] -= 1
        totals[poor] += 1
