"""What stands beside the figures on the city's page, each read in its own time and never in the figures' way.

The figures are what people wait for. Of all else a page shows what was read last; it waits only for what was
never read, or not for long. The store's own limit bounds each wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from dashboards.server.background import Background
from dashboards.server.pulse import Pulse
from dashboards.server.snapshot import Members
from dashboards.server.source import HANOI, Source
from dashboards.server.views.city import cuts
from dashboards.server.views.city.alerts import alerts
from dashboards.server.views.city.cuts import Cut
from dashboards.server.views.city.pipeline import pipeline
from dashboards.server.views.city.quality import quality
from dashboards.server.views.city.reader import standings
from dashboards.server.views.city.rows import Standing

QUALITY_S: Final = 30.0
UNKNOWN: Final = object()
Readers = dict[str, tuple[float, Callable[[], Any]]]


class Known(NamedTuple):
    """The cut that figures read now contain, how the wards stand (None: not judged), and whole members."""

    cut: Cut | None
    standings: dict[str, Standing] | None
    members: Members


class Aside:
    """Reads everything but the figures."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._soon, self._slow = Background(), Background()

    def read(self, source: Source) -> Known:
        """What is known now, or was at the source's cut. Raises `Unavailable` when ClickHouse is away."""
        return _as_of(source) if source.as_of is not None else self._now(source)

    def _now(self, source: Source) -> Known:
        for name, (seconds, read) in _readers(source).items():
            self._soon.ask(name, seconds, read)
        today = source.now.astimezone(HANOI).date()
        self._slow.ask("quality", QUALITY_S, lambda: quality(source, today))
        self._soon.settle(None)
        members: Members = {name: self._soon.get(name, None) for name in ("alerts", "pipeline")}
        members["processes"] = self._pulse.processes()
        # Not a member at all until it is known: the page says that it is loading.
        known = self._slow.get("quality", UNKNOWN)
        members |= {} if known is UNKNOWN else {"quality": known}
        return Known(self._soon.get("cut", None), self._soon.get("standings", None), members)


def _readers(source: Source) -> Readers:
    """Seconds that a reading is good for, and the reading. Wards are judged, and cuts made, less often."""
    return {
        "cut": (2.0, lambda: cuts.newest(source)),
        "standings": (2.0, lambda: standings(source)),
        "alerts": (2.0, lambda: alerts(source, source.now)),
        "pipeline": (5.0, lambda: pipeline(source)),
    }


def _as_of(source: Source) -> Known:
    cut = cuts.newest(source)
    now = cut.at if cut else source.now
    members: Members = {"alerts": alerts(source, now), "pipeline": pipeline(source), "processes": None}
    members["quality"] = quality(source, now.astimezone(HANOI).date())
    return Known(cut, standings(source), members)
