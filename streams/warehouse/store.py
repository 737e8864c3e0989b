"""ClickHouse over HTTP, in our own words: rows in, rows out, two kinds of errors.

Invariants:
- No retry in here. Who waits, and who gives up, is decided where offsets are committed.
- One `Store` may be used by several threads: no session is kept on the server.
- The connection is made when it is first needed and again after a failure, so a store can be built while the
  server is still away.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import clickhouse_connect
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, Error, ProgrammingError
from urllib3.exceptions import HTTPError

from producers.contract.errors import Stop, Unavailable

Row = tuple[Any, ...]

# Codes that pass by themselves or by an operator's hand, with the same statement valid again afterwards.
RETRYABLE: Final[dict[int, str]] = {
    3: "UNEXPECTED_END_OF_FILE",
    16: "NO_SUCH_COLUMN_IN_TABLE",  # a later migration adds it: they are not all applied yet
    23: "CANNOT_READ_FROM_ISTREAM",
    24: "CANNOT_WRITE_TO_OSTREAM",
    60: "UNKNOWN_TABLE",
    74: "CANNOT_READ_FROM_FILE_DESCRIPTOR",
    75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    76: "CANNOT_OPEN_FILE",
    81: "UNKNOWN_DATABASE",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    164: "READONLY",
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    243: "NOT_ENOUGH_SPACE",
    252: "TOO_MANY_PARTS",
    279: "ALL_CONNECTION_TRIES_FAILED",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED",
    425: "SYSTEM_ERROR",
    439: "CANNOT_SCHEDULE_TASK",
    473: "DEADLOCK_AVOIDED",
    516: "AUTHENTICATION_FAILED",
    571: "DATABASE_REPLICATION_FAILED",
    745: "SERVER_OVERLOADED",
    999: "KEEPER_EXCEPTION",
}
_PIECE_BYTES: Final = 65_536
_REMEDY: Final = "Start ClickHouse or relieve it; whoever waits goes on by itself"
_MIGRATE: Final = "Run the migrations (dongbo migrate); whoever waits goes on by itself"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is and who we are there. The password never shows in a `repr`."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    connect_timeout_s: int = 5
    request_timeout_s: int = 60


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a query; `types` are ClickHouse's names of the columns' types."""

    names: tuple[str, ...]
    rows: list[Row]
    types: tuple[str, ...] = ()

    def dicts(self) -> list[dict[str, Any]]:
        """Each row by its columns' names."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


class Store:
    """A thin shell over clickhouse-connect.

    Every method raises `Unavailable` when the same call can succeed later, and `Stop` when it cannot.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._client: Client | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back. The store may be used again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def ping(self) -> bool:
        """Whether the server answers; never raises `Unavailable`."""
        try:
            return bool(self._connected().ping())
        except Unavailable:
            return False

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Rows:
        """Ask with bound parameters, written `{name:Type}` in the SQL."""
        try:
            answer = self._connected().query(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)
        types = tuple(kind.name for kind in answer.column_types)
        return Rows(tuple(answer.column_names), [tuple(row) for row in answer.result_rows], types)

    def blocks(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Rows]:
        """The same block by block, for an answer that should not be in memory at once."""
        try:
            answer = self._connected().query_row_block_stream(sql, parameters=dict(parameters or {}))
            source: Any = answer.source
            names, types = tuple(source.column_names), tuple(kind.name for kind in source.column_types)
            with answer:
                for block in answer:
                    yield Rows(names, [tuple(row) for row in block], types)
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)

    def pieces(self, sql: str, kind: str, parameters: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The answer as a file that ClickHouse writes itself, in pieces; `kind` is its format."""
        try:
            with self._connected().raw_stream(sql, parameters=dict(parameters or {}), fmt=kind) as stream:
                while piece := stream.read(_PIECE_BYTES):
                    yield piece
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        rows = self.query(sql, parameters).rows
        return rows[0][0] if rows else None

    def command(self, sql: str) -> None:
        """Run a statement that answers nothing."""
        try:
            self._connected().command(sql)
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        types: Sequence[str],
        data: Sequence[Sequence[Any]],
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Insert whole columns; `types` are ClickHouse's names of their types. Returns once it is stored."""
        try:
            self._connected().insert(
                table,
                data,
                column_names=columns,
                column_types=[get_from_name(name) for name in types],
                column_oriented=True,
                settings=dict(settings or {}),
            )
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)

    def put(self, table: str, columns: Sequence[str], kind: str, data: bytes) -> None:
        """Insert a file of a format that ClickHouse reads itself. Returns once it is stored."""
        try:
            self._connected().raw_insert(table, column_names=columns, insert_block=data, fmt=kind)
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)

    def create_database(self) -> None:
        """Make the database of this address if it is not there: the one call that does not connect to it."""
        try:
            with _connect(self.address, "default") as client:
                client.command(f"CREATE DATABASE IF NOT EXISTS `{self.address.database}`")
        except (ClickHouseError, HTTPError, OSError) as error:
            self._raise(error)

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                try:
                    self._client = _connect(self.address, self.address.database)
                except (ClickHouseError, HTTPError, OSError) as error:
                    raise classify(error) from error
            return self._client

    def _raise(self, error: Exception) -> NoReturn:
        found = classify(error)
        if isinstance(found, Unavailable):
            self.close()
        raise found from error


def _connect(address: Address, database: str) -> Client:
    return clickhouse_connect.get_client(
        host=address.host,
        port=address.port,
        database=database,
        username=address.user,
        password=address.password,
        connect_timeout=address.connect_timeout_s,
        send_receive_timeout=address.request_timeout_s,
        query_retries=0,
        # Sessions would make two threads wait for each other, and end with an error.
        autogenerate_session_id=False,
        # The process's pool is shared by default; a store closes only what is its own.
        dedicated_pool=True,
        compress=False,
    )


def classify(error: Exception) -> Unavailable | Stop:
    """What a driver's error means for the caller: wait, or end."""
    code = error.code if isinstance(error, Error) else None
    if code in (16, 60, 81):
        return Unavailable("clickhouse", f"{RETRYABLE[code]}: {_short(error)}", _MIGRATE)
    if code in RETRYABLE:
        return Unavailable("clickhouse", f"{RETRYABLE[code]}: {_short(error)}", _REMEDY)
    if code is None and _is_transport(error):
        return Unavailable("clickhouse", _short(error), _REMEDY)
    return Stop(
        "clickhouse_refused",
        _short(error),
        "This is a fault of ours or of the installation: report it with the statement's name",
    )


def _is_transport(error: Exception) -> bool:
    """No code of ClickHouse's means that it never answered, unless the client refused our data itself."""
    return not isinstance(error, DataError | ProgrammingError)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
