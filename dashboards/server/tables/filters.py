"""What may be asked of a table, read from an address: checked here, and bound by ClickHouse after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from dashboards.server.problem import Problem
from dashboards.server.tables.model import Table
from producers.contract.wards import WARDS

DAY_MIN: Final = date(2020, 1, 1)
DAY_MAX: Final = date(2099, 12, 31)
DAYS_DEFAULT: Final = 31
DAYS_MAX: Final = 3660
GROUPS: Final = 25
# The page's own address has these, so its links do; a table that has no such filter is not narrowed by them.
_PAGE: Final = frozenset({"day"})
STATES: Final = ("all", "open", "overdue")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A responsible body: its code, or its name as the city wrote it.
_OWNER: Final = re.compile(r"[\w .,;()/&'+-]{1,120}")


class Filters(msgspec.Struct, frozen=True):
    """What was asked for; `ward` empty: all wards, `day` None: the newest with figures."""

    ward: str = ""
    day: date | None = None
    days: int = DAYS_DEFAULT
    group: int = 0
    owner: str = ""
    state: str = "all"

    def bound(self, wards: frozenset[str], last: date) -> dict[str, Any]:
        """As the SQL of the tables takes them."""
        return {
            "wards": [self.ward] if self.ward else sorted(wards),
            "first": last - timedelta(days=self.days - 1),
            "last": last,
            "group": self.group,
            "owner": self.owner,
            "state": self.state,
            # What is no ward's own is for those who see the whole city.
            "city": not self.ward and len(wards) == len(WARDS),
        }


def filters_of(table: Table, query: Mapping[str, str]) -> Filters:
    """The filters in an address; raises `Problem` for a name that the table has not, or a wrong value."""
    unknown = query.keys() - set(table.filters) - _PAGE
    if unknown:
        raise Problem("unknown_parameter")
    read = {name: _READERS[name](text) for name, text in query.items() if text}
    found = Filters(**{name: value for name, value in read.items() if name in table.filters})
    if table.scope == "ward" and not found.ward:
        raise Problem("bad_ward")
    return found


def _ward(text: str) -> str:
    if text not in WARDS:
        raise Problem("bad_ward")
    return text


def _day(text: str) -> date:
    try:
        # `fromisoformat` alone would take 20250721 and 2025-W30-1 as well: other links to the same file.
        day = (
            date.fromisoformat(text) if len(text) == len("2025-07-21") and text[4] == "-" != text[5] else None
        )
    except ValueError:
        day = None
    if day is None or not DAY_MIN <= day <= DAY_MAX:
        raise Problem("bad_day")
    return day


def _days(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text) or int(text) > DAYS_MAX:
        raise Problem("bad_days")
    return int(text)


def _group(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > GROUPS:
        raise Problem("bad_group")
    return int(text)


def _owner(text: str) -> str:
    if not _OWNER.fullmatch(text):
        raise Problem("bad_owner")
    return text


def _state(text: str) -> str:
    if text not in STATES:
        raise Problem("bad_state")
    return text


_READERS: Final[dict[str, Any]] = {
    "ward": _ward,
    "day": _day,
    "days": _days,
    "group": _group,
    "owner": _owner,
    "state": _state,
}
