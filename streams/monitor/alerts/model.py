"""What travels through the alerts: a rule finds, findings make an alert, an alert is delivered.

Instants are milliseconds since 1970, so that the pure parts need no clock and no zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

WARNING, CRITICAL = "warning", "critical"
PENDING, OPEN, ENDING, ENDED, DROPPED = "pending", "open", "ending", "ended", "dropped"
# An alert in one of these states may still change.
LIVE: Final = frozenset({PENDING, OPEN, ENDING})
START, END = "start", "end"
WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"

Key = tuple[str, str]


class Words(NamedTuple):
    """What a person reads about an alert, in both languages."""

    title_vi: str
    title_en: str
    what_vi: str
    what_en: str
    impact_vi: str
    impact_en: str
    next_vi: str
    next_en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of a rule. The same rule and key is the same alert.

    `starts`: whether it may open one; if not, it only keeps one open.
    """

    rule: str
    key: str
    ward: str
    since_ms: int
    severity: str
    values: Mapping[str, str]
    words: Words
    starts: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation of a rule said. Only a `whole` one is proof that an alert has ended."""

    rule: str
    findings: tuple[Finding, ...] = ()
    whole: bool = True
    hold_ms: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands; `version` rises with each change."""

    id: str
    rule: str
    key: str
    state: str
    seen_ms: int
    started_ms: int | None
    ended_ms: int | None
    last_seen_ms: int
    since_ms: int
    severity: str
    ward: str
    values: Mapping[str, str]
    words: Words
    version: int

    @property
    def where(self) -> Key:
        """Rule and key."""
        return self.rule, self.key


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event of one alert over one channel. Deliveries of one `message` go out, or fail, together."""

    alert_id: str
    event: str
    channel: str
    message: str
    created_ms: int
    next_ms: int
    state: str = WAITING
    attempts: int = 0
    error: str = ""
    version: int = field(default=0, compare=False)

    @property
    def where(self) -> tuple[str, str, str]:
        """What there is at most one delivery of."""
        return self.alert_id, self.event, self.channel


def alert_id(rule: str, key: str, seen_ms: int) -> str:
    """The name of an alert: the same finding gives the same name in every process."""
    return hashlib.sha256(f"{rule}\0{key}\0{seen_ms}".encode()).hexdigest()[:20]
