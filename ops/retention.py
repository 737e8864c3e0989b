"""`dongbo retention show|apply`: what is kept for how long, and removing the rest under its seals."""

from __future__ import annotations

from typing import Final

from ops import console
from ops.city.prepare import reader, store
from ops.settings import Settings, load
from producers.contract.errors import Stop
from streams.warehouse import retention
from streams.warehouse.retention import Policy

OK, FINDING = 0, 1
_SHOW: Final = """
SELECT what, from_at, days, held, removed, noted_at, words_vi, words_en FROM v_retention ORDER BY what DESC
"""
_HELD_SHOWN: Final = 20


def policy(settings: Settings) -> Policy:
    """The settings of retention.

    :raises Stop: `invalid_setting`: raw rows for less than Kafka may bring them again
    """
    if 0 < settings.retention_raw_days < retention.RAW_DAYS_MIN:
        raise Stop(
            "invalid_setting",
            f"DONGBO_RETENTION_RAW_DAYS is {settings.retention_raw_days}, not 0 or at least"
            f" {retention.RAW_DAYS_MIN}: Kafka keeps messages for a month / phải là 0 hoặc từ"
            f" {retention.RAW_DAYS_MIN} ngày, vì Kafka còn giữ thông điệp một tháng",
            "Correct the value, or unset it / sửa giá trị hoặc bỏ cài đặt",
        )
    return Policy(
        raw_days=settings.retention_raw_days,
        history_days=settings.retention_history_days,
        heartbeats_days=settings.retention_heartbeats_days,
        loads_days=settings.retention_loads_days,
        conservation_days=settings.retention_conservation_days,
        alerts_days=settings.retention_alerts_days,
        double_entry_days=settings.retention_double_entry_days,
    )


def show(*, as_json: bool) -> int:
    """From when on the data is whole, what was removed, and the settings in force."""
    settings = load()
    with reader(settings) as asked:
        found = asked.query(_SHOW)
    console.emit_rows(found.names, found.rows, as_json=as_json)
    kept = policy(settings)
    console.note(f"settings / cài đặt (0: for ever / mãi mãi): {kept}".replace("Policy(", "").rstrip(")"))
    return OK


def apply(*, as_json: bool) -> int:
    """Set the TTLs and remove what is older than the settings; 1 if books that do not agree are held."""
    settings = load()
    with store(settings) as writer:
        changed = retention.apply_lifetimes(writer, policy(settings))
        removed = retention.remove(writer, policy(settings))
    rows = [(one.what, one.until, one.events, one.sealed, len(one.held)) for one in removed]
    console.emit_rows(("what", "until", "rows", "sealed", "held"), rows, as_json=as_json)
    held = [book for one in removed for book in one.held]
    for ward, day in held[:_HELD_SHOWN]:
        console.note(
            f"held: {ward} {day} does not agree, see dongbo reconcile"
            f" / giữ lại: {ward} {day} chưa khớp, xem dongbo reconcile"
        )
    console.note(
        f"{len(changed)} TTLs set, {len(removed)} removals / đặt {len(changed)} TTL, {len(removed)} lần gỡ"
    )
    return FINDING if held else OK
