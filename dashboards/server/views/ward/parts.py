"""What a ward's page is made of: each part is one query for all watched wards, read at its own pace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from dashboards.server.source import Row, Source, millis
from dashboards.server.tables import ward
from dashboards.server.tables.filters import DAYS_DEFAULT
from dashboards.server.tables.model import Table
from dashboards.server.views.city.figures import Figures, figures_of

# What a part knows of each ward; None while the database has no such view.
Known = Mapping[str, Any] | None


class Question(NamedTuple):
    """For whom and for when is asked; equal questions have equal answers until something changes."""

    wards: tuple[str, ...]
    day: date
    cut: int | None


class Part(NamedTuple):
    """`seconds`: read anew so often; `rows_max`: the page shows so many, the file has all."""

    table: Table
    seconds: float
    rows_max: int = 60


# What changes with each event is read often; what goes through every dossier of a ward is not.
PARTS: Final = (
    Part(ward.DAYS, 2),
    Part(ward.STATUSES, 2),
    Part(ward.FIELDS, 4),
    Part(ward.CHANNELS, 4),
    Part(ward.HOLES, 4),
    Part(ward.ALERTS, 4, 40),
    Part(ward.CONTROL, 15),
    Part(ward.CORRECTIONS, 15, 40),
    Part(ward.PULSE, 15, 100),
    Part(ward.HISTORY, 15, 40),
    Part(ward.DIFFICULTIES, 30, 40),
    Part(ward.PROCESSING, 60),
    Part(ward.OVERDUE, 60, 40),
)
FIGURES_S: Final = 2.0
BOOKS: Final = """
SELECT ward, day, @counts FROM v_ward_day WHERE ward IN {wards:Array(String)} ORDER BY ward, day
""".replace("@counts", ", ".join(Figures.__struct_fields__))
STANDINGS: Final = "SELECT * FROM v_ward_status WHERE ward IN {wards:Array(String)}"


def readers(
    source: Source, question: Question, now: datetime
) -> dict[str, tuple[float, Callable[[], Known]]]:
    """Every part by name: how old it may be, and what reads it."""
    bound: dict[str, Any] = {
        "wards": list(question.wards),
        "first": question.day - timedelta(days=DAYS_DEFAULT - 1),
        "last": question.day,
        "at": millis(now),
    }
    tables = {part.table.name: (part.seconds, _reader(source, part, bound)) for part in PARTS}
    own: dict[str, tuple[float, Callable[[], Known]]] = {
        "books": (FIGURES_S, lambda: _books(source, bound["wards"])),
        "standing": (FIGURES_S, lambda: _standings(source, bound["wards"])),
    }
    return tables | own


def columns() -> dict[str, list[dict[str, str]]]:
    """The columns of every part, as the page needs them: keys, titles in both languages, kinds."""
    return {part.table.name: [column._asdict() for column in part.table.columns] for part in PARTS}


def _reader(source: Source, part: Part, bound: Mapping[str, Any]) -> Callable[[], Known]:
    used = {name: value for name, value in bound.items() if f"{{{name}:" in part.table.sql}

    def read() -> Known:
        rows = source.optional(part.table.sql, used)
        return None if rows is None else _by_ward(rows, bound["wards"], part.rows_max)

    return read


def _by_ward(rows: Sequence[Row], wards: Sequence[str], rows_max: int) -> dict[str, Any]:
    found: dict[str, list[Row]] = {code: [] for code in wards}
    for row in rows:
        found[row["ward"]].append({name: value for name, value in row.items() if name != "ward"})
    return {code: {"rows": each[:rows_max], "total": len(each)} for code, each in found.items()}


def _books(source: Source, wards: Sequence[str]) -> dict[str, dict[date, Figures]]:
    found: dict[str, dict[date, Figures]] = {code: {} for code in wards}
    for row in source.rows(BOOKS, {"wards": wards}):
        found[row["ward"]][row["day"]] = figures_of(row)
    return found


def _standings(source: Source, wards: Sequence[str]) -> Known:
    rows = source.optional(STANDINGS, {"wards": wards})
    return None if rows is None else {row["ward"]: row for row in rows}
