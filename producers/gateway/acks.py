"""The highest seq that Kafka acknowledged, by ward and epoch, written where Kafka's loss cannot reach it.

If Kafka loses its newest messages, no later seq shows it until the ward sends again; this record does.

Invariants:
- Only what Kafka has acknowledged is noted, and noting neither waits nor fails: no answer depends on it.
- What could not be written is kept and tried again, at most `EPOCHS_MAX` epochs of a ward.

Known limit: a gateway that is killed forgets what it noted since it last wrote, at most `every_s`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from producers.contract.acks import Acked
from producers.contract.errors import DongBoError
from producers.gateway.ports import AckKeeper

# A ward has one epoch, and a few more over the years; wards are those that have a token.
EPOCHS_MAX: Final = 16
_CLOSE_S: Final = 10.0
_log: Final = logging.getLogger(__name__)


class Acks:
    """What is not written yet, and the thread that writes it."""

    def __init__(self, keeper: AckKeeper, every_s: float) -> None:
        self._keeper, self._every_s = keeper, every_s
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[str, Acked]] = {}
        self._away = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway-acks", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write for the last time, meanwhile; nothing may be noted any more."""
        self._stop.set()

    def close(self) -> None:
        """Wait a little for the last writing."""
        self._stop.set()
        self._thread.join(_CLOSE_S)

    def note(self, ward: str, epoch: str, seq: int) -> None:
        """Kafka has this seq."""
        with self._lock:
            self._note(Acked(ward, epoch, seq, time.time_ns() // 1_000_000))

    def _note(self, new: Acked) -> None:
        epochs = self._waiting.setdefault(new.ward, {})
        known = epochs.get(new.epoch)
        if known is not None and known.seq >= new.seq:
            return
        if known is None and len(epochs) >= EPOCHS_MAX:
            del epochs[next(iter(epochs))]
        epochs[new.epoch] = new

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            taken, self._waiting = self._waiting, {}
        rows = [one for epochs in taken.values() for one in epochs.values()]
        if rows and not self._kept(rows):
            with self._lock:
                for one in rows:
                    self._note(one)

    def _kept(self, rows: Sequence[Acked]) -> bool:
        try:
            self._keeper.keep(rows)
        except DongBoError as error:
            # Once for each time that it goes away: it is tried again for as long as that lasts.
            if not self._away:
                _log.warning("what Kafka acknowledged is kept and written later: %s", error)
            self._away = True
            return False
        self._away = False
        return True
