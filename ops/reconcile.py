"""`dongbo reconcile`: books against raw events; with --repair, what one side lacks is sent again.

A repair goes the way that every event goes, so whoever has the event already takes it for a repetition. It is
written down before it is done, and looked at afterwards. What neither side can be healed of is named.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from ops import console
from ops.audit import day_of, known
from ops.city.prepare import reader, store
from ops.settings import Settings, load
from ops.ward_repair import FINDING, OK
from producers.contract.errors import Unavailable
from producers.contract.topics import PARTITION_OF_WARD
from streams.domain import intervals
from streams.warehouse import repairs, resend
from streams.warehouse.comparison import Difference, Scope, compare
from streams.warehouse.reconcile import scope_of, settled
from streams.warehouse.store import Store

HEALED_S: Final = 30.0
_LOOK_S: Final = 0.5
_DELIVERY_S: Final = 20.0
RANGES_MAX: Final = 1_000


class Outcome(NamedTuple):
    """What a repair did for one book, and whether the two sides agree now."""

    ward: str
    day: date
    cells_before: int
    sent: int
    from_kafka: int
    asked: int
    cells_after: int
    result: str
    words_vi: str
    words_en: str


def reconcile(*, ward: str | None, day: str | None, repair: bool, as_json: bool) -> int:
    """1 if a book differs from the raw rows; with `repair`, if one still does afterwards."""
    only = day_of(day)
    known(ward)
    settings = load()
    with reader(settings) as asked:
        found = settled(asked, scope_of(ward, only, only))
    if repair and found:
        return _repair(settings, found, as_json)
    console.emit_rows(Difference._fields, found, as_json=as_json)
    console.note(f"{len(found)} differences / {len(found)} ô khác nhau")
    return FINDING if found else OK


def _repair(settings: Settings, found: Sequence[Difference], as_json: bool) -> int:
    books = Counter((one.ward, one.day) for one in found)
    with store(settings) as writer:
        outcomes = [_mend(settings, writer, *book, cells) for book, cells in books.items()]
    console.emit_rows(Outcome._fields, outcomes, as_json=as_json)
    left = sum(one.cells_after > 0 for one in outcomes)
    console.note(
        f"{len(outcomes) - left} books healed, {left} not / {len(outcomes) - left} sổ đã khớp, {left} chưa"
    )
    return FINDING if left else OK


def _mend(settings: Settings, writer: Store, ward: str, day: date, cells: int) -> Outcome:
    letters, lost = resend.letters(
        settings.kafka_bootstrap, settings.events_topic, resend.sources(writer, ward, day)
    )
    _note(writer, ward, day, cells, letters)
    _send(settings, ward, letters)
    asked = _ask(settings, writer, ward, day, cells)
    after = _after(writer, Scope((ward,), days=(day,)))
    told = _words(writer, ward, day, asked, lost) if after else ("healed", "đã khớp", "the two sides agree")
    original = sum(letter.original for letter in letters)
    return Outcome(ward, day, cells, len(letters), original, asked, after, *told)


def _note(writer: Store, ward: str, day: date, cells: int, letters: Iterable[resend.Letter]) -> None:
    seqs: dict[str, intervals.Intervals] = {}
    for letter in letters:
        intervals.add(seqs.setdefault(letter.epoch, []), letter.seq)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    repairs.record(
        writer,
        [
            repairs.Repair(
                name, repairs.RESEND, "operator", ward, epoch, first, last, "difference", day, cells
            )
            for epoch, found in seqs.items()
            for first, last in zip(found[::2], found[1::2], strict=True)
        ],
    )


def _send(settings: Settings, ward: str, letters: Sequence[resend.Letter]) -> None:
    """As they were sent; what had to be made anew is vouched for by the city.

    :raises Unavailable: Kafka does not take all of them; doing it again is harmless
    """
    from ops.identity import gateway_sign

    sign, confirmed = gateway_sign(settings), [0]
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "allow.auto.create.topics": False,
            "message.timeout.ms": int(_DELIVERY_S * 1000),
            "log_level": 0,
        }
    )

    def report(error: KafkaError | None, _: Message) -> None:
        confirmed[0] += error is None

    for letter in letters:
        headers = letter.headers
        if sign is not None and not letter.original:
            headers = list(sign(ward, letter.value))
        producer.produce(
            settings.events_topic,
            letter.value,
            ward.encode(),
            PARTITION_OF_WARD[ward],
            on_delivery=report,
            headers=[*headers],
        )
        producer.poll(0)
    producer.flush(_DELIVERY_S + 1)
    if confirmed[0] < len(letters):
        detail = f"{settings.kafka_bootstrap} took {confirmed[0]} of {len(letters)} events"
        raise Unavailable("kafka", detail, "Check that Kafka runs; repair again, twice is once")


def _ask(settings: Settings, writer: Store, ward: str, day: date, cells: int) -> int:
    """Ask the ward for what was counted and is not stored; how many seqs."""
    from producers.repair import ask, new_request

    ranges = _unstored(writer, ward)[:RANGES_MAX]
    if not ranges:
        return 0
    requests = [new_request(ward, *one) for one in ranges]
    repairs.record(
        writer,
        [
            repairs.Repair(one.request, repairs.REQUEST, "operator", ward, *span, "difference", day, cells)
            for one, span in zip(requests, ranges, strict=True)
        ],
    )
    ask(settings.kafka_bootstrap, requests, settings.events_topic)
    return sum(last - first + 1 for _, first, last in ranges)


def _unstored(writer: Store, ward: str) -> list[tuple[str, int, int]]:
    """Seqs that the ward's books hold and the raw rows do not, as ranges of an epoch."""
    counted = writer.query(_COUNTED, {"ward": ward}).rows
    stored: dict[str, intervals.Intervals] = {}
    for epoch, seq in writer.query(_STORED, {"ward": ward}).rows:
        intervals.add(stored.setdefault(epoch, []), seq)
    return [
        (epoch, first, last)
        for epoch, bounds in counted
        for first, last in intervals.holes(_capped(stored.get(epoch, []), bounds[-1]))
        if _holds(bounds, first, last)
    ]


