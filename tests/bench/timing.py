"""One query measured alone, and what two sizes of the sample say of the full size."""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from clickhouse_connect.driver.client import Client

from tests.bench.asked import Asked

RUNS_MIN: Final = 3


class Effort(msgspec.Struct, frozen=True):
    """A query is asked again until that long was spent on it: `runs` times at most, 3 times at least."""

    seconds: float = 2.0
    runs: int = 30


class Measured(msgspec.Struct, frozen=True):
    """One query: milliseconds, rows read by the engine, rows of the answer, and whether the target is met.

    `cpu_ms` is what the engine's process used on average: on a busy machine the only figure that says
    something. `full_*` is a straight line through two sizes of the sample, of queries that read rows of it.
    """

    kind: str
    name: str
    target_ms: float
    runs: int = 0
    p50_ms: float = 0
    p95_ms: float = 0
    cpu_ms: float = 0
    read_rows: int = 0
    rows: int = 0
    full_read_rows: int | None = None
    full_p95_ms: float | None = None
    error: str = ""

    @property
    def judged_ms(self) -> float:
        """What the target is compared with."""
        return self.p95_ms if self.full_p95_ms is None else self.full_p95_ms

    @property
    def met(self) -> bool:
        return not self.error and self.judged_ms <= self.target_ms

    @property
    def urgency(self) -> tuple[bool, float]:
        """Failed ones first, then by how far the target is."""
        return bool(self.error), self.judged_ms / self.target_ms

    def as_json(self) -> dict[str, Any]:
        """All of it, and whether the target is met."""
        return msgspec.structs.asdict(self) | {"met": self.met}


def measure(client: Client, pid: int, asked: Asked, target_ms: float, effort: Effort) -> Measured:
    """One query, alone, cold once and then again and again; what it fails with is its result."""
    times: list[float] = []
    try:
        client.query(asked.sql, parameters=dict(asked.values))
        used, until = cpu_ms(pid), time.perf_counter() + effort.seconds
        while len(times) < min(RUNS_MIN, effort.runs) or (
            len(times) < effort.runs and time.perf_counter() < until
        ):
            began = time.perf_counter()
            answer = client.query(asked.sql, parameters=dict(asked.values))
            times.append((time.perf_counter() - began) * 1000)
        used = (cpu_ms(pid) - used) / len(times)
    except Exception as error:
        return Measured(asked.kind, asked.name, target_ms, error=str(error)[:300])
    return Measured(
        asked.kind,
        asked.name,
        target_ms,
        runs=len(times),
        p50_ms=round(statistics.median(times), 1),
        p95_ms=round(percentile(times, 0.95), 1),
        cpu_ms=round(used, 1),
        read_rows=int(answer.summary.get("read_rows", 0)),
        rows=len(answer.result_rows),
    )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least so many are not above: of fewer than 20 the 95th is the greatest."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def cpu_ms(pid: int) -> float:
    """What a process has used so far; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0.0
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def at_full_size(few: Measured, whole: Measured, few_share: float, share: float) -> Measured:
    """The second look with a line through both, at share 1; as it is if its rows do not grow with the sample.

    A row more costs no more than the average row does, since a query that reads nothing is not faster than
    nothing: so the noise of two timings cannot make more of it.
    """
    more = whole.read_rows - few.read_rows
    if few.error or whole.error or more <= 0 or share >= 1:
        return whole
    read = whole.read_rows + more * (1 - share) / (share - few_share)
    each_ms = min(max((whole.p50_ms - few.p50_ms) / more, 0), whole.p50_ms / whole.read_rows)
    slower = (whole.p50_ms + each_ms * (read - whole.read_rows)) / max(whole.p50_ms, 0.1)
    return msgspec.structs.replace(
        whole, full_read_rows=round(read), full_p95_ms=round(whole.p95_ms * slower, 1)
    )
