"""The newest cut and nothing else: answers are asked for one by one, and do not change by themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dashboards.server.snapshot import Members
from dashboards.server.source import HANOI, Source
from dashboards.server.topic import Topic
from dashboards.server.views.city import cuts
from dashboards.server.views.city.cuts import Cut


class QuestionsView:
    """As of when an answer would be, now or as of a past cut."""

    def read(self, source: Source, topics: Collection[Topic]) -> dict[Topic, Members]:
        """One reading for all topics."""
        cut = cuts.newest(source)
        now = cut.at if cut and source.as_of is not None else source.now
        day = now.astimezone(HANOI).date()
        return {topic: {"cut": cut and _members(cut, topic.ward), "day": day} for topic in topics}


def _members(cut: Cut, ward: str) -> dict[str, Any]:
    """The cut; a ward's viewer is told of its own ward alone."""
    members = {name: getattr(cut, name) for name in Cut.__struct_fields__}
    left_out = [each for each in cut.left_out if ward in ("", each.ward)]
    return members | {"left_out": left_out}
