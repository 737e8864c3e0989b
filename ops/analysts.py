"""What `dongbo analyst` does; the file is the endpoint's (`ops.stack.clickhouse.analysts`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ops import access_sql, console
from ops.settings import Settings, load
from ops.stack.clickhouse.analysts import Analysts, Known
from producers.contract.errors import Refused

_SHOWN_ONCE: Final = (
    "Shown this once; only its hash is kept. / Chỉ hiện một lần này; hệ thống chỉ lưu giá trị băm."
)
_NOT_HERE: Final = (
    "analyst_elsewhere",
    "Hệ thống dùng máy chủ ClickHouse riêng, không dùng tệp này: chạy trên máy chủ đó những gì"
    " `dongbo analyst sql --user TÊN` in ra",
    "This installation uses a ClickHouse server of its own, which does not read this file: run there what"
    " `dongbo analyst sql --user NAME` prints",
)
_TAKEN: Final = (
    "analyst_name",
    "Tên này là của chính hệ thống; chọn tên khác",
    "This name is one of the installation's own; choose another",
)
_COLUMNS: Final = ("name", "ward", "created", "expires", "revoked")


def add(name: str, ward: str | None, days: int | None, *, as_json: bool) -> int:
    """`dongbo analyst add`."""
    settings = load()
    if settings.clickhouse_external:
        raise Refused(*_NOT_HERE)
    if name in (settings.clickhouse_user, settings.clickhouse_reader_user):
        raise Refused(*_TAKEN)
    made, password = Analysts(settings.analysts_file()).add(name, ward, days)
    if as_json:
        console.emit_json(
            {"name": name, "ward": ward, "expires": _moment(made.expires_ms), "password": password}
        )
    else:
        console.out.print(password, markup=False)
    console.note(_SHOWN_ONCE)
    console.note(_way_in(settings, name))
    return 0


def _way_in(settings: Settings, name: str) -> str:
    host, port, database = settings.clickhouse_host, settings.clickhouse_port, settings.clickhouse_database
    return f"http://{host}:{port}, user {name}, database {database}; docs/clients.md"


def revoke(name: str, *, as_json: bool) -> int:
    """`dongbo analyst revoke`."""
    return _show([Analysts(load().analysts_file()).revoke(name)], as_json=as_json)


def show(*, as_json: bool) -> int:
    """`dongbo analyst list`."""
    return _show(Analysts(load().analysts_file()).list(), as_json=as_json)


def sql(ward: str | None, user: str | None) -> int:
    """`dongbo analyst sql`: statements for a server of one's own on stdout; a user's password on stderr."""
    database = load().clickhouse_database
    if user is not None:
        statements, password = access_sql.for_user(database, user, ward)
        console.note(f"{password}\n{_SHOWN_ONCE}")
    elif ward is not None:
        statements = access_sql.for_ward(database, ward)
    else:
        statements = access_sql.for_city(database)
    sys.stdout.write(";\n\n".join(statements) + ";\n")
    return 0


def _show(found: Iterable[Known], *, as_json: bool) -> int:
    rows = [
        (each.name, each.ward, _moment(each.created_ms), _moment(each.expires_ms), _moment(each.revoked_ms))
        for each in found
    ]
    console.emit_rows(_COLUMNS, rows, as_json=as_json)
    return 0


def _moment(ms: int | None) -> str | None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    return None if ms is None else datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec="seconds")
