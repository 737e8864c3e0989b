"""Every message of Kafka into ClickHouse: a typed row, or a reject with its reason and its bytes.

Two threads: this one reads and decodes the next block while the writer's waits for ClickHouse to take the
last one. Offsets are committed only after ClickHouse has acknowledged the block's rows. Killed at any
point, the loader reads the same messages again and writes the same rows, which replace themselves.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaException

from producers.contract import crash
from producers.contract.errors import Stop, Unavailable
from streams.warehouse.block import Block
from streams.warehouse.config import LoaderConfig
from streams.warehouse.health import Health
from streams.warehouse.reader import Reader, Reopen
from streams.warehouse.writer import Writer

log: Final = logging.getLogger(__name__)
_PAUSE_S: Final = 0.5
# A block that has lingered is handed over so soon after the writer is free.
_SOON_S: Final = 0.02


class Loader:
    """One loader. `run` blocks; `health` may be called by any thread at any time."""

    def __init__(self, config: LoaderConfig) -> None:
        self._config = config
        self._health = Health(config)
        self._ticked = 0.0

    def health(self) -> dict[str, Any]:
        """What it does or waits for, since when, and how much it has done."""
        return self._health.snapshot()

    def run(self, stop: threading.Event) -> None:
        """Load until `stop` is set.

        :raises Stop: a person must act; nothing is lost, and the next loader goes on where this one ended
        """
        self._health.waiting("kafka", "starting")
        try:
            while not stop.is_set():
                self._session(stop)
        except BaseException as error:
            self._health.stopped(f"stopped: {error}")
            raise
        self._health.stopped("")

    def _session(self, stop: threading.Event) -> None:
        """From opening a consumer to losing it."""
        try:
            reader = Reader(self._config, self._health)
        except Unavailable as error:
            self._health.waiting("kafka", str(error))
            stop.wait(_PAUSE_S)
            return
        writer = Writer(self._config, self._health)
        try:
            self._load(reader, writer, stop)
        except Reopen as reason:
            log.warning("opening Kafka anew: %s", reason)
            self._health.waiting("kafka", str(reason))
            stop.wait(_PAUSE_S)
        except KafkaException as error:
            log.warning("opening Kafka anew: %s", error)
            self._health.waiting("kafka", str(error))
            stop.wait(_PAUSE_S)
        except Unavailable as error:  # the keyring: nothing may be judged without it
            log.warning("reading again later: %s", error)
            self._health.waiting(error.service, str(error))
            stop.wait(_PAUSE_S)
        finally:
            writer.close()
            self._commit(reader, writer)
            reader.close()
            self._health.filling(0)

    def _load(self, reader: Reader, writer: Writer, stop: threading.Event) -> None:
        while not stop.is_set():
            block = self._filled(reader, writer, stop)
            while not stop.is_set() and not self._hand(block, reader, writer):
                pass

    def _filled(self, reader: Reader, writer: Writer, stop: threading.Event) -> Block:
        """A block ends when the writer waits for it and nothing more is at hand, or when it is full."""
        config, block = self._config, Block()
        while not stop.is_set():
            came = reader.fill(block, _SOON_S if len(block) else config.linger_ms / 1000)
            # Before the lag is told: a message that was read is held until it is stored.
            self._health.filling(len(block))
            self._commit(reader, writer)
            self._tick(reader)
            if len(block) >= config.block_rows_max or block.size_bytes >= config.block_bytes_max:
                break
            if came < config.consume_max and (block.spans or block.incidents) and writer.ready():
                break
        return block

    def _hand(self, block: Block, reader: Reader, writer: Writer) -> bool:
        if not block.spans and not block.incidents:
            return True
        if writer.ready(self._config.patience_ms / 1000):
            self._commit(reader, writer)
            writer.hand(block)
            return True
        reader.idle(_PAUSE_S)
        self._tick(reader)
        return False

    def _commit(self, reader: Reader, writer: Writer) -> None:
        """The last step of a block's way: written, acknowledged by ClickHouse, committed."""
        for block in writer.stored():
            reader.commit(block)
            if crash.ARMED:
                crash.at("loader.committed")

    def _tick(self, reader: Reader) -> None:
        now = time.monotonic()
        if now - self._ticked >= self._config.tick_ms / 1000:
            self._ticked = now
            reader.tick()


def calm_gc() -> None:
    """Set the collector for blocks of rows, for this process.

    Rows are tuples of plain values and make no cycles; looking through a block of them for cycles again and
    again would take a tenth of the time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def run_loader(
    config: LoaderConfig,
    stop_event: threading.Event,
    on_ready: Callable[[Loader], None] | None = None,
) -> None:
    """The loader as a process: load until `stop_event` is set. `on_ready` gets it before it begins.

    :raises Stop: a person must act
    """
    loader = Loader(config)
    if on_ready is not None:
        on_ready(loader)
    calm_gc()
    loader.run(stop_event)


__all__ = ["Loader", "LoaderConfig", "Stop", "calm_gc", "run_loader"]
