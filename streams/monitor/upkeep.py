"""Takes out of `open_dossiers` what has certainly ended, so that it stays as small as the backlog.

No TTL can do this: a row is done with only once merges have brought a dossier's beginning and its end
together, and a TTL is not looked at again then. Whatever stays too long costs a look, and nothing else.
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


def sweep(store: Store, rows_min: int = _ROWS_MIN) -> int:
    """Delete the rows of dossiers that have certainly ended; how many there were. Harmless at any time.

    :raises Unavailable: ClickHouse is away
    """
    done = int(store.value(f"SELECT count() FROM open_dossiers WHERE {_DONE}"))  # noqa: S608 (a constant of ours)
    if done >= rows_min:
        store.command(f"ALTER TABLE open_dossiers DELETE WHERE {_DONE} SETTINGS mutations_sync = 1")
    return done


def run(context: Context) -> Facts:
    """The monitor's job."""
    return {"ended_dossiers": sweep(context.store)}
