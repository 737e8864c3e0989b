"""The pure heart: what rules found now, and the alerts that live, give the alerts as they stand after it.

Invariants:
- Of one rule and key at most one alert lives.
- An alert opens when its rule has found it at every evaluation for the rule's `for`, till then it is pending.
- A finding that may not start an alert keeps one that is open, and is as if not found otherwise.
- Only a whole evaluation of its own rule ends an alert; a rule that failed, or was not asked, ends nothing.
- An alert that returns within `FLAP_MS` of its end goes on; so its end is final, and told, only after that.
- Nothing here depends on anything but the arguments: a monitor that was restarted goes on from stored alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from streams.monitor.alerts.model import (
    DROPPED,
    ENDED,
    ENDING,
    LIVE,
    OPEN,
    PENDING,
    Alert,
    Finding,
    Key,
    Outcome,
    alert_id,
)

FLAP_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Folded:
    """The alerts that live on, and those whose state changed (ended and dropped ones among them)."""

    live: dict[Key, Alert]
    changed: list[Alert]


def fold(live: Mapping[Key, Alert], outcomes: Iterable[Outcome], now_ms: int) -> Folded:
    """One evaluation. Rules that have no outcome keep their alerts as they are."""
    after, changed = dict(live), []
    for outcome in outcomes:
        for alert in _of_rule(live, outcome, now_ms):
            before = live.get(alert.where)
            if before is None or (before.id, before.state) != (alert.id, alert.state):
                changed.append(alert)
            if alert.state in LIVE:
                after[alert.where] = alert
            else:
                del after[alert.where]
    return Folded(after, changed)


def _of_rule(live: Mapping[Key, Alert], outcome: Outcome, now_ms: int) -> Iterator[Alert]:
    """The alerts of a rule that are touched. Of findings with the same key the first counts."""
    found: dict[Key, Finding] = {}
    for finding in outcome.findings:
        where = (outcome.rule, finding.key)
        if finding.starts or _is_open(live.get(where), now_ms):
            found.setdefault(where, finding)
    for where, finding in found.items():
        alert = live.get(where)
        if alert is not None and _is_over(alert, now_ms):
            yield replace(alert, state=ENDED, version=_next(alert, now_ms))
            alert = None
        yield _seen(alert or _new(finding, now_ms), finding, outcome, now_ms)
    if outcome.whole:
        for where, alert in live.items():
            if where[0] == outcome.rule and where not in found:
                yield _unseen(alert, now_ms)


def _is_open(alert: Alert | None, now_ms: int) -> bool:
    return alert is not None and alert.state != PENDING and not _is_over(alert, now_ms)


def _is_over(alert: Alert, now_ms: int) -> bool:
    return alert.state == ENDING and alert.ended_ms is not None and now_ms - alert.ended_ms > FLAP_MS


def _seen(alert: Alert, finding: Finding, outcome: Outcome, now_ms: int) -> Alert:
    state, started = alert.state, alert.started_ms
    if state == ENDING:
        state = OPEN
    elif state == PENDING and now_ms - alert.seen_ms >= outcome.hold_ms:
        state, started = OPEN, now_ms
    return replace(
        alert,
        state=state,
        started_ms=started,
        ended_ms=None,
        last_seen_ms=max(alert.last_seen_ms, now_ms),
        # The matter began when it began: a rule that looks at a window must not move it forward.
        since_ms=min(alert.since_ms, finding.since_ms),
        severity=finding.severity,
        ward=finding.ward,
        values=finding.values,
        words=finding.words,
        version=_next(alert, now_ms),
    )


def _unseen(alert: Alert, now_ms: int) -> Alert:
    if alert.state == PENDING:
        return replace(alert, state=DROPPED, ended_ms=now_ms, version=_next(alert, now_ms))
    if alert.state == OPEN:
        return replace(alert, state=ENDING, ended_ms=now_ms, version=_next(alert, now_ms))
    if _is_over(alert, now_ms):
        return replace(alert, state=ENDED, version=_next(alert, now_ms))
    return alert


def _new(finding: Finding, now_ms: int) -> Alert:
    return Alert(
        id=alert_id(finding.rule, finding.key, now_ms),
        rule=finding.rule,
        key=finding.key,
        state=PENDING,
        seen_ms=now_ms,
        started_ms=None,
        ended_ms=None,
        last_seen_ms=now_ms,
        since_ms=finding.since_ms,
        severity=finding.severity,
        ward=finding.ward,
        values=finding.values,
        words=finding.words,
        version=0,
    )


def _next(alert: Alert, now_ms: int) -> int:
    """Above every earlier version, also that of a monitor whose clock was ahead."""
    return max(alert.version + 1, now_ms)


def adopt(live: Mapping[Key, Alert], stored: Iterable[Alert], now_ms: int) -> Folded:
    """Take over what another monitor wrote: an alert's newest version, of two for one thing the older.

    The other is dropped, so that it does not stay open with nobody to end it.
    """
    newest = {alert.id: alert for alert in live.values()}
    for alert in stored:
        if alert.id not in newest or alert.version > newest[alert.id].version:
            newest[alert.id] = alert
    after, dropped = dict[Key, Alert](), []
    for alert in sorted(newest.values(), key=lambda one: (one.seen_ms, one.id)):
        if alert.state in LIVE and alert.where in after:
            dropped.append(replace(alert, state=DROPPED, ended_ms=now_ms, version=_next(alert, now_ms)))
        elif alert.state in LIVE:
            after[alert.where] = alert
    return Folded(after, dropped)
