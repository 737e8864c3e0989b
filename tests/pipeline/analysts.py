"""An endpoint with the city's tables, two wards' rows, and analysts: for tests of who sees what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ops.settings import REPOSITORY, Settings
from ops.stack.clickhouse import Endpoint, start
from ops.stack.clickhouse.analysts import Analysts
from streams.warehouse import migrate
from streams.warehouse.store import Address, Store
from tests.conftest import free_port
from tests.pipeline.client import Answer, ask

OWN, OTHER = "00070", "00004"
SECRET = "bi-mat-cua-phuong-khac"  # stands in rows of the other ward only


@dataclass(frozen=True, slots=True)
class City:
    """A running endpoint and the passwords of its users."""

    endpoint: Endpoint
    passwords: dict[str, str]

    def ask(self, query: str, user: str = "ward", **more: object) -> Answer:
        """One plain request as a user."""
        return ask(self.endpoint, query, user=user, password=self.passwords[user], **more)  # type: ignore[arg-type]


def begin(folder: Path, **limits: int) -> City:
    """Start it, with settings other than the usual ones; stop it with `city.endpoint.stop()`."""
    settings = Settings(data_dir=folder, clickhouse_port=free_port(), **limits)  # type: ignore[arg-type]
    endpoint = start(settings)
    with Store(_address(endpoint)) as store:
        migrate.migrate(store, REPOSITORY / "sql", None)
        _fill(store)
    analysts = Analysts(settings.analysts_file())
    passwords = {"dongbo": "dongbo", "reader": "reader"}
    passwords |= {"ward": analysts.add("ward", OWN)[1], "city": analysts.add("city")[1]}
    return City(endpoint, passwords)


def _address(endpoint: Endpoint) -> Address:
    return Address(endpoint.host, endpoint.port, "dongbo", "dongbo", "dongbo")


def _fill(store: Store) -> None:
    """Rows of both wards in every table that has a ward, in every column a value that names the ward."""
    tables = store.query(
        "SELECT table FROM system.columns WHERE database = 'dongbo' AND name = 'ward' AND table IN"
        " (SELECT name FROM system.tables WHERE database = 'dongbo' AND engine NOT LIKE '%View')"
    )
    for (table,) in tables.rows:
        for ward in (OWN, OTHER):
            store.command(_row(store, table, ward))
    store.command("INSERT INTO city_cut (number, at, generation) SELECT 4000000, now64(3), 1")


def _row(store: Store, table: str, ward: str) -> str:
    """An INSERT of one row of a ward, whatever the columns of the table are."""
    columns = store.query(
        "SELECT name, type FROM system.columns WHERE database = 'dongbo' AND table = {t:String}"
        " AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position",
        {"t": table},
    ).rows
    secret = SECRET if ward == OTHER else "cua-minh"
    values = [_value(name, kind, ward, secret) for name, kind in columns]
    names = ", ".join(f"`{name}`" for name, _ in columns)
    return f"INSERT INTO `{table}` ({names}) SELECT {', '.join(values)}"


def _value(name: str, kind: str, ward: str, secret: str) -> str:
    if name == "ward":
        return f"'{ward}'"
    if kind in ("String", "LowCardinality(String)"):
        return f"'{secret}'"
    if kind.startswith(("Date", "Nullable(Date")):
        return f"CAST(now() AS {kind})"
    if kind.startswith(("UInt", "Int", "Nullable(UInt", "Nullable(Int")):
        return "7"
    return f"defaultValueOfTypeName('{kind.replace(chr(39), chr(92) + chr(39))}')"
