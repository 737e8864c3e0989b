"""`dongbo ward show`, `ward list`, `cut`: how complete the city's picture is, in words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ops import console
from ops.city.prepare import SQL_FOLDER, reader
from ops.settings import Settings, load
from producers.contract.errors import Refused
from producers.contract.wards import WARDS
from streams.domain.alive import Override, WardHours, parse_spans, silent_at
from streams.domain.days import HANOI
from streams.domain.phrases import label, number, span
from streams.warehouse import as_of as travel
from streams.warehouse.store import Rows, Store

FINDING: Final = 1
BAD: Final = "bad"
_LEVELS: Final = ("bad", "attention", "waiting", "good")
_WARD: Final = "SELECT * FROM v_ward_status WHERE ward = {ward:String}"
_LIST: Final = """
SELECT ward, ward_name, status, alive, complete, reconciled, missing, pending, reason_vi, reason_en, since
FROM v_ward_status ORDER BY ward"""
_HOURS: Final = """
SELECT first_day, last_day, open_minutes, silent_after_s FROM v_office_overrides
WHERE ward = {ward:String} ORDER BY version"""
_CUTS: Final = """
SELECT number, at, complete_at, covered, wards_total, events, missing, received, resolved, returned, lag_ms
FROM v_city_cut ORDER BY number DESC LIMIT {limit:UInt32}"""
_CUT: Final = "SELECT * FROM v_city_cut WHERE number = {number:UInt64}"


def ward(code: str, cut: str | None, *, as_json: bool) -> int:
    """`dongbo ward show`: everything the city can certify of a ward; exit 1 if its status is bad."""
    if code not in WARDS:
        raise Refused("unknown_ward", f"Không có phường, xã {code!r}", f"There is no ward {code!r}")
    settings = load()
    with reader(settings) as store:
        found = _ask(store, _WARD, {"ward": code}, cut).dicts()[0]
        deadline = _deadline(store, code, found, settings) if cut is None else None
    row = {**found, "silent_at": deadline, "holes": holes_of(found)}
    if as_json:
        console.emit_json(row)
    else:
        console.emit_rows(["mục / item", "giá trị / value"], list(lines(row)), as_json=False)
    return FINDING if row["status"] == BAD else 0


def wards(cut: str | None, *, as_json: bool) -> int:
    """`dongbo ward list`: the worst first; exit 1 if one is bad."""
    with reader(load()) as store:
        answer = _ask(store, _LIST, {}, cut)
    rows = sorted(answer.rows, key=lambda row: (_LEVELS.index(row[2]), row[0]))
    console.emit_rows(answer.names, rows, as_json=as_json)
    counts = {level: sum(row[2] == level for row in rows) for level in _LEVELS}
    console.note(", ".join(f"{count} {label(level)}" for level, count in counts.items() if count))
    return FINDING if counts[BAD] else 0


def cuts(limit: int, *, as_json: bool) -> int:
    """`dongbo cut list`: the newest first."""
    with reader(load()) as store:
        answer = store.query(_CUTS, {"limit": limit})
    console.emit_rows(answer.names, answer.rows, as_json=as_json)
    return 0


def cut(which: str | None, *, as_json: bool) -> int:
    """`dongbo cut show`: a cut by its number or an instant, else the newest."""
    with reader(load()) as store:
        wanted = which or str(store.value("SELECT max(number) FROM v_city_cut"))
        found = store.query(_CUT, {"number": int(travel.resolved(store, wanted))}).dicts()[0]
    left_out = [
        {"ward": code, "ward_name": name, "reason": reason}
        for code, name, reason in zip(
            found.pop("left_out"), found.pop("left_out_name"), found.pop("left_out_reason"), strict=True
        )
    ]
    if as_json:
        console.emit_json({**found, "left_out": left_out})
        return 0
    rows = [(name, _plain(value)) for name, value in found.items()]
    rows += [(f"left out {one['ward']}", f"{one['ward_name']}: {label(one['reason'])}") for one in left_out]
    console.emit_rows(["mục / item", "giá trị / value"], rows, as_json=False)
    return 0


def _ask(store: Store, sql: str, parameters: Mapping[str, Any], cut: str | None) -> Rows:
    if cut is None:
        return store.query(sql, parameters)
    number_of = travel.resolved(store, cut)
    asked = travel.question_at(sql, travel.travelling(SQL_FOLDER))
    return store.query(asked, {**parameters, **travel.bound(number_of)})


def _deadline(store: Store, code: str, row: Mapping[str, Any], settings: Settings) -> datetime | None:
    """When the ward will be silent if nothing more is heard of it."""
    if row["heard_at"] is None:
        return None
    own = store.query(_HOURS, {"ward": code}).rows
    hours = WardHours([Override(first, last, parse_spans(flat), s) for first, last, flat, s in own])
    heard_ms = round(row["heard_at"].timestamp() * 1000)
    silent_ms = silent_at(hours, heard_ms, time.time_ns() // 1_000_000, settings.ward_silent_after_s)
    return datetime.fromtimestamp(silent_ms / 1000, HANOI) if silent_ms is not None else None


def holes_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The missing ranges of a row, with how long each has been known."""
    return [
        {"epoch": epoch, "first": first, "last": last, "since": since, "age_s": _age_s(row["at"], since)}
        for epoch, first, last, since in zip(
            row["hole_epoch"], row["hole_first"], row["hole_last"], row["hole_since"], strict=True
        )
    ]


