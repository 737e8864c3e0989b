"""Goal: the views in business words say what a second, plain way to count says, as of any cut.

Method: a few hundred random dossiers with supplements, retractions, repetitions, seqs used twice and days
off, in any order of arrival; `business.py` counts them again in Python. All is asked as of cuts at fixed
instants, so that no figure depends on the day on which the test runs. Half of the messages come after the
first cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.codec import encode
from producers.contract.envelope import RetractedEvent, SequencedEvent, StatusChangedEvent
from producers.contract.topics import PARTITION_OF_WARD
from streams.domain import records
from streams.domain.book import Book, day_of
from streams.domain.days import HANOI
from streams.warehouse import as_of, rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.policies import INDEX766, POLICIES
from streams.warehouse.store import Store
from tests.pipeline import business
from tests.pipeline.business import CLOCKS, DUE, PROCEDURES, TODAY, WARDS, Dossier, Town
from tests.pipeline.warehouse import SQL, database, insert, insert_cut

# Cuts are tens of seconds from 2025-01-01; these two are in the morning of TODAY.
_DAY: Final = (TODAY - date(2025, 1, 1)).days * 8640
HALF, WHOLE = str(_DAY + 3000), str(_DAY + 3600)
NAMES: Final = as_of.travelling(SQL)
POLICY: Final = {due + clock for due in DUE for clock in CLOCKS}


@dataclass
class City:
    """What was stored, who counts it, and how to ask."""

    store: Store
    half: list[Dossier]
    whole: list[Dossier]
    before: dict[str, list[tuple[Any, ...]]]
    _answers: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def ask(self, sql: str, cut: str = WHOLE) -> list[dict[str, Any]]:
        """The answer as of a cut, asked once: it never changes."""
        if (sql, cut) not in self._answers:
            rows = self.store.query(as_of.rewrite(sql, NAMES), as_of.bound(cut))
            self._answers[sql, cut] = rows.dicts()
        return self._answers[sql, cut]


class Loading:
    """Puts events and books in as loader and worker do, arriving one second after the other."""

    def __init__(self, store: Store) -> None:
        self._store, self._offset = store, 0
        self._books: dict[tuple[str, str], Book] = {}
        self._seen: set[tuple[str, int]] = set()

    def take(self, events: list[SequencedEvent], first_ms: int) -> None:
        block = Block()
        for number, event in enumerate(events):
            ward = event.data.ward
            span = Span("t1", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
            self._offset += 1
            block.take_event(span, encode(event), ward.encode(), self._offset, first_ms + number)
            self._count(event, first_ms + number)
        assert not block.rejects
        # In two pieces, so that repetitions lie in different parts.
        middle = len(block.events) // 2
        for piece in (block.events[:middle], block.events[middle:]):
            insert(self._store, tables.EVENTS, piece)
        insert(
            self._store, tables.BOOK, [rows.book_row(records.encode(book)) for book in self._books.values()]
        )

    def _count(self, event: SequencedEvent, arrived_ms: int) -> None:
        where = event.data.ward, day_of(event, event.time.timestamp())
        if (event.data.ward, event.data.seq) not in self._seen:
            self._seen.add((event.data.ward, event.data.seq))
            self._books.setdefault(where, Book(*where)).apply(event, arrived_ms)


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    town, rng = Town(seed=7, dossiers=260), Random(8)
    with database(clickhouse) as store:
        half_ms, whole_ms = insert_cut(store, int(HALF)), insert_cut(store, int(WHOLE))
        messages = rng.sample(town.messages, len(town.messages))
        middle = len(messages) // 2
        loading = Loading(store)
        loading.take(messages[:middle], half_ms - 5_000_000)
        found = City(store, _known(town, messages[:middle]), town.dossiers, {})
        found.before = {view: _rows(found, view, HALF) for view in VIEWS}
        reused = [one for one in town.reused() if one.data.seq in {m.data.seq for m in messages}]
        loading.take([*messages[middle:], *reused, *messages[:50]], half_ms + 1)
        assert half_ms + 10_000 < whole_ms
        yield found


def _known(town: Town, messages: list[SequencedEvent]) -> list[Dossier]:
    """The dossiers as these messages tell them: a wrong step may be here without its retraction."""
    steps = {(m.data.ward, m.data.seq): m for m in messages if isinstance(m, StatusChangedEvent)}
    for message in messages:
        if isinstance(message, RetractedEvent):
            steps.pop((message.data.ward, message.data.of.seq), None)
    found = []
    for number, one in enumerate(town.dossiers):
        code = f"-{number:04d}"
        mine = [step for step in steps.values() if step.data.dossier.endswith(code)]
        known = Dossier(
            one.ward, one.procedure, one.channel, one.received, one.due, one.paid, one.digitised, mine
        )
        if mine:
            found.append(known)
    return found


# One of each kind; test_as_of.py asks every view.
VIEWS: Final = (
    "v_steps",
    "v_supplements",
    "v_flow_ward_week",
    "v_backlog_city_day",
    "v_on_time",
    "v_processing_city_month",
    "v_service_ward_month",
)


def _rows(city: City, view: str, cut: str) -> list[tuple[Any, ...]]:
    sql = as_of.rewrite(f"SELECT * FROM {view}", NAMES) + " ORDER BY ALL"
    return city.store.query(sql, as_of.bound(cut)).rows


def monday(day: date) -> date:
    return day - timedelta(day.weekday())


def first(day: date) -> date:
    return day.replace(day=1)


def test_answers_as_of_a_cut_stay_the_same_when_more_arrives(city: City) -> None:
    assert {view: _rows(city, view, HALF) for view in VIEWS} == city.before
    assert not [view for view in VIEWS if _rows(city, view, WHOLE) == city.before[view]]


@pytest.mark.parametrize("cut", [HALF, WHOLE])
def test_each_counted_step_is_there_once(city: City, cut: str) -> None:
    wanted = Counter(
        (one.ward, step.data.seq, int(step.data.status), step.time.date())
        for one in (city.half if cut == HALF else city.whole)
        for step in one.steps
    )
    found = city.ask("SELECT ward, seq, status, day FROM v_steps", cut)
    assert Counter((r["ward"], r["seq"], r["status"], r["day"]) for r in found) == wanted


@pytest.mark.parametrize(
    ("view", "keys"),
    [
        ("v_flow_ward_day", "ward"),
        ("v_flow_ward_week", "ward"),
        ("v_flow_ward_month", "ward"),
        ("v_flow_city_day", ""),
        ("v_flow_city_week", ""),
        ("v_flow_city_month", ""),
        ("v_flow_field_week", "ward field channel"),
        ("v_flow_field_month", "ward field channel"),
        ("v_flow_procedure_week", "ward field procedure"),
        ("v_flow_procedure_month", "ward field procedure"),
    ],
)
def test_flows_add_up_and_agree_with_dossiers(city: City, view: str, keys: str) -> None:
    names = keys.split()
    key = lambda one: tuple(_member(one, name) for name in names)  # noqa: E731
    bucket = {"day": lambda day: day, "week": monday, "month": first}[view.rsplit("_", 1)[1]]
    wanted = business.flows(city.whole, key, bucket)
    found: dict[Any, tuple[int, ...]] = {}
    before: dict[Any, int] = {}
    for row in sorted(city.ask(f"SELECT * FROM {view}"), key=lambda row: row["period"]):
        where = tuple(row[name] for name in names)
        assert row["opening"] + row["received"] - row["ended"] == row["closing"]
        assert row["ended"] == row["resolved"] + row["withdrawn"] + row["stopped"]
        assert row["opening"] == before.get(where, 0)
        before[where] = row["closing"]
        found[where, row["period"]] = (row["opening"], row["received"], row["ended"], row["closing"])
    assert {one: found[one] for one in wanted} == wanted
    idle = {one: row for one, row in found.items() if one not in wanted}
    assert all(row[1:3] == (0, 0) for row in idle.values())


def _member(one: Dossier, name: str) -> str:
    return {
        "ward": one.ward,
        "field": one.procedure[1],
        "procedure": one.procedure[0],
        "channel": one.channel.value,
    }[name]


def test_the_backlog_in_steps_is_the_backlog_in_dossiers(city: City) -> None:
    found = city.ask("SELECT * FROM v_flow_check")
    assert {row["ward"] for row in found} == set(WARDS)
    assert all(row["difference"] == 0 and row["by_dossiers"] > 5 for row in found)


@pytest.mark.parametrize("rule", DUE)
def test_backlog_and_overdue_of_each_day_are_those_of_the_dossiers(city: City, rule: str) -> None:
    sql = f"SELECT * FROM v_backlog_ward_day WHERE policy = '{rule}'"
    rows = {(row["ward"], row["period"]): row for row in city.ask(sql)}
    assert max(day for _, day in rows) == TODAY
    for (ward, day), row in rows.items():
        mine = [one for one in city.whole if one.ward == ward]
        found = tuple(row[name] for name in ("backlog", "within", "due_soon", "overdue", "no_due"))
        assert found == business.backlog(mine, rule, day), (ward, day)
    assert any(row["overdue"] for row in rows.values())
    ends = {day for _, day in rows if rows[WARDS[0], day]["month_end"]}
    assert ends == {date(2025, 7, 31), date(2025, 8, 31), TODAY}


@pytest.mark.parametrize("rule", DUE)
def test_backlog_of_the_city_and_of_procedures_at_the_end_of_a_month(city: City, rule: str) -> None:
    where = f"WHERE policy = '{rule}'"
    for row in city.ask(f"SELECT * FROM v_backlog_city_day {where} AND month_end"):
        found = (row["backlog"], row["within"], row["due_soon"], row["overdue"], row["no_due"])
        assert found == business.backlog(city.whole, rule, row["period"])
    rows = city.ask(f"SELECT * FROM v_backlog_procedure_month {where}")
    for row in rows:
        mine = [one for one in city.whole if (one.ward, one.procedure[0]) == (row["ward"], row["procedure"])]
        last = min(TODAY, (row["period"] + timedelta(31)).replace(day=1) - timedelta(1))
        found = (row["backlog"], row["within"], row["due_soon"], row["overdue"], row["no_due"])
        assert found == business.backlog(mine, rule, last)
    assert {row["procedure"] for row in rows} == {code for code, *_ in PROCEDURES}


def test_on_time_under_each_rule_is_judged_as_the_rule_says(city: City) -> None:
    wanted: dict[Any, Counter[str]] = {}
    for one in business.finishes(city.whole):
        for rule in DUE:
            for clock in CLOCKS:
                key = (one.day, one.dossier.ward, one.dossier.procedure[0], rule + clock)
                count = wanted.setdefault(key, Counter())
                count[one.judged(rule, clock)] += 1
                count["finished"] += 1
    names = ("finished", "early", "on_time", "overdue", "unjudged")
    rows = city.ask("SELECT * FROM v_on_time")
    found = {(r["day"], r["ward"], r["procedure"], r["policy"]): tuple(r[n] for n in names) for r in rows}
    assert found == {key: tuple(count[n] for n in names) for key, count in wanted.items()}
    totals = {
        policy: tuple(sum(row[i] for key, row in found.items() if key[3] == policy) for i in range(5))
        for policy in POLICY
    }
    assert len(set(totals.values())) == 6, "some rule does not matter here, so it is not shown"


def test_on_time_by_month_is_the_sum_with_its_rate(city: City) -> None:
    names = ("finished", "early", "on_time", "overdue", "no_due", "unjudged", "judged")
    days = city.ask("SELECT * FROM v_on_time")
    for view, keys in (("v_on_time_ward_month", ("ward", "policy")), ("v_on_time_city_month", ("policy",))):
        for row in city.ask(f"SELECT * FROM {view}"):
            mine = [d for d in days if d["month"] == row["period"] and all(d[k] == row[k] for k in keys)]
            assert [row[name] for name in names] == [sum(d[name] for d in mine) for name in names]
            assert row["judged"] == row["early"] + row["on_time"] + row["overdue"]
            assert row["on_time_rate"] == pytest.approx((row["early"] + row["on_time"]) / row["judged"])
            assert row["complete"] == (row["period"] < first(TODAY))


def test_books_and_raw_events_say_the_same_on_time(city: City) -> None:
    judged = "GROUP BY ALL HAVING early + on_time + overdue > 0 ORDER BY ALL"
    sums = "sum(early) AS early, sum(on_time) AS on_time, sum(overdue) AS overdue"
    by_book = city.ask(f"SELECT day, ward, {sums} FROM v_ward_day {judged}")
    raw = f"SELECT day, ward, {sums} FROM v_on_time WHERE policy = '{DUE[0]}' {judged}"
    assert city.ask(raw) == by_book != []


@pytest.mark.parametrize(
    ("scope", "grain"), [("ward", "day"), ("ward", "month"), ("city", "week"), ("city", "month")]
)
def test_processing_times_are_quantiles_of_working_minutes(city: City, scope: str, grain: str) -> None:
    bucket = {"day": lambda day: day, "week": monday, "month": first}[grain]
    values: dict[Any, list[int]] = {}
    for one in business.finishes(city.whole):
        code, name, *_ = one.dossier.procedure
        for slot in (("", ""), (name, ""), (name, code)):
            for clock in ("supplement.none@1", "supplement.pause@1", "supplement.restart@1"):
                if one.at is not None:
                    where = (one.dossier.ward,) if scope == "ward" else ()
                    values.setdefault((bucket(one.day), *where, *slot, clock), []).append(one.minutes(clock))
    rows = city.ask(f"SELECT * FROM v_processing_{scope}_{grain}")
    keys = ("period", *(("ward",) if scope == "ward" else ()), "field", "procedure", "policy")
    levels = ("p50_minutes", "p75_minutes", "p90_minutes", "p95_minutes", "max_minutes", "timed")
    found = {tuple(row[key] for key in keys): tuple(row[level] for level in levels) for row in rows}
    assert found == {
        key: (*(business.quantile(list_, level) for level in (0.5, 0.75, 0.9, 0.95)), max(list_), len(list_))
        for key, list_ in values.items()
    }


def test_channels_digitised_and_paid_online_are_counted_and_unknown_stays_apart(city: City) -> None:
    def count(month: date, ward: str) -> dict[str, int]:
        took = [
            one
            for one in city.whole
            if one.ward == ward
            for at, code in one.path()
            if code == 2 and first(at.date()) == month
        ]
        done = [
            f.dossier
            for f in business.finishes(city.whole)
            if f.dossier.ward == ward and first(f.day) == month
        ]
        channels = {
            name: sum(one.channel.value == name for one in took) for name in ("counter", "online", "post")
        }
        paid = {None: "paid_unknown", True: "paid_online", False: "paid_otherwise"}
        scans = {None: "digitised_unknown", True: "digitised", False: "not_digitised"}
        return (
            {"received": len(took), "finished": len(done)}
            | channels
            | {name: sum(one.paid is said for one in done) for said, name in paid.items()}
            | {name: sum(one.digitised is said for one in done) for said, name in scans.items()}
        )

    rows = city.ask("SELECT * FROM v_service_ward_month")
    assert len(rows) == 6
    for row in rows:
        wanted = count(row["period"], row["ward"])
        assert {name: row[name] for name in wanted} == wanted
        assert row["paid_online_share"] == pytest.approx(
            wanted["paid_online"] / (wanted["paid_online"] + wanted["paid_otherwise"])
        )
    (total,) = city.ask("SELECT sum(received) AS received, sum(finished) AS finished FROM v_service")
    assert [total] == city.ask(
        "SELECT sum(received) AS received, sum(finished) AS finished FROM v_service_city_month"
    )


def test_index_gives_what_events_can_give_and_says_of_the_rest_why_not(city: City) -> None:
    rows = city.ask("SELECT * FROM v_index766_ward_month WHERE period = '2025-08-01' AND ward = '00070'")
    by_part = {row["part"]: row for row in rows}
    assert set(by_part) == {part.part for part in INDEX766}
    assert sum(row["max_score"] for row in rows) == 100
    done = [
        f
        for f in business.finishes(city.whole)
        if f.dossier.ward == "00070" and first(f.day) == date(2025, 8, 1)
    ]
    good = sum(f.judged(DUE[0], "") in ("early", "on_time") for f in done)
    progress = by_part["PROGRESS"]
    received = sum(
        code == 2 and first(at.date()) == date(2025, 8, 1)
        for one in city.whole if one.ward == "00070" for at, code in one.path()
    )  # fmt: skip
    assert (progress["numerator"], progress["denominator"]) == (good, received)
    assert progress["score"] == pytest.approx(min(20, 20 * good / received), abs=1e-4)
    assert progress["policy"] == DUE[0]
    assert by_part["SO_HOA_GIAY_TO_GIAI_QUYET"]["score"] is not None
    for part in ("ONLINE", "PAYMENT"):
        assert by_part[part]["score"] is None
        assert by_part[part]["denominator"] > 0
    absent = [row for row in rows if row["basis"] == "not_in_events"]
    assert all(row["score"] is row["numerator"] is None and row["basis_vi"] for row in absent)
    assert {row["formula_status"] for row in rows if row["score"] is not None} == {"FITTED"}


def test_every_rule_that_a_figure_names_is_explained(city: City) -> None:
    known = {row["policy"]: row for row in city.ask("SELECT * FROM v_policies")}
    assert set(known) == {one.policy for one in POLICIES}
    named = city.ask(
        "SELECT DISTINCT arrayJoin(splitByChar('+', policy)) AS policy FROM v_on_time"
        " UNION DISTINCT SELECT policy FROM v_processing_city_month"
        " UNION DISTINCT SELECT policy FROM v_backlog_city_day"
    )
    assert {row["policy"] for row in named} == set(known)
    assert all(row["basis_vi"] and row["basis_en"] for row in known.values())
    assert known["supplement.restart@1"]["status"] == "RECALLED"


def test_working_minutes_in_sql_are_those_of_the_domain(city: City) -> None:
    rng = Random(3)
    start = datetime(2020, 1, 1, tzinfo=HANOI).timestamp()
    far, near = 5 * 365 * 86_400, 8 * 86_400
    starts = [start + rng.randrange(2 * far) for _ in range(1000)]
    pairs = [(a, a + rng.randrange(far if n == 0 else near)) for a in starts for n in range(4)]
    until = (
        "{0}.minutes_before + arraySum((o, c) ->"
        " greatest(0, least(toHour(p.{0}) * 60 + toMinute(p.{0}), c) - o), {0}.opens, {0}.closes)"
    )
    zone = "'Asia/Ho_Chi_Minh'"
    sql = (
        f"SELECT p.n AS n, greatest(0, {until.format('b')} - ({until.format('a')})) AS minutes FROM"
        f" (SELECT x.1 AS n, toDateTime(x.2, {zone}) AS a, toDateTime(x.3, {zone}) AS b"
        " FROM (SELECT arrayJoin(arrayZip("
        "range(length({a:Array(UInt32)})), {a:Array(UInt32)}, {b:Array(UInt32)})) AS x)) AS p"
        " INNER JOIN v_office_days AS a ON a.day = toDate32(p.a)"
        " INNER JOIN v_office_days AS b ON b.day = toDate32(p.b) ORDER BY n"
    )
    values = {"a": [int(a) for a, _ in pairs], "b": [int(b) for _, b in pairs]}
    found = [row[1] for row in city.store.query(sql, values).rows]
    assert found == [business.CALENDAR.minutes_between_s(a, b) for a, b in pairs]
    assert len(found) == 4000


def test_periods_are_days_iso_weeks_and_months_and_say_whether_they_are_over(city: City) -> None:
    rows = city.ask(
        "SELECT * FROM v_periods WHERE period >= '2025-09-01' OR grain = 'week' AND period >= '2024-12-30'"
    )
    by = {(row["grain"], row["period"]): row for row in rows}
    assert by["month", date(2025, 9, 1)] | {} == {
        "grain": "month", "period": date(2025, 9, 1), "last_day": date(2025, 9, 30), "name": "2025-09",
        "working_days": len([d for d in range(1, 31) if business.CALENDAR.is_working_day(date(2025, 9, d))]),
        "complete": False,
    }  # fmt: skip
    week = by["week", date(2024, 12, 30)]
    assert (week["name"], week["last_day"], week["complete"]) == ("2025-W01", date(2025, 1, 5), True)
    assert not by["week", TODAY]["complete"]
    assert by["day", TODAY - timedelta(1)]["complete"]
    assert max(period for grain, period in by if grain == "day") == TODAY
