"""One evaluation after another: ask the rules, fold, write, and hand to the senders what is to be told.

Invariants:
- Nothing is sent before ClickHouse has it, unless ClickHouse is away: then it is sent, and written later.
- A restarted engine goes on from ClickHouse: open alerts stay open, what was sent is not sent again.
- Sending has threads of its own: however slow a receiver is, evaluation goes on.
- Of two engines at once each takes over, within a minute, what the other wrote; until then both may tell of
  the same thing.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from producers.contract.errors import Stop, Unavailable
from streams.monitor.alerts import ledger
from streams.monitor.alerts.channels import Channel, channels
from streams.monitor.alerts.config import AlertsConfig
from streams.monitor.alerts.evaluate import FAILED, LIMITS, evaluate, failures
from streams.monitor.alerts.fold import adopt, fold
from streams.monitor.alerts.model import CRITICAL, ENDED, OPEN, Alert, Delivery, Key, Outcome
from streams.monitor.alerts.outbox import Outbox, plan
from streams.monitor.alerts.rules import Rule, read
from streams.monitor.alerts.sender import Sender
from streams.warehouse.store import Store

# An open alert's row is written again this often, for its figures and for when it was seen last.
REFRESH_MS: Final = 60_000


class Engine:
    """The alerts of one monitor. `tick` is called by one thread."""

    def __init__(
        self, config: AlertsConfig, stop: threading.Event, ways: list[Channel] | None = None
    ) -> None:
        self._config, self._stop = config, stop
        self._ways = channels(config) if ways is None else ways
        self._outbox = Outbox(config.first_wait_ms)
        self._senders: list[Sender] = []
        self._live: dict[Key, Alert] = {}
        self._read_ms: int | None = None
        self._recent: list[Alert] = []
        self._unwritten: dict[str, Alert] = {}
        self._written_ms: dict[str, int] = {}
        self._asked_ms: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._last: dict[str, str] = {}

    def tick(self, store: Store, now_ms: int) -> dict[str, Any]:
        """One evaluation; facts for health.

        :raises Unavailable: ClickHouse is away. What was found meanwhile is kept, sent, and written later
        """
        began = time.perf_counter()
        self._take_over(store, now_ms)
        folded = fold(self._live, self._outcomes(store, now_ms), now_ms)
        self._live = folded.live
        ended = [alert for alert in folded.changed if alert.state == ENDED]
        self._tell(store, [*self._recent, *folded.live.values(), *ended], folded.changed, now_ms)
        self._recent = []
        self._outbox.forget(alert.id for alert in folded.live.values())
        return self._facts(round((time.perf_counter() - began) * 1000))

    def close(self, timeout_s: float = 15.0) -> None:
        """After `stop`: wait for messages that are on their way."""
        for sender in self._senders:
            sender.join(timeout_s)

    def _take_over(self, store: Store, now_ms: int) -> None:
        """Read what is stored: at first, and then every minute, unless what we know is not written yet.

        :raises Unavailable: ClickHouse is away, and was never read
        """
        if self._read_ms is None:
            self._read(store, now_ms)
            self._start_senders(store)
        elif not self._unwritten and now_ms - self._read_ms >= REFRESH_MS:
            # Away later, ClickHouse is itself what an alert is about.
            with suppress(Unavailable):
                self._read(store, now_ms)

    def _read(self, store: Store, now_ms: int) -> None:
        alerts, deliveries = ledger.alerts(store, now_ms), ledger.deliveries(store, now_ms)
        adopted = adopt(self._live, alerts, now_ms)
        self._live = adopted.live
        self._unwritten = {alert.id: alert for alert in adopted.changed}
        self._recent = [alert for alert in alerts if alert.state == ENDED]
        self._outbox.learn(deliveries, alerts, stored=True)
        self._read_ms = now_ms

    def _start_senders(self, store: Store) -> None:
        def write(changed: list[Delivery]) -> None:
            ledger.write_deliveries(store, changed)

        self._senders = [
            Sender(way, self._outbox, write, self._stop, self._config.first_wait_ms).start()
            for way in self._ways
        ]

    def _outcomes(self, store: Store, now_ms: int) -> list[Outcome]:
        """The rules that are to be asked now, those that are no more, and `rule-failed`."""
        rules, unreadable = self._rules()
        asked = [
            evaluate(store, rule, now_ms, limits=LIMITS)
            for rule in rules.values()
            if self._is_due(rule, now_ms)
        ]
        self._last |= {outcome.rule: outcome.error for outcome in asked}
        failing = {name: error for name, error in self._last.items() if error and name in rules}
        self._errors = unreadable | failing
        known = rules.keys() | unreadable.keys() | {FAILED}
        gone = {rule for rule, _ in self._live} - known
        return [*asked, *map(Outcome, gone), failures(self._errors, len(rules), now_ms)]

    def _is_due(self, rule: Rule, now_ms: int) -> bool:
        """A rule that failed is asked again at once, however seldom it is asked otherwise."""
        asked_ms = self._asked_ms.get(rule.name)
        fresh = asked_ms is not None and 0 <= now_ms - asked_ms < rule.every_s * 1000
        if fresh and not self._last.get(rule.name):
            return False
        self._asked_ms[rule.name] = now_ms
        return True

    def _rules(self) -> tuple[dict[str, Rule], dict[str, str]]:
        """The files as they are now; a wrong one silences itself only."""
        rules, errors = {}, {}
        for path in sorted(self._config.rules.glob("*.sql")):
            try:
                rules[path.stem] = read(path)
            except (Stop, OSError, UnicodeDecodeError) as error:
                errors[path.stem] = str(error)
        if not rules:
            # Without this, a wrong folder would end every alert.
            raise Stop("no_rules", f"no alert rules in {self._config.rules}", "Restore sql/alerts")
        return rules, errors

    def _tell(self, store: Store, alerts: list[Alert], changed: Iterable[Alert], now_ms: int) -> None:
        fresh = plan(
            alerts,
            self._outbox.known(),
            [way.name for way in self._ways],
            now_ms,
            self._config.digest_over,
        )
        self._unwritten |= {alert.id: alert for alert in (*self._stale(now_ms), *changed)}
        try:
            self._write(store, fresh, now_ms)
        except Unavailable:
            self._outbox.learn(fresh, alerts, stored=False)
            raise
        self._outbox.learn(fresh, alerts, stored=True)

    def _write(self, store: Store, fresh: list[Delivery], now_ms: int) -> None:
        ledger.write_alerts(store, list(self._unwritten.values()))
        self._written_ms |= dict.fromkeys(self._unwritten, now_ms)
        self._unwritten = {}
        living = {alert.id for alert in self._live.values()}
        self._written_ms = {name: at for name, at in self._written_ms.items() if name in living}
        ledger.write_deliveries(store, fresh)
        self._outbox.flush(lambda waiting: ledger.write_deliveries(store, waiting))

    def _stale(self, now_ms: int) -> list[Alert]:
        return [
            alert
            for alert in self._live.values()
            if alert.state == OPEN and now_ms - self._written_ms.get(alert.id, 0) >= REFRESH_MS
        ]

    def _facts(self, took_ms: int) -> dict[str, Any]:
        opened = [alert for alert in self._live.values() if alert.state == OPEN]
        return {
            "open": len(opened),
            "critical": sum(alert.severity == CRITICAL for alert in opened),
            "severities": dict(Counter(alert.severity for alert in opened)),
            "rules_failed": dict(self._errors),
            "waiting": self._outbox.waiting(),
            "channels": {sender.name: sender.error or "ok" for sender in self._senders},
            "took_ms": took_ms,
        }
