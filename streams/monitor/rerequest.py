"""A hole that stays is asked for without a hand: the ward's outbox answers by itself.

Asked once it is `after_s` old, and again after waits that double, up to a day: a ward that is away is not
asked a thousand times. Every request is written down first, so that a monitor that is started again, or a
second one, knows what was asked; asking twice is harmless.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from streams.domain.asking import Asked, Hole, due
from streams.monitor.config import Asking
from streams.monitor.jobs import Context, Facts
from streams.warehouse.repairs import REQUEST, Repair, record


class Rerequests:
    """The job."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._after, self._again = timedelta(seconds=asking.after_s), timedelta(seconds=asking.again_s)
        self._requests = 0

    def run(self, context: Context) -> Facts:
        """Ask for what is due.

        :raises Unavailable: Kafka or ClickHouse is away
        """
        now: datetime = context.store.value("SELECT at FROM r_now")
        holes = [Hole(*row) for row in context.store.query(_HOLES).rows]
        asked = [Asked(*row) for row in context.store.query(_ASKED).rows] if holes else []
        wanted = [(self._asking.new_id(), hole) for hole in due(holes, asked, now, self._after, self._again)]
        record(context.store, [Repair(one, REQUEST, "monitor", *hole[:4], "gap") for one, hole in wanted])
        if wanted:
            self._asking.ask(wanted)
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
