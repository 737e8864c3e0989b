"""A table that people see on the page and take away as a file: one declaration for both.

The SQL reads views only and is written once, for now and as of a cut (`Source` turns every `v_x` into its
twin). Values are bound by ClickHouse, never put into the text. A ward's table reads `{wards:Array(String)}`,
so that one query serves all wards that are watched, and says `ward` in every row.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from producers.contract.vocabulary import Words
from streams.warehouse.as_of import names_in

# What a column holds; the page and both kinds of file know how to write each of them.
# `status`, `channel`, `field`, `timeliness` are codes of the contract, which has words for them; `share` is
# between 0 and 1; `minutes` are working minutes; `seconds` an age; `code` a text that nobody translates.
Kind = Literal[
    "text", "code", "ward", "number", "signed", "decimal", "share", "minutes", "seconds",
    "day", "instant", "yes", "status", "channel", "field", "timeliness", "word",
]  # fmt: skip
NUMERIC: Final = frozenset({"number", "signed", "decimal", "share", "minutes", "seconds"})
# Who may have it: `ward` is one ward's, `wards` has rows of several (a ward's viewer gets its own), `city` is
# for the city's viewers only.
Scope = Literal["ward", "wards", "city"]

# Finished before or on the due day, of all that finished; NULL if nothing was. Written @in_time in the SQL.
IN_TIME: Final = "if(early + on_time + overdue > 0, (early + on_time) / (early + on_time + overdue), NULL)"


class Column(NamedTuple):
    """`words`: the kind of word in `dashboards.server.tables.words` for a column of kind `word`."""

    key: str
    vi: str
    en: str
    kind: Kind = "number"
    words: str = ""


class Table(msgspec.Struct, frozen=True):
    """`filters`: names of what may be asked for, see `filters`. The SQL orders its rows wholly."""

    name: str
    title: Words
    scope: Scope
    columns: tuple[Column, ...]
    sql: str
    filters: tuple[str, ...] = ()

    @property
    def views(self) -> tuple[str, ...]:
        """The views that it reads."""
        return tuple(sorted(names_in(self.sql)))
