# ruff: noqa: S608 - what stands in the SQL has been judged, or is a literal
"""One statement on one connection, from the request to the last byte in the pipe; in a thread of its role.

Invariants:
- Outside sessions, a connection serves one statement: its database, settings and limits cannot leak into
  another (opening one takes 0.1 ms).
- All but the writer are at readonly=1, set after their limits and filters, before their statement is seen.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ops.settings import Settings
from ops.stack.clickhouse import faults, kill
from ops.stack.clickhouse.accounts import Account, Role
from ops.stack.clickhouse.guard import Guard, Seen
from ops.stack.clickhouse.hello import hello, is_hello
from ops.stack.clickhouse.insert import insert
from ops.stack.clickhouse.limits import body_bytes_max, limited
from ops.stack.clickhouse.literals import identifier, literal, mapping
from ops.stack.clickhouse.pipe import Pipe
from ops.stack.clickhouse.request import Manner, Request, understand
from ops.stack.clickhouse.running import Registry, Running, processes
from ops.stack.clickhouse.sessions import Sessions
from ops.stack.clickhouse.sight import Sight, keep_originals, may_name_originals
from ops.stack.clickhouse.statement import READ_BYTES_MAX, Statement, as_invoker, with_table, words_of
from ops.stack.clickhouse.turns import Turn
from ops.stack.clickhouse.ward import WardFilters

_VIEW: Final = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?VIEW\b", re.IGNORECASE)
_PROCESS_LIST: Final = re.compile(r"\s*SHOW\s+PROCESSLIST\b", re.IGNORECASE)


@dataclass(slots=True)
class Task:
    """A request that waits, runs, or has run. `format` is known before the first byte is in the pipe.

    `overdue` says that its time was over while it ran: what is in the pipe is not all of the answer.
    """

    running: Running
    manner: Manner
    method: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    pipe: Pipe = field(default_factory=Pipe)
    format: str | None = None
    reads: bool = True
    progress: dict[str, int] = field(default_factory=dict)
    turn: Turn | None = None
    overdue: bool = False

    @property
    def account(self) -> Account:
        return self.running.account


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished statement did. `format` is None when it has no result set."""

    format: str | None = None
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_ns: int = 0


