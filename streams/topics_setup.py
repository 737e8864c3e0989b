"""Topics are made beforehand and checked by everyone: Faust may not declare any.

Partitions are part of the contract (a ward's events stay in one partition), and so is who stamps the time of
arrival; a topic that differs stops the process, because starting on it would scatter books or trust a clock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]

from producers.contract.errors import Stop, Unavailable
from producers.contract.topics import TopicSpec

_log: Final = logging.getLogger(__name__)
_TIMEOUT_S: Final = 10.0
# What an existing topic must have; other settings (retention, segments) are the operator's.
_BINDING: Final = frozenset({"message.timestamp.type", "cleanup.policy", "compression.type"})


def admin(bootstrap: str) -> AdminClient:
    """A client for topics. Its own log stays quiet: what matters is raised."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 10_000})


def ensure_topics(bootstrap: str, specs: Iterable[TopicSpec], *, replication: int = -1) -> None:
    """Create the topics that are missing and check those that exist. `replication` -1: the broker's default.

    :raises Unavailable: Kafka does not answer
    :raises Stop: a topic differs from its specification
    """
    wanted = tuple(specs)
    client = admin(bootstrap)
    existing = _existing(client, bootstrap)
    missing = [spec for spec in wanted if spec.name not in existing]
    new = [NewTopic(spec.name, spec.partitions, replication, config=spec.config) for spec in missing]
    for future in client.create_topics(new).values() if new else ():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _unavailable(bootstrap, error) from error
    verify_topics(bootstrap, wanted)


def verify_topics(bootstrap: str, specs: Iterable[TopicSpec]) -> list[str]:
    """Check the topics that exist; returns the names of those that do not.

    :raises Unavailable: Kafka does not answer
    :raises Stop: `partitions_mismatch` or `topic_config_mismatch`
    """
    client = admin(bootstrap)
    existing = _existing(client, bootstrap)
    missing = []
    for spec in specs:
        if spec.name not in existing:
            missing.append(spec.name)
        elif existing[spec.name] != spec.partitions:
            raise _partitions_mismatch(spec, existing[spec.name])
        else:
            _check_config(client, bootstrap, spec)
    return missing


def wait_for_topics(bootstrap: str, specs: Iterable[TopicSpec], *, poll_s: float = 1.0) -> None:
    """Return when Kafka answers and all topics exist; say once what is waited for, and again when it changes.

    :raises Stop: a topic differs from its specification
    """
    wanted, said = tuple(specs), ""
    while True:
        try:
            missing = verify_topics(bootstrap, wanted)
            waiting = f"topics that do not exist: {', '.join(missing)}" if missing else ""
        except Unavailable as error:
            waiting = f"Kafka at {bootstrap}, which does not answer ({error.detail})"
        if not waiting:
            return
        if waiting != said:
            _log.warning("waiting for %s", waiting)
            said = waiting
        time.sleep(poll_s)


def _existing(client: AdminClient, bootstrap: str) -> dict[str, int]:
    try:
        topics = client.list_topics(timeout=_TIMEOUT_S).topics
    except KafkaException as error:
        raise _unavailable(bootstrap, error) from error
    return {name: len(topic.partitions) for name, topic in topics.items() if topic.error is None}


def _check_config(client: AdminClient, bootstrap: str, spec: TopicSpec) -> None:
    resource = ConfigResource(ConfigResource.Type.TOPIC, spec.name)
    try:
        config: dict[str, Any] = client.describe_configs([resource])[resource].result(_TIMEOUT_S)
    except (KafkaException, FutureTimeoutError) as error:
        raise _unavailable(bootstrap, error) from error
    for name in sorted(_BINDING & spec.config.keys()):
        found = config[name].value
        if found != spec.config[name]:
            raise Stop(
                "topic_config_mismatch",
                f"topic {spec.name} has {name}={found}, not {spec.config[name]}",
                f"Set it: kafka-configs --alter --topic {spec.name} --add-config {name}={spec.config[name]}",
            )


def _partitions_mismatch(spec: TopicSpec, found: int) -> Stop:
    return Stop(
        "partitions_mismatch",
        f"topic {spec.name} has {found} partitions, not {spec.partitions}",
        "Use a topic with the contract's number of partitions: a ward's events must stay in one partition",
    )


def _unavailable(bootstrap: str, error: BaseException) -> Unavailable:
    detail = error.args[0].str() if error.args and isinstance(error.args[0], KafkaError) else repr(error)
    return Unavailable("kafka", f"{bootstrap}: {detail}", "Check that Kafka runs and DONGBO_KAFKA_BOOTSTRAP")


__all__ = ["admin", "ensure_topics", "verify_topics", "wait_for_topics"]
