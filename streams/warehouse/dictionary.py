"""The data dictionary: what every public view and reference table says, from the comments in the database.

A comment is written `vi: … | en: …` where the object is made (a test demands it), so no other text grows old.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.warehouse import origins
from streams.warehouse.lineage import Lineage
from streams.warehouse.store import Store

REFERENCE: Final = ("wards", "procedures", "words", "reasons", "difficulty_groups", "office_days")
_COMMENT: Final = re.compile(r"vi: (?P<vi>.*?) \| en: (?P<en>.*)", re.DOTALL)
_OBJECTS: Final = """
SELECT name, comment FROM system.tables
WHERE database = currentDatabase() AND NOT endsWith(name, '_at')
    AND (startsWith(name, 'v_') OR name IN {reference:Array(String)})
ORDER BY NOT startsWith(name, 'v_'), name
"""
_COLUMNS: Final = """
SELECT table, name, type, comment FROM system.columns
WHERE database = currentDatabase() AND table IN {objects:Array(String)} AND default_kind != 'ALIAS'
ORDER BY table, position
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` is ClickHouse's."""

    name: str
    type: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Described:
    """One view or reference table. `travels`: it can be asked as of a cut."""

    name: str
    vi: str
    en: str
    travels: bool
    columns: tuple[Column, ...]


def read(store: Store, travelling: Iterable[str] = ()) -> list[Described]:
    """Every view and reference table that the store's user may see: views first, by name.

    `travelling` are the names that can be asked as of a cut (`as_of.travelling`).

    :raises Unavailable: ClickHouse is away
    """
    objects = store.query(_OBJECTS, {"reference": list(REFERENCE)}).rows
    columns: dict[str, list[Column]] = {name: [] for name, _ in objects}
    for table, name, kind, comment in store.query(_COLUMNS, {"objects": list(columns)}).rows:
        columns[table].append(Column(name, kind, *spoken(comment)))
    known = frozenset(travelling)
    return [
        Described(name, *spoken(comment), name in known, tuple(columns[name])) for name, comment in objects
    ]


def spoken(comment: str) -> tuple[str, str]:
    """A comment's Vietnamese and English; another's comment stands for both."""
    found = _COMMENT.fullmatch(comment)
    return (found["vi"], found["en"]) if found else (comment, comment)


def member_words(member: str) -> tuple[str, str]:
    """What a lineage's beginning is called, in Vietnamese and English."""
    if member in origins.MAKERS:
        return origins.MAKERS[member]
    where, _, path = member.partition(".")
    if where == "kafka":
        return f"Kafka: {path}", f"Kafka: {path}"
    if where == "*":
        return f"mọi sự kiện: {path}", f"every event: {path}"
    return f"sự kiện {where}: {path}", f"event {where}: {path}"


def markdown(objects: Iterable[Described], lineage: Lineage) -> str:
    """The whole dictionary as Markdown."""
    found = list(objects)
    lines = [
        "# Từ điển dữ liệu · Data dictionary",
        "",
        "Sinh từ chú thích trong cơ sở dữ liệu bằng `./dev describe --write`; không sửa tay. `v_x` có dấu ⏱"
        " hỏi được tại một mốc: `v_x_at(as_of = '…')`. Nguồn: thành phần của sự kiện mà cột được tính từ đó.",
        "",
        "Generated from the comments in the database by `./dev describe --write`; do not edit. Views marked ⏱"
        " can be asked as of a cut. Source: the members of events that a column is made of.",
        "",
        *(f"- [`{one.name}`](#{one.name}){_clock(one)}: {one.vi} · {one.en}" for one in found),
    ]
    for one in found:
        lines += _section(one, lineage)
    return "\n".join(lines) + "\n"


def _clock(one: Described) -> str:
    return " ⏱" if one.travels else ""


def _section(one: Described, lineage: Lineage) -> list[str]:
    traced = lineage.get(one.name, {})
    lines = ["", f"## {one.name}", "", f"{one.vi} · {one.en}{_clock(one)}", ""]
    lines += ["| cột · column | kiểu · type | nghĩa · meaning | nguồn · source |", "|---|---|---|---|"]
    for column in one.columns:
        source = traced.get(column.name)
        members = ", ".join(f"`{member}`" for member in source.members) if source else ""
        meaning = f"{_cell(column.vi)} · {_cell(column.en)}"
        lines.append(f"| `{column.name}` | `{_cell(column.type)}` | {meaning} | {members} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
