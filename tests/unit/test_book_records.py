"""Which records stand last in the changelog though a newer one is known: they would outlive it."""

from __future__ import annotations

from producers.contract.topics import PARTITION_OF_WARD
from streams.book_records import BookRecords
from streams.domain.book import Book
from streams.domain.records import book_key, encode
from streams.domain.shelf import Message
from streams.domain.sync import WardSync

WARD = "00070"
DAY = "2025-07-14"
HOME = PARTITION_OF_WARD[WARD]
KEY = book_key(WARD, DAY)


def record(revision: int) -> bytes:
    return encode(Book(WARD, DAY, revision=revision))


def replayed(*values: bytes | None, known: BookRecords | None = None) -> BookRecords:
    found = known or BookRecords()
    found.replay(HOME, [Message(value, KEY, n, 0) for n, value in enumerate(values)], len(values) - 1)
    return found


def test_older_record_behind_a_newer_one_is_to_be_written_over() -> None:
    assert replayed(record(4), record(2)).behind() == {HOME: [(KEY, record(4))]}


def test_newest_record_that_stands_last_needs_nothing() -> None:
    assert replayed(record(1), record(2)).behind() == {}
    assert replayed(record(4), record(2), record(4)).behind() == {}
    assert replayed(record(4), record(2), record(5)).behind() == {}


def test_own_records_read_once_more_in_their_order_need_nothing() -> None:
    known = replayed(record(3), record(4))
    assert replayed(record(3), record(4), known=known).behind() == {}


def test_junk_under_a_known_key_is_to_be_written_over() -> None:
    assert replayed(record(4), b"junk").behind() == {HOME: [(KEY, record(4))]}
    assert replayed(b"junk", record(4)).behind() == {}
    assert replayed(b"junk").behind() == {}


def test_what_was_written_again_forgotten_or_given_away_is_behind_no_more() -> None:
    written = replayed(record(4), record(2))
    written.put(KEY, record(4))
    assert written.behind() == {}
    assert replayed(record(4), record(2), None).behind() == {}
    given = replayed(record(4), record(2))
    given.keep_only({HOME + 1})
    assert given.behind() == {}


def test_records_of_a_ward_are_behind_like_its_books() -> None:
    known = BookRecords()
    newer, older = (encode(WardSync(WARD, revision=n)) for n in (9, 3))
    key = f"{WARD}|sync".encode()
    known.replay(HOME, [Message(newer, key, 0, 0), Message(older, key, 1, 0)], 1)
    assert known.behind() == {HOME: [(key, newer)]}
