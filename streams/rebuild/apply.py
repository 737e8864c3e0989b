"""Put rebuilt books in the place of the old ones: into the changelog, while no worker can count.

The order is the promise. The run is written down; the records go to the changelog in a generation above every
other; the loader brings them to ClickHouse; only then the run is done, and cuts are published again. Killed
anywhere in between, the next run finds what is left and does it. Each book changes by one record alone: the
newest goes first, those of earlier cells of the grid behind it, and the newest once more, as the last of its
key for the compaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from producers.contract.errors import Unavailable
from streams.domain import records
from streams.domain.book import Book
from streams.domain.sync import WardSync
from streams.rebuild import kafka, runs
from streams.rebuild.compare import Found
from streams.rebuild.hold import Hold
from streams.rebuild.look import LOADED_S, Look, Where
from streams.rebuild.runs import Run
from streams.warehouse.store import Store

# A cut that is older than an hour is given up by the monitor; so much of the grid is kept at least.
_CELLS_MS: Final = 2 * 3_600_000
_POLL_S: Final = 0.2
# Records that are sent together, and then awaited.
AT_ONCE = 2_000


def base_ms(store: Store) -> int:
    """The instant up to which one record of a book is enough: no cut will be published at or before it."""
    newest_ms = int(store.value("SELECT toUnixTimestamp64Milli(max(at)) FROM city_cut") or 0)
    return max(newest_ms, time.time_ns() // 1_000_000 - _CELLS_MS)


def wait_books(where: Where) -> None:
    """Until ClickHouse has all that the changelog has now.

    :raises Unavailable: the loader does not come there
    """
    ends = {number: high for number, (low, high) in kafka.bounds(where.kafka, where.kafka.changelog).items()
            if high > low}  # fmt: skip
    kafka.wait_loaded(where.kafka, where.kafka.changelog, ends, LOADED_S)


def write(
    where: Where,
    store: Store,
    run: Run,
    seen: Look,
    hold: Hold,
    pause: Callable[[str], object] = lambda _: None,
) -> Run:
    """Replace what was found; the run as it is when Kafka has everything. `pause` is told each step.

    :raises Stop: `hold_lost`
    :raises Unavailable: Kafka does not take all; run again
    """
    found = runs.replaced(seen.found, run.scope)
    generation = max(seen.generation, runs.highest_generation(store)) + 1
    batches = [_raised(one, generation) for one in found]
    versions = {
        (one.ward, one.day): records.version_of(batch[0][1])
        for one, batch in zip(found, batches, strict=True)
    }
    run = replace(
        run,
        state=runs.WRITING,
        generation=generation,
        books=seen.books,
        events=seen.rows,
        differing=len(seen.found),
        kept=len(seen.found) - len(found),
        written=len(found),
    )
    runs.note(store, [run])
    runs.changes(store, run.run, seen.found, versions)
    pause(runs.WRITING)
    hold.check()
    for batch in _some(batches):
        kafka.write(where.kafka, batch)
        hold.check()
        pause("some")
    run = replace(run, state=runs.WRITTEN)
    runs.note(store, [run])
    pause(runs.WRITTEN)
    return run


def finish(where: Where, store: Store, run: Run, others: Sequence[Run]) -> Run:
    """Wait until ClickHouse has what was written, and close this run and those whose work it did.

    :raises Unavailable: the loader does not come there; run again
    """
    wait_books(where)
    _wait_shown(store, run)
    run = replace(run, state=runs.DONE)
    runs.note(store, [*map(runs.superseded, others), run])
    return run


def _wait_shown(store: Store, run: Run) -> None:
    deadline = time.monotonic() + LOADED_S
    while missing := int(store.value(_MISSING, {"run": run.run}) or 0):
        if time.monotonic() > deadline:
            detail = f"ClickHouse lacks {missing} of the rebuilt books / ClickHouse còn thiếu {missing} sổ"
            raise Unavailable("loader", detail, "Start the loader and run again; nothing is lost")
        time.sleep(_POLL_S)


def _raised(found: Found, generation: int) -> list[tuple[bytes, bytes]]:
    """Key and record of the new generation, in the order in which they are written."""
    made = [_of_generation(found, value, generation) for value in found.encoded]
    return [made[-1], *made] if len(made) > 1 else made


def _of_generation(found: Found, value: bytes, generation: int) -> tuple[bytes, bytes]:
    record: Book | WardSync
    if found.day:
        record, key = records.decode_book(value), records.book_key(found.ward, found.day)
    else:
        record, key = records.decode_sync(value), records.sync_key(found.ward)
    record.generation = generation
    return key, records.encode(record)


def _some(batches: Iterable[list[tuple[bytes, bytes]]]) -> Iterable[list[tuple[bytes, bytes]]]:
    """The batches together, a book never apart."""
    together: list[tuple[bytes, bytes]] = []
    for batch in batches:
        together += batch
        if len(together) >= AT_ONCE:
            yield together
            together = []
    if together:
        yield together


_MISSING: Final = """
SELECT count() FROM
(
    SELECT DISTINCT ward, assumeNotNull(day) AS of_day, version FROM rebuild_changes FINAL
    WHERE run = {run:String} AND version > 0 AND isNotNull(day)
) AS c
LEFT JOIN (SELECT ward, day, version FROM book FINAL) AS b ON b.ward = c.ward AND b.day = c.of_day
WHERE b.version < c.version
"""
