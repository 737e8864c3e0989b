"""A stored status event as its ward sent it, exact in everything that a book counts.

The table keeps milliseconds, rounded; an event may have had finer times. What is rebuilt is checked against
the day, the timeliness and the minutes that were stored with it, and moved by a millisecond where rounding
carried it over an edge: a retraction of it then takes away exactly what was counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final, NamedTuple

from producers.contract.events import StatusChanged
from producers.contract.vocabulary import Applicant, Channel, Status
from streams.domain.days import HANOI
from streams.domain.lifecycle import entry_of
from streams.warehouse.store import Store

_MS: Final = timedelta(milliseconds=1)
_SHIFTS: Final = (timedelta(0), -_MS)


class Original(NamedTuple):
    """A stored status event; `retracted_by` are the ids of the retractions that name it."""

    payload: StatusChanged
    time: datetime
    retracted_by: tuple[str, ...]


def find(store: Store, ward: str, epoch: str, seq: int) -> Original | None:
    """The status event of this identity that counts, None if none is stored.

    :raises Unavailable: ClickHouse does not answer
    """
    identity = {"ward": ward, "epoch": epoch, "seq": seq}
    found = store.query(_EVENT, identity).dicts()
    if not found:
        return None
    taken_back = store.query(_RETRACTIONS, identity).rows
    payload, time = rebuilt(found[0])
    return Original(payload, time, tuple(row[0] for row in taken_back))


def rebuilt(row: dict[str, Any]) -> tuple[StatusChanged, datetime]:
    """Payload and time of a row of `events`.

    :raises ValueError: no rounding explains the day, the timeliness and the minutes that are stored
    """
    time = _local(row["occurred_at"])
    if time.date() != row["book_day"]:
        time -= _MS
    counted = (row["timeliness"], row["minutes"])
    for payload in _candidates(row):
        cell, minutes = entry_of(payload)
        if (cell.rpartition("|")[2], minutes) == counted and time.date() == row["book_day"]:
            return payload, time
    raise ValueError(f"{row['ward']}/{row['epoch']}/{row['seq']} cannot be rebuilt exactly")


def _candidates(row: dict[str, Any]) -> Iterator[StatusChanged]:
    """The payload as stored, then with one or more of its times a millisecond earlier."""
    for received, finished, due in product(_SHIFTS, repeat=3):
        yield StatusChanged(
            ward=row["ward"],
            epoch=row["epoch"],
            seq=row["seq"],
            dossier=row["dossier"],
            procedure=row["procedure"],
            field=row["field"],
            channel=Channel(row["channel"]),
            status=Status(row["status"]),
            received_at=_local(row["received_at"]) + received,
            due_at=_moved(row["due_at"], due),
            finished_at=_moved(row["finished_at"], finished),
            applicant=Applicant(row["applicant"]) if row["applicant"] else None,
            service_level=row["service_level"] or None,
            paid_online=_flag(row["paid_online"]),
            digitised=_flag(row["digitised"]),
        )


def _moved(moment: datetime | None, by: timedelta) -> datetime | None:
    return None if moment is None else _local(moment) + by


def _local(moment: datetime) -> datetime:
    # Without a zone it is the column's own, which is Hanoi's.
    return moment.replace(tzinfo=HANOI) if moment.tzinfo is None else moment.astimezone(HANOI)


def _flag(stored: int) -> bool | None:
    return None if stored < 0 else bool(stored)


_IDENTITY: Final = "ward = {ward:String} AND epoch = {epoch:String} AND seq = {seq:UInt64}"
_EVENT: Final = f"""
SELECT
    ward, epoch, seq, occurred_at, book_day, dossier, procedure, field, channel, status, received_at, due_at,
    finished_at, applicant, service_level, paid_online, digitised, timeliness, minutes
FROM events FINAL
WHERE {_IDENTITY} AND status > 0 AND of_seq = 0
ORDER BY rank DESC
LIMIT 1
"""  # noqa: S608 - made of constants
_RETRACTIONS: Final = """
SELECT concat(ward, '/', epoch, '/', toString(seq))
FROM events FINAL
WHERE ward = {ward:String} AND of_epoch = {epoch:String} AND of_seq = {seq:UInt64}
ORDER BY arrived_at
"""
