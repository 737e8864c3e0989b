"""The city's 25 groups of difficulties, each with who is responsible, from a CSV that the user may edit.

The groups' official names are not public. The file beside this module holds placeholders, each marked as one;
a city puts its own file in its place (setting `difficulty_groups_path`). A group that a file leaves out keeps
its placeholder, so that every difficulty has a group with a name.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from producers.contract.errors import Refused

GROUPS: Final = 25
COLUMNS: Final = ("number", "vi", "en", "owner", "owner_kind")
OWNER_KINDS: Final = ("ministry", "locality")
_TRUE: Final = ("true", "1", "yes")
_TEXT_MAX: Final = 200


class Group(NamedTuple):
    """One group: its names, the ministry or locality that is responsible, whether it is a placeholder."""

    number: int
    vi: str
    en: str
    owner: str
    owner_kind: str
    placeholder: bool


def placeholders() -> dict[int, Group]:
    """All 25 groups as they come with the project."""
    text = files(__package__).joinpath("difficulty_groups.csv").read_text(encoding="utf-8")
    return parse(text, "difficulty_groups.csv")


def load(path: Path | None) -> dict[int, Group]:
    """All 25 groups, those of the file in place of the placeholders.

    :raises Refused: the file cannot be read, or is not such a table
    """
    if path is None:
        return placeholders()
    try:
        # Excel begins its CSV with a byte order mark.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(
            "unreadable", path.name, f"không đọc được ({error})", f"cannot be read ({error})"
        ) from None
    return placeholders() | parse(text, path.name)


def parse(text: str, name: str) -> dict[int, Group]:
    """The groups of a CSV by number.

    :raises Refused: a column is missing, a number is wrong or comes twice, a text is empty, an unknown kind
    """
    reader = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        which = ", ".join(missing)
        raise _refused("column", name, f"thiếu cột {which}", f"has no column {which}")
    groups: dict[int, Group] = {}
    for line, row in enumerate(reader, start=2):
        group = _group(row, f"{name}:{line}")
        if group.number in groups:
            raise _refused(
                "duplicate",
                f"{name}:{line}",
                f"nhóm {group.number} có hai lần",
                f"has group {group.number} twice",
            )
        groups[group.number] = group
    return groups


def _group(row: dict[str, str | None], where: str) -> Group:
    number, vi, en, owner, kind = ((row[column] or "").strip() for column in COLUMNS)
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= GROUPS):
        raise _refused(
            "number",
            where,
            f"number phải là 1..{GROUPS}, không phải {number!r}",
            f"number must be 1..{GROUPS}, not {number!r}",
        )
    for column, value in (("vi", vi), ("en", en), ("owner", owner)):
        if not value or len(value) > _TEXT_MAX:
            raise _refused(
                "text",
                where,
                f"{column} phải có 1..{_TEXT_MAX} ký tự",
                f"{column} must have 1..{_TEXT_MAX} characters",
            )
    if kind not in OWNER_KINDS:
        raise _refused(
            "owner_kind",
            where,
            f"owner_kind phải là ministry (bộ, ngành) hoặc locality (địa phương), không phải {kind!r}",
            f"owner_kind must be ministry or locality, not {kind!r}",
        )
    placeholder = (row.get("placeholder") or "").strip().lower() in _TRUE
    return Group(int(number), vi, en, owner, kind, placeholder)


def _refused(code: str, where: str, vi: str, en: str) -> Refused:
    return Refused(f"difficulty_groups_{code}", f"{where}: {vi}", f"{where}: {en}")
