"""What `dongbo analyst` does; the file is the endpoint's (`ops.stack.clickhouse.analysts`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ops import console
from ops.settings import Settings, load
from ops.stack.clickhouse.analysts import Analysts, Known
from producers.contract.errors import Refused

_SHOWN_ONCE: Final = (
    "Shown this once; only its hash is kept. / Chỉ hiện một lần này; hệ thống chỉ lưu giá trị băm."
)
_NOT_HERE: Final = (
    "This installation uses a ClickHouse server of its own: make the user there, see sql/access.sql. / "
    "Hệ thống dùng máy chủ ClickHouse riêng: tạo người dùng ở đó, xem sql/access.sql."
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
    if settings.clickhouse_external:
        return _NOT_HERE
    host, port, database = settings.clickhouse_host, settings.clickhouse_port, settings.clickhouse_database
    return f"http://{host}:{port}, user {name}, database {database}; docs/clients.md"


def revoke(name: str, *, as_json: bool) -> int:
    """`dongbo analyst revoke`."""
    return _show([Analysts(load().analysts_file()).revoke(name)], as_json=as_json)


def show(*, as_json: bool) -> int:
    """`dongbo analyst list`."""
    return _show(Analysts(load().analysts_file()).list(), as_json=as_json)


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
