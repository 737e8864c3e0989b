"""What the monitor says about itself: each job with its last run, or with what it waits for."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from streams.domain.days import HANOI

STARTING: Final = "starting"
OK: Final = "ok"
WAITING: Final = "waiting"
FAILED: Final = "failed"


@dataclass(slots=True)
class JobState:
    """One job: `since` is when it came into its `state`, `detail` what it waits for or why it failed."""

    state: str = STARTING
    since: str = ""
    detail: str = ""
    runs: int = 0
    failures: int = 0
    last_ok_at: str | None = None
    took_ms: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


class Health:
    """Thread-safe."""

    def __init__(self, names: list[str]) -> None:
        self._lock = threading.Lock()
        self._jobs = {name: JobState(since=_now()) for name in names}

    def done(self, name: str, took_ms: int, facts: dict[str, Any]) -> None:
        """A run ended well."""
        with self._lock:
            job = self._jobs[name]
            self._enter(job, OK, "")
            job.runs += 1
            job.took_ms, job.facts, job.last_ok_at = took_ms, facts, _now()

    def missed(self, name: str, state: str, detail: str) -> None:
        """A run did not end well; the job is tried again."""
        with self._lock:
            job = self._jobs[name]
            self._enter(job, state, detail)
            job.runs += 1
            job.failures += 1

    def snapshot(self) -> dict[str, Any]:
        """All of it, as plain values. Well is: no job waits or has failed, and one at least has run."""
        with self._lock:
            bad = {name: job for name, job in self._jobs.items() if job.state in (WAITING, FAILED)}
            ran = any(job.state == OK for job in self._jobs.values())
            said = "; ".join(f"{name} {job.state} since {job.since}" for name, job in bad.items())
            return {
                "ok": ran and not bad,
                "state": said or ("running" if ran else STARTING),
                "detail": "; ".join(f"{name}: {job.detail}" for name, job in bad.items()),
                "jobs": {name: asdict(job) for name, job in self._jobs.items()},
            }

    def _enter(self, job: JobState, state: str, detail: str) -> None:
        if job.state != state:
            job.state, job.since = state, _now()
        job.detail = detail


def _now() -> str:
    return datetime.now(HANOI).isoformat(timespec="milliseconds")
