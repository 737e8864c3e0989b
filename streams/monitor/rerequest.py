"""A hole that stays is asked for without a hand: the ward's outbox answers by itself.

Asked once it is `ask_after_s` old, and again after waits that double, up to a day: a ward that is away is not
asked a thousand times. Every request is written down first, so that a monitor that is started again, or a
second one, knows what was asked; asking twice is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from streams.monitor.jobs import Context, Facts
from streams.warehouse.repairs import REQUEST, Repair, record

ASKED_MAX: Final = 200
_AGAIN_MAX: Final = timedelta(days=1)


class Hole(NamedTuple):
    """Seqs, both ends included, that a ward has given and the city has not."""

    ward: str
    epoch: str
    first_seq: int
    last_seq: int
    since: datetime


class Asked(NamedTuple):
    """An earlier request for seqs."""

    ward: str
    epoch: str
    first_seq: int
    last_seq: int
    at: datetime


# Sends requests, each with its id, to the wards. Raises `Unavailable`.
Ask = Callable[[Sequence[tuple[str, Hole]]], None]


def due(
    holes: Iterable[Hole], asked: Iterable[Asked], now: datetime, after: timedelta, again: timedelta
) -> list[Hole]:
    """The holes to be asked for now, the oldest first, at most `ASKED_MAX`."""
    earlier: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        earlier.setdefault((one.ward, one.epoch), []).append(one)
    found = [
        hole
        for hole in holes
        if now - hole.since >= after and _rested(hole, earlier.get((hole.ward, hole.epoch), []), now, again)
    ]
    return sorted(found, key=lambda hole: hole.since)[:ASKED_MAX]


def _rested(hole: Hole, earlier: list[Asked], now: datetime, again: timedelta) -> bool:
    same = [one.at for one in earlier if one.first_seq <= hole.last_seq and one.last_seq >= hole.first_seq]
    if not same:
        return True
    # The exponent is bounded, so that a hole that is never filled cannot overflow the wait.
    rest = again * float(2 ** min(len(same) - 1, 20))
    return now - max(same) >= min(_AGAIN_MAX, rest)


class Rerequests:
    """The job. `new_id` names a request, `ask` sends requests; both are given by who composes the process."""

    def __init__(self, ask: Ask, new_id: Callable[[], str], after_s: float, again_s: float) -> None:
        self._ask, self._new_id = ask, new_id
        self._after, self._again = timedelta(seconds=after_s), timedelta(seconds=again_s)
        self._requests = 0

    def run(self, context: Context) -> Facts:
        """Ask for what is due.

        :raises Unavailable: Kafka or ClickHouse is away
        """
        now: datetime = context.store.value("SELECT at FROM r_now")
        holes = [Hole(*row) for row in context.store.query(_HOLES).rows]
        asked = [Asked(*row) for row in context.store.query(_ASKED).rows] if holes else []
        wanted = [(self._new_id(), hole) for hole in due(holes, asked, now, self._after, self._again)]
        record(context.store, [Repair(one, REQUEST, "monitor", *hole[:4], "gap") for one, hole in wanted])
        if wanted:
            self._ask(wanted)
        self._requests += len(wanted)
        return {"holes": len(holes), "requests": self._requests}


_HOLES: Final = """
SELECT s.ward, hole.1, hole.2, hole.3, hole.4
FROM r_ward_state AS s
ARRAY JOIN arrayZip(s.hole_epoch, s.hole_first, s.hole_last, s.hole_since) AS hole
WHERE hole.1 != ''
"""
_ASKED: Final = """
SELECT ward, epoch, first_seq, last_seq, r.at FROM r_repairs AS r
WHERE kind = 'request' AND r.at > (SELECT at FROM r_now) - INTERVAL 8 DAY
"""
