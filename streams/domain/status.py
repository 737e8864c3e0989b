"""One status for a ward: the worst of alive, complete and reconciled, with its reason in words.

`judge` is a pure function of what is known of the ward at an instant, so that a cut can be judged again and
gives the same. Reasons are stable codes; their words carry the figures that an operator acts on.

**Complete up to.** `complete_ms` is the newest instant that is proven (see `sync`), and where the office has
closed since, on up to now or to the next opening: in a closed office nothing happens. That takes a proof that
came near the closing, or after it, and ends where a heartbeat says that something waits. It never decreases
while the ward's record is kept and its office hours stay: what comes to light later does not take it back, it
leaves the ward out of the cut.

**Covered.** A cut covers a ward that is alive, of which no known seq is missing, and whose proven instant is
no older than a silence may be (`unproven` otherwise). So what a cut says to be complete up to is never older
than that in office hours; and an office that was silent when it closed stays left out until it is heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from producers.contract.vocabulary import Words
from streams.domain import alive as life
from streams.domain.alive import Alive, Thresholds, WardHours
from streams.domain.certificate import Certificate, Findings, Hole
from streams.domain.phrases import phrase

COMPLETE: Final = "complete"
MISSING: Final = "missing"
UNKNOWN: Final = "unknown"

MATCHED: Final = "matched"
OPEN: Final = "open"
MISMATCH: Final = "mismatch"

GOOD: Final = "good"
WAITING: Final = "waiting"
ATTENTION: Final = "attention"
BAD: Final = "bad"

# Worst first: of several reasons the first is the ward's.
LEVEL_OF: Final = {
    "silent": BAD,
    "silent_before_closing": BAD,
    "missing": BAD,
    "mismatch": BAD,
    "difference": BAD,
    "behind": ATTENTION,
    "in_flight": ATTENTION,
    "unproven": ATTENTION,
    "conflict": ATTENTION,
    "not_declared": ATTENTION,
    "clock_skew": ATTENTION,
    "never": WAITING,
    "active": GOOD,
    "quiet": GOOD,
    "closed": GOOD,
}
REASONS: Final = tuple(LEVEL_OF)


class Previous(NamedTuple):
    """The judgement before: a reason that goes on keeps its beginning."""

    reason: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a ward stands at `at_ms`."""

    at_ms: int
    alive: Alive
    complete: str
    reconciled: str
    status: str
    reason: str
    words: Words
    since_ms: int
    covered: bool
    left_out: str
    complete_ms: int | None


def judge(
    certificate: Certificate,
    hours: WardHours,
    findings: Findings,
    at_ms: int,
    limits: Thresholds,
    previous: Previous | None = None,
) -> Judgement:
    """Judge a ward for an instant."""
    living = life.alive(certificate, hours, at_ms, limits)
    due = _undeclared(hours, findings, at_ms, limits) if certificate.known else None
    left_out = _left_out(certificate, hours, living, at_ms, limits)
    reason = _reason(certificate, living, findings, left_out, due, at_ms, limits)
    return Judgement(
        at_ms=at_ms,
        alive=living,
        complete=_complete(certificate),
        reconciled=_reconciled(findings, due),
        status=LEVEL_OF[reason],
        reason=reason,
        words=phrase(reason, certificate, findings, due, at_ms),
        since_ms=_since(reason, certificate, living, at_ms, limits, previous),
        covered=not left_out,
        left_out=left_out,
        complete_ms=_complete_ms(certificate, hours, at_ms, limits),
    )


def _complete(certificate: Certificate) -> str:
    if not certificate.known:
        return UNKNOWN
    return MISSING if certificate.missing else COMPLETE


def _undeclared(hours: WardHours, findings: Findings, at_ms: int, limits: Thresholds) -> date | None:
    """The day that should be declared by now and is not; a ward that joined after it owes nothing."""
    day = hours.day_to_declare(at_ms, limits.declare_by_minute)
    if day is None or day in findings.declared:
        return None
    return day if findings.first_ms and life.day_of(findings.first_ms) <= day else None


def _reconciled(findings: Findings, due: date | None) -> str:
    if findings.mismatches or findings.differences:
        return MISMATCH
    if due is not None:
        return OPEN
    return MATCHED if findings.declared else UNKNOWN


def _reason(
    certificate: Certificate,
    living: Alive,
    findings: Findings,
    left_out: str,
    due: date | None,
    at_ms: int,
    limits: Thresholds,
) -> str:
    skewed = certificate.skew_ms is not None and abs(certificate.skew_ms) > limits.skew_max_s * 1000
    age_ms = _age_ms(certificate, at_ms)
    holds = {
        "silent": living.word == life.SILENT,
        "silent_before_closing": living.word == life.CLOSED and living.since_ms > 0,
        "missing": age_ms > limits.hole_old_s * 1000,
        "mismatch": bool(findings.mismatches),
        "difference": findings.differences > 0,
        "behind": living.word == life.BEHIND,
        "in_flight": age_ms > limits.hole_grace_s * 1000,
        "unproven": left_out == "unproven",
        "conflict": findings.conflicts > 0,
        "not_declared": due is not None,
        "clock_skew": skewed,
    }
    return next((reason for reason, true in holds.items() if true), living.word)


def _age_ms(certificate: Certificate, at_ms: int) -> int:
    """How long the oldest hole has been known; -1 without one."""
    oldest = certificate.oldest_hole
    return -1 if oldest is None else at_ms - oldest.since_ms


def _left_out(
    certificate: Certificate, hours: WardHours, living: Alive, at_ms: int, limits: Thresholds
) -> str:
    """Why a cut does not cover the ward; empty if it does. Even a young hole is a hole."""
    if living.word in (life.NEVER, life.SILENT, life.BEHIND):
        return living.word
    if living.since_ms:
        return "silent_before_closing"
    if certificate.missing:
        return "missing" if _age_ms(certificate, at_ms) > limits.hole_old_s * 1000 else "in_flight"
    return "unproven" if _unproven(certificate, hours, living, at_ms, limits) else ""


def _unproven(
    certificate: Certificate, hours: WardHours, living: Alive, at_ms: int, limits: Thresholds
) -> bool:
    """Whether the proven instant is older than a silence may be. Closed, what waits has one grace to come."""
    if not certificate.proven_ms:
        return True
    if certificate.doubt_ms and not living.open and at_ms - certificate.doubt_ms > limits.hole_grace_s * 1000:
        return True
    until_ms = life.silent_at(hours, certificate.proven_ms, at_ms, limits.silent_after_s)
    return until_ms is not None and until_ms <= at_ms


def _complete_ms(certificate: Certificate, hours: WardHours, at_ms: int, limits: Thresholds) -> int | None:
    """Up to which instant all that happened is here; None if that is not known of any."""
    if not certificate.proven_ms:
        return None
    proven_ms = min(certificate.proven_ms, at_ms)
    idle_ms = life.idle_until(hours, proven_ms, at_ms, limits.silent_after_s)
    return max(proven_ms, min(idle_ms, certificate.doubt_ms or idle_ms))


def _since(
    reason: str,
    certificate: Certificate,
    living: Alive,
    at_ms: int,
    limits: Thresholds,
    previous: Previous | None,
) -> int:
    oldest: Hole | None = certificate.oldest_hole
    if reason in ("silent", "silent_before_closing"):
        return living.since_ms
    if reason in ("missing", "in_flight") and oldest is not None:
        return oldest.since_ms
    if previous is not None and previous.reason == reason:
        return min(previous.since_ms, at_ms)
    return at_ms
