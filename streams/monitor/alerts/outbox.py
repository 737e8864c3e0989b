"""What is to be told, to whom, and when again: the deliveries of all channels, in memory, thread-safe.

Invariants:
- Each start and each end of an alert is delivered once over each channel: a delivery is made once, keeps its
  message's id for ever, and leaves the state `waiting` once.
- The end of an alert is not told before its start.
- A message that failed waits longer each time, for a day, and is then given up; the others go on.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from streams.monitor.alerts.model import (
    END,
    ENDED,
    GIVEN_UP,
    SENT,
    START,
    WAITING,
    Alert,
    Delivery,
)

FIRST_WAIT_MS: Final = 5_000
LONGEST_WAIT_MS: Final = 15 * 60_000
GIVE_UP_MS: Final = 24 * 3_600_000
# What ended before a channel was set up is old news after this.
NEWS_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out at once over a channel: one start, one end, or a digest of many."""

    id: str
    channel: str
    parts: tuple[tuple[str, Alert], ...]
    attempts: int

    @property
    def kind(self) -> str:
        """start, end or digest."""
        return self.parts[0][0] if len(self.parts) == 1 else "digest"


def plan(
    alerts: Iterable[Alert],
    known: Iterable[tuple[str, str, str]],
    channels: Iterable[str],
    now_ms: int,
    digest_over: int,
) -> list[Delivery]:
    """The deliveries that are not known yet; more than `digest_over` of a channel are one message."""
    there, made = set(known), []
    candidates = [(alert, event) for alert in alerts for event in _events(alert)]
    for channel in channels:
        fresh = [
            (alert, event) for alert, event in candidates if _wanted(alert, event, channel, there, now_ms)
        ]
        one = _digest_id(fresh) if len(fresh) > digest_over else ""
        made += [
            Delivery(alert.id, event, channel, one or f"{alert.id}-{event}", now_ms, now_ms, version=now_ms)
            for alert, event in fresh
        ]
    return made


def _events(alert: Alert) -> tuple[str, ...]:
    if alert.started_ms is None:
        return ()
    return (START, END) if alert.state == ENDED else (START,)


def _wanted(alert: Alert, event: str, channel: str, there: set[tuple[str, str, str]], now_ms: int) -> bool:
    """Nobody wants yesterday's news: what ended before a channel was set up is not told over it."""
    if (alert.id, event, channel) in there:
        return False
    known_here = (alert.id, START, channel) in there
    return known_here or alert.state != ENDED or now_ms - (alert.ended_ms or 0) < NEWS_MS


def _digest_id(fresh: Sequence[tuple[Alert, str]]) -> str:
    names = ",".join(sorted(f"{alert.id}-{event}" for alert, event in fresh))
    return "digest-" + hashlib.sha256(names.encode()).hexdigest()[:20]


def wait_ms(attempts: int, first_ms: int = FIRST_WAIT_MS) -> int:
    """How long to wait after so many attempts: 5 s, 10 s, 20 s, ... up to 15 minutes."""
    return min(int(first_ms * 2 ** min(attempts - 1, 30)), LONGEST_WAIT_MS)


class Outbox:
    """The deliveries. Thread-safe; nothing is written while the lock is held."""

    def __init__(self, first_wait_ms: int = FIRST_WAIT_MS) -> None:
        self._lock = threading.Lock()
        self._first_wait_ms = first_wait_ms
        self._all: dict[tuple[str, str, str], Delivery] = {}
        self._alerts: dict[str, Alert] = {}
        self._dirty: set[tuple[str, str, str]] = set()

    def known(self) -> set[tuple[str, str, str]]:
        """Alert, event and channel of every delivery."""
        with self._lock:
            return set(self._all)

    def learn(self, deliveries: Iterable[Delivery], alerts: Iterable[Alert], *, stored: bool) -> None:
        """Take deliveries over: those from ClickHouse are `stored`, new ones are to be written."""
        with self._lock:
            self._alerts.update((alert.id, alert) for alert in alerts)
            for delivery in deliveries:
                if delivery.where not in self._all:
                    self._all[delivery.where] = delivery
                    if not stored:
                        self._dirty.add(delivery.where)

    def due(self, channel: str, now_ms: int) -> list[Message]:
        """Messages to send now over a channel, the longest due first."""
        with self._lock:
            waiting: dict[str, list[Delivery]] = {}
            for one in self._all.values():
                if one.channel == channel and one.state == WAITING and one.alert_id in self._alerts:
                    waiting.setdefault(one.message, []).append(one)
            ready = [
                group for group in waiting.values() if group[0].next_ms <= now_ms and self._started(group)
            ]
            ready.sort(key=lambda group: (group[0].next_ms, group[0].created_ms))
            return [self._message(group) for group in ready]

    def done(self, message: Message, now_ms: int, error: str = "") -> None:
        """A message was sent, or failed with `error` and is to be tried again."""
        with self._lock:
            for event, alert in message.parts:
                where = alert.id, event, message.channel
                self._all[where] = self._after(self._all[where], now_ms, error)
                self._dirty.add(where)

    def flush(self, write: Callable[[list[Delivery]], None]) -> None:
        """Write what changed; what `write` raises leaves all of it to be written."""
        with self._lock:
            dirty = {where: self._all[where] for where in self._dirty}
        if not dirty:
            return
        write(list(dirty.values()))
        with self._lock:
            self._dirty -= {where for where, one in dirty.items() if self._all[where] is one}

    def forget(self, keep: Iterable[str]) -> None:
        """Drop what is done, written, and of alerts that are not among `keep`."""
        wanted = set(keep)
        with self._lock:
            self._all = {
                where: one
                for where, one in self._all.items()
                if one.state == WAITING or where in self._dirty or one.alert_id in wanted
            }
            needed = wanted | {one.alert_id for one in self._all.values()}
            self._alerts = {name: alert for name, alert in self._alerts.items() if name in needed}

    def waiting(self) -> int:
        """Deliveries that are not done."""
        with self._lock:
            return sum(one.state == WAITING for one in self._all.values())

    def _started(self, group: Sequence[Delivery]) -> bool:
        """An end waits for its own start, unless both are in one message."""
        for one in group:
            start = self._all.get((one.alert_id, START, one.channel))
            apart = start is not None and start.message != one.message
            if one.event == END and apart and start is not None and start.state == WAITING:
                return False
        return True

    def _message(self, group: Sequence[Delivery]) -> Message:
        parts = tuple((one.event, self._alerts[one.alert_id]) for one in group)
        return Message(group[0].message, group[0].channel, parts, group[0].attempts)

    def _after(self, one: Delivery, now_ms: int, error: str) -> Delivery:
        attempts, version = one.attempts + 1, max(one.version + 1, now_ms)
        if not error:
            return replace(one, state=SENT, attempts=attempts, next_ms=now_ms, error="", version=version)
        over = now_ms - one.created_ms >= GIVE_UP_MS
        return replace(
            one,
            state=GIVEN_UP if over else WAITING,
            attempts=attempts,
            next_ms=now_ms if over else now_ms + wait_ms(attempts, self._first_wait_ms),
            error=error[:500],
            version=version,
        )
