"""The monitor's loop: every job in a thread of its own, so that a slow or failing one holds up no other.

Invariants:
- Whatever a job raises, it is tried again; health says what happened. A service that is away ends nothing.
- Jobs only write rows that replace themselves, so two monitors at once, or a killed one, are harmless.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from producers.contract.errors import Unavailable
from streams.monitor.config import MonitorConfig
from streams.monitor.health import FAILED, WAITING, Health
from streams.monitor.jobs import Context, Job, jobs
from streams.warehouse.store import Store

log: Final = logging.getLogger(__name__)
# A job that failed is tried again soon, however seldom it runs.
RETRY_S: Final = 2.0
_JOIN_S: Final = 10.0


class Monitor:
    """One monitor. `run` blocks; `health` may be called by any thread at any time."""

    def __init__(self, config: MonitorConfig, wanted: list[Job] | None = None) -> None:
        self._config = config
        self._jobs = jobs(config) if wanted is None else wanted
        self._health = Health([job.name for job in self._jobs])
        self._failing: set[str] = set()

    def health(self) -> dict[str, Any]:
        """Every job with its last run, or with what it waits for."""
        return self._health.snapshot()

    def run(self, stop: threading.Event) -> None:
        """Run the jobs until `stop` is set."""
        threads = [
            threading.Thread(target=self._keep, args=(job, stop), name=f"job-{job.name}", daemon=True)
            for job in self._jobs
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        deadline = time.monotonic() + _JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _keep(self, job: Job, stop: threading.Event) -> None:
        with Store(self._config.store) as store:
            context = Context(self._config, store, stop)
            while not stop.is_set():
                began = time.monotonic()
                well = self._once(job, context)
                every_s = job.every_s if well else min(job.every_s, RETRY_S)
                stop.wait(max(0.0, began + every_s - time.monotonic()))

    def _once(self, job: Job, context: Context) -> bool:
        began = time.perf_counter()
        try:
            facts = job.run(context)
        except Unavailable as error:
            self._health.missed(job.name, WAITING, str(error))
            return False
        except Exception as error:  # a fault of one job must not end the others
            said = f"{type(error).__name__}: {error}"
            # The traceback once: a job that goes on failing, every two seconds, would fill the disk with it.
            log.error("job %s failed: %s", job.name, said, exc_info=job.name not in self._failing)
            self._failing.add(job.name)
            self._health.missed(job.name, FAILED, said)
            return False
        self._failing.discard(job.name)
        self._health.done(job.name, round((time.perf_counter() - began) * 1000), dict(facts))
        return True


def run_monitor(
    config: MonitorConfig, stop: threading.Event, on_ready: Callable[[Monitor], None] | None = None
) -> None:
    """The monitor as a process: run until `stop` is set. `on_ready` gets it before it begins."""
    monitor = Monitor(config)
    if on_ready is not None:
        on_ready(monitor)
    monitor.run(stop)


__all__ = ["Monitor", "MonitorConfig", "run_monitor"]
