"""One line a ward: its figures of the chosen day, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from dashboards.server.views.city.figures import Figures
from producers.contract.wards import WARDS


class Standing(msgspec.Struct, frozen=True):
    """What the monitor judged of a ward: one status, the worst of alive, complete and reconciled."""

    status: str = "unknown"
    reason: str = ""
    alive: str = "unknown"
    complete: str = "unknown"
    reconciled: str = "unknown"
    since: datetime | None = None
    covered: bool = False
    missing: int = 0
    pending: int = 0
    rejected: int = 0
    event_at: datetime | None = None
    heard_at: datetime | None = None
    delay_ms_p50: int | None = None
    delay_ms_p99: int | None = None


class WardRow(msgspec.Struct, frozen=True):
    """One ward."""

    ward: str
    name: str
    kind: str
    received: int
    resolved: int
    returned: int
    overdue: int
    finished: int
    on_time_share: float | None
    online_share: float | None
    backlog: int
    standing: Standing


def standing_of(row: Mapping[str, Any]) -> Standing:
    """The standing in a row of `v_ward_status`."""
    return Standing(**{name: row[name] for name in Standing.__struct_fields__})


def ward_rows(
    wards: Mapping[str, Figures], backlog: Mapping[str, int], standings: Mapping[str, Standing]
) -> list[WardRow]:
    """All wards of the city, those without figures as well."""
    return [
        _row(code, wards.get(code, Figures()), backlog.get(code, 0), standings.get(code, Standing()))
        for code in WARDS
    ]


def _row(code: str, figures: Figures, backlog: int, standing: Standing) -> WardRow:
    return WardRow(
        ward=code,
        name=WARDS[code].name,
        kind=WARDS[code].kind,
        received=figures.received,
        resolved=figures.resolved,
        returned=figures.returned,
        overdue=figures.overdue,
        finished=figures.in_time + figures.overdue,
        on_time_share=figures.on_time_share,
        online_share=figures.online_share,
        backlog=backlog,
        standing=standing,
    )
