"""Goal: a disk that takes no more costs no row: neither one that was acknowledged nor one that was merged.

Method: a real engine; a bound on the size of files (RLIMIT_FSIZE), set on the living process, makes its
writes fail in the middle of an insert and of a merge, as a full disk does. The engine says "ok" to both.
"""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.store import Store
from tests.conftest import eventually, free_port
from tests.pipeline.warehouse import address

ROWS = 300_000
TABLE = "CREATE TABLE t (k UInt64, v String) ENGINE = ReplacingMergeTree ORDER BY k"
SUM = "SELECT sum(cityHash64(*)) FROM t FINAL"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, clickhouse_port=free_port())


@contextmanager
def engine(settings: Settings) -> Iterator[tuple[Endpoint, Store]]:
    """An engine and its writer."""
    endpoint = clickhouse_stack.start(settings)
    try:
        with Store(address(endpoint, settings.clickhouse_database)) as store:
            yield endpoint, store
    finally:
        endpoint.stop()


def insert(store: Store, first: int, parts: int = 1) -> None:
    for part in range(first, first + parts):
        columns = f"number * 8 + {part}, toString(sipHash64(number, {part}))"
        store.command(f"INSERT INTO t SELECT {columns} FROM numbers({ROWS})")


def made(store: Store) -> int:
    """A table of four parts that nobody merges; the sum over its rows."""
    store.command(f"{TABLE} SETTINGS min_age_to_force_merge_seconds = 1")
    store.command("SYSTEM STOP MERGES t")
    insert(store, 0, 4)
    return int(store.value(SUM))


def no_file_may_grow(endpoint: Endpoint) -> None:
    limit = (4096, resource.RLIM_INFINITY)
    resource.prlimit(endpoint.process.pid, resource.RLIMIT_FSIZE, limit)


def test_merge_that_was_not_written_is_undone_before_its_sources_go(settings: Settings) -> None:
    with engine(settings) as (endpoint, store):
        before = made(store)
        no_file_may_grow(endpoint)
        store.command("SYSTEM START MERGES t")
        with pytest.raises((Stop, Unavailable)):
            store.command("OPTIMIZE TABLE t FINAL")
        eventually(lambda: endpoint.process.poll() is not None, 30)
    with engine(settings) as (_, store):
        assert int(store.value(SUM)) == before
        aside = store.query("SELECT reason FROM system.detached_parts WHERE table = 't'").rows
        assert set(aside) == {("broken-on-start",)}


def test_merge_in_the_background_is_looked_at_too(settings: Settings) -> None:
    """Nobody waits for it, so nobody's statement looks."""
    with engine(settings) as (endpoint, store):
        before = made(store)
        no_file_may_grow(endpoint)
        store.command("SYSTEM START MERGES t")
        eventually(lambda: endpoint.process.poll() is not None, 60)
    with engine(settings) as (_, store):
        assert int(store.value(SUM)) == before


def test_insert_that_was_not_written_is_not_acknowledged(settings: Settings) -> None:
    with engine(settings) as (endpoint, store):
        before = made(store)
        no_file_may_grow(endpoint)
        with pytest.raises((Stop, Unavailable)):
            insert(store, 4)
        eventually(lambda: endpoint.process.poll() is not None, 30)
    with engine(settings) as (_, store):
        assert int(store.value(SUM)) == before
        insert(store, 4)
        assert store.value("SELECT count() FROM t FINAL") == 5 * ROWS


def test_with_little_space_inserts_are_refused_and_nothing_is_merged(tmp_path: Path) -> None:
    """So a disk that fills up slowly never comes to the above. The reserve is all there is."""
    free_mb = int(subprocess.check_output(["df", "--output=avail", "-m", tmp_path]).split()[-1])
    settings = Settings(
        data_dir=tmp_path, clickhouse_port=free_port(), clickhouse_disk_reserve_mb=free_mb + 100_000
    )
    log = tmp_path / "logs" / "clickhouse.log"
    with engine(settings) as (_, store):
        store.command(TABLE)
        with pytest.raises(Unavailable, match="NOT_ENOUGH_SPACE"):
            insert(store, 0)
        eventually(lambda: "no space to merge" in log.read_text(), 10)
        assert store.value("SELECT count() FROM t") == 0
