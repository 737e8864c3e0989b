"""Answers from ClickHouse on the command line: SQL, and the settings in force."""

from __future__ import annotations

from ops import console
from ops import settings as ours
from ops.city.prepare import reader
from producers.contract.errors import Stop, Unavailable

USAGE = 2


def sql(query: str, *, as_json: bool) -> int:
    """`dongbo sql`: as the read-only user."""
    try:
        with reader(ours.load()) as store:
            answer = store.query(query)
    except Stop as refused:  # the person's statement, not a fault of ours
        console.note(f"ClickHouse: {refused.detail}")
        return USAGE
    except Unavailable as error:
        if not error.detail.startswith("READONLY"):
            raise
        console.note(f"ClickHouse: this user can only read. {error.detail}")
        return USAGE
    console.emit_rows(answer.names, answer.rows, as_json=as_json)
    return 0


def settings(*, as_json: bool) -> int:
    """`dongbo settings`: name, value in force, what it is for."""
    help_of = {name: text for name, _, text in ours.table()}
    rows = [(name, value, help_of.get(name, "")) for name, value in ours.load().effective().items()]
    console.emit_rows(["setting", "value", "meaning"], rows, as_json=as_json)
    return 0
