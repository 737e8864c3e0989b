"""A ward's synchronisation record, made anew: its seqs are its books', the rest is what rows still say.

Heartbeats are kept for a week and show the newest only, so what the old record knows beyond the rows stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from streams.domain import intervals, records
from streams.domain.book import Book
from streams.domain.sync import Beat, WardSync
from streams.rebuild.compare import ROW, STATE, Difference, Found
from streams.rebuild.kafka import Place
from streams.rebuild.rows import AHEAD, bound
from streams.warehouse.store import Store


class Said(NamedTuple):
    """What ClickHouse has beside the events: rejected messages with the newest, the newest heartbeat, and the
    version and seqs of the record that it shows."""

    rejected: tuple[int, int, int] = (0, 0, -1)
    beat: Beat | None = None
    version: int = 0
    seqs: Mapping[str, Any] = {}


def read(store: Store, wards: Sequence[str], places: Mapping[int, Place]) -> dict[str, Said]:
    """The same of some wards; those of which nothing is known are not there.

    :raises Unavailable: ClickHouse is away
    """
    asked = {"wards": list(wards), **bound(places)}
    rejected = {row[0]: row[1:] for row in store.query(_REJECTED, asked).rows}
    beats = {row[0]: Beat(*row[1:]) for row in store.query(_BEAT, asked).rows}
    shown = {
        ward: (version, {epoch: list(numbers) for epoch, numbers in zip(epochs, seqs, strict=True)})
        for ward, version, epochs, seqs in store.query(_SHOWN, {"wards": list(wards)}).rows
    }
    return {
        ward: Said(rejected.get(ward, (0, 0, -1)), beats.get(ward), *shown.get(ward, (0, {})))
        for ward in rejected.keys() | beats.keys() | shown.keys()
    }


def compare(
    made: WardSync,
    value: bytes | None,
    said: Said,
    books: Iterable[Book],
    stored: Callable[[], dict[str, intervals.Intervals]],
) -> tuple[Found | None, int]:
    """The record of a ward if it is lost, or lacks what its books hold; `made` is completed.

    It may be ahead of its books in events that are stored: it is written before them. The number is a version
    that ClickHouse shows and that is above the one in `value`, else 0.
    """
    kept = records.decode_sync(value) if value else None
    by_epoch: dict[str, list[intervals.Intervals]] = {}
    for book in books:
        for epoch, seqs in book.seqs.items():
            by_epoch.setdefault(epoch, []).append(seqs)
    made.seqs = {epoch: intervals.merge_all(sets) for epoch, sets in by_epoch.items()}
    _complete(made, said, kept)
    if kept is None and not made.revision:
        return None, 0
    version, shown = said.version, said.seqs
    if kept is not None and _right(kept.seqs, made.seqs, stored):
        if version == records.version_of(value or b"") and shown == kept.seqs:
            return None, 0
        known = records.version_of(value or b"")
        return _found(made, ROW, _events(shown)), version if version > known else 0
    return _found(made, STATE, kept.events() if kept else 0), 0


def _right(
    kept: dict[str, intervals.Intervals],
    made: dict[str, intervals.Intervals],
    stored: Callable[[], dict[str, intervals.Intervals]],
) -> bool:
    return kept == made or (intervals.within(made, kept) and intervals.within(kept, stored()))


def _found(made: WardSync, cause: str, old: int) -> Found:
    line = Difference(made.ward, None, cause, "", "", 0, "", old, made.events(), 0, 0)
    return Found(made.ward, "", cause, (line,), (records.encode(made),))


def _complete(made: WardSync, said: Said, kept: WardSync | None) -> None:
    made.rejected, made.rejected_ms, made.rejected_offset = said.rejected
    made.beat = said.beat
    made.revision = made.events() + made.rejected + (made.beat is not None)
    if kept is None:
        made.prove_again()
    else:
        _keep(made, kept)


def _keep(made: WardSync, kept: WardSync) -> None:
    """What the old record knows later than the rows: it counts on, and never goes back."""
    made.revision = max(made.revision, kept.revision)
    # Rows have whole milliseconds, rounded; the record cuts them off.
    made.event_ms = kept.event_ms if made.event_ms - kept.event_ms <= 1 else made.event_ms
    made.arrived_ms = max(made.arrived_ms, kept.arrived_ms)
    made.city_ms = max(made.city_ms, kept.city_ms)
    made.proven_ms, made.doubt_ms = kept.proven_ms, kept.doubt_ms
    if kept.beat and (made.beat is None or made.beat.clock_ms - kept.beat.clock_ms <= 1):
        made.beat = kept.beat
    if (kept.rejected_ms, kept.rejected_offset) >= (made.rejected_ms, made.rejected_offset):
        made.rejected_ms, made.rejected_offset = kept.rejected_ms, kept.rejected_offset
        made.rejected = kept.rejected


def _events(shown: Mapping[str, Any]) -> int:
    return sum(intervals.size(seqs) for seqs in shown.values())


_REJECTED: Final = f"""
SELECT toString(ward) AS w, count(), max(toUnixTimestamp64Milli(arrived_at)),
    argMax(toInt64(`offset`), (arrived_at, `offset`))
FROM rejects FINAL
WHERE ward IN {{wards:Array(String)}} AND NOT {AHEAD}
GROUP BY w
"""  # noqa: S608 - made of constants
_BEAT: Final = f"""
SELECT toString(ward), toUnixTimestamp64Milli(clock_at), toUnixTimestamp64Milli(arrived_at), toString(epoch),
    last_seq, outbox_pending
FROM heartbeats
WHERE ward IN {{wards:Array(String)}} AND NOT {AHEAD}
ORDER BY ward, clock_at DESC, arrived_at
LIMIT 1 BY ward
"""  # noqa: S608 - made of constants
_SHOWN: Final = """
SELECT toString(ward), version, epochs, intervals FROM ward_sync FINAL WHERE ward IN {wards:Array(String)}
"""
