"""Everything that the loader is told, with its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from producers.contract.signing import Verifier
from producers.contract.topics import BROKER_VALUE_BYTES_MAX, EVENTS_TOPIC, changelog_topic
from streams.warehouse.store import Address


@dataclass(frozen=True, slots=True)
class LoaderConfig:
    """Where to read, where to write, and how much at once.

    `instance` names this loader within its group: a loader that starts takes the place of an earlier one of
    the same name at once, even of one that was killed or hangs. Loaders that share the work need names of
    their own. `role` names the group: another group reads everything from the beginning.
    """

    bootstrap: str
    store: Address
    app_id: str = "dongbo"
    events_topic: str = EVENTS_TOPIC
    instance: str = "0"
    role: str = "loader"
    # A block ends with the first of these. 150 ms keep an event's way into a query below half a second and
    # the number of small parts in ClickHouse low; beyond 50,000 rows a larger insert no longer pays.
    linger_ms: int = 150
    block_rows_max: int = 50_000
    block_bytes_max: int = 128 * 1024 * 1024
    consume_max: int = 5_000
    queued_kbytes_max: int = 64 * 1024
    session_timeout_ms: int = 10_000
    # How long a full block waits for ClickHouse before the partitions are paused.
    patience_ms: int = 2_000
    backoff_ms_max: int = 10_000
    # Above this share of a window of messages, health says that a ward or we have gone wrong.
    rejected_share_max: float = 0.05
    rejected_window: int = 10_000
    tick_ms: int = 2_000
    # None where no signatures are asked for: headers are then not even read.
    verify: Verifier | None = None

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.app_id}-{self.role}"

    @property
    def changelog_topic(self) -> str:
        """The topic of books."""
        return changelog_topic(self.app_id)

    @property
    def topics(self) -> tuple[str, str]:
        """All topics that are read."""
        return self.events_topic, self.changelog_topic

    def client(self) -> dict[str, Any]:
        """librdkafka's settings that every client has."""
        return {
            "bootstrap.servers": self.bootstrap,
            "client.id": f"{self.group}-{self.instance}",
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 2_000,
            "socket.keepalive.enable": True,
        }

    def consumer(self) -> dict[str, Any]:
        """librdkafka's settings of the consumer."""
        return self.client() | {
            "group.id": self.group,
            "group.instance.id": f"{self.group}-{self.instance}",
            "session.timeout.ms": self.session_timeout_ms,
            "heartbeat.interval.ms": max(500, self.session_timeout_ms // 4),
            "enable.auto.commit": False,
            # Never a silent jump: where to begin is decided in `positions`, explicitly.
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "allow.auto.create.topics": False,
            "check.crcs": True,
            # A fetch waits so long for some more: answered at the first byte, it is made for each message.
            "fetch.wait.max.ms": 50,
            "fetch.min.bytes": 64 * 1024,
            "fetch.error.backoff.ms": 200,
            # The default of 1 s would hold back new messages for a second after each full queue.
            "fetch.queue.backoff.ms": 20,
            "queued.min.messages": 2 * self.block_rows_max,
            "queued.max.messages.kbytes": self.queued_kbytes_max,
            "max.partition.fetch.bytes": BROKER_VALUE_BYTES_MAX + 64 * 1024,
            "fetch.max.bytes": 4 * BROKER_VALUE_BYTES_MAX,
        }
