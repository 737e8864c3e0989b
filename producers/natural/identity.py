"""What makes an event that event, without a sequence number.

| event | natural identity | why |
|---|---|---|
| status changed | ward, dossier, status, the time it happened | 4 comes again after 5, but at another time |
| day closed | ward, day, the counts | corrected totals are a new closing, the same again are none |
| retracted | ward, and what is taken back: epoch, seq, dossier, status, time | an event is taken back once |
| difficulty | ward, its code, the step | each step is taken once |

What is taken back is named by its natural identity as well: a system without seqs may not know
its epoch and seq.

Known limits: totals that go back to a former value (A, B, A) end at B; a difficulty that is assigned a second
time is a conflict. Both are said (`Given.duplicate`, `Given.conflict`), never swallowed.

A key is 16 bytes: 3 bytes of the day that the event speaks of, then 13 bytes of BLAKE2b. With 104 bits,
10^9 keys collide with a chance of 1 in 4*10^13. The day stands first so that today's keys lie together in the
file: random keys would dirty one page for each event.
"""

from __future__ import annotations

from datetime import date, datetime
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

from producers.contract.envelope import Payload, SequencedEvent
from producers.contract.events import DayClosed, Retracted, StatusChanged

_DIGEST_BYTES: Final = 13
_ORDINAL_1970: Final = date(1970, 1, 1).toordinal()
# The epoch and seq in a retraction by a system that does not know them, as the gateway completes it.
UNKNOWN_PLACE: Final = ("gateway", 1)
_encode: Final = msgspec.msgpack.Encoder(order="deterministic").encode


def key_of(kind: type[SequencedEvent], data: Payload, time: datetime) -> bytes:
    """The natural identity of an event as 16 bytes."""
    if isinstance(data, StatusChanged):
        time_s = time.timestamp()
        return digest(_day_of(time_s), "status", data.ward, data.dossier, int(data.status), time_s)
    if isinstance(data, DayClosed):
        counts = sorted((int(status), count) for status, count in data.counts.items() if count)
        return digest(data.day.toordinal() - _ORDINAL_1970, "closed", data.ward, counts)
    if isinstance(data, Retracted):
        of = data.of
        place = (of.epoch, of.seq)
        return retraction_key(data.ward, place, of.dossier, int(of.status), data.of_time.timestamp())
    return digest(0, "difficulty", data.ward, data.difficulty, str(kind.__struct_config__.tag))


def retraction_key(ward: str, place: tuple[str, int], dossier: str, status: int, time_s: float) -> bytes:
    """The identity of a retraction; `place` is the epoch and seq that it names."""
    return digest(_day_of(time_s), "retracted", ward, *place, dossier, status, time_s)


def digest(day: int, *parts: object) -> bytes:
    """A key: the day (since 1970, 0 for none), then a hash of the parts; kinds never look alike."""
    return (day & 0xFFFFFF).to_bytes(3, "big") + blake2b(_encode(parts), digest_size=_DIGEST_BYTES).digest()


def _day_of(time_s: float) -> int:
    return int(time_s // 86_400)


def content_of(data: Payload) -> bytes:
    """Eight bytes that tell two contents under one identity apart; a closing's content is its identity."""
    if isinstance(data, DayClosed):
        return b""
    return blake2b(_encode(replace(data, epoch="", seq=1)), digest_size=8).digest()
