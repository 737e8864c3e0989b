"""The views: each reads what its topics show, as members of a snapshot.

A new view is a package beside `city` with a `View`, and one entry in `views()`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from dashboards.server.config import DashboardConfig
from dashboards.server.pulse import Pulse
from dashboards.server.snapshot import Members
from dashboards.server.source import Source
from dashboards.server.topic import Topic


class View(Protocol):
    """Reads in the poller's thread, or for a past cut in another's; keeps what it wants between readings."""

    def read(self, source: Source, topics: Collection[Topic]) -> Mapping[Topic, Members]:
        """Members for every topic. Raises `Unavailable` when ClickHouse is away.

        With `source.as_of` the answer must depend on the cut and the topic alone: it is kept.
        """
        ...


def views(config: DashboardConfig) -> dict[str, View]:
    """A fresh reader for each view, by its name in the address."""
    from dashboards.server.views.city.view import CityView
    from dashboards.server.views.difficulties.view import DifficultiesView
    from dashboards.server.views.questions.view import QuestionsView
    from dashboards.server.views.ward.view import WardView

    return {
        "city": CityView(Pulse(config.processes)),
        "ward": WardView(),
        "difficulties": DifficultiesView(),
        "questions": QuestionsView(),
    }
