"""Ask ClickHouse what the rules find, and put it into words.

A rule that cannot be asked is itself a finding, of the rule `rule-failed`: what is not watched must be said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from producers.contract.errors import Stop
from producers.contract.wards import WARDS
from streams.domain.days import HANOI
from streams.monitor.alerts.model import CRITICAL, Finding, Outcome, Words
from streams.monitor.alerts.rules import WORDS, Rule, values_of
from streams.warehouse.store import Store

FAILED: Final = "rule-failed"
# More than this is one great trouble and not so many small ones; the rule's alert says that there are more.
ROWS_MAX: Final = 1_000
# For the user who may write: rules only read. A reader has limits of its own, and may not name any.
LIMITS: Final = {"max_execution_time": 20, "readonly": 2}
_NEEDED: Final = ("key", "ward", "since")
_PLACE: Final = re.compile(r"\{(\w+)\}")
# A rule may fail once without a word: a view is replaced, the engine is restarted.
_HOLD_FAILED_MS: Final = 30_000


def evaluate(
    store: Store,
    rule: Rule,
    now_ms: int,
    *,
    sql: str | None = None,
    given: Mapping[str, str] | None = None,
    bound: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
) -> Outcome:
    """One rule, now; or in another form of its SQL, as of a cut.

    Never raises for what the rule or ClickHouse does wrong: the outcome says so, and is not whole.

    :raises Stop: `unknown_parameter`
    """
    values = {**values_of(rule, given), **(bound or {})}
    try:
        rows = store.query(sql or rule.sql, values, limits)
        # An answer without rows may come without names.
        missing = [name for name in _NEEDED if rows.rows and name not in rows.names]
        if missing:
            raise Stop("bad_rule", f"{rule.name} has no column {', '.join(missing)}", "Add it")
        found = tuple(_finding(rule, row, now_ms) for row in rows.dicts()[:ROWS_MAX])
    except Exception as refused:  # whatever a rule does wrong, the others go on
        return Outcome(rule.name, whole=False, hold_ms=rule.hold_s * 1000, error=str(refused))
    more = len(rows.rows) - len(found)
    too_many = f"{more} more rows than {ROWS_MAX}" if more else ""
    return Outcome(rule.name, found, not more, rule.hold_s * 1000, too_many)


def failures(errors: Mapping[str, str], rules: int, now_ms: int) -> Outcome:
    """The outcome of `rule-failed`: `errors` are those of the rules that failed, of so many `rules`."""
    # Away as a whole, ClickHouse is one trouble, not as many as there are rules.
    if len(errors) > max(2, rules // 2):
        found = [_failed("*", next(iter(errors.values())), now_ms)]
    else:
        found = [_failed(name, error, now_ms) for name, error in errors.items()]
    return Outcome(FAILED, tuple(found), hold_ms=_HOLD_FAILED_MS)


def _finding(rule: Rule, row: Mapping[str, Any], now_ms: int) -> Finding:
    ward = str(row["ward"])
    since = row["since"]
    full = {"ward_name": WARDS[ward].name if ward in WARDS else "", **row}
    return Finding(
        rule=rule.name,
        key=str(row["key"]),
        ward=ward,
        since_ms=round(since.timestamp() * 1000) if isinstance(since, datetime) else now_ms,
        severity=rule.severity,
        values={
            name: said(value, "") for name, value in full.items() if name not in ("key", "ward", "starts")
        },
        words=Words(*(filled(rule.words[name], full, name[-2:]) for name in WORDS)),
        starts=bool(row.get("starts", True)),
    )


def filled(template: str, row: Mapping[str, Any], language: str) -> str:
    """A template with the row's values; a name that is no column stays as it is, so that it is noticed."""
    return _PLACE.sub(lambda place: said(row[place[1]], language) if place[1] in row else place[0], template)


def said(value: Any, language: str) -> str:
    """A value as a person reads it; without a language as a program does. Days are always YYYY-MM-DD, as
    commands take them, and whole numbers are not grouped."""
    if isinstance(value, datetime):
        local = value.astimezone(HANOI)
        if language == "":
            return local.isoformat(timespec="milliseconds")
        return local.strftime("%H:%M:%S %d/%m/%Y" if language == "vi" else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        text = f"{value:.4g}"
        return text.replace(".", ",") if language == "vi" else text
    if isinstance(value, list | tuple):
        return ", ".join(said(item, language) for item in value)
    return "-" if value is None else str(value)


def _failed(name: str, error: str, now_ms: int) -> Finding:
    vi = "mọi luật" if name == "*" else f"luật {name}"
    en = "all rules" if name == "*" else f"the rule {name}"
    return Finding(
        rule=FAILED,
        key=name,
        ward="",
        since_ms=now_ms,
        severity=CRITICAL,
        values={"rule": name, "error": error},
        words=Words(
            "Luật cảnh báo không chạy được",
            "An alert rule cannot be evaluated",
            f"Không xét được {vi}: {error}",
            f"Could not evaluate {en}: {error}",
            "Việc mà luật canh chừng đang không được canh; cảnh báo đang mở của luật vẫn mở",
            "What it watches is not watched now; its open alerts stay open",
            "Chạy: ./dev doctor; rồi: dongbo alerts rules",
            "Run: ./dev doctor; then: dongbo alerts rules",
        ),
    )
