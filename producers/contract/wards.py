"""The 126 wards and communes of Hanoi, with their official 5-digit codes.

Source: the MIT-licensed table of thanglequoc/vietnamese-provinces-database v4.2.0, which republishes the
statistics office's codes (`wards.csv`), and its simplified borders (`wards.geojson`).
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

import msgspec


class Ward(msgspec.Struct, frozen=True):
    """One ward (`phuong`) or commune (`xa`)."""

    code: str
    name: str
    kind: str
    full_name: str
    slug: str


def _read() -> Iterator[Ward]:
    text = files(__package__).joinpath("wards.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield Ward(**{key: unicodedata.normalize("NFC", value) for key, value in row.items()})


WARDS: Final[dict[str, Ward]] = {ward.code: ward for ward in _read()}
