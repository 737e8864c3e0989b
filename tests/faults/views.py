"""The views that people read, day by day and ward by ward, against the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from streams.warehouse.store import Store

Cells = dict[tuple[str, str], list[int]]
Numbers = tuple[int, ...]
# In the order of the columns of v_flow_ward_day below.
_FLOW: Final = (1, 2, 3, 9, 7, 8, 10)
_FINISHED: Final = 9


class View(NamedTuple):
    """A view, how it is asked for rows of (ward, day, numbers...), and what the ledger has for them."""

    name: str
    sql: str
    of_day: Any


class Cell(NamedTuple):
    """One cell of the ledger, with its parts told apart."""

    day: str
    status: int
    timeliness: str
    events: int
    minutes: int


def _flow(cells: list[Cell]) -> Numbers:
    found = Counter[int]()
    for cell in cells:
        found[cell.status] += cell.events
    return tuple(found[status] for status in _FLOW)


def _on_time(cells: list[Cell]) -> Numbers:
    found = Counter[str]()
    for cell in cells:
        if cell.status == _FINISHED:
            found[cell.timeliness] += cell.events
    return sum(found.values()), found["early"], found["on_time"], found["overdue"]


def _steps(cells: list[Cell]) -> Numbers:
    return sum(cell.events for cell in cells), sum(cell.minutes for cell in cells)


VIEWS: Final = (
    View(
        "v_flow_ward_day",
        "SELECT ward, toString(period), registered, received, refused, resolved, withdrawn, stopped, returned"
        " FROM v_flow_ward_day",
        _flow,
    ),
    View(
        "v_on_time",
        "SELECT ward, toString(day), sum(finished), sum(early), sum(on_time), sum(overdue)"
        " FROM v_on_time WHERE policy = 'due_date.reported@1' GROUP BY ward, day",
        _on_time,
    ),
    View(
        "v_steps", "SELECT ward, toString(day), count(), sum(minutes) FROM v_steps GROUP BY ward, day", _steps
    ),
    View(
        "v_ward_day",
        "SELECT ward, toString(day), received, resolved, returned FROM v_ward_day",
        lambda cells: tuple(_flow(cells)[_FLOW.index(status)] for status in (2, 9, 10)),
    ),
)


def _cells(found: Cells) -> Iterator[Cell]:
    for (day, cell), (count, minutes) in found.items():
        _, _, status, timeliness = cell.split("|")
        yield Cell(day, int(status), timeliness, count, minutes)


def differing(store: Store, by_ward: dict[str, Cells]) -> Iterator[tuple[str, list[str]]]:
    """Each view with the days of wards in which it says something else than the ledger."""
    days: dict[tuple[str, str], list[Cell]] = {}
    for ward, cells in by_ward.items():
        for cell in _cells(cells):
            days.setdefault((ward, cell.day), []).append(cell)
    for view in VIEWS:
        wanted = {key: view.of_day(cells) for key, cells in days.items()}
        yield view.name, list(_wrong(wanted, store.query(view.sql).rows))


def _wrong(wanted: dict[tuple[str, str], Numbers], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Days that differ; a day of zeros is as good as none."""
    found = {(str(ward), str(day)): tuple(map(int, numbers)) for ward, day, *numbers in rows}
    for key in sorted(wanted.keys() | found.keys()):
        one, other = found.get(key, ()), wanted.get(key, ())
        if one != other and (any(one) or any(other)):
            yield f"{key}: {one} not {other}"
