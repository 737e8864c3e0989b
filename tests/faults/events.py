"""The n-th event of a ward, as a pure function of (seed, ward, seq).

So a sender that was killed makes exactly the same event again, and the oracle knows each event's cell and
minutes by construction: nothing here calls the rules that are being tested.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from producers.contract.envelope import (
    DayClosedEvent,
    RetractedEvent,
    SequencedEvent,
    StatusChangedEvent,
    wrap,
)
from producers.contract.events import DayClosed, Retracted, StatusChanged
from producers.contract.vocabulary import Channel, Status
from streams.domain.days import HANOI

BLOCK: Final = 200  # events of a ward and day
# Weekdays of July and August 2025, none of them a public holiday: a morning's minutes are working minutes.
DAYS: Final = tuple(
    day for day in (date(2025, 7, 1) + timedelta(n) for n in range(62)) if day.isoweekday() <= 5
)
_FIELDS: Final = ("chung-thuc", "ho-tich", "dat-dai", "xay-dung", "khac")
_CHANNELS: Final = (Channel.COUNTER, Channel.ONLINE, Channel.POST)
_STATUSES: Final = tuple(Status(n) for n in (1, 2, 2, 2, 4, 4, 5, 6, 9, 9, 9, 10, 3, 7, 8))
_ENDS: Final = frozenset({3, 7, 8, 9, 10})
_DUE: Final = ((None, "on_time"), (1, "early"), (0, "on_time"), (-1, "overdue"))
_CLOSING: Final = BLOCK - 1


class Fact(NamedTuple):
    """What the ledger keeps. `cell` is '-' where it counts nothing, `of_seq` 0 where it is no retraction."""

    seq: int
    day: str
    cell: str
    minutes: int
    of_seq: int
    content: str


class Made(NamedTuple):
    """An event with what it must mean."""

    fact: Fact
    event: SequencedEvent


def make(seed: int, epoch: str, ward: str, seq: int) -> Made:
    """The event; of every 200 some are retractions (also before their original), one closes the day."""
    place = (seq - 1) % BLOCK
    if place == _CLOSING:
        return _closing(seed, epoch, ward, seq)
    of_seq = _retracted_by(seed, ward, seq)
    return _retraction(seed, epoch, ward, seq, of_seq) if of_seq else _status(seed, epoch, ward, seq)


def _retracted_by(seed: int, ward: str, seq: int) -> int:
    """The seq that this event takes back; 0 if it is no retraction."""
    place = (seq - 1) % BLOCK
    if place % 25 == 24:
        return seq - 1 - _noise(seed, ward, seq) % 6
    return seq + 5 if place % 50 == 12 else 0


def _noise(seed: int, ward: str, seq: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{ward}/{seq}".encode(), digest_size=8).digest())


def _day(seq: int, noise: int) -> date:
    """Mostly the block's own day; one of fifty comes late, for a day that is closed."""
    block = (seq - 1) // BLOCK
    return DAYS[(block - (1 + noise // 64 % 15 if noise % 50 == 0 else 0)) % len(DAYS)]


def _moment(day: date, minutes: int, seconds: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=HANOI) + timedelta(
        minutes=minutes, seconds=seconds
    )


@lru_cache(maxsize=4096)
def _status(seed: int, epoch: str, ward: str, seq: int) -> Made:
    noise = _noise(seed, ward, seq)
    day, status = _day(seq, noise), _STATUSES[noise // 1_000 % len(_STATUSES)]
    field, channel = _FIELDS[noise // 20_000 % 5], _CHANNELS[noise // 100_000 % 3]
    received, minutes = _moment(day, noise // 1_000_000 % 60), noise // 100_000_000 % 170
    finished = due = None
    timeliness, spent = "open", 0
    if status in _ENDS:
        (ahead, timeliness), spent = _DUE[noise // 10_000_000 % 4], minutes
        finished = received + timedelta(minutes=minutes)
        due = None if ahead is None else finished + timedelta(days=ahead)
    data = StatusChanged(
        ward=ward,
        epoch=epoch,
        seq=seq,
        dossier=f"H26.{ward}-{day:%y%m%d}-{seq // 4 % 10_000_000:05d}",
        procedure="2.000815",
        field=field,
        channel=channel,
        status=status,
        received_at=received,
        due_at=due,
        finished_at=finished,
    )
    at = _moment(day, 0, (seq - 1) % BLOCK * 150 + noise % 100)
    event = wrap(StatusChangedEvent, data, at)
    cell = f"{field}|{channel.value}|{status.value}|{timeliness}"
    content = (data.dossier, field, channel.value, status.value, _ms(received), _ms(due), _ms(finished))
    return Made(_fact(event, seq, day.isoformat(), cell, spent, 0, content), event)


def _retraction(seed: int, epoch: str, ward: str, seq: int, of_seq: int) -> Made:
    fact, original = _status(seed, epoch, ward, of_seq)
    assert isinstance(original, StatusChangedEvent)
    data = Retracted(
        ward=ward, epoch=epoch, seq=seq, of=original.data, of_time=original.time, reason="wrong-status"
    )
    event = wrap(RetractedEvent, data, original.time + timedelta(minutes=5))
    return Made(_fact(event, seq, fact.day, "-", 0, of_seq), event)


def _closing(seed: int, epoch: str, ward: str, seq: int) -> Made:
    first = seq - _CLOSING
    day = DAYS[(seq - 1) // BLOCK % len(DAYS)]
    data = DayClosed(
        ward=ward,
        epoch=epoch,
        seq=seq,
        day=day,
        counts=_counts(seed, epoch, ward, first, day.isoformat()),
        first_seq=first,
        last_seq=seq - 1,
    )
    event = wrap(DayClosedEvent, data, _moment(day, 600))
    return Made(_fact(event, seq, day.isoformat(), "-", 0, 0), event)


def _counts(seed: int, epoch: str, ward: str, first: int, day: str) -> dict[Status, int]:
    seqs = range(first, first + _CLOSING)
    back = {seq: _retracted_by(seed, ward, seq) for seq in seqs}
    gone = set(back.values())
    made = (_status(seed, epoch, ward, seq)[0] for seq in seqs if not back[seq] and seq not in gone)
    return dict(Counter(Status(int(fact.cell.split("|")[2])) for fact in made if fact.day == day))


def _ms(moment: datetime | None) -> int:
    return -1 if moment is None else round(moment.timestamp() * 1000)


def _fact(
    event: SequencedEvent,
    seq: int,
    day: str,
    cell: str,
    minutes: int,
    of_seq: int,
    content: tuple[object, ...] = (),
) -> Fact:
    parts = (type(event).__struct_config__.tag, _ms(event.time), day, of_seq, *content)
    digest = hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
    return Fact(seq, day, cell, minutes, of_seq, digest)


# The same digest, made by ClickHouse from a row of `events`.
CONTENT_SQL: Final = """lower(hex(MD5(concat(
    type, '|', toString(toUnixTimestamp64Milli(occurred_at)), '|', toString(book_day), '|', toString(of_seq),
    if(type = 'dongbo.dossier.status-changed.v1', concat(
        '|', dossier, '|', field, '|', channel, '|', toString(status),
        '|', toString(ifNull(toUnixTimestamp64Milli(received_at), -1)),
        '|', toString(ifNull(toUnixTimestamp64Milli(due_at), -1)),
        '|', toString(ifNull(toUnixTimestamp64Milli(finished_at), -1))), '')))))"""
