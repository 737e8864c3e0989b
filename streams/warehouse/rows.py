"""From one message to one row: pure functions, the same row for the same message at every replay.

Rows are plain tuples in the order of `tables`, times as milliseconds and days as numbers since 1970: the
client writes those as they are, where it would convert objects one by one.

Values that a ward may send and a column cannot hold (a year 9999, a count beyond 64 bits) are clamped to the
column's bounds here, so that no admitted event can ever make an insert fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from producers.contract.codec import encode, seconds_of
from producers.contract.envelope import (
    HeartbeatEvent,
    RetractedEvent,
    SequencedEvent,
    StatusChangedEvent,
    type_of,
    wrap,
)
from producers.contract.errors import Reject
from producers.contract.wards import WARDS
from streams.domain import intervals, records
from streams.domain.book import Book, Declared, day_of
from streams.domain.calendar import office_calendar
from streams.domain.days import DAY_S, OFFSET_S, number_of
from streams.domain.lifecycle import timeliness
from streams.domain.sync import WardSync
from streams.warehouse import tables

Row = tuple[Any, ...]
# Topic id, partition, offset: where a message lies.
Coordinates = tuple[str, int, int]

# What DateTime64 and Date32 show: 1900-01-01 to 2299-12-31.
_TIME_MIN_MS: Final = -2_208_988_800_000
_TIME_MAX_MS: Final = 10_413_791_999_999
_DAY_MIN: Final = number_of(date(1900, 1, 1))
_DAY_MAX: Final = number_of(date(2299, 12, 31))
_UINT64_MAX: Final = 2**64 - 1
# More holes than this are only counted; the page shows the first ones.
HOLES_MAX: Final = 1000
STATUS_TYPE: Final = str(StatusChangedEvent.__struct_config__.tag)
_minutes_between: Final = office_calendar().minutes_between_s


class Message(NamedTuple):
    """One Kafka message with its coordinates; `topic_id` tells a topic from a later one of the same name."""

    value: bytes | None
    key: bytes | None
    topic_id: str
    topic: str
    partition: int
    offset: int
    arrived_ms: int


def reject_row(message: Message, reject: Reject) -> Row:
    """A rejected message with all that is needed to look into it, or to replay it."""
    key, value = message.key, message.value
    ward = (key or b"").decode("ascii", "replace")
    return (
        message.topic_id,
        message.topic,
        message.partition,
        message.offset,
        message.arrived_ms,
        ward if ward in WARDS else "",
        reject.code,
        reject.detail,
        reject.member,
        key or b"",
        value or b"",
        key is not None,
        value is not None,
        len(value or b""),
    )


def event_row(event: SequencedEvent, time_s: float, arrived_ms: int, at: Coordinates) -> Row:
    """An admitted event with a seq."""
    if type(event) is not StatusChangedEvent:
        return _other_row(event, time_s, arrived_ms, at)
    data = event.data
    # One flat tuple, each moment turned into seconds once: this is the hot path of a replay.
    received_s = seconds_of(data.received_at)
    received_ms = int(received_s * 1000 + 0.5)
    if not _TIME_MIN_MS <= received_ms <= _TIME_MAX_MS:
        received_ms = clamp(received_ms)
    due, finished, due_s, due_ms, finished_ms = data.due_at, data.finished_at, None, None, None
    if due is not None:
        due_s = seconds_of(due)
        due_ms = int(due_s * 1000 + 0.5)
        if not _TIME_MIN_MS <= due_ms <= _TIME_MAX_MS:
            due_ms = clamp(due_ms)
    lateness, minutes = "open", 0
    if finished is not None:
        finished_s = seconds_of(finished)
        finished_ms = _milliseconds(finished_s)
        # As `lifecycle.entry_of` has them (a test compares the two).
        lateness, minutes = timeliness(finished_s, due_s), _minutes_between(received_s, finished_s)
    applicant, paid_online, digitised = data.applicant, data.paid_online, data.digitised
    topic_id, partition, offset = at
    return (
        data.ward,
        data.epoch,
        data.seq,
        STATUS_TYPE,
        int(time_s * 1000 + 0.5),
        int(time_s + OFFSET_S) // DAY_S,
        arrived_ms,
        data.dossier,
        data.procedure,
        data.field,
        data.channel._value_,
        data.status._value_,
        received_ms,
        due_ms,
        finished_ms,
        "" if applicant is None else applicant._value_,
        data.service_level or 0,
        -1 if paid_online is None else int(paid_online),
        -1 if digitised is None else int(digitised),
        lateness,
        minutes,
        "",
        0,
        "",
        topic_id,
        partition,
        offset,
    )


_NO_STEP: Final[Row] = ("", "", "", "", 0, None, None, None, "", 0, -1, -1, "", 0)
_STEP: Final = slice(tables.EVENTS.columns.index("dossier"), tables.EVENTS.columns.index("of_epoch"))


def _other_row(event: SequencedEvent, time_s: float, arrived_ms: int, at: Coordinates) -> Row:
    data = event.data
    step, of_epoch, of_seq = _NO_STEP, "", 0
    if type(event) is RetractedEvent:
        of, of_time = event.data.of, event.data.of_time
        taken_back = wrap(StatusChangedEvent, of, of_time)
        step = event_row(taken_back, seconds_of(of_time), arrived_ms, at)[_STEP]
        of_epoch, of_seq = of.epoch, of.seq
    return (
        data.ward,
        data.epoch,
        data.seq,
        type_of(event),
        int(time_s * 1000 + 0.5),
        _day(day_of(event, time_s)),
        arrived_ms,
        *step,
        of_epoch,
        of_seq,
        encode(event).decode(),
        *at,
    )


def _milliseconds(moment_s: float) -> int:
    """A moment as the columns take it."""
    ms = int(moment_s * 1000 + 0.5)
    return ms if _TIME_MIN_MS <= ms <= _TIME_MAX_MS else clamp(ms)


def clamp(ms: int) -> int:
    """A moment within what the columns show."""
    return ms if _TIME_MIN_MS <= ms <= _TIME_MAX_MS else max(_TIME_MIN_MS, min(_TIME_MAX_MS, ms))


def heartbeat_row(event: HeartbeatEvent, arrived_ms: int, at: Coordinates) -> Row:
    """An admitted heartbeat."""
    data = event.data
    return (
        data.ward,
        data.epoch,
        _milliseconds(data.clock.timestamp()),
        arrived_ms,
        min(data.last_seq, _UINT64_MAX),
        min(data.outbox_pending, _UINT64_MAX),
        *at,
    )


def book_row(value: bytes) -> Row:
    """A record of the changelog that is a book.

    :raises Reject: bad_shape
    """
    try:
        return _book_row(records.decode_book(value), records.version_of(value))
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise Reject("bad_shape", f"changelog record: {type(error).__name__}") from None


def sync_row(value: bytes) -> Row:
    """A record of the changelog that says how far a ward is.

    :raises Reject: bad_shape
    """
    try:
        return _sync_row(records.decode_sync(value), records.version_of(value))
    except (msgspec.DecodeError, ValueError, TypeError, IndexError) as error:
        raise Reject("bad_shape", f"changelog record: {type(error).__name__}") from None


def _book_row(book: Book, version: int) -> Row:
    names = sorted(book.cells)
    field, channel, status, lateness = _columns(4, map(_words, names))
    count, minutes = _columns(2, map(book.cells.__getitem__, names))
    return (
        _day(book.day),
        book.ward,
        version,
        book.generation,
        book.revision,
        book.arrived_ms,
        book.events(),
        list(book.seqs),
        [intervals.size(seqs) for seqs in book.seqs.values()],
        sum(intervals.size(seqs) for seqs in book.retracted.values()),
        list(field),
        list(channel),
        list(status),
        list(lateness),
        list(count),
        list(minutes),
        *_declared(book.declared),
    )


@lru_cache(maxsize=100_000)
def _words(cell: str) -> tuple[str, str, int, str]:
    """The words of a cell's name. All books have few names between them; every revision has many."""
    field, channel, status, lateness = cell.split("|")
    return field, channel, int(status), lateness


