# ruff: noqa: S608 - what stands in the SQL has been judged, or is a literal
"""`KILL QUERY WHERE ...`: asked of the statements as clients know them; what is found is stopped.

The engine cannot be left to do it: it knows other ids than clients, and it would let a reader stop
everybody's statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ops.stack.clickhouse.accounts import Account
from ops.stack.clickhouse.literals import literal
from ops.stack.clickhouse.running import Registry, Running, kill, processes
from ops.stack.clickhouse.statement import Statement, tokens

_SYNC_S: Final = 10.0
_MODES: Final = (b"SYNC", b"ASYNC", b"TEST")


@dataclass(frozen=True, slots=True)
class Kill:
    """A KILL QUERY: the condition as it is written, and SYNC, ASYNC or TEST."""

    where: str
    mode: str

    def select(self, account: Account) -> Statement:
        """The statements that the condition is true of, among those that the account may stop."""
        return Statement(
            f"SELECT query_id, user, query FROM {processes(account)} AS running WHERE {self.where}", None
        )


def kill_of(statement: Statement) -> Kill | None:
    """The KILL QUERY that a statement is, if it is one."""
    raw = statement.sql[: statement.format_at].encode()
    found = list(tokens(raw[:4096]))
    if [token.text for token in found[:2]] != [b"KILL", b"QUERY"]:
        return None
    where = next((token for token in found if token.text == b"WHERE" and token.depth == 0), None)
    if where is None:
        return None
    last = found[-1]
    mode = last.text if last.text in _MODES else b"ASYNC"
    end = last.start if last.text in _MODES else len(raw)
    return Kill(raw[where.end : end].decode(), mode.decode())


def stop(
    connection: Any, registry: Registry, asking: Running, found: str, mode: str
) -> list[tuple[str, ...]]:
    """Stop what was found (TabSeparated: query_id, user, query); status, id, user and query of each."""
    rows: list[tuple[str, ...]] = []
    for line in found.splitlines():
        query_id, user, query = line.split("\t", 2)
        for running in registry.find(user, query_id):
            if running is asking or not (
                asking.account.writes or running.account.name == asking.account.name
            ):
                continue
            if mode != "TEST":
                running.stopped = True
                kill(connection, running)
            ended = mode == "SYNC" and running.ended.wait(_SYNC_S)
            rows.append(("finished" if ended else "waiting", query_id, user, query))
    return rows


def answer(rows: list[tuple[str, ...]]) -> str:
    """SQL that gives the rows in whatever format is asked for."""
    tuples = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    shape = "kill_status String, query_id String, user String, query String"
    if not rows:
        return f"SELECT * FROM null('{shape}')"
    return f"SELECT * FROM values('{shape}', {tuples})"
