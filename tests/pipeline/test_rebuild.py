"""Goal: books are rebuilt from raw events exactly while wards go on sending, and what was asked as of an
earlier cut is answered as it was.

Method: a real broker, worker, loader and engine; wards send all that makes counting hard. Books are falsified
in ClickHouse, in the changelog, or lost; the command is asked as an operator asks it. What must come out is
counted from Kafka, message by message.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import pytest

from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import Event, wrap_heartbeat
from producers.contract.errors import Stop
from producers.contract.events import Heartbeat
from streams.domain import records
from streams.domain.logic import logic
from tests.builders import EPOCH, HANOI, START, status
from tests.conftest import eventually
from tests.pipeline.rebuilding import Town, of, send, story, town

pytestmark = pytest.mark.timeout(300)
FLOW, LOST, ROW, BEATS = "00070", "00004", "00008", "00025"
DAY: Final = START.date().isoformat()
WRONG: Final = {
    (FLOW, DAY, "state"),
    (LOST, DAY, "state"),
    (LOST, None, "state"),
    (BEATS, None, "state"),
    (ROW, DAY, "row"),
}


@pytest.fixture(scope="module")
def city(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with town(stack_settings, tmp_path_factory.mktemp("rebuild")) as found:
        clock = datetime.now(HANOI).replace(microsecond=0)  # rows have whole milliseconds
        beat = Heartbeat(ward=BEATS, epoch=EPOCH, last_seq=0, outbox_pending=0, clock=clock)
        send(found, *story(FLOW), *story(LOST), *story(ROW), wrap_heartbeat(beat))
        found.raw(b"{", BEATS.encode())
        found.flush()
        found.rest()
        yield found


@contextmanager
def sending(city: Town, first: int) -> Iterator[list[Event]]:
    """A ward that sends without end."""
    stop, sent = threading.Event(), list[Event]()

    def work() -> None:
        while not stop.wait(0.02):
            event = status(first + len(sent), ward=FLOW, at=START + timedelta(days=len(sent) % 3))
            sent.append(event)
            city.raw(encode(event), FLOW.encode())
            city.producer.poll(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
        city.flush()


def test_books_that_are_right_are_left_alone_while_events_flow(city: Town) -> None:
    with sending(city, 1_000_000) as sent:
        eventually(lambda: len(sent) > 10, 60)
        found = city.run()
        refused = city.refused("--apply", "--yes", "--ward", "0070")
    assert (found["differences"], found["state"], found["differing"]) == ([], "compared", 0)
    assert found["logic"] == logic()
    assert getattr(refused, "code", "") == "unknown_ward"


def test_wrong_books_are_replaced_while_wards_go_on_sending(
    city: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.stop()
    city.falsify(FLOW, DAY, lambda book: book.cells.clear())
    city.lose(records.book_key(LOST, DAY))
    city.lose(records.sync_key(LOST))
    city.lose(records.sync_key(BEATS))
    city.start()
    city.rest()
    city.falsify_row(ROW, DAY)
    cut = city.cut()
    before = city.answers(cut)
    with sending(city, 2_000_000) as sent:
        assert of(city.run(code=1), "ward", "day", "cause") == WRONG
        monkeypatch.setattr("streams.rebuild.hold.PATIENCE_S", 2.0)
        refused = city.refused("--apply", "--yes", "--ward", ROW)
        assert isinstance(refused, Stop)
        assert refused.code == "workers_running"
        monkeypatch.undo()
        city.stop()
        eventually(lambda: len(sent) > 50, 60)
        found = city.run("--apply", "--yes")
        city.start()
    assert (found["state"], found["kept"], found["generation"]) == ("done", 0, 1)
    assert of(found, "ward", "day", "cause") == WRONG
    city.rest()
    assert city.wrong() == []
    assert city.differences() == 0
    counted, stored = city.events()
    assert counted == stored
    assert city.answers(cut) == before
    assert city.run()["differing"] == 0
