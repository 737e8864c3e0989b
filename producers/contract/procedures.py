"""Frequent commune-level procedures with their time limits.

Each row says of its code and of its limit whether a source was read (VERIFIED) or not (RECALLED); a
RECALLED limit drives the simulation only and is never shown as law.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files
from typing import Final, Literal

import msgspec

from producers.contract.vocabulary import FIELD_WORDS

_SLUG_OF_FIELD = {words.vi: slug for slug, words in FIELD_WORDS.items()}


class Procedure(msgspec.Struct, frozen=True):
    """One procedure. `limit` counts `unit`s: working days, calendar days, or the 15:00 same-day rule."""

    code: str
    name: str
    field: str
    limit: int
    unit: Literal["cutoff15h", "workday", "day"]
    rule: str
    code_status: str
    limit_status: str


def _read() -> Iterator[Procedure]:
    text = files(__package__).joinpath("procedures.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        row["field"] = _SLUG_OF_FIELD[row["field"]]
        yield msgspec.convert(row, Procedure, strict=False)


PROCEDURES: Final[dict[str, Procedure]] = {item.code: item for item in _read()}
