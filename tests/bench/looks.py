"""Data of two sizes of the sample, made once and kept where a folder is named; an engine on each of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack.process import free_port
from streams.monitor.settle import settle
from streams.monitor.upkeep import copy, sweep
from streams.warehouse.migrate import migrate
from streams.warehouse.store import Store
from tests.bench.country import Scale, add_the_rest, generate_few
from tests.pipeline.warehouse import SQL, address

DATABASE: Final = "bench"
FEW_FOLDER, WHOLE_FOLDER = "few", "whole"
_DONE: Final = "bench-done.json"
_MERGED: Final = (
    *("book", "day_totals", "open_dossiers", "dossiers", "events", "city_cut"),
    *("block_seqs", "span_seqs", "landed_seqs"),
)


class Made(msgspec.Struct, frozen=True):
    """What a folder holds: written when all of it is there, so that half-made data is never measured."""

    scale: Scale
    whole: bool
    seconds: float


class Unusable(Exception):
    """A folder that holds something else, or a half of it."""


class Disk(msgspec.Struct, frozen=True):
    """What a table takes on disk, compressed, in its active parts."""

    table: str
    rows: int
    bytes_on_disk: int
    parts: int


def kept(folder: Path, scale: Scale) -> Scale:
    """The scale of the data that a folder keeps, with the newest day it was made for; else the one asked for.

    :raises Unusable: it was made for another scale, or its making did not come to its end
    """
    found = scale
    for name in (FEW_FOLDER, WHOLE_FOLDER):
        place = folder / name
        if not (place / _DONE).exists():
            if place.exists() and any(place.iterdir()):
                raise Unusable(f"{place} was not finished: remove it")
            continue
        found = msgspec.json.decode((place / _DONE).read_bytes(), type=Made).scale
        if replace(found, end=scale.end) != scale:
            raise Unusable(f"{place} holds another scale: {found}")
    return found


def make(folder: Path, scale: Scale, memory_mb: int) -> float:
    """Both sizes of the sample, unless they are there; how many seconds were needed when they were made."""
    few, whole = folder / FEW_FOLDER, folder / WHOLE_FOLDER
    if not (few / _DONE).exists():
        began = time.monotonic()
        with engine(few, memory_mb) as (_, store):
            generate_few(store, scale)
            _settle(store)
        mark(few, Made(scale, False, time.monotonic() - began))
    if not (whole / _DONE).exists():
        began = time.monotonic()
        shutil.copytree(few, whole, symlinks=True, ignore=shutil.ignore_patterns(_DONE))
        with engine(whole, memory_mb) as (_, store):
            add_the_rest(store, scale)
            _settle(store)
        mark(whole, Made(scale, True, time.monotonic() - began))
    made = (msgspec.json.decode((place / _DONE).read_bytes(), type=Made) for place in (few, whole))
    return sum(one.seconds for one in made)


def _settle(store: Store) -> None:
    # As a day's merges leave them; what merging costs is measured by `bench merges`.
    for table in _MERGED:
        store.command(f"OPTIMIZE TABLE {table} FINAL SETTINGS optimize_skip_merged_partitions = 1")
    sweep(store)
    # The monitor believes what it saw a while ago.
    settle(store)
    store.command(
        "INSERT INTO settled_seqs"
        " SELECT ward, epoch, size, number, inserted, seen_at - INTERVAL 1 HOUR, 0 FROM settled_seqs"
    )
    settle(store)
    # The notes count once merges have put them to their spans.
    store.command("OPTIMIZE TABLE span_seqs FINAL")
    # What is older than the newest day was not written just now.
    store.command(
        "ALTER TABLE open_dossiers UPDATE stored_at = stored_at - INTERVAL 1 DAY"
        " WHERE (ward, dossier) NOT IN (SELECT ward, dossier FROM dossiers WHERE occurred_at >="
        " (SELECT toStartOfDay(max(occurred_at)) FROM dossiers)) SETTINGS mutations_sync = 1"
    )


def mark(folder: Path, made: Made) -> None:
    """Say that a folder holds all of it."""
    (folder / _DONE).write_bytes(msgspec.json.encode(made))


@contextmanager
def engine(
    folder: Path, memory_mb: int, sql: Path = SQL
) -> Iterator[tuple[clickhouse_stack.Endpoint, Store]]:
    """An engine of its own with a migrated database."""
    settings = Settings(
        data_dir=folder,
        clickhouse_port=free_port(),
        clickhouse_memory_mb=memory_mb,
        clickhouse_database=DATABASE,
    )
    endpoint = clickhouse_stack.start(settings)
    try:
        where = replace(address(endpoint, DATABASE), request_timeout_s=3_600)
        with Store(where) as store:
            migrate(store, sql)
            # As the monitor does it each hour.
            copy(store)
            yield endpoint, store
    finally:
        endpoint.stop()


def disk(store: Store) -> list[Disk]:
    """What each table takes, the largest first."""
    rows = store.query(
        "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts"
        " WHERE active AND database = currentDatabase() GROUP BY table HAVING sum(rows) > 0"
        " ORDER BY sum(bytes_on_disk) DESC, table"
    ).rows
    return [Disk(*row) for row in rows]
