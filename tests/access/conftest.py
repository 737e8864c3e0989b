"""One city for a module's pages, each a real server process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from tests.access.visitor import Visitor
from tests.browser.city import City
from tests.browser.dashboard import Dashboard

TOKEN = "a-shared-token-of-the-city"


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    made.fill()
    yield made
    made.close()


@pytest.fixture(scope="module")
def serve(city: City) -> Iterator[Callable[..., Dashboard]]:
    """Start a page with these members of its `AccessConfig`."""
    started: list[Dashboard] = []

    def start(**access: Any) -> Dashboard:
        started.append(Dashboard(city.reader, access={"logins_minute": 6000, **access}))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture(scope="module")
def guarded(serve: Callable[..., Dashboard], tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    """A page with the shared token and viewers; its files are in the folder `members["access"]` names."""
    folder = tmp_path_factory.mktemp("identity")
    return serve(token=TOKEN, viewers_path=str(folder / "viewers.json"), key_path=str(folder / "page.key"))


@pytest.fixture
def visitor(guarded: Dashboard) -> Visitor:
    return Visitor(guarded.port)
