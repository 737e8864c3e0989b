# ruff: noqa: S608 - what stands in the SQL has been judged, or is a literal
"""The rows of one ward: filters on every table of the database, in force beneath every view.

An engine's setting (`additional_table_filters`) puts a condition on a table wherever it is read, in views,
subqueries and scalar subqueries, provided the views read as whoever asks (`statement.as_invoker`). A table
with a `ward` is cut to the ward; the table of wards to its own line; what the whole city shares is open;
anything else, such as logs of the whole city, has no rows. So a table that a later migration brings is
closed until somebody says otherwise.
"""

from __future__ import annotations

from typing import Any, Final

_REFERENCE: Final = (
    "difficulty_groups",
    "index766",
    "office_days",
    "policies",
    "procedures",
    "reasons",
    "words",
)
# The same for everybody: words, calendar, rules, also as they were, and the instants of the city's cuts.
SHARED: Final = frozenset(
    {"city_cut", "view_versions", *_REFERENCE, *(f"{name}_history" for name in _REFERENCE)}
)
_WARDS: Final = frozenset({"wards", "wards_history"})


class WardFilters:
    """The filters of a database, made again when its tables may have changed."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._made_of: int | None = None
        self._tables: dict[str, bool] = {}

    def of(self, connection: Any, ward: str, schema: int) -> dict[str, str]:
        """Table -> condition. `schema` counts the changes of tables so far."""
        if self._made_of != schema:
            self._tables = _tables(connection, self._database)
            self._made_of = schema
        return {
            f"{self._database}.{name}": _condition(name, ward, has_ward=has_ward)
            for name, has_ward in self._tables.items()
            if name not in SHARED
        }


def _condition(name: str, ward: str, *, has_ward: bool) -> str:
    if name in _WARDS:
        return f"code = '{ward}'"
    return f"ward = '{ward}'" if has_ward else "0"


def _tables(connection: Any, database: str) -> dict[str, bool]:
    """Every table that holds rows, and whether it has a `ward`."""
    found = connection.query(
        "SELECT t.name, countIf(c.name = 'ward') FROM system.tables AS t"
        " LEFT JOIN system.columns AS c ON c.database = t.database AND c.table = t.name"
        f" WHERE t.database = '{database}' AND t.engine NOT IN ('View', 'MaterializedView') GROUP BY t.name",
        "TabSeparated",
    )
    rows = (line.split("\t") for line in found.bytes().decode().splitlines())
    return {name: count != "0" for name, count in rows}
