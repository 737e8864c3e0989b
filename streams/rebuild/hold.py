"""Hold the workers' consumer group: while it is held no worker can count, and no second rebuild begins.

Kafka lets members of one group join only if they have a protocol in common, and the workers' is their own.
So to have joined is the proof that no worker is in the group, and while we are in it a worker that starts is
refused and tries again. Nothing is read and nothing is committed.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from producers.contract.errors import Stop, Unavailable
from producers.contract.topics import PARTITIONS

_POLL_S: Final = 0.1
_ANSWER_S: Final = 5.0
_DAY_MS: Final = 86_400_000
# A worker that was killed is a member until its session ends.
PATIENCE_S: Final = 20.0
_STOP_THEM: Final = (
    "Stop every worker, then run again; the wards go on sending, Kafka keeps it"
    " / Dừng mọi worker rồi chạy lại; phường, xã vẫn gửi, Kafka giữ hộ"
)


class Hold:
    """The group, held from `with` to its end.

    :raises Stop: `workers_running`: somebody else is in the group; `hold_lost`: somebody came in
    :raises Unavailable: Kafka does not answer
    """

    def __init__(self, bootstrap: str, group: str, topic: str, patience_s: float | None = None) -> None:
        self._group, self._topic = group, topic
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._held: set[int] = set()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "client.id": f"{group}-rebuild",
                "partition.assignment.strategy": "range",
                "enable.auto.commit": False,
                "max.poll.interval.ms": _DAY_MS,
                # Short, so that a rebuild that was killed does not keep the next one waiting.
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 2_000,
                "allow.auto.create.topics": False,
                "log_level": 0,
            }
        )

    def __enter__(self) -> Hold:
        try:
            self._consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked)
            self._join()
        except BaseException:
            self._consumer.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def check(self) -> None:
        """Whether the whole group is still ours; to be called between the steps of the work."""
        self._poll()
        if len(self._held) < PARTITIONS:
            raise Stop(
                "hold_lost",
                f"group {self._group} has another member / nhóm {self._group} có thành viên khác",
                _STOP_THEM,
            )

    def _join(self) -> None:
        deadline = time.monotonic() + self._patience_s
        while len(self._held) < PARTITIONS:
            self._poll(_POLL_S)
            if time.monotonic() < deadline:
                continue
            self._ask_kafka()
            raise Stop(
                "workers_running",
                f"a worker or another rebuild is in group {self._group}"
                f" / nhóm {self._group} đang có worker hoặc một lượt dựng lại khác",
                _STOP_THEM,
            )

    def _ask_kafka(self) -> None:
        try:
            self._consumer.list_topics(timeout=_ANSWER_S)
        except KafkaException as error:
            raise Unavailable("kafka", str(error), "Start Kafka: ./dev up") from error

    def _poll(self, wait_s: float = 0.0) -> None:
        # Errors are events: a refused join is tried again by the client itself.
        self._consumer.poll(wait_s)

    def _assigned(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        consumer.assign(parts)
        consumer.pause(parts)
        self._held = {part.partition for part in parts}

    def _revoked(self, consumer: Consumer, _: list[TopicPartition]) -> None:
        self._held = set()
        consumer.unassign()
