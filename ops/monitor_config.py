"""From the settings of the installation to what the monitor is told."""

from __future__ import annotations

from ops.alerts_config import alerts_config
from ops.asking import asking
from ops.city.prepare import address
from ops.retention import policy
from ops.settings import Settings
from streams.domain.alive import Thresholds
from streams.monitor.config import MonitorConfig


def monitor_config(settings: Settings) -> MonitorConfig:
    """All of it: where to read and write, how often, and from when on something counts."""
    return MonitorConfig(
        bootstrap=settings.kafka_bootstrap,
        alerts=alerts_config(settings),
        asking=asking(settings),
        retention=policy(settings),
        store=address(settings),
        app_id=settings.app_id,
        events_topic=settings.events_topic,
        wards_every_s=settings.wards_every_s,
        cut_every_s=settings.cut_every_s,
        cut_settle_s=settings.cut_settle_s,
        limits=thresholds(settings),
    )


def thresholds(settings: Settings) -> Thresholds:
    """When a ward is active, silent or behind, a hole old, a clock wrong, a day overdue."""
    return Thresholds(
        active_s=settings.ward_active_s,
        silent_after_s=settings.ward_silent_after_s,
        behind_pending=settings.ward_behind_pending,
        hole_grace_s=settings.hole_grace_s,
        hole_old_s=settings.hole_old_s,
        skew_max_s=settings.skew_max_s,
        declare_by_minute=settings.declare_by_minute,
        recent_days=settings.recent_days,
    )
