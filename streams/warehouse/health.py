"""What the loader says about itself: set by its threads, read by anyone at any time."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime
from typing import Any

from streams.domain.days import HANOI
from streams.warehouse.block import Block, Span
from streams.warehouse.config import LoaderConfig

RUNNING = "running"
_SPANS_SHOWN_MAX = 48


class Health:
    """Thread-safe. For each service that is waited for it knows since when and why."""

    def __init__(self, config: LoaderConfig) -> None:
        self._lock = threading.Lock()
        self._config = config
        self._waits: dict[str, tuple[str, str]] = {}
        self._stopped = ""
        self._facts: dict[str, Any] = {
            "last_error": "",
            "last_insert_at": None,
            "last_insert_ms": 0,
            "insert_s_sum": 0.0,
            "rows": 0,
            "events": 0,
            "rejects": 0,
            "books": 0,
            "blocks": 0,
            "incidents": 0,
            "last_incident": "",
        }
        self._lag: dict[str, int] = {}
        self._held: list[str] = []
        self._held_messages = self._filling_messages = 0
        self._window: deque[tuple[int, int]] = deque()

    def waiting(self, service: str, why: str) -> None:
        """A service is away; the first call of a row of them says since when."""
        with self._lock:
            since = self._waits.get(service, (_now(), ""))[0]
            self._waits[service] = (since, why)
            self._facts["last_error"] = why

    def back(self, service: str) -> None:
        """A service answers."""
        if service in self._waits:
            with self._lock:
                self._waits.pop(service, None)

    def error(self, why: str) -> None:
        """Something went wrong that is not waited for."""
        with self._lock:
            self._facts["last_error"] = why

    def stopped(self, why: str) -> None:
        """The loader has ended; empty if it was asked to."""
        with self._lock:
            self._stopped = why or "stopped"

    def incident(self, what: str) -> None:
        """A reading position was lost."""
        with self._lock:
            self._facts["incidents"] += 1
            self._facts["last_incident"] = what

    def lag(self, topics: dict[str, int]) -> None:
        """Messages not yet read, by topic."""
        with self._lock:
            self._lag = topics

    def filling(self, messages: int) -> None:
        """So many were read into the block that is handed to the writer next; 0 if it is thrown away."""
        with self._lock:
            self._filling_messages = messages

    def hold(self, block: Block) -> None:
        """A block is on its way: its offsets are held until it is stored."""
        with self._lock:
            self._held_messages, self._filling_messages = len(block), 0
            self._held = [_span(span) for span in block.spans[:_SPANS_SHOWN_MAX]]

    def stored(self, block: Block, took_ms: int) -> None:
        """A block is in ClickHouse."""
        rejected = len(block.rejects)
        with self._lock:
            facts = self._facts
            facts["last_insert_at"], facts["last_insert_ms"] = _now(), took_ms
            facts["insert_s_sum"] += took_ms / 1000
            facts["rows"] += block.rows()
            facts["events"] += block.event_count()
            facts["rejects"] += rejected
            facts["books"] += len(block.book)
            facts["blocks"] += 1
            self._held, self._held_messages = [], 0
            self._window.append((len(block.arrivals), rejected))
            while (
                len(self._window) > 1 and sum(n for n, _ in self._window) > self._config.rejected_window * 2
            ):
                self._window.popleft()

    def snapshot(self) -> dict[str, Any]:
        """All of it, as plain values."""
        with self._lock:
            messages, rejected = (
                (sum(column) for column in zip(*self._window, strict=True)) if self._window else (0, 0)
            )
            share = rejected / messages if messages else 0.0
            return {
                "ok": not self._stopped and not self._waits,
                "state": self._state(),
                **self._facts,
                "lag": dict(self._lag),
                "held": {
                    "messages": self._held_messages + self._filling_messages,
                    "spans": list(self._held),
                },
                "rejected_share": round(share, 4),
                "rejected_too_many": messages >= self._config.rejected_window
                and share > self._config.rejected_share_max,
            }

    def _state(self) -> str:
        if self._stopped:
            return self._stopped
        if not self._waits:
            return RUNNING
        return "; ".join(
            f"waiting for {name} since {since}: {why}" for name, (since, why) in self._waits.items()
        )


def _span(span: Span) -> str:
    return f"{span.topic}/{span.partition}: {span.first}-{span.last}"


def _now() -> str:
    return datetime.fromtimestamp(time.time(), HANOI).isoformat(timespec="milliseconds")
