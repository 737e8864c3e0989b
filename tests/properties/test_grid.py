"""Goal: however a partition's log is cut into chunks, interrupted by crashes and read again, the changelog
has for every grid instant exactly what the messages up to it add up to. Method: a log with drawn times
is delivered as drawn; for each instant the newest record not after it is compared with books and a
synchronisation record made by applying the log's beginning, one message after the other.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.contract.codec import admit, encode
from producers.contract.envelope import Event, HeartbeatEvent, wrap_heartbeat
from producers.contract.errors import Reject
from producers.contract.events import Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.cut import GRID_MS
from streams.domain.shelf import Message, Shelf
from streams.domain.sync import WardSync
from tests.builders import EPOCH, START, WARD, closing, retraction, status
from tests.properties.test_shelf import ARRIVED_MS, PARTITION, Table

WARDS = sorted(ward for ward, partition in PARTITION_OF_WARD.items() if partition == PARTITION)[:2]
BEGIN_MS = ARRIVED_MS // GRID_MS * GRID_MS
# Repetition, neighbours, the grid's edges, and cells in which nothing comes.
STEPS_MS = (0, 1, 700, 4_999, GRID_MS - 1, GRID_MS, GRID_MS + 1, 3 * GRID_MS)
Record = Book | WardSync
Written = list[tuple[bytes, bytes]]


def _event(draw: st.DrawFn, ward: str, seq: int) -> Event:
    at = START + timedelta(hours=draw(st.sampled_from([0, 1, 20, 40])))
    kind = draw(st.sampled_from(["status"] * 4 + ["retract", "close", "beat"]))
    if kind == "beat":
        data = Heartbeat(ward=ward, epoch=EPOCH, last_seq=seq, outbox_pending=seq % 3, clock=at)
        return wrap_heartbeat(data)
    if kind == "close":
        return closing(seq, {Status.RECEIVED: seq}, ward=ward, at=at)
    if kind == "retract":
        return retraction(seq, status(draw(st.integers(1, 8)), ward=ward, at=at), at=at)
    return status(seq, ward=ward, at=at)


@st.composite
def _logs(draw: st.DrawFn) -> list[Message]:
    """Few seqs, so that some are repeated, and some with other content; one in ten breaks the contract."""
    log, arrived_ms = [], BEGIN_MS
    for offset in range(draw(st.integers(1, 20))):
        arrived_ms += draw(st.sampled_from(STEPS_MS))
        ward = draw(st.sampled_from(WARDS))
        value = encode(_event(draw, ward, draw(st.integers(1, 8))))
        broken = draw(st.integers(0, 9)) == 0
        log.append(Message(b"{" if broken else value, ward.encode(), offset, arrived_ms))
    return log


def _delivered(log: list[Message], data: st.DataObject) -> Written:
    """The changelog, after a worker with drawn chunks that is killed, and reads again, as drawn."""
    table, written, done, kills = Table(), Written(), 0, data.draw(st.integers(0, 4))
    shelf = Shelf(table)
    while done < len(log):
        end = data.draw(st.integers(done + 1, len(log)))
        found = shelf.apply(PARTITION, log[done:end]).records
        if kills and data.draw(st.booleans()):
            kills -= 1
            # Killed: the changelog has the first of the records, and an older offset was committed last.
            found, end = found[: data.draw(st.integers(0, len(found)))], data.draw(st.integers(0, done))
            shelf = Shelf(table)
        table.put(found)
        written += found
        done = end
    return written


def _expected(log: list[Message]) -> dict[bytes, Record]:
    state: dict[bytes, Record] = {}
    for value, key, offset, arrived_ms, _ in log:
        assert key is not None
        sync = state.setdefault(key + b"|sync", WardSync(key.decode()))
        assert isinstance(sync, WardSync)
        try:
            event, time_s = admit(value, key, PARTITION, arrived_ms / 1000)
        except Reject:
            sync.reject(arrived_ms, offset)
            continue
        if isinstance(event, HeartbeatEvent):
            sync.hear(event.data, arrived_ms)
        elif sync.take(event.data.epoch, event.data.seq, int(time_s * 1000), arrived_ms):
            day = day_of(event, time_s)
            book = state.setdefault(records.book_key(sync.ward, day), Book(sync.ward, day))
            assert isinstance(book, Book)
            book.apply(event, arrived_ms)
    return state


def _as_of(written: Written, at_ms: int) -> dict[bytes, Record]:
    """What ClickHouse answers: of each key the highest version among those that are not after the instant."""
    newest: dict[bytes, bytes] = {}
    for key, value in written:
        if _known_ms(_decoded(key, value)) <= at_ms and records.newer(value, newest.get(key)):
            newest[key] = value
    return {key: _decoded(key, value) for key, value in newest.items()}


def _decoded(key: bytes, value: bytes) -> Record:
    return records.decode_sync(value) if records.is_sync(key) else records.decode_book(value)


def _known_ms(record: Record) -> int:
    return record.known_ms() if isinstance(record, WardSync) else record.arrived_ms


def _content(state: dict[bytes, Record]) -> dict[bytes, object]:
    # A ward's record may have counted a change twice around a crash: only its revision says so.
    return {
        key: msgspec.structs.replace(record, revision=0) if isinstance(record, WardSync) else record
        for key, record in state.items()
    }


@settings(max_examples=200, deadline=None)
@given(log=_logs(), data=st.data())
def test_any_delivery_gives_each_grid_instant_what_the_log_up_to_it_adds_up_to(
    log: list[Message], data: st.DataObject
) -> None:
    written = _delivered(log, data)
    for at_ms in range(BEGIN_MS, log[-1].arrived_ms + GRID_MS, GRID_MS):
        wanted = _expected([message for message in log if message.arrived_ms <= at_ms])
        assert _content(_as_of(written, at_ms)) == _content(wanted), at_ms


@settings(max_examples=50, deadline=None)
@given(log=_logs())
def test_a_chunk_gives_wards_before_books_in_every_cell_and_only_what_changed(log: list[Message]) -> None:
    found = Shelf(Table()).apply(PARTITION, log).records
    assert len({(key, value) for key, value in found}) == len(found)
    cells = [
        (-(-_known_ms(_decoded(*record)) // GRID_MS), not records.is_sync(record[0])) for record in found
    ]
    assert cells == sorted(cells)


@settings(max_examples=50, deadline=None)
@given(log=_logs(), data=st.data())
def test_append_time_that_steps_back_ends_no_cell_and_loses_nothing(
    log: list[Message], data: st.DataObject
) -> None:
    latest_ms = log[-1].arrived_ms
    shaken = [log[0]._replace(arrived_ms=latest_ms), *(data.draw(st.permutations(log[1:])))]
    found = Shelf(Table()).apply(PARTITION, shaken).records
    newest = {key: _decoded(key, value) for key, value in found}
    assert len(found) == len(newest)
    assert newest == {key: record for key, record in _expected(shaken).items() if record.revision}


def test_a_message_on_the_instant_belongs_to_the_cut_at_it() -> None:
    def message(seq: int, arrived_ms: int) -> Message:
        return Message(encode(status(seq)), WARD.encode(), seq, arrived_ms)

    at_ms = BEGIN_MS + GRID_MS
    log = [message(1, at_ms - 1), message(2, at_ms), message(3, at_ms + 1)]
    books = [
        records.decode_book(value)
        for key, value in Shelf(Table()).apply(PARTITION, log).records
        if not records.is_sync(key)
    ]
    assert [(book.events(), book.arrived_ms) for book in books] == [(2, at_ms), (3, at_ms + 1)]