def _age_s(at: datetime, since: datetime) -> int:
    return max(0, round((at.astimezone(UTC) - since.astimezone(UTC)).total_seconds()))


def lines(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The certificate in words."""
    states = " · ".join(label(row[name]) for name in ("alive", "complete", "reconciled"))
    found = [
        ("phường, xã / ward", f"{row['ward']} {row['ward_name']}"),
        ("tình trạng / status", label(row["status"])),
        ("lý do / reason", f"{row['reason_vi']} / {row['reason_en']}"),
        ("từ lúc / since", _plain(row["since"])),
        ("sống · đủ · khớp / alive · complete · reconciled", states),
        ("đang mở cửa / office open", "có / yes" if row["office_open"] else "không / no"),
        ("sẽ im lặng lúc / silent at", _plain(row["silent_at"])),
        ("đời hộp gửi / epoch", row["epoch"] or "-"),
        ("đủ đến số / contiguous", f"{number(row['contiguous'])} / {number(row['highest'])}"),
        ("sự kiện · thiếu / events · missing", f"{number(row['events'])} · {number(row['missing'])}"),
    ]
    for hole in row["holes"]:
        age = span(hole["age_s"] * 1000)
        found.append(
            ("  thiếu số / missing", f"{hole['first']}-{hole['last']} ({hole['epoch']}), {age.vi} / {age.en}")
        )
    return found + _rest(row)


def _rest(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("còn chờ gửi / pending", number(row["pending"])),
        ("sự kiện mới nhất / last event", _plain(row["event_at"])),
        ("nhịp tim mới nhất / last heartbeat", _plain(row["heartbeat_at"])),
        ("nhận tin lần cuối / last heard", _plain(row["heard_at"])),
        ("độ trễ p50 · p99 / delay", f"{_ms(row['delay_ms_p50'])} · {_ms(row['delay_ms_p99'])}"),
        ("đồng hồ lệch / clock skew", _ms(row["skew_ms"])),
        ("bị từ chối / rejected", number(row["rejected"])),
        ("số dùng lại / conflicts", number(row["conflicts"])),
        ("ngày không khớp / mismatched days", number(row["mismatches"])),
        ("ô sổ khác / differing cells", number(row["differences"])),
        ("trong mốc / covered by a cut", "có / yes" if row["covered"] else "không / no"),
        ("đủ đến lúc / complete up to", _plain(row["complete_at"])),
        ("xét lúc / judged at", _plain(row["at"])),
    ]


def _ms(value: int | None) -> str:
    if value is None:
        return "-"
    sign = "-" if value < 0 else ""
    return f"{value} ms" if abs(value) < 1000 else f"{sign}{span(abs(value)).en}"


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value.astimezone(HANOI):%H:%M:%S %d/%m/%Y}"
    return number(value) if isinstance(value, int) else str(value)
