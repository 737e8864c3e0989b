"""The city view: one reading for all its topics, put together into members."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from dashboards.server.background import Background
from dashboards.server.memo import Memo
from dashboards.server.pulse import Pulse
from dashboards.server.snapshot import Keyed, Members
from dashboards.server.source import HANOI, Source
from dashboards.server.topic import Topic
from dashboards.server.views.city import cuts
from dashboards.server.views.city.alerts import alerts
from dashboards.server.views.city.cuts import Cut
from dashboards.server.views.city.figures import Before, Figures, series, spans, total
from dashboards.server.views.city.pipeline import pipeline
from dashboards.server.views.city.quality import quality
from dashboards.server.views.city.reader import CityReader, newest_day
from dashboards.server.views.city.rows import Standing, ward_rows
from producers.contract.wards import WARDS

# The chooser lists about a year; older days are reached by their address (?day=).
DAYS_LISTED_MAX: Final = 400
# The comparison moves on once a minute; a cut's answer never changes.
BEFORE_S: Final = 3600.0
CUT_S: Final = 1.0
ALERTS_S: Final = 2.0
PIPELINE_S: Final = 5.0
QUALITY_S: Final = 10.0
UNKNOWN: Final = object()


class CityView:
    """All the city's figures of a day, now or as of a cut."""

    def __init__(self, pulse: Pulse | None = None) -> None:
        self._reader, self._memo, self._pulse = CityReader(), Memo(), pulse or Pulse({})
        self._aside = Background()

    def read(self, source: Source, topics: Collection[Topic]) -> dict[Topic, Members]:
        """One reading for all topics."""
        city = self._reader.city(source, [topic.day for topic in topics])
        standings = self._reader.standings(source)
        cut = self._cut(source)
        return {topic: self._members(source, topic.day, city, standings, cut) for topic in topics}

    def _cut(self, source: Source) -> Cut | None:
        if source.as_of is not None:
            return cuts.newest(source)
        return self._memo.get("cut", CUT_S, lambda: cuts.newest(source))

    def _members(
        self,
        source: Source,
        wanted: date | None,
        city: dict[date, Figures],
        standings: dict[str, Standing] | None,
        cut: Cut | None,
    ) -> Members:
        now = cut.at if cut and source.as_of is not None else source.now
        newest, today = newest_day(city, now), now.astimezone(HANOI).date()
        day = wanted or newest
        wards = self._reader.wards(source, day) if day else {}
        if day:
            # The day's total is the sum of the rows on the page, so that the two can never disagree.
            city = {**city, day: total(wards.values())} if wards else city
        opened = self._reader.open_before(source, day) if day else {}
        backlog = {ward: opened.get(ward, 0) + wards.get(ward, Figures()).opened for ward in WARDS}
        return {
            "cut": _plain(cut),
            "judged": standings is not None,
            "day": day,
            "newest": newest,
            "today": today,
            "days": sorted(city, reverse=True)[:DAYS_LISTED_MAX],
            "totals": spans(city, day) if day else {},
            "series": series(city, day, running=day == today) if day else {},
            "before": self._before(source, city, day, now) if day else None,
            **self._extras(source, now, today),
            "rows": Keyed("ward", ward_rows(wards, backlog, standings or {})),
        }

    def _extras(self, source: Source, now: datetime, today: date) -> Members:
        """What is read less often than the figures: alerts, the pipeline, and aside from them the quality."""
        if source.as_of is not None:
            found: Members = {"alerts": alerts(source, now), "pipeline": pipeline(source), "processes": None}
            return found | {"quality": quality(source, today)}
        self._aside.ask("quality", QUALITY_S, lambda: quality(source, today))
        found = {
            "alerts": self._memo.get("alerts", ALERTS_S, lambda: alerts(source, now)),
            "pipeline": self._memo.get("pipeline", PIPELINE_S, lambda: pipeline(source)),
            "processes": self._pulse.processes(),
        }
        # Not a member at all until it is known: the page says that it is loading.
        known = self._aside.get("quality", UNKNOWN)
        return found if known is UNKNOWN else found | {"quality": known}

    def _before(self, source: Source, city: dict[date, Figures], day: date, now: datetime) -> Before:
        """What the day is compared with: the day before, at the same time if the day still runs."""
        if day != now.astimezone(HANOI).date():
            return _whole_day_before(city, day)
        minute = now.replace(second=0, microsecond=0)
        return self._memo.get((day, minute), BEFORE_S, lambda: self._same_time(source, day, minute))

    def _same_time(self, source: Source, day: date, now: datetime) -> Before:
        found = cuts.day_before(source, now)
        if found is None:
            return Before("none", reason="no_cut_yesterday")
        number, at = found
        then = self._reader.city(source.at(number), ())
        yesterday = at.astimezone(HANOI).date()
        return Before("cut", at, day=spans(then, yesterday)["day"], **_lately(then, day, yesterday))


def _whole_day_before(city: dict[date, Figures], day: date) -> Before:
    earlier = max((each for each in city if each < day), default=None)
    if earlier is None:
        return Before("none", reason="first_day")
    known = {each: figures for each, figures in city.items() if each <= earlier}
    return Before("day", earlier, day=spans(known, earlier)["day"], **_lately(known, day, earlier))


def _lately(city: dict[date, Figures], day: date, until: date) -> dict[str, Any]:
    """This week and all days as they stood then: the difference is what came since."""
    found = spans({each: figures for each, figures in city.items() if each <= until}, day)
    return {"week": found["week"], "all": found["all"]}


def _plain(cut: Cut | None) -> dict[str, Any] | None:
    return None if cut is None else {name: getattr(cut, name) for name in Cut.__struct_fields__}
