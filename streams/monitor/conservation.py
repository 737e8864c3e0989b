"""Conservation per hop and partition: acknowledged = in Kafka = stored = counted, or on its way.

- outbox_kafka: what wards say they sent, what a later seq proves, and what the gateway acknowledged, against
  the seqs that arrived;
- kafka_loader: the log of each partition against `coverage`, offset by offset;
- loader_rows: the messages of the covered runs against what landed, and that against the rows that are there;
- events_books: the seqs that landed against the seqs that the worker counted, and these against its books.

Ages live in memory: after a restart of the monitor everything is in flight for one grace again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from producers.contract.errors import Unavailable
from producers.contract.topics import PARTITION_OF_WARD, PARTITIONS
from streams.domain.hops import Ages, Hop, Judgement, Lack, Side, judge
from streams.monitor.config import MonitorConfig
from streams.monitor.conservation_sql import ACKED, BOOKS, COVERED, HIGHEST, IDENTIFY, LANDED, SYNC
from streams.monitor.kafka_ends import Ends, KafkaEnds
from streams.monitor.landed import NOTHING, Landed, seqs_words
from streams.warehouse.store import Store

if TYPE_CHECKING:
    from streams.monitor.jobs import Context, Facts

EVERY_S: Final = 10.0
GRACE_S: Final = 60.0
CONFIRM_S: Final = 5.0
_IDENTIFIED_WARDS_MAX: Final = 20
_IDENTIFIED_SEQS_MAX: Final = 100
_COLUMNS: Final = (
    "at",
    "hop",
    "partition",
    "expected",
    "found",
    "in_flight",
    "broken",
    "detail_vi",
    "detail_en",
)
_TYPES: Final = ("DateTime64(3)", "String", "UInt16", *["UInt64"] * 4, "String", "String")
_Found = Iterator[tuple[int, Lack]]


class _City(NamedTuple):
    """What ClickHouse has, read once for all hops."""

    syncs: list[tuple[Any, ...]]
    landed: dict[tuple[str, str], int]
    books: dict[str, int]
    acked: dict[tuple[str, str], int]

    def landed_in(self, partition: int) -> int:
        return sum(seqs for (ward, _), seqs in self.landed.items() if PARTITION_OF_WARD[ward] == partition)

    def incomplete(self) -> set[int]:
        """Partitions with a ward of which something is missing."""
        return {PARTITION_OF_WARD[ward] for ward, _, missing, _, _ in self.syncs if missing}


class Conservation:
    """Looks every few seconds and writes one row a hop and partition."""

    def __init__(
        self,
        config: MonitorConfig,
        grace_s: float = GRACE_S,
        confirm_s: float = CONFIRM_S,
        read_ends: Callable[[], Ends] | None = None,
    ) -> None:
        self._grace_s, self._confirm_s = grace_s, confirm_s
        # A younger hole is on its way: it may be filled, and its ward is asked for it again by itself.
        self._hole_s = config.limits.hole_old_s
        self._read_ends = read_ends or KafkaEnds(config).read
        self._landed, self._ages = Landed(confirm_s), Ages()

    def run(self, context: Context) -> Facts:
        """One look. Without Kafka, what ClickHouse alone can say.

        :raises Unavailable: ClickHouse is away
        """
        ends, away = self._ends()
        judged = judge(self._sides(context.store, ends), self._ages, time.monotonic())
        _write(context.store, judged)
        broken, in_flight = sum(one.broken for one in judged), sum(one.in_flight for one in judged)
        return {"broken": broken, "in_flight": in_flight} | ({"kafka": away} if away else {})

    def _ends(self) -> tuple[Ends | None, str]:
        try:
            return self._read_ends(), ""
        except Unavailable as error:
            return None, error.detail

    def _sides(self, store: Store, ends: Ends | None) -> Iterator[Side]:
        # First, so that what was acknowledged while the rest is read is not taken for missing.
        acked = {(ward, epoch): seq for ward, epoch, seq in store.query(ACKED).rows}
        landed = {(ward, epoch): seqs for ward, epoch, seqs in store.query(LANDED).rows}
        books = {str(ward): int(events) for ward, events in store.query(BOOKS).rows}
        city = _City(store.query(SYNC).rows, landed, books, acked)
        yield from self._outboxes(store, city, ends)
        if ends is not None:
            yield from self._loaded(store, city, ends)
        yield from self._stored(store, city)
        yield from self._counted(store, city, ends)

    # outbox -> Kafka

    def _outboxes(self, store: Store, city: _City, ends: Ends | None) -> Iterator[Side]:
        holes = (found for row in city.syncs for found in self._holes(row, ends))
        beyond = list(self._beyond(store, city, ends))
        lacks = _by_partition((*holes, *beyond))
        known = [0] * PARTITIONS
        for ward, events, missing, _, _ in city.syncs:
            known[PARTITION_OF_WARD[ward]] += events + missing
        for partition, lack in beyond:
            known[partition] += lack.amount
        for partition in range(PARTITIONS):
            yield Side(Hop.OUTBOX_KAFKA, partition, known[partition], lacks[partition])

    def _holes(self, row: tuple[Any, ...], ends: Ends | None) -> _Found:
        ward, _, missing, holes, _ = row
        partition = PARTITION_OF_WARD[ward]
        claimed = ends is not None and ends.counted(partition)
        for epoch, first, last, age_s in holes:
            count, where = last - first + 1, f"{ward}/{epoch} {first}-{last}"
            vi, en = f"{where}: đã gửi mà chưa đến", f"{where}: sent and not arrived"
            yield partition, Lack((ward, epoch, first), count, claimed, self._hole_s, vi, en, age_s)
            missing -= count
        if missing > 0:
            vi, en = f"{ward}: thiếu {missing} sự kiện nữa", f"{ward}: {missing} more events missing"
            yield partition, Lack((ward, "more"), missing, claimed, self._hole_s, vi, en)

    def _beyond(self, store: Store, city: _City, ends: Ends | None) -> _Found:
        """What the gateway acknowledged above all that the city knows of: no later seq tells of it."""
        known = _known(city)
        above = {place: seq for place, seq in city.acked.items() if seq > known.get(place, 0)}
        if not above:
            return
        # The books may be behind: what has landed is not missing.
        landed = store.query(HIGHEST, {"places": [*above]}).rows
        highest = {(ward, epoch): seq for ward, epoch, seq in landed}
        unlisted = _unlisted(city)
        for (ward, epoch), last in above.items():
            first = 1 + max(known.get((ward, epoch), 0), highest.get((ward, epoch), 0))
            if first <= last and ward not in unlisted:
                yield self._vanished(ward, epoch, first, last, ends)

    def _vanished(self, ward: str, epoch: str, first: int, last: int, ends: Ends | None) -> tuple[int, Lack]:
        partition = PARTITION_OF_WARD[ward]
        claimed = ends is not None and ends.counted(partition) and partition in ends.loader
        where = f"{ward}/{epoch} {first}-{last}"
        vi = f"{where}: cổng đã xác nhận mà chưa đến"
        en = f"{where}: acknowledged by the gateway and not arrived"
        # Named as the hole that it becomes with a later seq, so that its age goes on.
        return partition, Lack((ward, epoch, first), last - first + 1, claimed, self._hole_s, vi, en)

    # Kafka -> loader

    def _loaded(self, store: Store, city: _City, ends: Ends) -> Iterator[Side]:
        rows = store.query(COVERED, {"topic_id": ends.topic_id}).rows
        covered = {int(partition): (int(newest), holes) for partition, _, newest, holes in rows}
        incomplete = city.incomplete()
        for partition in range(PARTITIONS):
            newest, holes = covered.get(partition, (-1, []))
            low, high = ends.low.get(partition, 0), ends.high.get(partition, 0)
            # What Kafka has no more cannot be loaded; the wards' seqs say whether anything of it is missing.
            gone = [hole for hole in holes if hole[1] < low and partition not in incomplete]
            expected = max(high, newest + 1) - sum(last - first + 1 for first, last in gone)
            lacks = [self._skipped(partition, low, hole) for hole in holes if hole not in gone]
            lacks += self._tail(partition, newest, high, partition in ends.loader)
            yield Side(Hop.KAFKA_LOADER, partition, expected, tuple(lacks), *_gone_words(gone))

    def _skipped(self, partition: int, low: int, hole: tuple[int, int]) -> Lack:
        first, last = hole
        vi, en = f"vị trí {first}-{last} chưa từng được nạp", f"offsets {first}-{last} were never loaded"
        if last < low:
            vi += ", Kafka không còn giữ: xin các phường, xã gửi lại"
            en += ", and Kafka has them no more: ask the wards again"
        return Lack(("hole", partition, first), last - first + 1, True, self._confirm_s, vi, en)

    def _tail(self, partition: int, newest: int, high: int, claimed: bool) -> list[Lack]:
        waiting = high - newest - 1
        if waiting > 0:
            vi, en = f"{waiting} thông điệp chờ nạp", f"{waiting} messages wait for the loader"
            return [Lack(("tail", partition, newest), waiting, claimed, self._grace_s, vi, en)]
        if waiting < 0:
            vi = f"Kafka kết thúc ở {high}, trước vị trí {newest} đã nạp"
            en = f"Kafka ends at {high}, before offset {newest}, which was loaded"
            # Ends are read first: what came since is loaded behind them. Of a log that was cut off the
            # newest offset that was loaded stays the same until the log is as long again.
            return [Lack(("end", partition, newest), -waiting, True, self._confirm_s, vi, en)]
        return []

    # loader -> rows

    def _stored(self, store: Store, city: _City) -> Iterator[Side]:
        messages = self._landed.messages(store)
        runs, rows = _by_partition(self._landed.runs(store)), _by_partition(self._landed.rows(store))
        for partition in range(PARTITIONS):
            became = messages.get(partition, NOTHING)
            # Rows that are gone are among what has landed; messages without a row are not.
            expected = became.total - became.ahead + sum(lack.amount for lack in runs[partition])
            words = became.words(city.landed_in(partition))
            yield Side(Hop.LOADER_ROWS, partition, expected, runs[partition] + rows[partition], *words)

    # events -> books

    def _counted(self, store: Store, city: _City, ends: Ends | None) -> Iterator[Side]:
        counted = {(row[0], epoch): int(seqs) for row in city.syncs for epoch, seqs, _ in row[4]}
        known = [0] * PARTITIONS
        differing = []
        for place in sorted(city.landed.keys() | counted.keys()):
            landed, seqs = city.landed.get(place, 0), counted.get(place, 0)
            known[PARTITION_OF_WARD[place[0]]] += max(landed, seqs)
            if landed != seqs:
                differing.append((*place, landed - seqs))
        lacks = _by_partition((*self._differing(store, differing, ends), *self._books(city, ends)))
        for partition in range(PARTITIONS):
            yield Side(Hop.EVENTS_BOOKS, partition, known[partition], lacks[partition])

    def _differing(
        self, store: Store, differing: Sequence[tuple[str, str, int]], ends: Ends | None
    ) -> _Found:
        """Seq by seq where worker and loader say that they are done; else it is all on its way."""
        named = 0
        for ward, epoch, lacking in differing:
            partition = PARTITION_OF_WARD[ward]
            claimed = ends is not None and ends.counted(partition) and partition in ends.loader
            if claimed and named < _IDENTIFIED_WARDS_MAX:
                named += 1
                yield from self._identified(store, ward, epoch, abs(lacking))
            else:
                vi = f"{ward}/{epoch}: {abs(lacking)} sự kiện chờ đếm hoặc chờ nạp"
                en = f"{ward}/{epoch}: {abs(lacking)} events wait to be counted or loaded"
                yield partition, Lack((ward, epoch), abs(lacking), False, self._grace_s, vi, en)

    def _identified(self, store: Store, ward: str, epoch: str, count: int) -> _Found:
        bound = {"ward": ward, "epoch": epoch, "most": _IDENTIFIED_SEQS_MAX}
        uncounted, unstored = store.query(IDENTIFY, bound).rows[0]
        partition = PARTITION_OF_WARD[ward]
        for seqs, vi, en in (
            (uncounted, "đã lưu mà sổ chưa đếm", "stored and not counted in a book"),
            (unstored, "sổ đã đếm mà chưa lưu", "counted in a book and not stored"),
        ):
            for seq in seqs[:count]:
                name = f"{ward}/{epoch}/{seq}"
                yield partition, Lack(name, 1, True, self._grace_s, f"{name} {vi}", f"{name} {en}")
        more = count - len(uncounted) - len(unstored)
        if more > 0:
            words = seqs_words([], more)
            yield partition, Lack((ward, epoch, "more"), more, True, self._grace_s, words, words)

    def _books(self, city: _City, ends: Ends | None) -> _Found:
        for ward, events, _, _, _ in city.syncs:
            lacking = abs(events - city.books.get(ward, 0))
            if lacking:
                partition = PARTITION_OF_WARD[ward]
                claimed = ends is not None and ends.counted(partition)
                vi = f"{ward}: sổ lệch {lacking} sự kiện so với số đã đếm"
                en = f"{ward}: the books differ by {lacking} events from what was counted"
                yield partition, Lack((ward, "books"), lacking, claimed, self._grace_s, vi, en)


def _known(city: _City) -> dict[tuple[str, str], int]:
    """The highest seq that the city knows of each epoch: here, or known to be missing."""
    known = {(row[0], epoch): int(highest) for row in city.syncs for epoch, _, highest in row[4]}
    for ward, _, _, holes, _ in city.syncs:
        for epoch, _, last, _ in holes:
            known[ward, epoch] = max(known.get((ward, epoch), 0), last)
    return known


def _unlisted(city: _City) -> set[str]:
    """Wards with more holes than are listed: what was acknowledged may be among the others."""
    return {
        ward
        for ward, _, missing, holes, _ in city.syncs
        if missing > sum(last - first + 1 for _, first, last, _ in holes)
    }


def _by_partition(found: Iterable[tuple[int, Lack]]) -> dict[int, tuple[Lack, ...]]:
    lacks: defaultdict[int, tuple[Lack, ...]] = defaultdict(tuple)
    for partition, lack in found:
        lacks[partition] += (lack,)
    return lacks


def _gone_words(gone: list[tuple[int, int]]) -> tuple[str, str]:
    if not gone:
        return "", ""
    where = ", ".join(f"{first}-{last}" for first, last in gone)
    return (
        f"vị trí {where} mất trước khi nạp, các phường, xã đã đủ",
        f"offsets {where} were lost before they were loaded; the wards are complete",
    )


def _write(store: Store, judged: Sequence[Judgement]) -> None:
    at_ms = time.time_ns() // 1_000_000
    rows = [(at_ms, one.hop.value, *one[1:]) for one in judged]
    store.insert("conservation", _COLUMNS, _TYPES, [list(column) for column in zip(*rows, strict=True)])
