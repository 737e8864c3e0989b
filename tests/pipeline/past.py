"""Events that Kafka has had for days: for a moment a topic takes the sender's time as that of the arrival.

A worker or a loader that starts just then refuses the topic; those that run do not look again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from tests.conftest import eventually
from tests.pipeline.workers import producer

_KIND: Final = "message.timestamp.type"


def send_then(bootstrap: str, topic: str, arrived: datetime, events: Iterable[SequencedEvent]) -> None:
    """Publish events that arrive at that time; returns when Kafka has them."""
    _arrivals(bootstrap, topic, "CreateTime")
    sender = producer(bootstrap, log_level=0)
    for event in events:
        ward = event.data.ward
        arrived_ms = int(arrived.timestamp() * 1000)
        sender.produce(topic, encode(event), ward.encode(), PARTITION_OF_WARD[ward], timestamp=arrived_ms)
    assert sender.flush(30) == 0
    _arrivals(bootstrap, topic, "LogAppendTime")


def _arrivals(bootstrap: str, topic: str, kind: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    entry = ConfigEntry(_KIND, kind, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(20)

    def taken() -> bool:
        return bool(admin.describe_configs([resource])[resource].result(20)[_KIND].value == kind)

    eventually(taken, 30)
