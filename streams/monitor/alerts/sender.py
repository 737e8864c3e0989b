"""A thread for each channel: whatever is due goes out; nobody waits for it.

A channel that does not answer is left alone for a growing time, so that many messages do not each wait for
its timeout; a message that is refused by itself waits alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from streams.monitor.alerts.channels import Channel, NotDelivered
from streams.monitor.alerts.model import Delivery
from streams.monitor.alerts.outbox import FIRST_WAIT_MS, Outbox, wait_ms

log: Final = logging.getLogger(__name__)
_LOOK_S: Final = 0.5


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Sender:
    """Sends what is due over one channel until `stop` is set."""

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        write: Callable[[list[Delivery]], None],
        stop: threading.Event,
        first_wait_ms: int = FIRST_WAIT_MS,
    ) -> None:
        self._channel, self._outbox, self._write = channel, outbox, write
        self._stop, self._first_wait_ms = stop, first_wait_ms
        self._failures = 0
        self._resume_ms = 0
        self.name, self.error = channel.name, ""
        self._thread = threading.Thread(target=self._run, name=f"alerts-{channel.name}", daemon=True)

    def start(self) -> Sender:
        """Begin; returns itself."""
        self._thread.start()
        return self

    def join(self, timeout_s: float) -> None:
        """After the stop: wait for the message that is on its way, for at most so long."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.round(now_ms())
            except Exception:  # a fault of ours in one round must not silence the channel
                log.exception("alerts over %s", self._channel.name)
            self._stop.wait(_LOOK_S)

    def round(self, at_ms: int) -> None:
        """One look: all that is due, until the channel does not answer."""
        if at_ms < self._resume_ms:
            return
        for message in self._outbox.due(self._channel.name, at_ms):
            if self._stop.is_set():
                return
            try:
                self._channel.send(message)
            except NotDelivered as error:
                self._outbox.done(message, now_ms(), str(error) or type(error).__name__)
                self._failed(error)
            else:
                self._failures, self.error = 0, ""
                self._outbox.done(message, now_ms())
            self._keep()
            if self._failures:
                return

    def _failed(self, error: NotDelivered) -> None:
        self.error = str(error)
        log.warning("alerts over %s: %s", self._channel.name, error)
        if not error.refused:
            self._failures += 1
            self._resume_ms = now_ms() + wait_ms(self._failures, self._first_wait_ms)

    def _keep(self) -> None:
        """Written at once, so that a restart repeats at most the message that is on its way."""
        try:
            self._outbox.flush(self._write)
        except Exception as error:  # the next flush writes it
            log.warning("alerts over %s: not written yet: %s", self._channel.name, error)
