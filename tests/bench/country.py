"""Ten years of a city or of the whole country, made inside the engine: books in full, dossiers sampled.

Books: one for each ward and day, with 24 cells in arrays as the worker writes them. Dossiers: all of the
newest days, so that the backlog is as large as in life, and one in `sample` of the older ones, in runs of
16 of a ward, which is a block of 128 seqs: what is kept by block grows with the sample as it would in life.
Each has a receipt, work, an end and a return, some are retracted, some never end. Cuts: every ten seconds
of the newest days. `book_history` gets only the newest day's books: it is read for books that changed after
a cut, and no others. All from numbers and hashes, so the same twice.

Rows go through the views of the migrations, as the loader's do. A book costs some 25 us of processor time
then: a third to make it, a quarter for `day_totals`, the rest to write it; twelve million 5 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final

from dashboards.server.views.city import quality
from producers.contract.wards import WARDS
from streams.warehouse.store import Store

CITY: Final = len(WARDS)
COUNTRY: Final = 3_321
DOSSIERS_A_DAY: Final = 25
_HANOI: Final = timezone(timedelta(hours=7))
_SETTINGS: Final = "SETTINGS max_partitions_per_insert_block = 0, max_threads = 2, max_insert_threads = 2"
# The first of two looks has one of so many runs of the sample.
FEW: Final = 4
_RUN: Final = 16
_FEED: Final = (
    "CREATE MATERIALIZED VIEW IF NOT EXISTS book_history_feed TO book_history AS SELECT * FROM book"
)
_FIELDS: Final = "['chung-thuc', 'ho-tich', 'dat-dai', 'xay-dung', 'cu-tru', 'y-te']"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is made; `end` is the newest day."""

    end: date
    wards: int = CITY
    days: int = 3_653
    recent_days: int = 20
    sample: int = 100
    cut_days: int = 400
    judged_cuts: int = 8_640

    @property
    def dossiers_old(self) -> int:
        """How many of the older dossiers are made, of all `days - recent_days` have."""
        runs = max(0, self.days - self.recent_days) * DOSSIERS_A_DAY // _RUN * self.wards
        return runs // self.sample // FEW * FEW * _RUN

    @property
    def first(self) -> date:
        """The oldest day."""
        return self.end - timedelta(days=self.days - 1)

    @property
    def now(self) -> datetime:
        """The evening of the newest day: the instant of the newest cut."""
        return datetime.combine(self.end, time(18), _HANOI)

    @property
    def cut(self) -> int:
        """The number of the newest cut."""
        return int((self.now.timestamp() - 1_735_664_400) // 10)


def generate(store: Store, scale: Scale) -> None:
    """Fill a migrated database."""
    generate_few(store, scale)
    add_the_rest(store, scale)


def generate_few(store: Store, scale: Scale) -> None:
    """All but three quarters of the sample of the older dossiers."""
    _wards(store, scale)
    _books(store, scale)
    _sampled(store, scale, f"number * {FEW}", scale.dossiers_old // _RUN // FEW)
    _recent(store, scale)
    _standing(store, scale)
    _cuts(store, scale)
    _newest(store, scale)


def add_the_rest(store: Store, scale: Scale) -> None:
    """What `generate_few` left out."""
    each = f"intDiv(number, {FEW - 1}) * {FEW} + 1 + number % {FEW - 1}"
    _sampled(store, scale, each, scale.dossiers_old // _RUN // FEW * (FEW - 1))


def upsert(store: Store, scale: Scale, revision: int, days: int = 3, late_s: int = 0) -> None:
    """Another revision of the books of the newest days, as the loader inserts it: one block."""
    number, at = scale.wards * (scale.days - days), scale.now.timestamp() + late_s
    store.command(
        _book(scale, number, scale.wards * days, revision, f"fromUnixTimestamp64Milli({int(at * 1000)})")
    )


def work_day(store: Store, scale: Scale, piece: int, pieces: int) -> None:
    """A piece of the newest day's new dossiers and of the steps of those before: one block of events."""
    a_day = scale.wards * DOSSIERS_A_DAY
    begin, step = (scale.days - 10) * a_day, 10 * a_day // pieces
    today = f"at >= toDateTime64('{scale.end} 00:00:00', 3, 'Asia/Ho_Chi_Minh')"
    store.command(_events(scale, _ALL, begin + piece * step, step, f"AND {today}"))


def _wards(store: Store, scale: Scale) -> None:
    more = scale.wards - CITY
    if more > 0:
        store.command(
            "INSERT INTO wards (code, name, kind, full_name, slug, partition, version)"
            " SELECT toString(90000 + number) AS code, concat('Xã ', code), 'xa', concat('Xã ', code), code,"
            f" number % 8, 1 FROM numbers({more})"
        )


def _codes(scale: Scale) -> str:
    return f"(SELECT groupArray(code) FROM (SELECT code FROM wards FINAL ORDER BY code LIMIT {scale.wards}))"


def _books(store: Store, scale: Scale) -> None:
    store.command("DROP VIEW IF EXISTS book_history_feed")
    step = max(1, 400_000 // scale.wards)
    for day in range(0, scale.days, step):
        count = min(step, scale.days - day)
        arrived = "toDateTime64(day, 3, 'Asia/Ho_Chi_Minh') + toIntervalHour(17)"
        store.command(_book(scale, scale.wards * day, scale.wards * count, 1, arrived))
    store.command(_FEED)


def _book(scale: Scale, begin: int, count: int, revision: int, arrived: str) -> str:
    """Books by number: day after day, within a day ward after ward."""
    return f"""
INSERT INTO book (day, ward, version, generation, revision, arrived_at, events, epochs, epoch_events, field,
    channel, status, timeliness, count, minutes, declared, declared_at, declared_epoch, declared_first_seq,
    declared_last_seq, declared_status, declared_count)
WITH {_codes(scale)} AS codes, range(24) AS cells,
    toDate32('{scale.first}') + intDiv(number, {scale.wards}) AS a_day,
    toDayOfWeek(a_day) > 5 AS weekend,
    arrayMap(i -> toInt64(if(weekend, i % 12 = 0, 1 + intHash32(number * 24 + i) % 3)), cells) AS counts,
    arrayMap(i -> toUInt8([2, 2, 9, 10][1 + intDiv(i, 6)]), cells) AS statuses
SELECT a_day AS day, codes[1 + number % {scale.wards}] AS ward, {revision}, 0, {revision}, {arrived},
    toUInt64(arraySum(counts)), ['bench'], [toUInt64(arraySum(counts))],
    arrayMap(i -> {_FIELDS}[1 + i % 6], cells),
    arrayMap(i -> if(intDiv(i, 6) = 1, 'online', 'counter'), cells),
    statuses,
    arrayMap(i -> multiIf(
        intDiv(i, 6) != 2, 'open', i % 6 < 4, 'early', i % 6 = 4, 'on_time', 'overdue'), cells),
    counts, arrayMap((i, n) -> if(intDiv(i, 6) = 2, n * 480, 0), cells, counts),
    true, {arrived}, 'bench', 1, 2, [2, 9, 10],
    arrayMap(s -> toUInt64(arraySum((t, n) -> if(t = s, n, 0), statuses, counts)), [2, 9, 10])
FROM numbers({begin}, {count})
{_SETTINGS}"""


def _sampled(store: Store, scale: Scale, runs: str, count: int) -> None:
    """So many runs of 16 older dossiers of a ward; `runs` makes the number of a run from `number`."""
    chosen = f"n * {scale.sample} + intHash32(n) % {scale.sample}"
    dossiers = (
        f"WITH {runs} AS n, {chosen} AS run"
        f" SELECT (intDiv(run, {scale.wards}) * {_RUN} + arrayJoin(range({_RUN}))) * {scale.wards}"
        f" + run % {scale.wards} AS g"
    )
    for begin in range(0, count, step := 400_000 // _RUN):
        store.command(_events(scale, dossiers, begin, min(step, count - begin)))


def _recent(store: Store, scale: Scale) -> None:
    a_day, step = scale.wards * DOSSIERS_A_DAY, 400_000
    for begin in range(max(0, scale.days - scale.recent_days) * a_day, scale.days * a_day, step):
        store.command(_events(scale, _ALL, begin, min(step, scale.days * a_day - begin)))


_ALL: Final = "SELECT number AS g"


def _events(scale: Scale, dossiers: str, begin: int, count: int, also: str = "") -> str:
    """Steps of dossiers, which are chosen by `dossiers` from numbers; step 5 takes the end back."""
    times = "[0, 3600, 86400 * (1 + chance % 8), 86400 * (2 + chance % 8), 86400 * (3 + chance % 8)]"
    steps = "multiIf(chance % 3000 = 1, [1, 2], chance % 500 = 7, [1, 2, 3, 5], [1, 2, 3, 4])"
    return f"""
INSERT INTO events (ward, epoch, seq, type, occurred_at, book_day, arrived_at, dossier, procedure, field,
    channel, status, received_at, due_at, finished_at, timeliness, minutes, of_epoch, of_seq, body, topic_id,
    partition, `offset`)
SELECT ward, 'bench', m * 8 + step,
    if(step = 5, 'dongbo.dossier.retracted.v1', 'dongbo.dossier.status-changed.v1'), at,
    toDate32(if(step = 5, ended, at)), at + toIntervalSecond(2 + if(chance % 100 = 3, 172800, 0)) AS arrived,
    concat('H26.', ward, '-', toString(toYYYYMMDD(began) % 1000000), '-', toString(m)), '2.000815',
    {_FIELDS}[1 + chance % 6], if(chance % 3 = 0, 'online', 'counter'), [2, 4, 9, 10, 9][step], began,
    began + toIntervalDay(5), if(step IN (3, 5), ended, NULL),
    if(step IN (3, 5), multiIf(chance % 8 < 4, 'early', chance % 8 = 4, 'on_time', 'overdue'), 'open'),
    if(step IN (3, 5), 480 * (1 + chance % 8), 0),
    if(step = 5, 'bench', ''), if(step = 5, m * 8 + 3, 0), '', 't1', 0, m * 8 + step
FROM
(
    WITH {_codes(scale)} AS codes
    SELECT codes[1 + g % {scale.wards}] AS ward, intDiv(g, {scale.wards}) AS m, intHash32(g) AS chance,
        toDateTime64('{scale.first} 08:00:00', 3, 'Asia/Ho_Chi_Minh')
            + toIntervalDay(intDiv(m, {DOSSIERS_A_DAY})) + toIntervalSecond(chance % 28800) AS began,
        arrayJoin({steps}) AS step, began + toIntervalSecond({times}[3]) AS ended,
        began + toIntervalSecond({times}[step]) AS at
    FROM ({dossiers} FROM numbers({begin}, {count}))
)
WHERE arrived <= fromUnixTimestamp64Milli({int(scale.now.timestamp() * 1000)}) {also}
{_SETTINGS}"""


def _standing(store: Store, scale: Scale) -> None:
    """How every ward stands: now, and at the newest cuts."""
    now = f"fromUnixTimestamp64Milli({int(scale.now.timestamp() * 1000)}, 'Asia/Ho_Chi_Minh')"
    store.command(
        "INSERT INTO ward_sync (ward, version, epochs, intervals, counted, contiguous, highest, events,"
        " missing, last_event_at, arrived_at, heartbeat_at, heartbeat_arrived_at, heartbeat_epoch)"
        " SELECT code, 1, ['bench'], [[1, 100]], [100], [100], [100], 100, 0,"
        f" {now}, {now}, {now}, {now}, 'bench'"
        " FROM wards FINAL"
    )
    what = (
        "'active', 'complete', 'matched', 'good', 'ok', 'Đủ', 'Complete', toStartOfDay(at), true, at, true,"
        " 10, 900, 2500, 100, 100, 100, 'bench', at, at, at, at, ['bench'], [100], [100], [100],"
        " at + toIntervalSecond(3)"
    )
    names = (
        "alive, complete, reconciled, status, reason, reason_vi, reason_en, since, covered,"
        " complete_at, office_open, skew_ms, delay_ms_p50, delay_ms_p99, events, contiguous, highest, epoch,"
        " event_at, arrived_at, heartbeat_at, heard_at, epochs, epoch_events, epoch_contiguous,"
        " epoch_highest, judged_at"
    )
    store.command(
        f"INSERT INTO ward_state (ward, cut, at, {names})"
        f" SELECT code, {scale.cut}, {now} AS at, {what} FROM wards FINAL"
    )
    store.command(
        f"INSERT INTO ward_states (ward, cut, at, {names}) SELECT code, {scale.cut} - n.number AS number,"
        f" {now} - toIntervalSecond(10 * n.number) AS at, {what}"
        f" FROM wards AS w FINAL CROSS JOIN numbers({scale.judged_cuts}) AS n {_SETTINGS}"
    )


def _cuts(store: Store, scale: Scale) -> None:
    cuts = scale.cut_days * 8_640
    store.command(
        "INSERT INTO city_cut (number, at, complete_at, published_at, wards_total, covered, events, received,"
        f" day, lag_ms) SELECT {scale.cut} - number AS cut,"
        " fromUnixTimestamp64Milli((1735664400 + cut * 10) * 1000, 'Asia/Ho_Chi_Minh') AS at, at,"
        f" at + toIntervalSecond(3), {scale.wards}, {scale.wards}, cut, cut, toDate32(at), 3000"
        f" FROM numbers({min(cuts, scale.cut)}) {_SETTINGS}"
    )


def _newest(store: Store, scale: Scale) -> None:
    """The newest day's books twice: at the cut, and changed after it."""
    upsert(store, scale, 2, days=1, late_s=-60)
    upsert(store, scale, 3, days=1, late_s=60)


def values(scale: Scale) -> dict[str, dict[str, Any]]:
    """What the page's parameters may be, by name and type: a usual question of that evening."""
    now_ms, codes = int(scale.now.timestamp() * 1000), sorted(WARDS)[:3]
    week = [scale.end - timedelta(days=number) for number in range(7)]
    day = {"Date32": scale.end, "Date": scale.end, "Nullable(Date)": scale.end}
    return {
        "day": day, "last": day, "today": day, "to": day,
        "first": {"Date32": scale.end - timedelta(days=29)},
        "from_day": {"Date32": scale.end - timedelta(days=quality.DAYS[0] - 1)},
        "since": {"Date32": scale.end, "Int64": now_ms - 86_400_000}, "until": {"Int64": now_ms},
        "days": {"Array(Date32)": week}, "at": {"Int64": now_ms}, "number": {"UInt64": scale.cut},
        "limit": {"UInt16": 60}, "city": {"Bool": True}, "now": {"Int64": now_ms},
        "group": {"UInt8": 0}, "owner": {"String": ""}, "state": {"String": ""},
        "wards": {"Array(String)": codes}, "ward": {"String": codes[0]},
    }  # fmt: skip
