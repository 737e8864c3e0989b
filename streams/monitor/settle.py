"""Finds blocks and spans of seqs in which nothing is repeated (any more): questions need not put their rows
together, nor look at them.

A block counts as settled with the number of rows that were inserted into it. `block_seqs` may know of an
insert before its rows can be read, so a block is believed only if the number was the same ten minutes before:
no insert takes so long. A block of a seq that was used for two contents never has a row a seq, and stays.
"""

from __future__ import annotations

from typing import Final

from streams.monitor.jobs import Context, Facts
from streams.warehouse.store import Store

EVERY_S: Final = 1_800.0
# Some million rows a run at most, of the partitions in which the blocks lie.
BLOCKS_MAX: Final = 20_000
_QUIET: Final = "seen_at <= now() - INTERVAL 10 MINUTE"
_SEEN: Final = """
INSERT INTO settled_seqs SELECT ward, epoch, {size}, {number}, inserted, now('Asia/Ho_Chi_Minh'), 0
FROM {looked_at} WHERE (ward, epoch, {number}, inserted) NOT IN
    (SELECT ward, epoch, number, inserted FROM settled_seqs WHERE size = {size})
"""
# The newest span of an outbox goes on growing: it is looked at anyway.
_DOUBTFUL_SPANS: Final = """
(
    SELECT ward, epoch, span, inserted FROM r_doubtful_spans
    WHERE (ward, epoch, span) NOT IN (SELECT ward, epoch, max(span) FROM span_seqs GROUP BY ward, epoch)
        OR (ward, epoch, span) IN (SELECT ward, epoch, span FROM r_full_spans)
)"""
_WAITING: Final = f"""
(
    SELECT ward, epoch, block, inserted FROM r_full_blocks
    WHERE (ward, epoch, block, inserted) IN
        (SELECT ward, epoch, number, inserted FROM settled_seqs WHERE size = 128 AND {_QUIET})
    ORDER BY cityHash64(ward, epoch, block, {{turn}}) LIMIT {BLOCKS_MAX}
)"""  # noqa: S608 (constants of ours)
_BLOCKS: Final = f"""
INSERT INTO settled_seqs
SELECT w.ward, w.epoch, 128, w.block, w.inserted, now('Asia/Ho_Chi_Minh'), 1
FROM {_WAITING} AS w
INNER JOIN
(
    SELECT ward, epoch, intDiv(seq, 128) AS block FROM events
    WHERE toYYYYMM(occurred_at) IN (SELECT month FROM r_full_block_months)
        AND intDiv(seq, 128) IN (SELECT block FROM {_WAITING})
        AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM {_WAITING})
    GROUP BY ward, epoch, block
    HAVING count() = uniqExact(seq)
) AS e ON e.ward = w.ward AND e.epoch = w.epoch AND e.block = w.block
"""  # noqa: S608 (constants of ours)
_SPANS: Final = f"""
INSERT INTO span_seqs (ward, epoch, span, clean)
SELECT ward, epoch, span, inserted FROM {_DOUBTFUL_SPANS}
WHERE (ward, epoch, span) NOT IN (SELECT ward, epoch, intDiv(block, 128) FROM r_full_blocks)
    AND (ward, epoch, span, inserted) IN
        (SELECT ward, epoch, number, inserted FROM settled_seqs WHERE size = 16384 AND {_QUIET})
"""  # noqa: S608 (constants of ours)


def settle(store: Store, turn: int = 0) -> int:
    """Note which blocks have settled; how many are left to look at. Harmless at any time.

    `turn` chooses which blocks, where there are more than can be looked at in one run.

    :raises Unavailable: ClickHouse is away; nothing is lost
    """
    store.command(_SEEN.format(size=128, number="block", looked_at="r_full_blocks"))
    store.command(_SEEN.format(size=16384, number="span", looked_at=_DOUBTFUL_SPANS))
    store.command(_BLOCKS.format(turn=turn))
    store.command(_SPANS)
    return int(store.value("SELECT count() FROM r_full_blocks"))


class Settle:
    """The monitor's job."""

    def __init__(self) -> None:
        self._turn = 0

    def run(self, context: Context) -> Facts:
        """Another turn, for other blocks."""
        self._turn += 1
        return {"full_blocks": settle(context.store, self._turn)}