def _capped(stored: intervals.Intervals, highest: int) -> intervals.Intervals:
    """With a number beyond the highest, so that what is missing at the end is a hole as well."""
    return stored if stored and stored[-1] > highest else intervals.union(stored, [highest + 1, highest + 1])


def _holds(bounds: Sequence[int], first: int, last: int) -> bool:
    # A hole of the raw rows that the books know in part is asked for wholly: repetitions are harmless.
    return any(low <= last and high >= first for low, high in zip(bounds[::2], bounds[1::2], strict=True))


def _after(writer: Store, scope: Scope) -> int:
    """Cells that still differ when what was sent has had time to arrive."""
    deadline_s = time.monotonic() + HEALED_S
    while True:
        left = len(compare(writer, scope))
        if not left or time.monotonic() > deadline_s:
            return left
        time.sleep(_LOOK_S)


def _words(
    writer: Store, ward: str, day: date, asked: int, lost: Sequence[resend.Source]
) -> tuple[str, str, str]:
    """Why a book is not healed, and what a person can do."""
    wrong = [
        f"{ward}/{epoch}/{seq}" for epoch, seq in writer.query(_OTHERWISE, {"ward": ward, "day": day}).rows
    ]
    if wrong:
        return (
            "retraction_differs",
            f"Lệnh rút lại {', '.join(wrong[:5])} ghi nội dung khác với sự kiện bị rút: gửi lại không chữa"
            " được; báo phường, xã sửa phần mềm, và dựng lại sổ nếu cần sửa số liệu",
            f"Retraction {', '.join(wrong[:5])} names other content than its event had: sending again cannot"
            " heal it; have the ward's system corrected, and the books rebuilt if the figures must change",
        )
    if asked:
        return (
            "asked",
            f"Đã yêu cầu phường, xã gửi lại {asked} sự kiện, chưa nhận được: chạy lại khi phường, xã kết nối",
            f"The ward was asked for {asked} events and has not answered yet: run again when it is connected",
        )
    if lost:
        return (
            "not_exact",
            f"{len(lost)} sự kiện không dựng lại được chính xác: dùng dongbo ward request {ward}",
            f"{len(lost)} events cannot be made anew exactly: ask the ward, dongbo ward request {ward} SEQS",
        )
    return (
        "not_healed",
        "Gửi lại không làm hai bên khớp: xem tiến trình worker và loader (dongbo status) rồi chạy lại",
        "Sending again did not make the two sides agree: see worker and loader (dongbo status), run again",
    )


_COUNTED: Final = """
SELECT epoch, bounds FROM ward_sync FINAL ARRAY JOIN epochs AS epoch, intervals AS bounds
WHERE ward = {ward:String} AND notEmpty(bounds)
"""
_STORED: Final = """
SELECT DISTINCT toString(epoch), seq FROM events WHERE ward = {ward:String} ORDER BY epoch, seq
"""
_OTHERWISE: Final = """
SELECT toString(r.epoch), r.seq
FROM (SELECT * FROM r_events WHERE ward = {ward:String} AND book_day = {day:Date32} AND of_seq > 0) AS r
INNER JOIN (SELECT * FROM r_events WHERE ward = {ward:String} AND book_day = {day:Date32} AND of_seq = 0) AS e
    ON e.epoch = r.of_epoch AND e.seq = r.of_seq
WHERE (r.field, r.channel, r.status, r.timeliness, r.minutes)
    != (e.field, e.channel, e.status, e.timeliness, e.minutes)
ORDER BY r.epoch, r.seq
"""
