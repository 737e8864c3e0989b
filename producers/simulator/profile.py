"""What is simulated: which days, which wards, how many dossiers, from which seed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import msgspec

from producers.contract.wards import WARDS

SEED_MAX: Final = 99_999_999


class Profile(msgspec.Struct, frozen=True):
    """One simulated stretch of days; two equal profiles give the same events, byte for byte.

    `dossiers` is the exact number that the city receives from `first_day` to `last_day`.
    """

    name: str
    first_day: date
    last_day: date
    dossiers: int
    seed: int = 1
    wards: tuple[str, ...] = tuple(WARDS)

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        if not 0 <= self.seed <= SEED_MAX:
            raise ValueError(f"a seed is 0..{SEED_MAX}: it stands in the epoch, which takes no longer number")
        if self.dossiers < 0 or not self.wards or not WARDS.keys() >= set(self.wards):
            raise ValueError("a profile needs known wards and no negative number of dossiers")

    @property
    def epoch(self) -> str:
        """The outbox's epoch: another name or seed is another life of the wards' outboxes."""
        return f"{self.name}-s{self.seed}"

    @property
    def days(self) -> tuple[date, ...]:
        """Every day from the first to the last."""
        count = (self.last_day - self.first_day).days + 1
        return tuple(self.first_day + timedelta(days=i) for i in range(count))


_JULY: Final = Profile("july-2025", date(2025, 7, 1), date(2025, 7, 21), 66_000)


def july_2025(seed: int = 1) -> Profile:
    """The first three weeks of the two-tier city: 66,000 dossiers in 126 wards."""
    return msgspec.structs.replace(_JULY, seed=seed)


def scaled(
    dossiers: int = 600,
    wards: tuple[str, ...] = tuple(WARDS),
    seed: int = 1,
    first_day: date = _JULY.first_day,
    last_day: date = _JULY.last_day,
) -> Profile:
    """A profile of any size, for tests and benchmarks."""
    name = f"scaled-{dossiers}-{len(wards)}"
    return Profile(name, first_day, last_day, dossiers, seed, tuple(wards))
