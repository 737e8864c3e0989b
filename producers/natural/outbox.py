"""Give seqs by natural identity, durably: key and seq are written in the transaction that queues the event.

Invariants: a process killed at any instruction leaves both or neither; the same event is given the same seq
for ever, by any process that opens the file; under one identity the first content counts, and a different
one is answered as a duplicate with `conflict`, never put in its place.

Callers of several threads share a transaction and its sync to disk (group commit): while one writes, the
others' work is gathered, and the next of them writes all of it.

Known limits: keys are kept for ever. One costs about 50 bytes of the file: a ward's 55,000 events a year make
3 MB, the whole city's 7 million through one file 350 MB. Deleting the file loses them, and gives a new epoch.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from producers.contract.errors import Reject
from producers.natural.identity import content_of, key_of
from producers.outbox import Batch, Draft, Outbox

T = TypeVar("T")

_TABLE: Final = """CREATE TABLE IF NOT EXISTS natural_keys (
    key BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID"""
_GROUP_MAX: Final = 64


class Given(NamedTuple):
    """What an event was given. `conflict`: the identity was there with another content, which counts."""

    seq: int
    duplicate: bool = False
    conflict: bool = False


class Step:
    """One caller's part of a transaction. `db` is for tables of the caller's own in the same file."""

    def __init__(self, batch: Batch, fresh: dict[bytes, tuple[int, bytes]]) -> None:
        """`fresh` holds the keys of this transaction that are not in the file yet."""
        self.db: sqlite3.Connection = batch.db
        self.epoch = batch.epoch
        self._batch, self._fresh = batch, fresh
        self._added: list[bytes] = []

    def find(self, key: bytes) -> Given | None:
        """The seq that an identity was given before."""
        found = self._found(key)
        return Given(found[0], duplicate=True) if found else None

    def give(self, ward: str, draft: Draft, key: bytes | None = None, at: int = 0) -> Given:
        """Give an event its seq, or the one it has. `key` replaces the event's own natural identity.

        :raises Reject: the event breaks the contract or is another ward's; `member` begins with `$[at]`
        :raises OutboxFull: as `Outbox.append`
        """
        payload = draft.payload
        data = payload(self.epoch, self._batch.next_seq(ward)) if callable(payload) else payload
        if data.ward != ward:
            raise Reject("identity_mismatch", "another ward's event", f"$[{at}].data.ward")
        key = key or key_of(draft.type, data, draft.time)
        content = content_of(data)
        found = self._found(key)
        if found is not None:
            return Given(found[0], duplicate=True, conflict=found[1] != content)
        seq = self._batch.add(draft, ward, at)
        self._fresh[key] = (seq, content)
        self._added.append(key)
        return Given(seq)

    def _found(self, key: bytes) -> tuple[int, bytes] | None:
        fresh = self._fresh.get(key)
        if fresh is not None:
            return fresh
        row = self.db.execute("SELECT seq, content FROM natural_keys WHERE key = ?", (key,)).fetchone()
        return (int(row[0]), bytes(row[1])) if row else None

    def undo(self) -> None:
        """Forget the keys of this step; its events go with the batch's mark."""
        for key in self._added:
            del self._fresh[key]


class NaturalOutbox:
    """An outbox for systems without sequence numbers; a `Publisher` sends `outbox`. Any thread may call."""

    def __init__(self, outbox: Outbox, tables: Sequence[str] = ()) -> None:
        """`tables`: statements that create the caller's own tables in the same file, if they are not there.

        :raises Unavailable: disk full, or the file is held by another process
        """
        self.outbox = outbox
        self._guard, self._led = threading.Lock(), False
        self._waiting: list[_Ticket[object]] = []
        with outbox.appending() as batch:
            for statement in (_TABLE, *tables):
                batch.db.execute(statement)

    def append(self, ward: str, drafts: Sequence[Draft]) -> list[Given]:
        """Give a ward's events their seqs, durably: all of them, or none if one is refused.

        :raises Reject: an event breaks the contract; `member` begins with its place in `drafts`
        :raises OutboxFull: the outbox's bound; `Unavailable`: disk full, or the file is held too long
        """
        return self.run(lambda step: [step.give(ward, draft, at=at) for at, draft in enumerate(drafts)])

    def run(self, work: Callable[[Step], T]) -> T:
        """Do `work` in a transaction; it is durable when this returns, and undone whole if it raises.

        `work` may share the transaction with others' and must not wait for anything.

        :raises Unavailable: disk full, or the file is held too long; and whatever `work` raises
        """
        ticket = _Ticket(work)
        with self._guard:
            self._waiting.append(ticket)  # type: ignore[arg-type]  # each ticket keeps its own type of result
            leads, self._led = not self._led, True
        if not leads:
            ticket.turn.wait()
        if not ticket.done:
            try:
                self._commit_some()
            finally:
                self._hand_over()
        return ticket.result()

    def _hand_over(self) -> None:
        """Let the caller who has waited longest write the next group."""
        with self._guard:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].turn.set()

    def _commit_some(self) -> None:
        with self._guard:
            group = self._waiting[:_GROUP_MAX]
            del self._waiting[:_GROUP_MAX]
        try:
            with self.outbox.appending() as batch:
                fresh: dict[bytes, tuple[int, bytes]] = {}
                for ticket in group:
                    ticket.work_in(batch, fresh)
                rows = [(key, seq, content) for key, (seq, content) in fresh.items()]
                batch.db.executemany("INSERT INTO natural_keys VALUES (?, ?, ?)", rows)
        except BaseException as error:
            for ticket in group:
                ticket.fail(error)
        for ticket in group:
            ticket.done = True
            ticket.turn.set()


class _Ticket(Generic[T]):
    """One caller's work, and what came of it. `turn` is set when it is done, or when it must write itself."""

    def __init__(self, work: Callable[[Step], T]) -> None:
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self.turn, self.done = threading.Event(), False

    def work_in(self, batch: Batch, fresh: dict[bytes, tuple[int, bytes]]) -> None:
        """Do the work as a part of the transaction; a failure undoes this part alone."""
        step, mark = Step(batch, fresh), batch.mark()
        batch.db.execute("SAVEPOINT step")
        try:
            self._result = self._work(step)
        except sqlite3.Error:
            raise  # the file's trouble, such as a full disk, is everyone's
        except Exception as error:
            self._error = error
            step.undo()
            batch.back_to(mark)
            batch.db.execute("ROLLBACK TO step")
        batch.db.execute("RELEASE step")

    def fail(self, error: BaseException) -> None:
        """The transaction failed, so nothing of this work stands."""
        self._error = self._error or error

    def result(self) -> T:
        """What `work` returned.

        :raises BaseException: what it or the transaction raised
        """
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # done and without an error: it is set
