"""Append events, read what waits, acknowledge what Kafka has, give again what the city asks for.

What the outbox takes, the city takes: `append` runs the city's own check (`codec.admit`) on the bytes that
will travel, so an event that is too large or out of shape never enters the queue and never blocks it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

from msgspec.structs import replace

from producers.contract import crash
from producers.contract.codec import admit, encode
from producers.contract.envelope import Payload, SequencedEvent, wrap
from producers.contract.errors import OutboxFull, Reject
from producers.contract.topics import PARTITION_OF_WARD
from producers.outbox.storage import connect, transaction, translated

PENDING_MAX: Final = 1_000_000
KEEP_MAX: Final = 1_000_000


class Draft(NamedTuple):
    """An event that has no seq yet.

    `payload` is a payload whose epoch and seq are placeholders, or a function of (epoch, seq) for one that
    depends on them, as the control totals of a day do; such a draft names its ward for `append_mixed`.
    """

    type: type[SequencedEvent]
    payload: Payload | Callable[[str, int], Payload]
    time: datetime
    ward: str = ""


class Stored(NamedTuple):
    """An event in the outbox; `position` orders all wards' events by when they were appended."""

    position: int
    ward: str
    seq: int
    value: bytes


class WardPosition(NamedTuple):
    """A ward's newest seq, and the seq up to which Kafka has acknowledged all."""

    last_seq: int
    sent_seq: int

    @property
    def pending(self) -> int:
        """Events that wait to be sent."""
        return self.last_seq - self.sent_seq


class Counts(NamedTuple):
    """All events of the outbox's life: appended, of these sent, of these purged."""

    appended: int
    sent: int
    purged: int

    @property
    def pending(self) -> int:
        """Events that wait to be sent."""
        return self.appended - self.sent

    @property
    def kept(self) -> int:
        """Sent events that can still be asked for."""
        return self.sent - self.purged


class Batch:
    """Events that are being appended in one transaction; see `Outbox.appending`."""

    def __init__(
        self,
        db: sqlite3.Connection,
        epoch: str,
        pending_max: int,
        room: int,
        last: dict[str, int],
        clock: Callable[[], float],
    ) -> None:
        """`last` is each ward's newest seq; `room` is how many events may still be added."""
        self.db, self.epoch = db, epoch
        self._pending_max, self._room, self._clock = pending_max, room, clock
        self._last, self._first = last, dict(last)
        self._rows: list[tuple[str, int, bytes]] = []

    def next_seq(self, ward: str) -> int:
        """The seq that the ward's next event will be given."""
        return self._last.get(ward, 0) + 1

    def add(self, draft: Draft, ward: str | None = None, at: int = 0) -> int:
        """Give a draft its seq. Nothing is added by a call that raises.

        :raises Reject: the event breaks the contract; `member` begins with its place: `$[at].…`
        :raises OutboxFull: more than the outbox's bound would wait
        """
        if len(self._rows) >= self._room:
            raise OutboxFull(self._pending_max - self._room, self._pending_max)
        try:
            payload = draft.payload
            code = ward or _ward_of(draft)
            seq = self.next_seq(code)
            data = payload(self.epoch, seq) if callable(payload) else payload
            value = encode(wrap(draft.type, replace(data, epoch=self.epoch, seq=seq), draft.time))
            admit(value, code.encode(), PARTITION_OF_WARD.get(code, -1), self._clock())
        except Reject as error:
            raise Reject(error.code, error.detail, f"$[{at}]{error.member[1:]}") from None
        self._rows.append((code, seq, value))
        self._last[code] = seq
        return seq

    def mark(self) -> int:
        """A place to go back to."""
        return len(self._rows)

    def back_to(self, mark: int) -> None:
        """Forget what was added since `mark`."""
        for code, seq, _ in reversed(self._rows[mark:]):
            self._last[code] = seq - 1
        del self._rows[mark:]

    def given(self) -> dict[str, range]:
        """The seqs that were given, by ward."""
        return {
            code: range(self._first.get(code, 0) + 1, seq + 1)
            for code, seq in self._last.items()
            if seq != self._first.get(code, 0)
        }

    def write(self) -> None:
        """Put the events into the file's tables; the outbox does it at the end of the transaction."""
        if not self._rows:
            return  # nothing to sync: repetitions alone cost no write
        self.db.executemany("INSERT INTO events (ward, seq, value) VALUES (?, ?, ?)", self._rows)
        self.db.executemany(
            "INSERT INTO wards VALUES (?, ?, 0) "
            "ON CONFLICT (ward) DO UPDATE SET last_seq = excluded.last_seq",
            [(ward, seqs[-1]) for ward, seqs in self.given().items()],
        )
        self.db.execute("UPDATE state SET appended = appended + ?", (len(self._rows),))


