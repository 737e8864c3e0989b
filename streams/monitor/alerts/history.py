"""Try a rule on history: ask it as of each cut of a span, and fold what it found as the monitor would have.

Nothing is written. A cut's answers never change, so neither does this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from producers.contract.errors import Stop
from producers.contract.vocabulary import Words
from streams.monitor.alerts.evaluate import evaluate
from streams.monitor.alerts.fold import fold
from streams.monitor.alerts.model import DROPPED, PENDING, Alert, Key
from streams.monitor.alerts.rules import Rule
from streams.warehouse.as_of import bound, question_at
from streams.warehouse.store import Store

# An evaluation takes some milliseconds: more than these would be a wait of an hour.
CUTS_MAX: Final = 20_000
_CUTS: Final = """
SELECT number, at FROM v_city_cut
WHERE at BETWEEN {first:DateTime64(3, 'Asia/Ho_Chi_Minh')} AND {last:DateTime64(3, 'Asia/Ho_Chi_Minh')}
ORDER BY number
"""
_SEE: Final = "What it found is in: dongbo alerts history"
Cut = tuple[int, int]


def cuts(store: Store, first: datetime, last: datetime, every_s: int) -> list[Cut]:
    """Number and instant of the cuts of a span, at least `every_s` apart.

    :raises Stop: `no_cuts`: none was published in the span; `too_many_cuts`
    :raises Unavailable: ClickHouse is away
    """
    rows = store.query(_CUTS, {"first": first, "last": last}).rows
    chosen: list[Cut] = []
    for number, at in rows:
        at_ms = round(at.timestamp() * 1000)
        if not chosen or at_ms - chosen[-1][1] >= every_s * 1000:
            chosen.append((number, at_ms))
    if not chosen:
        raise Stop("no_cuts", "no cut was published in this span / không có mốc nào", "See: dongbo cut list")
    if len(chosen) > CUTS_MAX:
        raise Stop("too_many_cuts", f"{len(chosen)} evaluations", "Give a shorter span, or --every 300")
    return chosen


def tried(
    store: Store,
    rule: Rule,
    names: frozenset[str],
    over: list[Cut],
    given: Mapping[str, str],
    why: Mapping[str, Words] | None = None,
) -> list[Alert]:
    """The alerts that the rule would have made, by their start; one that is open at the last cut has no end.
    `why` are the reasons of views that cannot be asked as of a cut (`as_of.now_only`).

    :raises Stop: `not_as_of`: the rule is about this moment only; `rule_failed`; `unknown_parameter`
    :raises Unavailable: ClickHouse is away
    """
    if not rule.on_history:
        raise Stop("not_as_of", f"{rule.name} is about this moment only / chỉ xét được lúc này", _SEE)
    found: dict[str, Alert] = {}
    for alert in _folded(store, rule, question_at(rule.sql, names, why), over, given):
        found[alert.id] = alert
    started = [alert for alert in found.values() if alert.started_ms is not None]
    return sorted(started, key=lambda alert: (alert.started_ms or 0, alert.key))


def _folded(store: Store, rule: Rule, sql: str, over: list[Cut], given: Mapping[str, str]) -> Iterator[Alert]:
    """Every change of every alert, and last those that are still open."""
    live: dict[Key, Alert] = {}
    for number, at_ms in over:
        outcome = evaluate(store, rule, at_ms, sql=sql, given=given, bound=bound(str(number)))
        if outcome.error:
            raise Stop("rule_failed", f"{rule.name} at cut {number}: {outcome.error}", "Correct the rule")
        folded = fold(live, [outcome], at_ms)
        live = folded.live
        yield from (alert for alert in folded.changed if alert.state not in (PENDING, DROPPED))
    yield from (alert for alert in live.values() if alert.state != PENDING)
