"""Alerts on the command line. Only `ack` writes: what is listed is evaluated here and now, and not kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ops import console
from ops.alerts_config import RULES, alerts_config
from ops.city.prepare import SQL_FOLDER, reader, store
from ops.settings import load
from producers.contract.errors import Refused, Stop
from producers.contract.wards import WARDS
from streams.domain.days import HANOI
from streams.monitor.alerts import ledger
from streams.monitor.alerts.channels import NotDelivered, channels
from streams.monitor.alerts.evaluate import evaluate, failures
from streams.monitor.alerts.fold import fold
from streams.monitor.alerts.history import cuts, tried
from streams.monitor.alerts.model import CRITICAL, OPEN, START, Alert, Outcome, Words
from streams.monitor.alerts.outbox import Message
from streams.monitor.alerts.rules import Rule
from streams.monitor.alerts.rules import load as load_rules
from streams.warehouse.as_of import now_only, travelling
from streams.warehouse.store import Store

FINDING, USAGE = 1, 2
_STORED: Final = (
    *("severity", "rule", "key", "ward", "ward_name", "since", "started_at", "ended_at"),
    *(*Words._fields, "values", "acked_at", "acked_by", "note"),
)
_WORDS: Final = ("what_vi", "what_en", "impact_vi", "impact_en", "next_vi", "next_en")
_PAST: Final = ("started_at", "ended_at", "severity", "rule", "key", "ward", "what_vi", "what_en")


def show(*, as_json: bool) -> int:
    """`dongbo alerts`: 1 if an open alert is critical."""
    now_ms = time.time_ns() // 1_000_000
    with reader(load()) as here:
        outcomes = _outcomes(here, now_ms)
        stored = here.query(f"SELECT {', '.join(_STORED)} FROM v_alerts WHERE open").dicts()  # noqa: S608
    found = _open(outcomes, {(row["rule"], row["key"]): row for row in stored}, now_ms)
    found.sort(key=lambda row: (row["severity"] != CRITICAL, row["started_at"], row["rule"], row["key"]))
    _print(found, as_json=as_json)
    console.note(f"{len(found)} open alerts / cảnh báo đang mở")
    return FINDING if any(row["severity"] == CRITICAL for row in found) else 0


def _outcomes(here: Store, now_ms: int) -> list[Outcome]:
    known = load_rules(RULES)
    outcomes = [evaluate(here, rule, now_ms) for rule in known.values()]
    errors = {outcome.rule: outcome.error for outcome in outcomes if outcome.error}
    return [*outcomes, failures(errors, len(known), now_ms)]


def _open(
    outcomes: Sequence[Outcome], known: dict[tuple[str, str], dict[str, Any]], now_ms: int
) -> list[dict[str, Any]]:
    """What rules find now, with what the monitor knows of it; what must hold for a while is left to it.

    Of a rule that cannot be evaluated now, what is stored stays open.
    """
    rows = []
    for alert in fold({}, outcomes, now_ms).live.values():
        stored = known.pop(alert.where, None)
        if alert.state == OPEN or stored is not None:
            row: dict[str, Any] = _row(alert) | {"acked_at": None, "acked_by": "", "note": ""}
            kept = ("since", "started_at", "acked_at", "acked_by", "note") if stored is not None else ()
            rows.append(row | {name: (stored or {})[name] for name in kept})
    unsure = {outcome.rule for outcome in outcomes if not outcome.whole}
    return rows + [row for (rule, _), row in known.items() if rule in unsure]


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "severity": alert.severity,
        "rule": alert.rule,
        "key": alert.key,
        "ward": alert.ward,
        "ward_name": WARDS[alert.ward].name if alert.ward in WARDS else "",
        "since": _moment(alert.since_ms),
        "started_at": _moment(alert.started_ms),
        "ended_at": _moment(alert.ended_ms),
        **alert.words._asdict(),
        "values": dict(alert.values),
    }


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, HANOI)


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        console.emit_json(rows)
        return
    for row in rows:
        at = f"{row['ward_name']} ({row['ward']})" if row["ward"] else ""
        mark = "  [đã nhận / in hand]" if row["acked_at"] else ""
        console.out.print(f"{row['severity']}  {row['rule']}  {row['key']}  {at}{mark}", markup=False)
        console.out.print(
            f"  {row['since']:%d/%m/%Y %H:%M:%S}  {row['title_vi']} / {row['title_en']}", markup=False
        )
        for name in _WORDS:
            console.out.print(f"  {row[name]}", markup=False)


def ack(rule: str, key: str, *, note: str, by: str, as_json: bool) -> int:
    """`dongbo alerts ack`.

    :raises Refused: `no_such_alert`: no open alert of that rule and key
    """
    with store(load()) as here:
        rows = here.query(
            "SELECT id FROM v_alerts WHERE open AND rule = {rule:String} AND key = {key:String}",
            {"rule": rule, "key": key},
        ).rows
        if not rows:
            raise Refused(
                "no_such_alert",
                f"không có cảnh báo đang mở {rule} {key}; xem: dongbo alerts",
                f"no open alert {rule} {key}; see: dongbo alerts",
            )
        ledger.acknowledge(here, [row[0] for row in rows], by, note)
    if as_json:
        console.emit_json({"acknowledged": len(rows)})
    console.note("đã ghi nhận / acknowledged")
    return 0


def history(*, first: str | None, last: str | None, ward: str | None, as_json: bool) -> int:
    """`dongbo alerts history`."""
    since, until = _span(first, last)
    with reader(load()) as here:
        answer = here.query(_HISTORY, {"first": since, "last": until, "ward": ward or ""})
    console.emit_rows(answer.names, answer.rows, as_json=as_json)
    return 0


def rules(*, as_json: bool) -> int:
    """`dongbo alerts rules`: 1 if one cannot be evaluated."""
    now_ms, rows = time.time_ns() // 1_000_000, []
    with reader(load()) as here:
        for rule in load_rules(RULES).values():
            began = time.perf_counter()
            outcome = evaluate(here, rule, now_ms)
            took_ms = round((time.perf_counter() - began) * 1000)
            state = outcome.error or "ok"
            rows.append((*_about(rule), len(outcome.findings), took_ms, state))
    columns = ("rule", "severity", "for", "every", "parameters", "vi", "en", "found", "ms", "state")
    console.emit_rows(columns, rows, as_json=as_json)
    return FINDING if any(row[-1] != "ok" for row in rows) else 0


def _about(rule: Rule) -> tuple[Any, ...]:
    parameters = ", ".join(f"{one.name}={one.default}" for one in rule.parameters)
    return rule.name, rule.severity, rule.hold_s, rule.every_s, parameters, rule.words["vi"], rule.words["en"]


def try_out(
    name: str, *, first: str | None, last: str | None, every: int, given: list[str], as_json: bool
) -> int:
    """`dongbo alerts test`: 2 for a rule that cannot be tried on history."""
    known = load_rules(RULES)
    if name not in known:
        console.note(f"no rule {name!r}; there are: {', '.join(known)}")
        return USAGE
    since, until = _span(first, last)
    try:
        with reader(load()) as here:
            over = cuts(here, since, until, every)
            found = tried(
                here, known[name], travelling(SQL_FOLDER), over, _pairs(given), now_only(SQL_FOLDER)
            )
    except Stop as refused:
        if refused.code not in ("not_as_of", "no_cuts", "too_many_cuts", "unknown_parameter", "parameter"):
            raise
        console.note(f"{name}: {refused}")
        return USAGE
    rows = [_row(alert) for alert in found]
    if as_json:
        console.emit_json(rows)
    else:
        console.emit_rows(_PAST, [[row[column] for column in _PAST] for row in rows], as_json=False)
    console.note(f"{len(rows)} alerts over {len(over)} cuts / cảnh báo trên {len(over)} mốc")
    return 0


def send_test(*, as_json: bool) -> int:
    """`dongbo alerts send-test`: 1 if a channel failed, 2 if none is set up."""
    ways, rows = channels(alerts_config(load())), []
    for way in ways:
        try:
            way.send(_example(way.name))
        except NotDelivered as error:
            rows.append((way.name, f"failed: {error}"))
        else:
            rows.append((way.name, "sent"))
    console.emit_rows(("channel", "result"), rows, as_json=as_json)
    if not ways:
        console.note("no channel is set up: DONGBO_ALERT_WEBHOOK_URL, DONGBO_ALERT_SMTP_HOST")
        return USAGE
    return FINDING if any(result != "sent" for _, result in rows) else 0


def _example(channel: str) -> Message:
    now_ms = time.time_ns() // 1_000_000
    vi, en = "Thử kênh báo", "A test of the channel"
    words = Words(vi, en, vi, en, "Không có", "None", "Không cần làm gì", "Nothing to do")
    at = (now_ms, now_ms, None, now_ms, now_ms)
    alert = Alert("test", "test", "test", OPEN, *at, "warning", "", {}, words, 0)
    return Message(f"test-{now_ms}", channel, ((START, alert),), 0)


def _span(first: str | None, last: str | None) -> tuple[datetime, datetime]:
    """A day at the end is that whole day."""
    now = datetime.now(HANOI)
    until = _instant(last, end=True) if last else now
    since = _instant(first, end=False) if first else until - timedelta(days=7)
    return since, until


def _instant(text: str, *, end: bool) -> datetime:
    try:
        if len(text) == len("2025-07-14"):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), HANOI)
            return day + timedelta(days=1) - timedelta(milliseconds=1) if end else day
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            "bad_instant",
            f"{text!r} không phải ngày hay thời điểm; viết 2025-07-14 hoặc '2025-07-14 09:30:00'",
            f"{text!r} is no day or instant; write 2025-07-14 or '2025-07-14 09:30:00'",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=HANOI)


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Stop("parameter", f"{wrong[0]!r} is not name=value", "Write -p days=7")
    return {name: value for name, _, value in pairs}


_HISTORY: Final = """
SELECT
    started_at, ended_at, severity, rule, key, ward, ward_name, age_s,
    what_vi, what_en, acked_at, acked_by, note
FROM v_alerts
WHERE started_at <= {last:DateTime64(3, 'Asia/Ho_Chi_Minh')}
    AND (ended_at IS NULL OR ended_at >= {first:DateTime64(3, 'Asia/Ho_Chi_Minh')})
    AND ({ward:String} = '' OR ward = {ward:String})
ORDER BY started_at, rule, key
"""