class Outbox:
    """A durable queue for one ward or many; threads and processes may share its file.

    One process should publish (see `Publisher`); any number may append.
    """

    def __init__(
        self,
        path: str | Path,
        epoch: str | None = None,
        *,
        pending_max: int = PENDING_MAX,
        keep_max: int = KEEP_MAX,
        busy_wait_s: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or create the file. Without `epoch` a new file gets a new one, an old file keeps its own.

        :raises Stop: the file has another epoch, is damaged, or cannot be opened
        :raises Unavailable: disk full, or the file is held by another process
        """
        self.path = Path(path)
        self.pending_max, self.keep_max = pending_max, keep_max
        self._clock, self._lock = clock, threading.RLock()
        self._db, self.epoch = connect(self.path, epoch, busy_wait_s)

    def append(self, ward: str, drafts: Sequence[Draft]) -> range:
        """Add one ward's events, durably, and return the seqs they were given; all of them or none.

        :raises Reject: an event breaks the contract; `member` begins with its place in `drafts`: `$[3].…`
        :raises OutboxFull: more than `pending_max` would wait
        :raises Unavailable: disk full, or the file is held by another process
        """
        given = self._append(drafts, ward)
        return given[ward] if given else range(0)

    def append_mixed(self, drafts: Sequence[Draft]) -> dict[str, range]:
        """Add events of several wards in the order given, in one transaction: all of them or none.

        :raises Reject: as `append`, likewise `OutboxFull` and `Unavailable`
        """
        return self._append(drafts, None)

    def _append(self, drafts: Sequence[Draft], ward: str | None) -> dict[str, range]:
        with self.appending() as batch:
            for at, draft in enumerate(drafts):
                batch.add(draft, ward, at)
            return batch.given()

    @contextmanager
    def appending(self) -> Iterator[Batch]:
        """One transaction that is filled step by step; all of it is durable when the block ends, or nothing.

        For those who keep something of their own beside the events, in tables of their own in `batch.db`.

        :raises OutboxFull: from `Batch.add`; `Unavailable` as `append`
        """
        with self._lock, transaction(self._db, self.path):
            last = {code: position.last_seq for code, position in self._wards().items()}
            room = self.pending_max - self._counts().pending
            batch = Batch(self._db, self.epoch, self.pending_max, room, last, self._clock)
            yield batch
            batch.write()
            if crash.ARMED:
                crash.at("outbox.append")
        if crash.ARMED:
            crash.at("outbox.appended")

    def next_seq(self, ward: str) -> int:
        """The seq that the ward's next event will be given."""
        return self.ward(ward).last_seq + 1

    def ward(self, ward: str) -> WardPosition:
        """How far one ward is."""
        with self._lock, translated(self.path):
            found = self._db.execute(
                "SELECT last_seq, sent_seq FROM wards WHERE ward = ?", (ward,)
            ).fetchone()
        return WardPosition(*found) if found else WardPosition(0, 0)

    def wards(self) -> dict[str, WardPosition]:
        """How far each ward is that has ever appended."""
        with self._lock, translated(self.path):
            return self._wards()

    def _wards(self) -> dict[str, WardPosition]:
        rows = self._db.execute("SELECT ward, last_seq, sent_seq FROM wards")
        return {ward: WardPosition(last, sent) for ward, last, sent in rows}

    def counts(self) -> Counts:
        """What the outbox has taken, sent and purged."""
        with self._lock, translated(self.path):
            return self._counts()

    def _counts(self) -> Counts:
        return Counts(*self._db.execute("SELECT appended, sent, purged FROM state").fetchone())

    def pending(self, limit: int, after: int = 0) -> list[Stored]:
        """Events that wait to be sent, oldest first, from behind the position `after`.

        Within a ward they come in the order of their seq.
        """
        with self._lock, translated(self.path):
            # A position of 0 finds the oldest by one look-up a ward, instead of a scan of all that is kept.
            after = after or self._before_pending()
            rows = self._db.execute(
                "SELECT position, e.ward, seq, value FROM events e CROSS JOIN wards w ON w.ward = e.ward "
                "WHERE position > ? AND seq > sent_seq ORDER BY position LIMIT ?",
                (after, limit),
            )
            return [Stored(*row) for row in rows]

    def _before_pending(self) -> int:
        """The position before the oldest event that waits; the newest position if none does."""
        (oldest,) = self._db.execute(
            "SELECT min(position) FROM wards w CROSS JOIN events e ON e.ward = w.ward AND seq = sent_seq + 1"
        ).fetchone()
        if oldest is not None:
            return int(oldest) - 1
        (newest,) = self._db.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        return int(newest)

    def acknowledge(self, up_to: Mapping[str, int]) -> None:
        """Kafka has every event of these wards up to these seqs; purge the oldest beyond `keep_max`.

        A ward's sent seqs only grow: an old acknowledgement changes nothing.

        :raises ValueError: a ward is said to be further than it has appended
        :raises Unavailable: disk full (then the events are sent again, and counted once)
        """
        if crash.ARMED:
            crash.at("outbox.acknowledge")
        with self._lock, transaction(self._db, self.path):
            wards = self._wards()
            sent = 0
            for ward, seq in up_to.items():
                last, before = wards.get(ward, WardPosition(0, 0))
                if seq > last:
                    raise ValueError(f"{ward} has appended up to {last}, not {seq}")
                if seq > before:
                    sent += seq - before
                    self._db.execute("UPDATE wards SET sent_seq = ? WHERE ward = ?", (seq, ward))
            self._db.execute("UPDATE state SET sent = sent + ?", (sent,))
            self._purge()

    def _purge(self) -> None:
        """Delete the oldest sent events beyond `keep_max`, some more of them than needed, to do it seldom."""
        excess = self._counts().kept - self.keep_max
        if excess <= 0:
            return
        deleted = self._db.execute(
            "DELETE FROM events WHERE position IN (SELECT position FROM events e CROSS JOIN wards w "
            "ON w.ward = e.ward WHERE seq <= sent_seq ORDER BY position LIMIT ?)",
            (excess + self.keep_max // 50,),
        ).rowcount
        self._db.execute("UPDATE state SET purged = purged + ?", (deleted,))

    def sent(self, ward: str, seqs: range, limit: int = 10_000) -> list[Stored]:
        """The ward's sent events of these seqs that are still kept, at most `limit`, in order."""
        with self._lock, translated(self.path):
            rows = self._db.execute(
                "SELECT position, e.ward, seq, value FROM events e JOIN wards w ON w.ward = e.ward "
                "WHERE e.ward = ? AND seq >= ? AND seq < ? AND seq <= sent_seq ORDER BY seq LIMIT ?",
                (ward, seqs.start, seqs.stop, limit),
            )
            return [Stored(*row) for row in rows]

    def kept(self, ward: str, seqs: range, limit: int = 10_000) -> list[Stored]:
        """The ward's events of these seqs, sent or not, that are still here, at most `limit`, in order."""
        with self._lock, translated(self.path):
            rows = self._db.execute(
                "SELECT position, ward, seq, value FROM events WHERE ward = ? AND seq >= ? AND seq < ? "
                "ORDER BY seq LIMIT ?",
                (ward, seqs.start, seqs.stop, limit),
            )
            return [Stored(*row) for row in rows]

    def close(self) -> None:
        """Close the file; what was appended stays."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ward_of(draft: Draft) -> str:
    if callable(draft.payload):
        return draft.ward
    return draft.payload.ward
