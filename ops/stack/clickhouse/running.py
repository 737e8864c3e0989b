# ruff: noqa: S608 - what stands in the SQL has been judged, or is a literal
"""The statements in hand: to list them as they are known to clients, and to stop them.

The engine gives statements ids of its own; ours travel in its setting `log_comment` as JSON, so
`system.processes` can be read with the ids and users that clients know.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final

from ops.stack.clickhouse.accounts import Account
from ops.stack.clickhouse.literals import literal

_serial = itertools.count(1)
_COMMENT: Final = "Settings['log_comment']"
PROCESSES: Final = (
    "(SELECT * REPLACE("
    f"JSONExtractString({_COMMENT}, 'query_id') AS query_id, JSONExtractString({_COMMENT}, 'user') AS user,"
    r" replaceRegexpOne(query, '\\s+INTO.OUTFILE \'/dev/fd/\\d+\' TRUNCATE', '') AS query)"
    " FROM system.processes WHERE startsWith({comment}, '{{\"user\"'){own})"
)


@dataclass(slots=True)
class Running:
    """One statement from its arrival to its end. `stopped` says that somebody wants it to end."""

    account: Account
    query_id: str
    serial: int = field(default_factory=lambda: next(_serial))
    stopped: bool = False
    ended: Event = field(default_factory=Event)

    @property
    def comment(self) -> str:
        """What the engine keeps with the statement."""
        told = {"user": self.account.name, "query_id": self.query_id, "serial": self.serial}
        return json.dumps(told, separators=(",", ":"))


class Registry:
    """All statements in hand, of one endpoint. Used from any thread."""

    def __init__(self) -> None:
        self._running: dict[int, Running] = {}

    def begin(self, account: Account, query_id: str) -> Running:
        running = Running(account, query_id)
        self._running[running.serial] = running
        return running

    def end(self, running: Running) -> None:
        running.ended.set()
        self._running.pop(running.serial, None)

    def find(self, user: str, query_id: str) -> list[Running]:
        """Those of a user under an id, which need not be unique."""
        alike = list(self._running.values())
        return [each for each in alike if each.account.name == user and each.query_id == query_id]


def kill(connection: Any, running: Running) -> None:
    """Tell the engine to stop the statement; returns at once. Nothing happens if it is not there (yet)."""
    connection.query(f"KILL QUERY WHERE {_COMMENT} = {literal(running.comment)} ASYNC", "Null")


def own_processes(account: Account) -> str:
    """The condition by which an account other than the writer finds its own statements only."""
    return f"JSONExtractString({_COMMENT}, 'user') = {literal(account.name)}"


def processes(account: Account) -> str:
    """`system.processes` with the ids and users that clients know; others' statements for the writer only."""
    own = "" if account.writes else f" AND {own_processes(account)}"
    return PROCESSES.replace("{comment}", _COMMENT).replace("{{", "{").replace("{own}", own)
