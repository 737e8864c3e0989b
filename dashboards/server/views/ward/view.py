"""The ward view: parts of all wards that are watched, put together ward by ward."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from dashboards.server.background import Background
from dashboards.server.snapshot import Members
from dashboards.server.source import HANOI, Source
from dashboards.server.tables import words
from dashboards.server.topic import Topic
from dashboards.server.views.city import cuts
from dashboards.server.views.city.cuts import Cut
from dashboards.server.views.city.figures import Figures, series, spans
from dashboards.server.views.ward import parts
from dashboards.server.views.ward.neighbours import before_and_after, neighbours
from dashboards.server.views.ward.parts import PARTS, Question
from producers.contract.wards import WARDS

NEWEST_DAY: Final = "SELECT max(day) AS newest FROM v_ward_day WHERE day <= {today:Date32}"
# So long a first page is waited for, as it is now; what takes longer comes with the next turn.
SETTLE_S: Final = 0.4
# As of a cut everything is waited for: the answer is kept.
SETTLE_PAST_S: Final = 60.0
# The chooser lists two months; older days are reached by their address (?day=).
DAYS_LISTED_MAX: Final = 62
LOADING: Final = {"loading": True}


class WardView:
    """All of one ward, now or as of a cut."""

    def __init__(self) -> None:
        self._background = Background(threads=2)

    def read(self, source: Source, topics: Collection[Topic]) -> dict[Topic, Members]:
        """One reading for all topics; wards that show the same day are asked for together."""
        cut = cuts.newest(source)
        now = cut.at if cut and source.as_of is not None else source.now
        found: dict[Topic, Members] = {}
        for wanted, group in groupby(sorted(topics, key=_day), key=_day):
            day = wanted if wanted > date.min else None
            found |= self._read_day(source, cut, now, day, list(group))
        return found

    def _read_day(
        self, source: Source, cut: Cut | None, now: datetime, wanted: date | None, topics: list[Topic]
    ) -> dict[Topic, Members]:
        today = now.astimezone(HANOI).date()
        newest = _newest_day(source, today)
        day = wanted or newest
        wards = tuple(sorted({topic.ward for topic in topics}))
        question = Question(wards, day or today, source.as_of)
        known = self._known(source, question, now)
        same: Members = {
            "cut": None if cut is None else {name: getattr(cut, name) for name in Cut.__struct_fields__},
            "day": day,
            "newest": newest,
            "today": today,
            "columns": parts.columns(),
            "table_words": words.as_json(),
        }
        return {topic: same | _members(topic.ward, day, known) for topic in topics}

    def _known(self, source: Source, question: Question, now: datetime) -> dict[str, Any]:
        """Every part as it is known now. Raises `Unavailable` when ClickHouse is away."""
        readers = parts.readers(source, question, now)
        for name, (seconds, read) in readers.items():
            self._background.ask((name, question), seconds, read)
        self._background.settle(SETTLE_S if source.as_of is None else SETTLE_PAST_S)
        return {name: self._background.get((name, question), LOADING) for name in readers}


def _members(ward: str, day: date | None, known: dict[str, Any]) -> Members:
    found = WARDS[ward]
    before, after = before_and_after(ward)
    members: Members = {
        "ward": {"code": ward, "name": found.name, "kind": found.kind, "full_name": found.full_name},
        "before": _named(before),
        "after": _named(after),
        "neighbours": [_named(code) for code in neighbours()[ward]],
        "standing": _of(known["standing"], ward),
    }
    members |= _figures(known["books"], ward, day)
    return members | {"parts": {part.table.name: _of(known[part.table.name], ward) for part in PARTS}}


def _figures(books: dict[str, dict[date, Figures]], ward: str, day: date | None) -> Members:
    if ward not in books or day is None:
        return {"totals": {}, "series": {}, "days": []}
    days = books[ward]
    return {
        "totals": spans(days, day),
        "series": series(days, day),
        "days": sorted(days, reverse=True)[:DAYS_LISTED_MAX],
    }


def _of(known: Any, ward: str) -> Any:
    """A ward's own of a part; None if the database has no such part, `LOADING` while it is read."""
    return known if known is None or known is LOADING else known.get(ward)


def _named(code: str) -> dict[str, str]:
    return {"ward": code, "name": WARDS[code].name}


def _day(topic: Topic) -> date:
    return topic.day or date.min


def _newest_day(source: Source, today: date) -> date | None:
    """The newest day that has figures of any ward, as on the city's page."""
    rows = source.rows(NEWEST_DAY, {"today": today})
    found: date | None = rows[0]["newest"] if rows else None
    return found if found and found.year > 2000 else None
