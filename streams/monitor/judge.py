"""All wards, judged for one instant: what ClickHouse knows of them, put through the rules of the domain.

A `Judge` belongs to one job and keeps what need not be asked again: first arrivals, the arrival delays of the
last day, and the state before, from which a hole and a reason that go on have their beginning.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from producers.contract.errors import Unavailable
from producers.contract.wards import WARDS
from streams.domain.alive import Thresholds, WardHours
from streams.domain.certificate import Certificate, Epoch, Findings, Hole, inherited, present_epoch
from streams.domain.status import Judgement, Previous, judge
from streams.monitor import inputs
from streams.monitor.conflicts import Conflicts
from streams.monitor.inputs import Beats, SyncRow
from streams.warehouse.store import Store

# Costly, and slow to change.
_REFRESH_S: Final = 60.0
_TAILS_MAX: Final = 100


class Ward(NamedTuple):
    """One ward, judged."""

    certificate: Certificate
    findings: Findings
    judgement: Judgement


class _Slow(NamedTuple):
    at_ms: int
    beats: dict[str, Beats]
    days: dict[str, inputs.Day]


class Judge:
    """Judges all wards. One thread at a time."""

    def __init__(self, limits: Thresholds, conflicts: Conflicts, slow_every_s: float = 0.0) -> None:
        """`slow_every_s`: what only the books and raw heartbeats say may be so old; 0 for an exact answer."""
        self._limits, self._conflicts, self._slow_every_s = limits, conflicts, slow_every_s
        self._slow: _Slow | None = None
        self._before: dict[str, Ward] = {}
        self._stored: dict[str, tuple[Previous, tuple[Hole, ...]]] | None = None
        self._first: dict[str, int] = {}
        self._delays: dict[str, tuple[int, int]] = {}
        self._refreshed = float("-inf")

    def wards(self, store: Store, at_ms: int, *, settled: bool) -> list[Ward]:
        """Every ward of the city at an instant; `settled` if all that arrived by then is loaded.

        :raises Unavailable: ClickHouse is away, or the instant is no longer in the history
        """
        if self._stored is None:
            self._stored = inputs.stored_states(store)
        found = inputs.sync_rows(store, at_ms)
        self._refuse_lost(found)
        self._refresh(store, at_ms)
        certificates = self._certificates(store, found, at_ms)
        findings = self._findings(store, at_ms, settled)
        hours = inputs.overrides(store)
        judged = [
            self._judge(certificates[code], findings[code], WardHours(hours.get(code, ())), at_ms)
            for code in WARDS
        ]
        self._before = {ward.certificate.ward: ward for ward in judged}
        return judged

    def _judge(self, known: Certificate, found: Findings, hours: WardHours, at_ms: int) -> Ward:
        return Ward(known, found, judge(known, hours, found, at_ms, self._limits, self._previous(known.ward)))

    def _previous(self, ward: str) -> Previous | None:
        before = self._before.get(ward)
        if before is not None:
            return Previous(before.judgement.reason, before.judgement.since_ms)
        stored = (self._stored or {}).get(ward)
        return stored[0] if stored is not None else None

    def _known_holes(self, ward: str) -> tuple[Hole, ...]:
        before = self._before.get(ward)
        if before is not None:
            return before.certificate.holes
        stored = (self._stored or {}).get(ward)
        return stored[1] if stored is not None else ()

    def _refuse_lost(self, found: dict[str, SyncRow]) -> None:
        """A ward that was known and is not now was quiet beyond the history; the next cut has it."""
        lost = [
            ward for ward, before in self._before.items() if before.certificate.known and ward not in found
        ]
        if lost:
            raise Unavailable(
                "clickhouse", f"no record of {', '.join(lost[:3])} for that instant", "The next cut has it"
            )

    def _refresh(self, store: Store, at_ms: int) -> None:
        now = time.monotonic()
        if now - self._refreshed < _REFRESH_S:
            return
        self._delays = inputs.delays(store, at_ms)
        if len(self._first) < len(WARDS):
            self._first = inputs.first_arrivals(store)
        self._refreshed = now

    def _slowly(self, store: Store, at_ms: int) -> _Slow:
        slow = self._slow
        if slow is None or at_ms - slow.at_ms > self._slow_every_s * 1000 or at_ms < slow.at_ms:
            days = inputs.days(store, at_ms, self._limits.recent_days)
            slow = self._slow = _Slow(at_ms, inputs.beats(store, at_ms), days)
        return slow

    def _findings(self, store: Store, at_ms: int, settled: bool) -> dict[str, Findings]:
        days = self._slowly(store, at_ms).days
        conflicts = self._conflicts.count(store, at_ms, settled=settled)
        differences = inputs.differences(store, at_ms)
        none = inputs.Day(frozenset(), ())
        return {
            ward: Findings(
                conflicts=conflicts.get(ward, 0),
                mismatches=days.get(ward, none).mismatches,
                differences=differences.get(ward, 0),
                declared=days.get(ward, none).declared,
                first_ms=self._first.get(ward, 0),
            )
            for ward in WARDS
        }

    def _certificates(self, store: Store, found: dict[str, SyncRow], at_ms: int) -> dict[str, Certificate]:
        heard = self._slowly(store, at_ms).beats
        since = self._since(store, found.values(), at_ms)
        return {
            ward: _certificate(
                ward, found.get(ward), heard.get(ward), since.get(ward, ()), self._delays.get(ward), at_ms
            )
            for ward in WARDS
        }

    def _since(self, store: Store, rows: Iterable[SyncRow], at_ms: int) -> dict[str, tuple[Hole, ...]]:
        """The holes of each ward: known ones keep their beginning, new ones are looked up."""
        holes: dict[str, list[Hole]] = {}
        for row in rows:
            known = self._known_holes(row.ward)
            holes[row.ward] = [
                Hole(*hole, inherited(hole, known))
                for hole in zip(row.hole_epoch, row.hole_first, row.hole_last, strict=True)
            ]
        new = [
            (ward, hole.epoch, hole.last) for ward, own in holes.items() for hole in own if not hole.since_ms
        ]
        arrived = inputs.arrivals_after(store, new, at_ms) if new else {}
        looked_up = 0
        for row in rows:
            for index, hole in enumerate(holes[row.ward]):
                if hole.since_ms:
                    continue
                since_ms = arrived.get((row.ward, hole.epoch, hole.last), 0)
                if not since_ms and looked_up < _TAILS_MAX:
                    looked_up += 1
                    since_ms = inputs.announced(store, row.ward, hole.epoch, hole.first, at_ms)
                holes[row.ward][index] = hole._replace(since_ms=since_ms or row.known_ms or at_ms)
        return {ward: tuple(own) for ward, own in holes.items()}


def _certificate(
    ward: str,
    row: SyncRow | None,
    beats: Beats | None,
    holes: tuple[Hole, ...],
    delay: tuple[int, int] | None,
    at_ms: int,
) -> Certificate:
    """Raw heartbeats count beside the record's: it goes by the ward's clock, which may have been set back."""
    if row is None and beats is None:
        return Certificate(ward=ward)
    known = row or _NO_ROW
    newest = beats if beats is not None and beats.beat_ms > known.beat_ms else None
    epochs = tuple(
        Epoch(*one) for one in zip(known.epochs, known.counted, known.contiguous, known.highest, strict=True)
    )
    return Certificate(
        ward=ward,
        epochs=epochs,
        epoch=present_epoch(newest.epoch if newest else known.beat_epoch, epochs),
        events=known.events,
        missing=known.missing,
        holes=holes,
        pending=newest.pending if newest else known.pending,
        event_ms=known.event_ms,
        arrived_ms=known.arrived_ms,
        beat_ms=newest.beat_ms if newest else known.beat_ms,
        beat_clock_ms=newest.clock_ms if newest else known.beat_clock_ms,
        rejected=known.rejected,
        proven_ms=_proven_ms(known, newest),
        doubt_ms=known.doubt_ms,
        skew_ms=beats.skew_ms if beats else _skew_ms(known, at_ms),
        delay_ms_p50=delay[0] if delay else None,
        delay_ms_p99=delay[1] if delay else None,
    )


def _skew_ms(known: SyncRow, at_ms: int) -> int | None:
    """By the record's heartbeat, where the raw ones were asked for before it came."""
    recent = known.beat_ms > at_ms - inputs.BEATS_MS
    return known.beat_clock_ms - known.beat_ms if known.beat_ms and recent else None


def _proven_ms(known: SyncRow, newest: Beats | None) -> int:
    """The record's. It passes over heartbeats of a clock set back; one of before has no proof at all."""
    proven_ms = known.proven_ms
    if known.missing:
        return proven_ms
    if newest is not None and newest.pending == 0 and newest.clock_ms <= known.beat_clock_ms:
        proven_ms = max(proven_ms, newest.beat_ms)
    if not proven_ms and (known.pending == 0 or not known.beat_ms):
        proven_ms = known.beat_ms or min(known.event_ms, known.arrived_ms)
    return proven_ms


_NO_ROW: Final = SyncRow("", 0, [], [], [], [], 0, 0, [], [], [], 0, 0, 0, 0, "", 0, 0, 0, 0)
