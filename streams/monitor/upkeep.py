"""Keeps open dossiers near at hand: out with those that have ended, a copy of the state of the others.

No TTL can throw out who has ended: a row is done with only once merges have brought a dossier's beginning and
its end together, and a TTL is not looked at again then. Whatever stays too long costs a look, no more.
"""

from __future__ import annotations

from typing import Final

from streams.monitor.jobs import Context, Facts
from streams.warehouse.store import Store

EVERY_S: Final = 3_600.0
# Each part with a row to delete is written again, so fewer than this are left for the next time.
_ROWS_MIN: Final = 1_000
# An end alone waits for its beginning: if it went first, the beginning would stay for ever.
_DONE: Final = """
arrayExists(e -> NOT has(taken, e), ends)
AND (begun = 1 OR stored_at < now() - INTERVAL 400 DAY)
"""
# Copies of a time that has not come yet: the clock was set back, and when it comes they would hide what was
# written since.
_OF_THE_FUTURE: Final = "FROM open_copies WHERE made > now()"
# A monitor that is started again and again copies no more often than one that runs.
_YOUNG: Final = "SELECT count() FROM open_copies WHERE made BETWEEN now() - INTERVAL 50 MINUTE AND now()"
# From the steps themselves, never from a copy before, so that nothing wrong can be handed on. Seqs that were
# used twice are judged anew by every question.
_COPY: Final = """
INSERT INTO open_states SELECT
    toDateTime({made}, 'Asia/Ho_Chi_Minh'), ward, dossier, procedure, field, channel, status, status_at,
    accepted, received_at, due_at, finished_at, steps
FROM v_dossiers
WHERE open AND (ward, dossier) IN (SELECT ward, dossier FROM r_open_keys)
    AND (ward, dossier) NOT IN (SELECT ward, arrayJoin(dossiers) FROM r_losers)
"""
# The copy counts from here on: a half of one is never read.
_COMPLETE: Final = """
INSERT INTO open_copies SELECT toDateTime({made}, 'Asia/Ho_Chi_Minh'), count()
FROM open_states WHERE made = toDateTime({made}, 'Asia/Ho_Chi_Minh')
"""


def sweep(store: Store, rows_min: int = _ROWS_MIN) -> int:
    """Delete the rows of dossiers that have certainly ended; how many there were. Harmless at any time.

    :raises Unavailable: ClickHouse is away
    """
    done = int(store.value(f"SELECT count() FROM open_dossiers WHERE {_DONE}"))  # noqa: S608 (a constant of ours)
    if done >= rows_min:
        store.command(f"ALTER TABLE open_dossiers DELETE WHERE {_DONE} SETTINGS mutations_sync = 1")
    return done


def copy(store: Store) -> int:
    """Copy the state of all dossiers that are open; how many. Harmless at any time.

    :raises Unavailable: ClickHouse is away; the copy before serves for three hours
    """
    if store.value(f"SELECT count() {_OF_THE_FUTURE}"):
        store.command(f"DELETE {_OF_THE_FUTURE}")
    made = int(store.value("SELECT toUnixTimestamp(now())"))
    store.command(_COPY.format(made=made))
    store.command(_COMPLETE.format(made=made))
    return int(store.value("SELECT steps FROM open_copies FINAL ORDER BY made DESC LIMIT 1"))


def run(context: Context) -> Facts:
    """The monitor's job."""
    ended = {"ended_dossiers": sweep(context.store)}
    return ended if context.store.value(_YOUNG) else ended | {"copied_dossiers": copy(context.store)}
