"""Migrated databases for tests: one that was used and kept its shape is emptied and given again.

To make one takes the engine seconds, to empty one a tenth of that. What a test broke (an exception on its
way out, a definition that is not as at first) is dropped and never given again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ops.stack.clickhouse import Endpoint
from streams.warehouse import reference
from streams.warehouse.migrate import migrate
from streams.warehouse.store import Address, Store
from tests.conftest import unique_name

SQL: Final = Path(__file__).resolve().parents[1] / "sql"
_SHAPE: Final = """
SELECT groupBitXor(cityHash64(name, create_table_query)) FROM system.tables
WHERE database = currentDatabase()
"""
_FILLED: Final = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'migrations' AND total_rows > 0
ORDER BY name
"""
_free: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
_shapes: dict[str, int] = {}


def address(endpoint: Endpoint, database: str) -> Address:
    """The writer's address of a database."""
    settings = endpoint.settings
    password = settings.clickhouse_password.get_secret_value()
    return Address(endpoint.host, endpoint.port, database, settings.clickhouse_user, password)


@contextmanager
def database(endpoint: Endpoint) -> Iterator[Store]:
    """A migrated database with its reference data and nothing else, a test's own until it leaves."""
    # The process too: a port may be another server's later.
    free = _free[endpoint.process.pid, endpoint.port]
    if not free:
        free.append(_made(endpoint))
    name = free.pop()
    with Store(address(endpoint, name)) as store:
        try:
            yield store
        except BaseException:
            store.command(f"DROP DATABASE {name}")
            raise
        if store.value(_SHAPE) == _shapes[name]:
            _empty(store)
            free.append(name)
        else:
            store.command(f"DROP DATABASE {name}")


def _made(endpoint: Endpoint) -> str:
    name = unique_name("wh")
    with Store(address(endpoint, name)) as store:
        migrate(store, SQL)
        _shapes[name] = store.value(_SHAPE)
    return name


def _empty(store: Store) -> None:
    for (name,) in store.query(_FILLED).rows:
        store.command(f"TRUNCATE TABLE {name}")
    for table in reference.tables():
        table.fill(store)
        table.remember(store)
