"""Crash points: places where a test may end the process, as kill -9 would, to see what a restart makes of it.

Off (always, but in the fault harness) a point costs the truth value of `ARMED`. On, `FAULTS_CRASH_AT=NAME` or
`NAME:N` kills the process when it comes to that point for the N-th time. Every point stands in `POINTS`.
`FAULTS_CRASH_TOLD=FILE` gets the point's name just before: a death without it was another one.
`FAULTS_BLOCK_S=SECONDS`: it does not die there but sleeps, which blocks an event loop.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

POINTS: Final[dict[str, str]] = {
    "outbox.append": "an outbox has written events and not committed them",
    "outbox.appended": "an outbox has committed events; its caller does not know yet",
    "outbox.acknowledge": "an outbox is about to note what Kafka has",
    "publisher.queued": "the publisher has handed events to its Kafka client",
    "publisher.delivered": "Kafka has confirmed events; the outbox does not know yet",
    "gateway.judged": "the gateway has judged a request and sent nothing",
    "gateway.confirmed": "Kafka has confirmed a request's events; the ward has no answer",
    "worker.applied": "a worker has applied a chunk; the changelog has nothing of it",
    "worker.written": "the changelog has a chunk's records; the table and the commit do not",
    "worker.completed": "a chunk is completed; its offset is not committed",
    "loader.read": "the loader has read a block and stored nothing",
    "loader.inserted": "the loader has stored one table of a block and not the others",
    "loader.rows": "the loader has stored all rows of a block, and not said so in `coverage`",
    "loader.stored": "a block is stored and covered; its offsets are not committed",
    "loader.committed": "the loader has committed a block's offsets",
    "migrate.statement": "a statement was run and not recorded",
    "migrate.view": "a view was made and not recorded",
    "monitor.cut": "a cut's rows of wards are written, its row of the city is not",
}


def _armed(text: str) -> tuple[str, int]:
    name, _, nth = text.partition(":")
    return name, int(nth or 1)


ARMED: Final = os.environ.get("FAULTS_CRASH_AT", "")
_TOLD: Final = os.environ.get("FAULTS_CRASH_TOLD", "")
_BLOCK_S: Final = float(os.environ.get("FAULTS_BLOCK_S", "0"))
_name, _left = _armed(ARMED)


def at(point: str) -> None:
    """End this process here if it was asked for. Call it as `if ARMED: at("…")`."""
    global _left, _name
    if point != _name:
        return
    _left -= 1
    if _left > 0:
        return
    if _TOLD:
        Path(_TOLD).write_text(point, encoding="ascii")
    if not _BLOCK_S:
        os.kill(os.getpid(), signal.SIGKILL)
    _name = ""
    time.sleep(_BLOCK_S)


__all__ = ["ARMED", "POINTS", "at"]
