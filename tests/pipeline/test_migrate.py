"""Goal: a database reaches its shape whatever happens on the way, and its history is never rewritten.

Method: copies of the real SQL folder, edited, cut and run at once against the real engine.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Stop, Unavailable
from producers.contract.wards import WARDS
from streams.warehouse import tables
from streams.warehouse.migrate import migrate, pending, status
from streams.warehouse.store import Address, Store
from tests.conftest import free_port, unique_name
from tests.pipeline.warehouse import SQL, address


@pytest.fixture
def store(clickhouse: Endpoint) -> Iterator[Store]:
    """A store whose database does not exist yet."""
    name = unique_name("mig")
    with Store(address(clickhouse, name)) as store:
        yield store
        store.create_database()
        store.command(f"DROP DATABASE {name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the SQL folder that a test may edit."""
    return Path(shutil.copytree(SQL, tmp_path / "sql"))


def test_migrate_fresh_database_gets_everything_once(store: Store) -> None:
    applied = migrate(store, SQL)
    assert applied[0] == "0001_reference.sql"
    assert "views/v_city_day.sql" in applied
    assert migrate(store, SQL) == []
    assert {item.state for item in status(store, SQL)} == {"applied"}
    assert pending(store, SQL) == []


def test_migrate_on_a_nearly_full_disk_changes_nothing_and_goes_on_with_space(store: Store) -> None:
    """The engine broke on an ALTER without space. The bound is above this disk's space: no disk is filled."""
    tables_of = (
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name != 'migrations'"
    )
    with pytest.raises(Stop, match=r"no_space.* MB free"):
        migrate(store, SQL, free_bytes_min=2**62)
    assert store.value(tables_of) == 0
    migrate(store, SQL)
    store.command(
        "ALTER TABLE migrations DELETE WHERE name = 'views/v_loads.sql' SETTINGS mutations_sync = 2"
    )
    with pytest.raises(Stop, match="no_space"):
        migrate(store, SQL, free_bytes_min=2**62)
    assert migrate(store, SQL) == ["views/v_loads.sql"]
    assert migrate(store, SQL, free_bytes_min=2**62) == [], "nothing to apply needs no space"


def test_reference_data_is_the_contract_s(store: Store) -> None:
    migrate(store, SQL)
    assert store.value("SELECT count() FROM wards FINAL") == len(WARDS) == 126
    assert store.query("SELECT full_name FROM wards FINAL WHERE code = '00004'").rows == [("Phường Ba Đình",)]
    assert store.query("SELECT vi, en FROM words FINAL WHERE kind = 'status' AND code = '9'").rows == [
        ("Đã xử lý xong", "Processed")
    ]


def test_tables_are_what_the_loader_inserts(store: Store) -> None:
    migrate(store, SQL)
    for table in tables.LOADED:
        rows = store.query(
            "SELECT name, type FROM system.columns"
            " WHERE database = currentDatabase() AND table = {table:String} AND default_kind = ''"
            " ORDER BY position",
            {"table": table.name},
        ).rows
        assert rows == list(zip(table.columns, table.types, strict=True)), table.name


def test_every_table_view_and_column_says_what_it_is_in_both_languages(store: Store) -> None:
    migrate(store, SQL)
    ours = (
        "database = currentDatabase() AND {0} NOT LIKE '%_feed' AND NOT startsWith({0}, 'r_')"
        " AND NOT match(comment, '^vi: .+ \\\\| en: .+')"
    )
    tables_without = store.query(f"SELECT name FROM system.tables WHERE {ours.format('name')}").rows
    columns_without = store.query(f"SELECT table, name FROM system.columns WHERE {ours.format('table')}").rows
    assert tables_without == []
    assert columns_without == []


def test_every_moment_names_its_zone(store: Store) -> None:
    migrate(store, SQL)
    rows = store.query(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
        " AND match(type, 'DateTime') AND NOT match(type, 'Asia/Ho_Chi_Minh')"
    ).rows
    assert rows == []


def test_status_before_anything_is_pending(store: Store) -> None:
    store.create_database()
    assert {item.state for item in status(store, SQL)} == {"pending"}


def test_migrate_killed_in_mid_file_goes_on_where_it_was(store: Store, folder: Path) -> None:
    # The same as a kill between two statements: the second one cannot be done, then it can.
    path = folder / "migrations" / "0099_two.sql"
    path.write_text(
        "CREATE TABLE one (k UInt8) ENGINE = Memory;\n\nCREATE TABLE two (k UInt8) ENGINE = Memory;\n"
    )
    store.create_database()
    store.command("CREATE TABLE two (k UInt8) ENGINE = Memory")
    with pytest.raises(Stop):
        migrate(store, folder)
    assert [(item.name, item.state) for item in status(store, folder)][-1] == ("0099_two.sql", "partly")
    store.command("DROP TABLE two")
    applied = migrate(store, folder)  # `one` is not IF NOT EXISTS: doing it again would fail
    assert applied[0] == "0099_two.sql"


def test_edited_history_is_refused_by_name(store: Store, folder: Path) -> None:
    migrate(store, folder)
    path = folder / "migrations" / "0002_events.sql"
    path.write_text(path.read_text() + "-- a small change\n")
    with pytest.raises(Stop, match=r"0002_events\.sql.*new migration") as caught:
        migrate(store, folder)
    assert caught.value.code == "migration_edited"
    assert ("0002_events.sql", "edited") in [(item.name, item.state) for item in status(store, folder)]


def test_removed_history_is_refused(store: Store, folder: Path) -> None:
    migrate(store, folder)
    (folder / "migrations" / "0005_dossiers.sql").unlink()
    with pytest.raises(Stop, match=r"0005_dossiers\.sql"):
        migrate(store, folder)


@pytest.mark.parametrize("name", ["2_x.sql", "0001_again.sql"])
def test_wrongly_named_file_is_refused(store: Store, folder: Path, name: str) -> None:
    (folder / "migrations" / name).write_text("SELECT 1;\n")
    with pytest.raises(Stop, match="NNNN_name"):
        migrate(store, folder)


def test_empty_folder_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Stop) as caught:
        migrate(store, tmp_path)
    assert caught.value.code == "migrations_missing"


def test_changed_view_is_replaced_and_keeps_no_old_shape(store: Store, folder: Path) -> None:
    migrate(store, folder)
    path = folder / "views" / "v_loads.sql"
    path.write_text(
        path.read_text()
        .replace("insert_ms", "took_ms")
        .replace("    took_ms\nFROM", "    insert_ms AS took_ms\nFROM")
    )
    assert migrate(store, folder) == ["views/v_loads.sql"]
    names = store.query(
        "SELECT name FROM system.columns WHERE table = 'v_loads' AND database = currentDatabase()"
    )
    assert ("took_ms",) in names.rows


def test_four_migrations_at_once_end_in_one_shape(store: Store) -> None:
    store.create_database()
    with ThreadPoolExecutor(4) as pool:
        stores = [Store(store.address) for _ in range(4)]
        done = list(pool.map(lambda one: migrate(one, SQL), stores))
        for one in stores:
            one.close()
    assert any(done)
    assert migrate(store, SQL) == []
    assert store.value("SELECT count() FROM wards FINAL") == 126


def test_migrate_without_clickhouse_is_unavailable() -> None:
    nowhere = Address("127.0.0.1", free_port(), "x", "u", "secret-word", connect_timeout_s=1)
    with Store(nowhere) as store, pytest.raises(Unavailable):
        migrate(store, SQL)
    assert "secret-word" not in repr(nowhere)
