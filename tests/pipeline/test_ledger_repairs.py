"""Goal: a repair and a rebuild of a day that is over are in the ledger of corrections, wherever it is read,
and the figure at the end of the day and all changes add up to the figure now.

Method: real broker, worker, loader and engine. A day's events get that day's arrival (for a moment the topic
takes the sender's time); the worker misses some because its group is moved, or its record is falsified; days
later the commands mend it, as an operator types them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from dashboards.server.tables.ward import CORRECTIONS
from ops.settings import Settings
from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from streams.domain.book import Book
from tests.builders import HANOI, status
from tests.conftest import eventually
from tests.pipeline.past import send_then
from tests.pipeline.rebuilding import Town, town
from tests.pipeline.workers import bounds

pytestmark = pytest.mark.timeout(300)
MISSED, WRONG = "00070", "00004"
# Days ago, so that a midnight during the test changes nothing.
MORNING = datetime.combine(datetime.now(HANOI).date() - timedelta(days=2), time(9), HANOI)
DAY = MORNING.date()


@pytest.fixture(scope="module")
def city(
    kafka: Broker, clickhouse: Endpoint, stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with town(stack_settings, tmp_path_factory.mktemp("ledger")) as found:
        # A worker that begins refuses a topic that takes the sender's time.
        found.stop()
        yield found


def send(city: Town, arrived: datetime, events: Sequence[SequencedEvent]) -> None:
    """Publish a ward's events that Kafka is to have had at that time; returns when they are stored."""
    asked = {"w": events[0].data.ward, "d": DAY}
    sql = "SELECT uniqExact(seq) FROM events WHERE ward = {w:String} AND toDate32(arrived_at) = {d:Date32}"
    before = int(city.store.value(sql, asked))
    send_then(city.settings.kafka_bootstrap, city.settings.events_topic, arrived, events)
    eventually(lambda: int(city.store.value(sql, asked)) == before + len(events), 60)


def pass_over(city: Town, ward: str) -> None:
    """The worker's place is moved behind its back, to the end of the ward's partition."""
    partition, settings = PARTITION_OF_WARD[ward], city.settings
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "ends"})
    _, end = bounds(consumer, settings.events_topic, partition)
    consumer.close()
    place = TopicPartition(settings.events_topic, partition, end)
    moved = ConsumerGroupTopicPartitions(settings.app_id, [place])
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})

    def done() -> bool:  # Kafka refuses until it has noticed that the worker is gone
        try:
            found = admin.alter_consumer_group_offsets([moved])[settings.app_id].result(10)
        except Exception as error:
            raise AssertionError(str(error)) from None
        return all(one.error is None for one in found.topic_partitions)

    eventually(done, 60, 0.5)


def steps(ward: str, first: int, *statuses: Status) -> list[SequencedEvent]:
    """Steps of the day's morning."""
    return [
        status(
            first + n,
            ward=ward,
            at=MORNING + timedelta(minutes=n),
            status=one,
            received_at=MORNING,
            finished_at=MORNING + timedelta(minutes=n) if one is Status.DONE else None,
        )
        for n, one in enumerate(statuses)
    ]


def figures(city: Town, ward: str) -> dict[int, int]:
    """The book of the day, by status."""
    sql = (
        "SELECT status, sum(count) FROM v_ward_day_detail"
        " WHERE ward = {w:String} AND day = {d:Date32} GROUP BY status"
    )
    return {one: int(count) for one, count in city.store.query(sql, {"w": ward, "d": DAY}).rows}


def ledger(city: Town, ward: str) -> list[tuple[Any, ...]]:
    """What the ledger says of the day."""
    sql = (
        "SELECT cause, status, change, old_count, new_count FROM v_corrections"
        " WHERE ward = {w:String} AND day = {d:Date32} ORDER BY ALL"
    )
    return city.store.query(sql, {"w": ward, "d": DAY}).rows


def adds_up(city: Town, ward: str, at_end: dict[int, int]) -> None:
    """Old figures and all changes are the new figures."""
    found = dict(at_end)
    for _, one, change, old, new in ledger(city, ward):
        assert (old, new) == (found.get(one, 0), found.get(one, 0) + change)
        found[one] = new
    assert found == figures(city, ward)


