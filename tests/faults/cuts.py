"""Cuts asked when they are published, and again at the end: what they answer must not change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from ops.settings import REPOSITORY
from streams.warehouse.as_of import bound, rewrite, travelling
from streams.warehouse.store import Store

SQL_FOLDER: Final = REPOSITORY / "sql"
_QUERIES: Final = {
    "days": "SELECT ward, day, events, cityHash64(received, resolved, returned, minutes) FROM v_ward_day",
    "wards": "SELECT count(), sum(cityHash64(ward, events, missing, contiguous)) FROM v_ward_sync",
    "events": "SELECT uniqExact(ward, epoch, seq) FROM r_events",
    "difference": "SELECT sum(events) - (SELECT uniqExact(ward, epoch, seq) FROM r_events) FROM v_ward_day",
}
Answers = dict[str, list[tuple[Any, ...]]]


class Asked(NamedTuple):
    """A cut and what it answered first."""

    number: int
    answers: Answers


def newest(store: Store) -> int:
    """The number of the newest published cut, 0 if there is none."""
    return int(store.value("SELECT max(number) FROM city_cut") or 0)


def ask(store: Store, number: int) -> Asked:
    """Ask everything as of a cut."""
    names = travelling(SQL_FOLDER)
    return Asked(
        number,
        {name: store.query(rewrite(sql, names), bound(str(number))).rows for name, sql in _QUERIES.items()},
    )


def _changed(first: list[tuple[Any, ...]], again: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows that one of two answers has more often than the other."""
    before, after = Counter(first), Counter(again)
    return sorted([*(before - after).elements(), *(after - before).elements()])


def differing(
    store: Store, asked: Iterable[Asked], losing: Callable[[int], bool] = lambda _: False
) -> list[str]:
    """What changed, and cuts in which books and events did not agree from the beginning.

    `losing` says of which cuts the latter is not asked: messages were destroyed then that the loader had read
    and no worker, so they came into the books by being asked for again, with a later arrival.
    """
    found = []
    for one in asked:
        again = ask(store, one.number)
        found += [
            f"{one.number} {name}: {len(rows)} rows, e.g. {rows[:2]}"
            for name in _QUERIES
            if (rows := _changed(one.answers[name], again.answers[name]))
        ]
        if int(one.answers["difference"][0][0] or 0) != 0 and not losing(one.number):
            found.append(f"{one.number}: books and events differ by {one.answers['difference'][0][0]}")
    return found
