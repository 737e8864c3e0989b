"""What one page watches: a view with its parameters, read from the address and checked against the viewer."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from typing import Final, NamedTuple

from aiohttp import web

from dashboards.server.access.viewer import require_ward, sees_city
from dashboards.server.problem import Problem
from producers.contract.wards import WARDS

# The contract takes no event from before 2020.
DAY_MIN: Final = date(2020, 1, 1)
DAY_MAX: Final = date(2099, 12, 31)
CUT_MAX: Final = 10**9
# What a ward's viewer may watch, and of its own ward only.
WARDS_OWN: Final = frozenset({"ward", "questions"})


class Topic(NamedTuple):
    """One view of one day (None: the newest), of one ward if the view has one; with a `cut`: as of then."""

    view: str
    day: date | None = None
    ward: str = ""
    cut: int | None = None


def wanted(request: web.Request, views: Collection[str]) -> Topic:
    """The topic of a request.

    Raises `Problem` for a parameter that is none, and for what the viewer may not see.
    """
    query = request.query
    view = query.get("view") or "city"
    if view not in views:
        raise Problem("bad_view")
    topic = Topic(view, day_of(request), _ward(query.get("ward", "")), _cut(query.get("cut", "")))
    # The other views show all wards, whatever ward the address names.
    if not sees_city(request) and (view not in WARDS_OWN or not topic.ward):
        raise Problem("city_only")
    if topic.ward:
        require_ward(request, topic.ward)
    return topic


def day_of(request: web.Request) -> date | None:
    """The day in an address. Raises `Problem` for what is none."""
    return _day(request.query.get("day", ""))


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise Problem("bad_day") from None
    if day and not DAY_MIN <= day <= DAY_MAX:
        raise Problem("bad_day")
    return day


def _ward(text: str) -> str:
    if text and text not in WARDS:
        raise Problem("bad_ward")
    return text


def _cut(text: str) -> int | None:
    if text and not (re.fullmatch(r"[0-9]{1,9}", text) and 0 < int(text) < CUT_MAX):
        raise Problem("bad_cut")
    return int(text) if text else None