def told(city: Town, ward: str, cause: str) -> set[int]:
    """Which statuses `dongbo why` and the page's table name with a cause."""
    said = city.command("why", DAY.isoformat(), "--ward", ward)
    assert {one["ward"] for one in said} == {ward}
    assert all(one["vi"] and one["en"] for one in said)
    shown = [row for row in city.store.query(CORRECTIONS.sql, {"wards": [ward]}).dicts() if row["day"] == DAY]
    by_command = {one["status"] for one in said if one["cause"] == cause}
    assert by_command == {row["status"] for row in shown if row["cause"] == cause}
    return by_command


def test_repair_of_events_that_were_stored_in_time_and_not_counted_is_in_the_ledger(city: Town) -> None:
    send(city, MORNING + timedelta(hours=1), steps(MISSED, 1, Status.RECEIVED, Status.RECEIVED))
    city.start()
    city.rest()
    with city.stopped():
        send(
            city,
            MORNING + timedelta(hours=2),
            steps(MISSED, 3, Status.RECEIVED, Status.DONE, Status.DONE),
        )
        pass_over(city, MISSED)
    at_end = figures(city, MISSED)
    assert (at_end, ledger(city, MISSED)) == ({2: 2}, [])
    (outcome,) = city.command("reconcile", "--ward", MISSED, "--day", DAY.isoformat(), "--repair")
    assert outcome["result"] == "healed"
    assert ledger(city, MISSED) == [("repair", 2, 1, 2, 3), ("repair", 9, 2, 0, 2)]
    adds_up(city, MISSED, at_end)
    assert told(city, MISSED, "repair") == {2, 9}
    code = "SELECT DISTINCT id FROM repairs WHERE ward = {w:String}"
    runs = "SELECT DISTINCT run FROM v_corrections WHERE ward = {w:String}"
    assert city.store.query(runs, {"w": MISSED}).rows == city.store.query(code, {"w": MISSED}).rows
    # Repaired once more, nothing changes.
    assert city.command("reconcile", "--ward", MISSED, "--repair") == []
    assert len(ledger(city, MISSED)) == 2
    city.stop()


def test_rebuild_of_a_day_that_was_counted_wrong_is_in_the_ledger(city: Town) -> None:
    send(city, MORNING + timedelta(hours=1), steps(WRONG, 1, *[Status.RECEIVED] * 4, Status.DONE))
    city.start()
    city.rest()
    city.stop()

    def lie(book: Book) -> None:
        for cell in book.cells.values():
            cell[0] += 3

    city.falsify(WRONG, DAY.isoformat(), lie)
    city.loaded()
    at_end = figures(city, WRONG)
    assert (at_end, ledger(city, WRONG)) == ({2: 7, 9: 4}, [])
    before = city.cut()
    rebuilt = city.run("--ward", WRONG, "--apply", "--yes")
    assert rebuilt["state"] == "done"
    assert ledger(city, WRONG) == [("rebuild", 2, -3, 7, 4), ("rebuild", 9, -3, 4, 1)]
    adds_up(city, WRONG, at_end)
    assert told(city, WRONG, "rebuild") == {2, 9}
    after = city.cut()
    assert after > before
    sql = "SELECT DISTINCT run, cut FROM v_corrections_at(as_of = {as_of:String}) WHERE ward = {w:String}"
    found = [city.store.query(sql, {"as_of": str(one), "w": WRONG}).rows for one in (before, after)]
    assert found == [[], [(rebuilt["run"], after)]]
    city.start()
    late = status(50, ward=WRONG, at=MORNING, received_at=MORNING)
    city.raw(encode(late), WRONG.encode())
    city.flush()
    city.rest()
    assert [row for row in ledger(city, WRONG) if row[0] != "rebuild"] == [("late", 2, 1, 4, 5)]
    assert city.store.query(sql, {"as_of": str(after), "w": WRONG}).rows == found[1]
    assert figures(city, WRONG) == {2: 5, 9: 1}
