"""What `dongbo viewer` does; the file is the page's (`dashboards.server.access.viewers`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dashboards.server.access.viewers import Known, Viewers, id_of
from ops import console
from ops.dashboard_config import access_config, viewers_path
from ops.settings import load

_SHOWN_ONCE: Final = (
    "Shown this once; only its hash is kept. / Chỉ hiện một lần này; hệ thống chỉ lưu giá trị băm."
)
_LOGIN_OFF: Final = (
    "Logging in is off: set DONGBO_DASHBOARD_TOKEN (or OIDC) and start the page again. / "
    "Trang chưa bật đăng nhập: đặt DONGBO_DASHBOARD_TOKEN (hoặc OIDC) rồi chạy lại trang."
)
_COLUMNS: Final = ("id", "role", "ward", "created", "revoked")


def add(role: Literal["city", "ward"], ward: str | None, *, as_json: bool) -> int:
    """`dongbo viewer add`."""
    settings = load()
    token = Viewers(viewers_path(settings)).add(role, ward)
    if as_json:
        console.emit_json({"id": id_of(token), "role": role, "ward": ward, "token": token})
    else:
        console.out.print(token, markup=False)
    console.note(_SHOWN_ONCE)
    if not access_config(settings).needed:
        console.note(_LOGIN_OFF)
    return 0


def revoke(identity: str, *, as_json: bool) -> int:
    """`dongbo viewer revoke`."""
    return _show([Viewers(viewers_path(load())).revoke(identity)], as_json=as_json)


def show(*, as_json: bool) -> int:
    """`dongbo viewer list`."""
    return _show(Viewers(viewers_path(load())).list(), as_json=as_json)


def _show(found: Iterable[Known], *, as_json: bool) -> int:
    rows = [
        (each.id, each.role, each.ward, _moment(each.created_ms), _moment(each.revoked_ms)) for each in found
    ]
    console.emit_rows(_COLUMNS, rows, as_json=as_json)
    return 0


def _moment(ms: int | None) -> str | None:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    return None if ms is None else datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec="seconds")
