"""Events of systems without sequence numbers: kept in the gateway's own outbox, sent by its publisher.

The outbox gives the seq, durably, before anything is sent, and knows the event again when a vendor's system
blindly sends it twice. One publisher sends the outbox in order, also what no request waits for any more; a
request only waits until the outbox says that Kafka has its seqs.

Known limit: two gateways have two outboxes, so a ward that has no seqs must always be sent to the same one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from producers.contract.errors import OutboxFull, Stop, Unavailable
from producers.contract.signing import Sign
from producers.gateway.config import GatewayConfig
from producers.gateway.ports import GivenSeq, Numberer
from producers.gateway.problem import Problem
from producers.outbox import Draft, WardPosition
from producers.publisher import Publisher

_log: Final = logging.getLogger(__name__)
_DISK_THREADS: Final = 8
_LOOK_S: Final = 0.02
_STOP_S: Final = 15.0


class Numbered:
    """The outbox, a few threads that may block on its disk, and the publisher's thread."""

    def __init__(self, numberer: Numberer, config: GatewayConfig, sign: Sign | None = None) -> None:
        self._numberer, self._config = numberer, config
        self._publisher = Publisher(numberer.outbox, config.bootstrap, config.topic, sign=sign)
        # Several threads, because those that append at the same time share one sync to disk.
        self._disk = ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix="gateway-outbox")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="gateway-publisher", daemon=True)
        self.fault = ""

    @property
    def epoch(self) -> str:
        """The epoch under which the gateway numbers events."""
        return self._numberer.outbox.epoch

    def start(self) -> None:
        """Begin to publish what waits, also from before a restart."""
        self._thread.start()

    def close(self) -> None:
        """End the publisher; what waits stays in the outbox."""
        self._stop.set()
        self._thread.join(_STOP_S)
        self._disk.shutdown()

    def _publish(self) -> None:
        try:
            self._publisher.run(self._stop)
        except Stop as error:
            self.fault = str(error)
            _log.error("%s", error)

    async def give(self, ward: str, drafts: Sequence[Draft]) -> Sequence[GivenSeq]:
        """Keep the events and return their seqs when Kafka has all of them.

        :raises Problem: outbox_full, busy (disk), kafka_away (kept, and sent later by itself)
        :raises Reject: an event breaks the contract; nothing was kept
        """
        loop = asyncio.get_running_loop()
        try:
            given = await loop.run_in_executor(self._disk, self._numberer.append, ward, drafts)
            await self.sent(ward, max(one.seq for one in given))
        except OutboxFull:
            raise Problem("outbox_full", retry_after_s=30.0) from None
        except Unavailable:
            raise Problem("busy", retry_after_s=5.0) from None
        return given

    async def position(self, ward: str) -> WardPosition:
        """How far the ward's numbered events are.

        :raises Problem: busy
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._disk, self._numberer.outbox.ward, ward
            )
        except Unavailable:
            raise Problem("busy", retry_after_s=5.0) from None

    async def sent(self, ward: str, seq: int) -> None:
        """Return when Kafka has the ward's numbered events up to `seq`.

        :raises Problem: kafka_away, busy
        """
        try:
            async with asyncio.timeout(self._config.send_timeout_s):
                # The publisher has no callback: the outbox is the one place that says what was sent.
                while (await self.position(ward)).sent_seq < seq:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise Problem("kafka_away", retry_after_s=5.0) from None
