"""Which version each public view has, and the columns that this version promises.

`views.json` beside this module is the promise: a column in it keeps its name and type. Columns and views
may be added; whoever removes, renames or retypes one raises the view's version and says so in the
changelog. A test compares it with the views as they are made, and says how to write it again.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import msgspec

FILE: Final = "views.json"


class View(msgspec.Struct, frozen=True):
    """One public view: its columns are (name, type)."""

    name: str
    version: int
    columns: tuple[tuple[str, str], ...]


def load() -> list[View]:
    """All public views as they are promised."""
    text = files(__package__).joinpath(FILE).read_bytes()
    return msgspec.json.decode(text, type=list[View])
