"""Goal: a hole that stays is asked for and filled although nobody types anything, and it is written down.

Method: a real ward (SDK), broker, worker, loader, ClickHouse and monitor; events are lost by telling the
outbox that Kafka has them.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops.asking import asking
from ops.settings import Settings
from streams.monitor.config import MonitorConfig
from tests.conftest import eventually
from tests.pipeline.monitors import monitoring
from tests.pipeline.test_repair import Town, send, town

__all__ = ["town"]
pytestmark = pytest.mark.timeout(180)
WARD = "00097"


def config(settings: Settings) -> MonitorConfig:
    """Of a monitor that judges each second and asks at once."""
    return MonitorConfig(
        bootstrap=settings.kafka_bootstrap,
        store=Town(settings, settings.data_dir).store.address,
        app_id=settings.app_id,
        events_topic=settings.events_topic,
        wards_every_s=1.0,
        asking=replace(asking(settings), after_s=2.0, again_s=600.0),
    )


def test_hole_is_filled_without_a_hand_and_the_request_is_recorded(town: Town) -> None:
    with town.ward(WARD) as ward:
        send(ward, 4)
    town.lose(WARD, 3)
    with town.ward(WARD) as ward, monitoring(config(town.settings), "wards", "rerequests"):
        send(ward, 2)
        eventually(lambda: town.sync(WARD)["missing"] == 3, 30)
        eventually(lambda: town.sync(WARD)["complete"], 60)
    repairs = town.store.query(
        "SELECT kind, actor, epoch, first_seq, last_seq, reason FROM r_repairs WHERE ward = {w:String}",
        {"w": WARD},
    ).rows
    assert repairs == [("request", "monitor", ward.outbox.epoch, 5, 7, "gap")]
    assert town.sync(WARD)["events"] == 9