def _columns(width: int, cells: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    """Cells turned into columns; `width` is how many there are where there is no cell.

    :raises ValueError: cells of different widths
    """
    return [*zip(*cells, strict=True)] or [()] * width


def _declared(declared: Declared | None) -> Row:
    if declared is None:
        return False, None, "", 0, 0, [], []
    counts = sorted(declared.counts.items())
    return (
        True,
        clamp(declared.time_ms),
        declared.epoch,
        min(declared.first_seq, _UINT64_MAX),
        min(declared.last_seq, _UINT64_MAX),
        [status for status, _ in counts],
        [min(count, _UINT64_MAX) for _, count in counts],
    )


def _sync_row(sync: WardSync, version: int) -> Row:
    sets = list(sync.seqs.values())
    holes = [(epoch, *hole) for epoch, seqs in sync.seqs.items() for hole in intervals.holes(seqs)]
    missing = sum(intervals.highest(seqs) - intervals.size(seqs) for seqs in sets)
    tail = _tail(sync)
    if tail is not None:
        holes.append(tail)
        missing += tail[2] - tail[1] + 1
    shown = holes[:HOLES_MAX]
    return (
        sync.ward,
        version,
        sync.known_ms(),
        list(sync.seqs),
        sets,
        [intervals.size(seqs) for seqs in sets],
        [intervals.contiguous(seqs) for seqs in sets],
        [intervals.highest(seqs) for seqs in sets],
        sync.events(),
        min(missing, _UINT64_MAX),
        [hole[0] for hole in shown],
        [hole[1] for hole in shown],
        [hole[2] for hole in shown],
        sync.event_ms or None,
        sync.arrived_ms or None,
        *_beat(sync),
        sync.rejected,
        sync.proven_ms or None,
        sync.doubt_ms or None,
    )


def _tail(sync: WardSync) -> tuple[str, int, int] | None:
    """What the newest heartbeat announced and has not come."""
    beat = sync.beat
    if beat is None:
        return None
    highest = intervals.highest(sync.seqs.get(beat.epoch, []))
    last = min(beat.last_seq, _UINT64_MAX)
    return (beat.epoch, highest + 1, last) if last > highest else None


def _beat(sync: WardSync) -> Row:
    beat = sync.beat
    if beat is None:
        return None, None, "", 0, 0
    clock_ms = clamp(beat.clock_ms)
    last_seq, pending = min(beat.last_seq, _UINT64_MAX), min(beat.outbox_pending, _UINT64_MAX)
    return clock_ms, beat.arrived_ms, beat.epoch, last_seq, pending


def _day(name: str) -> int:
    return max(_DAY_MIN, min(_DAY_MAX, number_of(date.fromisoformat(name))))