class Worker:
    """Runs tasks against one engine."""

    def __init__(
        self,
        settings: Settings,
        connect: Callable[[], Any],
        guard: Guard,
        sessions: Sessions,
        registry: Registry,
        look_at_new_parts: Callable[[], None],
    ) -> None:
        self._settings, self._connect, self._guard = settings, connect, guard
        self._sessions, self._registry = sessions, registry
        self._look_at_new_parts = look_at_new_parts
        self._filters = WardFilters(settings.clickhouse_database)
        self._schema = 0

    def run(self, task: Task) -> Result:
        """Raises `Fault`. The pipe is at its end afterwards."""
        try:
            most = body_bytes_max(self._settings, task.account)
            longest = None if task.account.writes else READ_BYTES_MAX
            request = understand(task.method, task.headers, task.params, task.body, most, longest)
            with self._sessions.connection(task.account, request.session) as connection:
                current = self._prepare(connection, task, request)
                return self._execute(connection, task, request, current)
        except faults.Fault:
            raise
        except Exception as error:  # chdb raises RuntimeError for everything; nothing may end the process
            raise faults.from_engine(error) from None
        finally:
            task.body = b""
            self._registry.end(task.running)
            task.pipe.end()

    def _prepare(self, connection: Any, task: Task, request: Request) -> str:
        """Settings, database, filters, and then readonly. Returns the current database."""
        account = task.account
        chosen = limited(self._settings, account, request.settings)
        readonly = chosen.pop("readonly", "0") if account.writes else "1"
        chosen["log_comment"] = task.running.comment
        assignments = ", ".join(f"{name} = {literal(value)}" for name, value in chosen.items())
        connection.query(f"SET implicit_select = 0, {assignments}", "Null")
        current = self._use(connection, request.database)
        if account.role is Role.ANALYST:
            filters = self._sight(account).filters()
            if account.ward is not None:
                filters |= self._filters.of(connection, account.ward, self._schema)
            connection.query(f"SET additional_table_filters = {mapping(filters)}", "Null")
        if readonly in ("1", "2"):
            connection.query("SET readonly = 1", "Null")
        return current

    def _use(self, connection: Any, asked: str | None) -> str:
        own = self._settings.clickhouse_database
        if asked:
            connection.query(f"USE {identifier(asked)}", "Null")
            return asked
        # Ours unless somebody dropped it; then it must still be possible to create it again.
        with contextlib.suppress(RuntimeError):
            connection.query(f"USE {identifier(own)}", "Null")
        return own

    def _sight(self, account: Account) -> Sight:
        return Sight(account, self._settings.clickhouse_database, self._exists)

    def _exists(self, database: str, table: str) -> bool:
        """Asked on a connection without an analyst's filters, which would hide the table."""
        connection = self._connect()
        try:
            found = connection.query(
                "SELECT count() FROM system.tables"
                f" WHERE database = {literal(database)} AND name = {literal(table)}",
                "TabSeparated",
            )
            return bool(found.bytes() != b"0\n")
        finally:
            connection.close()

    def _execute(self, connection: Any, task: Task, request: Request, current: str) -> Result:
        statement, account = self._told(task.account, request.statement), task.account
        parameters = dict(request.parameters)
        seen = self._seen(account, current, statement.sql, parameters)
        asked = kill.kill_of(statement)
        if asked is not None:
            return self._kill(connection, task, request, asked, seen)
        reads_only = not account.writes or request.is_get or request.settings.get("readonly") in ("1", "2")
        task.reads = self._guard.check(connection, statement, parameters, reads_only=reads_only, seen=seen)
        started = time.monotonic_ns()
        if task.running.stopped:
            raise faults.fault(faults.QUERY_WAS_CANCELLED, "Query was cancelled.")
        if statement.data is not None:
            done = _insert(connection, request)
            self._look_at_new_parts()
            return _result(done, None, started)
        if task.reads:
            return self._read(connection, task, request, statement, started)
        return self._change(connection, task, statement, parameters, started)

    def _seen(self, account: Account, current: str, sql: str, parameters: dict[str, str]) -> Seen | None:
        """What judges the syntax tree of a statement besides the guard."""
        if account.role is Role.ANALYST:
            return lambda tree: self._sight(account).check(tree, current)
        reads = account.role is Role.READER
        return keep_originals if reads and may_name_originals(words_of(sql, parameters)) else None

    @staticmethod
    def _told(account: Account, statement: Statement) -> Statement:
        """Statements about running statements are told in the ids and users that clients know."""
        if statement.data is not None or "process" not in statement.sql.lower():
            return statement
        shown = processes(account)
        sql = _PROCESS_LIST.sub(lambda _: f"SELECT * FROM {shown}", statement.sql, count=1)
        if sql == statement.sql:
            sql = with_table(sql, b"SYSTEM.PROCESSES", shown)
        at = statement.format_at
        moved = None if at is None else at + len(sql) - len(statement.sql)
        return Statement(sql, statement.format, None, moved)

    def _read(
        self, connection: Any, task: Task, request: Request, statement: Statement, started: int
    ) -> Result:
        task.format = statement.format or request.default_format
        if task.format == "Native" and is_hello(statement.sql) and "client_protocol_version" in task.params:
            task.pipe.put(hello(connection))
            return Result(task.format, result_rows=1)
        sql = statement.into(task.pipe.path, request.default_format)
        if task.manner.progress_ms is not None and task.account.ward is None:
            connection.set_progress_callback(task.progress.update)
        result = connection.query(sql, task.format, params=dict(request.parameters))
        if left := result.bytes():  # of an EXPLAIN AST, whose subject took the INTO OUTFILE
            task.pipe.put(left)
        return _result(result, task.format, started)

    def _change(
        self, connection: Any, task: Task, statement: Statement, parameters: dict[str, str], started: int
    ) -> Result:
        """A statement that may change tables: filters of rows made before it and during it are made again."""
        self._schema += 1
        try:
            result = connection.query(as_invoker(statement.sql), "TabSeparated", params=parameters)
        finally:
            self._schema += 1
        if not _VIEW.match(statement.sql):  # a definition: it has no parts
            self._look_at_new_parts()
        task.pipe.put(result.bytes() or b"")  # a few tell something, such as BACKUP
        return _result(result, None, started)

    def _kill(
        self, connection: Any, task: Task, request: Request, asked: kill.Kill, seen: Seen | None
    ) -> Result:
        started = time.monotonic_ns()
        select = asked.select(task.account)
        parameters = dict(request.parameters)
        self._guard.check(connection, select, parameters, reads_only=True, seen=seen)
        found = connection.query(select.sql, "TabSeparated", params=parameters).bytes().decode()
        rows = kill.stop(connection, self._registry, task.running, found, asked.mode)
        task.format = request.statement.format or request.default_format
        result = connection.query(kill.answer(rows), task.format)
        task.pipe.put(result.bytes() or b"")
        return _result(result, task.format, started)


def _insert(connection: Any, request: Request) -> Any:
    statement = request.statement
    assert statement.data is not None
    assert statement.format is not None
    if not statement.data:
        raise faults.fault(faults.NO_DATA_TO_INSERT, "No data to insert")
    if statement.format == "Values" and request.parameters:
        sql = f"{statement.sql} VALUES {statement.data.decode()}"
        return connection.query(sql, "Null", params=dict(request.parameters))
    return insert(connection, statement.sql, statement.format, statement.data)


def _result(done: Any, name: str | None, started: int) -> Result:
    return Result(
        format=name,
        read_rows=done.storage_rows_read() or done.rows_written(),
        read_bytes=done.storage_bytes_read(),
        written_rows=done.rows_written(),
        written_bytes=done.bytes_written(),
        result_rows=done.rows_read() if name else 0,
        elapsed_ns=time.monotonic_ns() - started,
    )
