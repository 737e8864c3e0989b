"""What the monitor does, and how often: one list, to which each part adds its job.

A job runs in a thread of its own with a store of its own, never twice at once. It returns facts for
health, raises `Unavailable` to say what it waits for, and may keep state in the object that it belongs to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.monitor.config import MonitorConfig
from streams.warehouse.store import Store

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What a job's run is given; `stop` is set when the monitor ends, so a long run looks at it."""

    config: MonitorConfig
    store: Store
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class Job:
    """Run `run` every `every_s` seconds, from beginning to beginning; a late run is not made up for."""

    name: str
    every_s: float
    run: Callable[[Context], Facts]


def jobs(config: MonitorConfig) -> list[Job]:
    """All jobs of a monitor, imported here because their modules take the types above from this one."""
    from streams.monitor import cuts, retention, settle, upkeep
    from streams.monitor.alerts.job import AlertsJob
    from streams.monitor.conflicts import Conflicts
    from streams.monitor.conservation import EVERY_S, Conservation
    from streams.monitor.double_entry import EVERY_S as COMPARE_EVERY_S
    from streams.monitor.double_entry import DoubleEntry
    from streams.monitor.rerequest import Rerequests
    from streams.monitor.wards import Wards

    conflicts = Conflicts(config.limits.recent_days)
    made = [
        Job("wards", config.wards_every_s, Wards(config.limits, conflicts).run),
        Job("conservation", EVERY_S, Conservation(config).run),
        Job("double_entry", COMPARE_EVERY_S, DoubleEntry().run),
        Job("cut", cuts.EVERY_S, cuts.Cuts(config, conflicts).run),
        Job("upkeep", upkeep.EVERY_S, upkeep.run),
        Job("settle", settle.EVERY_S, settle.Settle().run),
    ]
    if config.asking is not None:
        made.append(Job("rerequests", config.wards_every_s, Rerequests(config.asking).run))
    if config.retention is not None:
        made.append(Job("retention", retention.EVERY_S, retention.Retention(config.retention).run))
    if config.alerts is not None:
        made.append(Job("alerts", config.alerts.every_s, AlertsJob(config.alerts).run))
    return made
