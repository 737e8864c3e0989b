"""A monitor in threads of the test's own process, with all of its jobs or with some."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from streams.monitor.config import MonitorConfig
from streams.monitor.jobs import Job, jobs
from streams.monitor.monitor import Monitor


@contextmanager
def monitoring(config: MonitorConfig, *names: str, every_s: float = math.inf) -> Iterator[Monitor]:
    """Only the named jobs, if any are named; each at least once in `every_s` seconds."""
    wanted = [
        replace(job, every_s=min(job.every_s, every_s))
        for job in jobs(config)
        if job.name in names or not names
    ]
    assert not names or {job.name for job in wanted} == set(names)
    with running(config, wanted) as monitor:
        yield monitor


@contextmanager
def running(config: MonitorConfig, wanted: list[Job], ends_s: float = 60.0) -> Iterator[Monitor]:
    """A monitor of these jobs, which ends within `ends_s` seconds when it is asked to."""
    monitor, stop = Monitor(config, wanted), threading.Event()
    thread = threading.Thread(target=monitor.run, args=(stop,))
    thread.start()
    try:
        yield monitor
    finally:
        stop.set()
        thread.join(ends_s)
        assert not thread.is_alive()
