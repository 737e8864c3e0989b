"""A cut waits while a rebuild puts books in place: else it would hold half of a generation, for ever."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from producers.contract.errors import Unavailable
from streams.warehouse.store import Store

Done = tuple[Any, ...]


def done(store: Store) -> Done:
    """Which rebuilds are done: the same before and after the figures are read, or these are not whole.

    :raises Unavailable: one is under way, or was interrupted
    """
    unfinished, *found = store.query(_RUNS).rows[0]
    if unfinished:
        _wait(f"rebuild {unfinished} has begun to write and is not done")
    return tuple(found)


def unchanged(store: Store, before: Done) -> None:
    """:raises Unavailable: a rebuild came in between"""
    if done(store) != before:
        _wait("books were rebuilt meanwhile")


def _wait(what: str) -> NoReturn:
    raise Unavailable(
        "rebuild", f"a cut waits: {what}", "dongbo rebuild --apply finishes what was interrupted"
    )


_RUNS: Final = """
SELECT anyIf(run, state IN ('writing', 'written')), count(), max(at)
FROM rebuilds FINAL WHERE state != 'compared'
"""
