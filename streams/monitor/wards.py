"""The job that judges all wards every few seconds: what `ward_state` holds."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from streams.domain.alive import Thresholds
from streams.monitor.conflicts import Conflicts
from streams.monitor.jobs import Context, Facts
from streams.monitor.judge import Judge, Ward
from streams.monitor.rows import WARD_STATE, insert, state_row

# Days and heartbeats cost more to ask than all the rest, and the records have the newest heartbeat anyway.
SLOW_EVERY_S: Final = 15.0


class Wards:
    """Judges for now. What has arrived and is not loaded yet is in the next judgement."""

    def __init__(self, limits: Thresholds, conflicts: Conflicts) -> None:
        self._judge = Judge(limits, conflicts, SLOW_EVERY_S)

    def run(self, context: Context) -> Facts:
        """One judgement of every ward."""
        at_ms = time.time_ns() // 1_000_000
        judged = self._judge.wards(context.store, at_ms, settled=False)
        insert(context.store, WARD_STATE, [row_of(ward, cut=0, now_ms=at_ms) for ward in judged])
        return {
            "statuses": dict(Counter(ward.judgement.status for ward in judged)),
            "reasons": dict(Counter(ward.judgement.reason for ward in judged)),
        }


def row_of(ward: Ward, *, cut: int, now_ms: int) -> tuple[object, ...]:
    """A judged ward as a row."""
    found = ward.findings
    return state_row(
        ward.certificate,
        ward.judgement,
        found.conflicts,
        len(found.mismatches),
        found.differences,
        cut=cut,
        now_ms=now_ms,
    )
