"""The tables of all views, by name: what the page shows and what `/export/<name>` gives."""

from __future__ import annotations

from typing import Final

from dashboards.server.tables import city, difficulties, ward
from dashboards.server.tables.model import Column, Table

TABLES: Final[dict[str, Table]] = {
    table.name: table
    for module in (ward, city, difficulties)
    for table in vars(module).values()
    if isinstance(table, Table)
}

__all__ = ["TABLES", "Column", "Table"]
