"""The embedded engine: one chdb in this process, a fresh connection for every statement.

Invariants:
- A connection serves one statement and is closed: its database, settings and limits cannot leak into another
  (opening one takes 0.1 ms). One more is held open so that the engine lives as long as `Engine`.
- A reader's connection is at readonly=1, set after its limits, before its statement is seen.
- Readers and writers have threads of their own: slow readers never hold up the loader.
- What is acknowledged is in the data folder (parts are renamed into place before the insert returns), so it
  is there after kill -9. It is not fsynced: losing the machine's power may lose the last seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from ops.settings import Settings
from ops.stack.clickhouse import faults
from ops.stack.clickhouse.guard import Guard
from ops.stack.clickhouse.request import Request, compress
from producers.contract.errors import Stop

# What a reader may set for itself. Everything else it sends is dropped, as clients send settings nobody asked
# for; within SQL (SELECT ... SETTINGS) the engine refuses all of them at readonly=1.
_READER_SETTINGS: Final = frozenset(
    {
        "aggregate_functions_null_for_empty",
        "date_time_input_format",
        "date_time_output_format",
        "extremes",
        "final",
        "join_use_nulls",
        "max_block_size",
        "max_threads",
        "result_overflow_mode",
        "session_timezone",
    }
)
_READER_PREFIXES: Final = ("output_format_", "format_csv_")
_LIMITS: Final = ("max_execution_time", "max_result_rows", "max_memory_usage")


class Role(Enum):
    """Who runs a statement."""

    WRITER = "writer"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Result:
    """A finished statement. `format` is None when the statement has no result set."""

    body: bytes
    encoding: str | None
    format: str | None
    read_rows: int
    written_rows: int
    written_bytes: int
    elapsed_ns: int


class Engine:
    """Runs requests against the data in one folder. One for each process and folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.data_dir.absolute() / "clickhouse"
        self._lock = _lock(self._path)
        # The engine's own zone is this process's, read when the library is loaded.
        os.environ["TZ"] = settings.timezone
        time.tzset()
        from chdb import _chdb

        self._chdb: Any = _chdb
        self._keep: Any = self._chdb.connect(str(self._path))
        self._shut_the_file_system_out()
        self._guard = Guard(self._keep)
        self.version: str = self._text("SELECT version()")
        self.timezone: str = self._text("SELECT timezone()")
        name = settings.clickhouse_database
        self._keep.query(f"CREATE DATABASE IF NOT EXISTS `{name}`", "TabSeparated")
        self._pools = {
            Role.WRITER: ThreadPoolExecutor(settings.clickhouse_writer_threads, "writer"),
            Role.READER: ThreadPoolExecutor(settings.clickhouse_reader_threads, "reader"),
        }
        self._pending = dict.fromkeys(Role, 0)

    def _shut_the_file_system_out(self) -> None:
        """chdb's own `default` database shows every file as a table; put a plain one in its place."""
        self._keep.query("SET check_table_dependencies = 0", "Null")
        if any((self._path / "metadata" / "default").glob("*.sql")):
            self._keep.query("DETACH DATABASE default", "Null")
            self._keep.query("ATTACH DATABASE default", "Null")
        else:  # chdb cannot attach an empty one ("Cannot find UUID mapping"); there is nothing to lose
            self._keep.query("DROP DATABASE default", "Null")
            self._keep.query("CREATE DATABASE default ENGINE = Atomic", "Null")

    def _text(self, sql: str) -> str:
        return str(self._keep.query(sql, "TSVRaw").bytes().decode().strip())

    async def run(self, role: Role, request: Request) -> Result:
        """Run one request on a thread of its role. Raises `Fault`. It runs on if the caller goes away."""
        if self._pending[role] >= self._settings.clickhouse_queue_max:
            raise faults.fault(
                faults.TOO_MANY_SIMULTANEOUS_QUERIES, "Too many simultaneous queries; try again"
            )
        loop = asyncio.get_running_loop()
        self._pending[role] += 1
        future = loop.run_in_executor(self._pools[role], self._run, role, request)
        future.add_done_callback(lambda done: self._finished(role, done))
        return await asyncio.shield(future)

    def _finished(self, role: Role, done: asyncio.Future[Result]) -> None:
        self._pending[role] -= 1
        if not done.cancelled():
            done.exception()  # seen, also when the client has gone and nobody awaits it

    def _run(self, role: Role, request: Request) -> Result:
        try:
            connection = self._chdb.connect(str(self._path))
            try:
                self._prepare(connection, role, request)
                return self._execute(connection, role, request)
            finally:
                connection.close()
        except faults.Fault:
            raise
        except Exception as error:  # chdb raises RuntimeError for everything; nothing may end the process
            raise faults.from_engine(error) from None

    def _prepare(self, connection: Any, role: Role, request: Request) -> None:
        chosen = self._limited(role, request.settings)
        assignments = ", ".join(f"{name} = {_literal(value)}" for name, value in chosen.items())
        connection.query(f"SET implicit_select = 0, {assignments}", "Null")
        if request.database:
            connection.query(f"USE {_identifier(request.database)}", "Null")
        else:
            # Ours unless somebody dropped it; then it must still be possible to create it again.
            with contextlib.suppress(RuntimeError):
                connection.query(f"USE {_identifier(self._settings.clickhouse_database)}", "Null")
        if role is Role.READER:
            connection.query("SET readonly = 1", "Null")

    def _limited(self, role: Role, asked: Mapping[str, str]) -> dict[str, str]:
        """The settings in force: what was asked for, within what the role may ask."""
        if role is Role.WRITER:
            return {"max_memory_usage": str(self._settings.clickhouse_memory_mb << 20), **asked}
        chosen = {
            name: value
            for name, value in asked.items()
            if name in _READER_SETTINGS or name.startswith(_READER_PREFIXES)
        }
        bounds = (
            self._settings.clickhouse_reader_seconds_max,
            self._settings.clickhouse_reader_rows_max,
            self._settings.clickhouse_reader_memory_mb << 20,
        )
        for name, bound in zip(_LIMITS, bounds, strict=True):
            wanted = asked.get(name, "")
            chosen[name] = str(min(int(wanted), bound) if wanted.isdigit() and int(wanted) else bound)
        return chosen

    def _execute(self, connection: Any, role: Role, request: Request) -> Result:
        statement = request.statement
        parameters = dict(request.parameters)
        reading = self._guard.check(
            connection, statement, parameters, reads_only=role is Role.READER or request.is_get
        )
        started = time.monotonic_ns()
        if statement.data is not None:
            return _insert(connection, request, started)
        name = statement.format or request.default_format
        result = connection.query(statement.sql, name, params=parameters)
        body, encoding = compress(request.encoding, result.bytes() or b"")
        return Result(
            body=body,
            encoding=encoding,
            format=name if reading else None,
            read_rows=result.storage_rows_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            elapsed_ns=time.monotonic_ns() - started,
        )

    def close(self) -> None:
        """Wait for what runs, then close the engine. Nothing may be run afterwards."""
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        self._keep.close()
        self._lock.close()


def _insert(connection: Any, request: Request, started: int) -> Result:
    statement = request.statement
    assert statement.data is not None
    assert statement.format is not None
    if not statement.data:
        raise faults.fault(faults.NO_DATA_TO_INSERT, "No data to insert")
    if statement.format == "Values" and request.parameters:
        sql = f"{statement.sql} VALUES {statement.data.decode()}"
        done = connection.query(sql, "Null", params=dict(request.parameters))
    else:
        handle = connection.send_insert(statement.sql, statement.format)
        connection.insert_append(handle, statement.data)
        done = connection.insert_done(handle)
    return Result(
        body=b"",
        encoding=None,
        format=None,
        read_rows=done.rows_written(),
        written_rows=done.rows_written(),
        written_bytes=done.bytes_written(),
        elapsed_ns=time.monotonic_ns() - started,
    )


def _lock(path: Path) -> Any:
    """Two engines on one folder destroy it, so the second is refused."""
    path.mkdir(parents=True, exist_ok=True)
    handle = path.with_suffix(".lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise Stop(
            "data_in_use",
            f"another process has {path} open",
            "Stop it first, or choose another DONGBO_DATA_DIR",
        ) from None
    return handle


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
