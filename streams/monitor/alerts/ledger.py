"""Alerts and their deliveries in ClickHouse: read them back, write what changed.

Rows are absolute and versioned, so writing twice changes nothing. Reads are small: only what still lives, and
what ended within `RECENT_MS`, is needed to go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from streams.monitor.alerts.model import Alert, Delivery, Words
from streams.warehouse.store import Store

RECENT_MS: Final = 24 * 3_600_000
_TIME: Final = "DateTime64(3, 'Asia/Ho_Chi_Minh')"
_ALERTS: Final = (
    ("id", "String"),
    ("rule", "LowCardinality(String)"),
    ("key", "String"),
    ("state", "LowCardinality(String)"),
    ("seen_at", _TIME),
    ("started_at", f"Nullable({_TIME})"),
    ("ended_at", f"Nullable({_TIME})"),
    ("last_seen_at", _TIME),
    ("since", _TIME),
    ("severity", "LowCardinality(String)"),
    ("ward", "LowCardinality(String)"),
    ("values", "Map(String, String)"),
    *((name, "String") for name in Words._fields),
    ("version", "UInt64"),
)
_DELIVERIES: Final = (
    ("alert_id", "String"),
    ("event", "LowCardinality(String)"),
    ("channel", "LowCardinality(String)"),
    ("message", "String"),
    ("state", "LowCardinality(String)"),
    ("attempts", "UInt32"),
    ("created_at", _TIME),
    ("next_at", _TIME),
    ("error", "String"),
    ("version", "UInt64"),
)
_ACKS: Final = (
    ("id", "String"),
    ("acked_at", _TIME),
    ("acked_by", "String"),
    ("note", "String"),
    ("version", "UInt64"),
)
_RECENT: Final = """state IN ('pending', 'open', 'ending')
    OR (state = 'ended' AND ended_at > fromUnixTimestamp64Milli({after:Int64}))"""
_LIVING: Final = f"""
SELECT {", ".join(f"`{name}`" for name, _ in _ALERTS)}
FROM alerts FINAL
WHERE {_RECENT} OR id IN (SELECT alert_id FROM alert_deliveries FINAL WHERE state = 'waiting')
ORDER BY seen_at, id
"""  # noqa: S608 - made of constants
_SENT: Final = f"""
SELECT {", ".join(name for name, _ in _DELIVERIES)}
FROM alert_deliveries FINAL
WHERE state = 'waiting' OR alert_id IN (SELECT id FROM alerts FINAL WHERE {_RECENT})
ORDER BY created_at, alert_id
"""  # noqa: S608 - made of constants


def alerts(store: Store, now_ms: int) -> list[Alert]:
    """Alerts that live, those that ended within a day, and those that somebody is still to be told of.

    :raises Unavailable: ClickHouse is away
    """
    rows = store.query(_LIVING, {"after": now_ms - RECENT_MS}).rows
    return [_alert(row) for row in rows]


def deliveries(store: Store, now_ms: int) -> list[Delivery]:
    """Deliveries that wait, and all those of alerts that live or ended within a day.

    :raises Unavailable: ClickHouse is away
    """
    rows = store.query(_SENT, {"after": now_ms - RECENT_MS}).rows
    return [
        Delivery(alert, event, channel, message, _ms(made), _ms(due), state, attempts, error, version)
        for alert, event, channel, message, state, attempts, made, due, error, version in rows
    ]


def write_alerts(store: Store, changed: Sequence[Alert]) -> None:
    """:raises Unavailable: ClickHouse is away; write the same again"""
    _insert(store, "alerts", _ALERTS, map(_alert_row, changed))


def write_deliveries(store: Store, changed: Sequence[Delivery]) -> None:
    """:raises Unavailable: ClickHouse is away; write the same again"""
    _insert(store, "alert_deliveries", _DELIVERIES, map(_delivery_row, changed))


def acknowledge(store: Store, ids: Iterable[str], by: str, note: str) -> None:
    """Somebody has these alerts in hand. Again replaces the earlier note.

    :raises Unavailable: ClickHouse is away
    """
    now_ms = time.time_ns() // 1_000_000
    _insert(store, "alert_acks", _ACKS, ((one, now_ms, by, note, now_ms) for one in ids))


def _insert(
    store: Store, table: str, columns: Sequence[tuple[str, str]], rows: Iterable[tuple[Any, ...]]
) -> None:
    found = list(rows)
    if found:
        names, types = zip(*columns, strict=True)
        store.insert(table, names, types, list(zip(*found, strict=True)))


def _alert_row(alert: Alert) -> tuple[Any, ...]:
    who = alert.id, alert.rule, alert.key, alert.state
    when = alert.seen_ms, alert.started_ms, alert.ended_ms, alert.last_seen_ms, alert.since_ms
    return *who, *when, alert.severity, alert.ward, dict(alert.values), *alert.words, alert.version


def _delivery_row(one: Delivery) -> tuple[Any, ...]:
    what = one.alert_id, one.event, one.channel, one.message
    return *what, one.state, one.attempts, one.created_ms, one.next_ms, one.error, one.version


def _alert(row: tuple[Any, ...]) -> Alert:
    ident, rule, key, state, seen, started, ended, last, since, severity, ward, values = row[:12]
    return Alert(
        id=ident,
        rule=rule,
        key=key,
        state=state,
        seen_ms=_ms(seen),
        started_ms=None if started is None else _ms(started),
        ended_ms=None if ended is None else _ms(ended),
        last_seen_ms=_ms(last),
        since_ms=_ms(since),
        severity=severity,
        ward=ward,
        values=values,
        words=Words(*row[12:-1]),
        version=row[-1],
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
