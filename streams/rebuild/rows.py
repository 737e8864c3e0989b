"""The raw rows of a ward, of each seq its first arrival: what a rebuild counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from producers.contract.topics import PARTITIONS
from streams.domain import intervals
from streams.domain.intervals import Intervals
from streams.rebuild.kafka import Place
from streams.warehouse.comparison import FIRST_DAY, LAST_DAY
from streams.warehouse.store import Store

# Where a moment is not given.
NONE: Final = -(2**62)
# A ward has some 55,000 a year.
ROWS_AT_ONCE: Final = 50_000
# Whether the worker's place in Kafka is not above a row.
AHEAD: Final = (
    "(topic_id = {topics:Array(String)}[partition + 1] AND `offset` >= {places:Array(UInt64)}[partition + 1])"
)


class Raw(NamedTuple):
    """One row. `day` is in days since 1970, moments in ms since 1970 or NONE.

    `words` is field|channel|status, empty for what is no status event: then `body` has the whole event.
    `ahead`: the worker's place in Kafka is not above it. `timeliness` and `minutes` are what the loader found
    when it arrived.
    """

    epoch: str
    seq: int
    day: int
    occurred_ms: int
    arrived_ms: int
    words: str
    received_ms: int
    due_ms: int
    finished_ms: int
    timeliness: str
    minutes: int
    body: str
    ahead: int
    ward: str


def bound(places: Mapping[int, Place]) -> dict[str, Any]:
    """The workers' places as `AHEAD` takes them."""
    return {
        "topics": [places[number].topic_id for number in range(PARTITIONS)],
        "places": [places[number].offset for number in range(PARTITIONS)],
    }


def read(
    store: Store,
    wards: Sequence[str],
    places: Mapping[int, Place],
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
) -> Iterator[tuple[str, list[Any]]]:
    """The rows of each ward's books from `first` to `last`, tuples in the order of `Raw`, by epoch and seq.

    Wards are asked for together as long as they have few rows, so memory is bounded by the largest.

    :raises Unavailable: ClickHouse is away
    """
    counts: dict[str, int] = dict(store.query(_COUNTS, {"wards": list(wards)}).rows)
    for group in _groups(wards, counts):
        asked = {"wards": group, "first": first, "last": last, **bound(places)}
        found: dict[str, list[Any]] = {ward: [] for ward in group}
        if any(counts.get(ward) for ward in group):
            for row in store.query(_ROWS, asked).rows:
                found[row[13]].append(row)
        yield from found.items()


def _groups(wards: Sequence[str], counts: Mapping[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    rows = 0
    for ward in wards:
        count = counts.get(ward, 0)
        if group and rows + count > ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(ward)
        rows += count
    if group:
        yield group


def seqs(store: Store, ward: str) -> dict[str, Intervals]:
    """Every seq of a ward that is stored, by epoch."""
    found: dict[str, Intervals] = {}
    for epoch, seq in store.query(_SEQS, {"ward": ward}).rows:
        intervals.add(found.setdefault(epoch, []), seq)
    return found


def _ms(column: str) -> str:
    return f"ifNull(toUnixTimestamp64Milli({column}), {NONE})"


# The first arrival is looked for among all rows of a seq, so the days are chosen afterwards.
_ROWS: Final = f"""
SELECT
    epoch, seq, toInt32(book_day), toUnixTimestamp64Milli(occurred_at), toUnixTimestamp64Milli(arrived_at),
    toLowCardinality(if(status > 0 AND of_seq = 0, concat(field, '|', channel, '|', toString(status)), '')),
    {_ms("received_at")}, {_ms("due_at")}, {_ms("finished_at")}, timeliness, minutes, body,
    toUInt8({AHEAD}), ward
FROM
(
    SELECT * FROM events WHERE ward IN {{wards:Array(String)}}
    ORDER BY ward, epoch, seq, rank DESC
    LIMIT 1 BY ward, epoch, seq
)
WHERE book_day BETWEEN {{first:Date32}} AND {{last:Date32}}
ORDER BY ward, epoch, seq
"""  # noqa: S608 - made of constants
_COUNTS: Final = """
SELECT toString(ward) AS w, count() FROM events WHERE ward IN {wards:Array(String)} GROUP BY w
"""
_SEQS: Final = """
SELECT toString(epoch) AS e, seq FROM events WHERE ward = {ward:String} GROUP BY e, seq ORDER BY e, seq
"""
