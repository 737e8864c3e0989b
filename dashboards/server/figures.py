"""What is shown, as small frozen types. Counts are of dossiers; a share is between 0 and 1, or None."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import msgspec


class Figures(msgspec.Struct, frozen=True):
    """What happened to dossiers in one ward or the city, in one day or a longer time."""

    received: int = 0
    online: int = 0
    resolved: int = 0
    early: int = 0
    on_time: int = 0
    overdue: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))

    @property
    def on_time_share(self) -> float | None:
        """Finished before or on the due day, of all that finished."""
        in_time = self.early + self.on_time
        return _share(in_time, in_time + self.overdue)

    @property
    def online_share(self) -> float | None:
        """Received online, of all that were received."""
        return _share(self.online, self.received)


class WardSync(msgspec.Struct, frozen=True):
    """How far the city has a ward. `contiguous`: events from 1 on without a hole; `missing`: holes after."""

    contiguous: int = 0
    missing: int = 0
    pending: int = 0
    event_at: datetime | None = None
    heard_at: datetime | None = None


class Reading(msgspec.Struct, frozen=True):
    """One read of ClickHouse: all that the pages which are open now need."""

    read_at: datetime
    city: dict[date, Figures]
    wards: dict[date, dict[str, Figures]]
    syncs: dict[str, WardSync]
    backlog: dict[str, int]


def total(figures: Iterable[Figures]) -> Figures:
    """The sum, member by member."""
    return sum(figures, Figures())


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole > 0 else None
