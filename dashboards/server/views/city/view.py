"""The city view: one reading for all its topics, put together into members."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Final

from dashboards.server.background import Background
from dashboards.server.pulse import Pulse
from dashboards.server.snapshot import Keyed, Members
from dashboards.server.source import HANOI, Source
from dashboards.server.topic import Topic
from dashboards.server.views.city import cuts
from dashboards.server.views.city.aside import Aside
from dashboards.server.views.city.cuts import Cut
from dashboards.server.views.city.figures import Before, Figures, series, spans, total
from dashboards.server.views.city.reader import CityReader, newest_day
from dashboards.server.views.city.rows import Standing, ward_rows
from producers.contract.wards import WARDS

# The chooser lists about a year; older days are reached by their address (?day=).
DAYS_LISTED_MAX: Final = 400
# The comparison moves on once a minute.
BEFORE_S: Final = 60.0


class CityView:
    """All the city's figures of a day, now or as of a cut."""

    def __init__(self, pulse: Pulse | None = None) -> None:
        self._reader, self._aside = CityReader(), Aside(pulse or Pulse({}))
        self._then = Background()

    def read(self, source: Source, topics: Collection[Topic]) -> dict[Topic, Members]:
        """One reading for all topics. The figures come last, so that they are the newest of it."""
        cut, standings, same = self._aside.read(source)
        now = cut.at if cut and source.as_of is not None else source.now
        same |= {"cut": _plain(cut), "judged": standings is not None}
        city = self._reader.city(source, [topic.day for topic in topics])
        return {topic: same | self._members(source, topic.day, city, standings, now) for topic in topics}

    def _members(
        self,
        source: Source,
        wanted: date | None,
        city: Mapping[date, Figures],
        standings: dict[str, Standing] | None,
        now: datetime,
    ) -> Members:
        newest, today = newest_day(city, now), now.astimezone(HANOI).date()
        day = wanted or newest
        wards = self._reader.wards(source, day) if day else {}
        if day:
            # The day's total is the sum of the rows on the page, so that the two can never disagree.
            city = {**city, day: total(wards.values())} if wards else city
        opened = self._reader.open_before(source, day) if day else {}
        backlog = {ward: opened.get(ward, 0) + wards.get(ward, Figures()).opened for ward in WARDS}
        return {
            "day": day,
            "newest": newest,
            "today": today,
            "days": sorted(city, reverse=True)[:DAYS_LISTED_MAX],
            "totals": spans(city, day) if day else {},
            "series": series(city, day, running=day == today) if day else {},
            "before": self._before(source, city, day, now) if day else None,
            "rows": Keyed("ward", ward_rows(wards, backlog, standings or {})),
        }

    def _before(self, source: Source, city: Mapping[date, Figures], day: date, now: datetime) -> Before:
        """What the day is compared with: the day before, at the same time if the day still runs."""
        if day != now.astimezone(HANOI).date():
            return _whole_day_before(city, day)
        minute = now.replace(second=0, microsecond=0)
        if source.as_of is not None:
            return self._same_time(source, day, minute)
        known: Before = self._then.known(day, BEFORE_S, lambda: self._same_time(source, day, minute))
        return known

    def _same_time(self, source: Source, day: date, now: datetime) -> Before:
        found = cuts.day_before(source, now)
        if found is None:
            return Before("none", reason="no_cut_yesterday")
        number, at = found
        then = self._reader.city(source.at(number), ())
        yesterday = at.astimezone(HANOI).date()
        return Before("cut", at, day=spans(then, yesterday)["day"], **_lately(then, day, yesterday))


def _whole_day_before(city: Mapping[date, Figures], day: date) -> Before:
    earlier = max((each for each in city if each < day), default=None)
    if earlier is None:
        return Before("none", reason="first_day")
    known = {each: figures for each, figures in city.items() if each <= earlier}
    return Before("day", earlier, day=spans(known, earlier)["day"], **_lately(known, day, earlier))


def _lately(city: Mapping[date, Figures], day: date, until: date) -> dict[str, Any]:
    """This week and all days as they stood then: the difference is what came since."""
    found = spans({each: figures for each, figures in city.items() if each <= until}, day)
    return {"week": found["week"], "all": found["all"]}


def _plain(cut: Cut | None) -> dict[str, Any] | None:
    return None if cut is None else {name: getattr(cut, name) for name in Cut.__struct_fields__}
