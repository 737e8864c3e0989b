"""Goal: as of a cut, what was known then. Method: rows with arrivals on both sides of a cut, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.errors import Stop
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.warehouse import as_of, questions, rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.store import Store
from tests.builders import EPOCH, START, WARD, retraction, status
from tests.pipeline.questions_model import NOW_ONLY
from tests.pipeline.warehouse import SQL, database, empty, insert, insert_cut

FIRST, SECOND = 6_000_000, 6_000_001
DAY = START.date().isoformat()
RECEIVED = "SELECT sum(received) FROM v_city_day"


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    shared.command("TRUNCATE TABLE city_cut")
    return shared


class City:
    """Stores events raw and in books, as worker and loader do, each with an arrival of its own."""

    def __init__(self, store: Store) -> None:
        self._store, self._offset = store, 0
        self._book = Book(WARD, DAY)

    def take(self, event: SequencedEvent, arrived_ms: int) -> None:
        block = Block()
        self._offset += 1
        span = Span("t1", "dossier.events", PARTITION_OF_WARD[WARD], 0, -1)
        block.take_event(span, encode(event), WARD.encode(), self._offset, arrived_ms)
        insert(self._store, tables.EVENTS, block.events)
        assert day_of(event, event.time.timestamp()) == DAY
        self._book.apply(event, arrived_ms)
        insert(self._store, tables.BOOK, [rows.book_row(records.encode(self._book))])


def names() -> frozenset[str]:
    return as_of.travelling(SQL)


def at(store: Store, sql: str, cut: str) -> object:
    return store.value(as_of.rewrite(sql, names()), as_of.bound(cut))


def test_figures_as_of_a_cut_leave_out_what_arrived_after_it(store: Store) -> None:
    first_ms, second_ms = insert_cut(store, FIRST), insert_cut(store, SECOND)
    city = City(store)
    taken = status(1, status=Status.RECEIVED)
    city.take(taken, first_ms)  # on the instant itself: it belongs to the cut
    city.take(status(2, status=Status.RECEIVED), first_ms + 1)
    city.take(retraction(3, taken), second_ms + 1)
    assert [at(store, RECEIVED, str(cut)) for cut in (FIRST, SECOND)] == [1, 2]
    assert store.value(RECEIVED) == 1
    raw = "SELECT count() FROM r_events"
    assert [at(store, raw, str(cut)) for cut in (FIRST, SECOND)] == [1, 2]
    dossiers = "SELECT sum(steps) FROM v_dossiers"
    assert [at(store, dossiers, str(cut)) for cut in (FIRST, SECOND)] == [1, 2]
    assert at(store, "SELECT count() FROM v_reconcile", str(SECOND)) == 0


def test_a_repetition_that_arrives_after_the_cut_changes_nothing(store: Store) -> None:
    first_ms = insert_cut(store, FIRST)
    event = status(1, status=Status.RECEIVED)
    City(store).take(event, first_ms - 5)
    before = at(store, "SELECT groupArray(tuple(*)) FROM r_events", str(FIRST))
    City(store).take(event, first_ms + 5)
    store.command("OPTIMIZE TABLE events FINAL")
    assert at(store, "SELECT groupArray(tuple(*)) FROM r_events", str(FIRST)) == before


def test_a_rebuilt_generation_does_not_change_an_older_cut(store: Store) -> None:
    first_ms = insert_cut(store, FIRST)
    city = City(store)
    city.take(status(1, status=Status.RECEIVED), first_ms - 5)
    rebuilt = Book(WARD, DAY, generation=1, revision=1, arrived_ms=first_ms - 5, seqs={EPOCH: [1, 1]})
    insert(store, tables.BOOK, [rows.book_row(records.encode(rebuilt))])
    assert store.value(RECEIVED) == 0
    assert at(store, RECEIVED, str(FIRST)) == 1


def test_as_of_takes_a_number_or_an_instant_and_refuses_what_has_not_passed(store: Store) -> None:
    insert_cut(store, FIRST)
    second_ms = insert_cut(store, SECOND + 1)  # the one between was not published
    moment = START.fromtimestamp(second_ms / 1000, START.tzinfo)
    between = moment - timedelta(seconds=1)
    assert as_of.resolved(store, str(FIRST)) == str(FIRST)
    assert as_of.resolved(store, f"{moment:%Y-%m-%d %H:%M:%S}") == str(SECOND + 1)
    assert as_of.resolved(store, f"{between:%Y-%m-%d %H:%M:%S}") == str(FIRST)
    after, long_ago = moment + timedelta(seconds=1), moment - timedelta(days=300)
    for wrong in (str(SECOND), "0", f"{after:%Y-%m-%d %H:%M:%S}", f"{long_ago:%Y-%m-%d}", "tomorrow", ""):
        with pytest.raises(Stop, match="no_such_cut"):
            as_of.resolved(store, wrong)


def test_every_question_answers_as_of_a_cut_or_says_that_it_cannot(store: Store) -> None:
    insert_cut(store, FIRST)
    asked = questions.AsOf(str(FIRST), names())
    known = questions.load(SQL / "questions")
    assert known.keys() >= NOW_ONLY
    for name, question in known.items():
        refused = pytest.raises(Stop, match="not_as_of") if name in NOW_ONLY else nullcontext()
        with refused:
            questions.run(store, question, at=asked)


def test_names_in_strings_comments_and_members_are_left_alone() -> None:
    sql = "SELECT 'v_city_day', d.v_city_day, `v_city_day` FROM v_city_day AS d -- v_city_day\n"
    rewritten = as_of.rewrite(sql, frozenset({"v_city_day"}))
    assert rewritten == sql.replace("FROM v_city_day", "FROM v_city_day_at(as_of = {as_of:String})")
