"""Goal: what is removed was sealed and had agreed, and nothing that is still answered becomes wrong by it.

Method: three wards over three months in a real engine, with late arrivals, retractions, a seq used twice, an
open dossier, a lost raw row. The books are asked before and after, now and as of cuts on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Stop
from producers.contract.vocabulary import Status
from streams.monitor.landed import Landed
from streams.warehouse import as_of, retention
from streams.warehouse.comparison import Scope, compare
from streams.warehouse.retention import Policy, Removed
from streams.warehouse.store import Store
from tests.builders import HANOI, START, status
from tests.pipeline.small_city import CODES, SmallCity, cut_of
from tests.pipeline.warehouse import SQL, database, insert_cut

NOW = datetime(2025, 11, 10, 12, tzinfo=HANOI)
# 62 days before: 9 September, so July and August go.
UNTIL = date(2025, 9, 1)
RAW = Policy(raw_days=62, history_days=0)
LATE_CUT, EARLY_CUT = (
    cut_of(datetime(2025, 9, 20, 12, tzinfo=HANOI)),
    cut_of(datetime(2025, 8, 20, tzinfo=HANOI)),
)
NAMES = as_of.travelling(SQL)
ANSWERED = (
    "SELECT * FROM v_ward_day ORDER BY ward, day",
    "SELECT * FROM v_city_day ORDER BY day",
    "SELECT ward, day, state, declared, counted, corrected FROM v_control_totals ORDER BY ward, day",
    "SELECT ward, field, backlog, waiting, overdue, oldest_received_at FROM v_backlog ORDER BY ALL",
    "SELECT ward, dossier, due_at FROM v_overdue ORDER BY ward, dossier",
    f"SELECT * FROM v_quality WHERE day >= '{UNTIL}' ORDER BY ward, day",
    f"SELECT * FROM v_corrections WHERE day >= '{UNTIL}' ORDER BY ward, day, event, status",
    f"SELECT * FROM v_dossiers WHERE status_at >= '{UNTIL}' ORDER BY ward, dossier",
)
HELD = (CODES[1], date(2025, 7, 10))


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    tables = shared.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        " AND name NOT IN ('migrations', 'wards', 'procedures', 'words', 'reasons', 'office_days')"
    ).rows
    for (name,) in tables:
        shared.command(f"TRUNCATE TABLE {name}")
    return shared


def built(store: Store) -> SmallCity:
    """The three months, with what makes removing hard."""
    city = SmallCity(store)
    city.work()
    ward, at = CODES[0], START + timedelta(days=5, hours=3)
    # Never ended: its steps must outlive the rest of July.
    city.take(
        status(
            city.next_seq(ward),
            ward=ward,
            at=at,
            dossier=f"H26.{ward}-250700-0001",
            due_at=at + timedelta(days=3),
        )
    )
    # Arrives after the end of July, before the horizon; and after the horizon.
    city.take(
        status(city.next_seq(ward), ward=ward, at=at, dossier=f"H26.{ward}-250700-0002"), timedelta(days=30)
    )
    city.take(
        status(city.next_seq(ward), ward=ward, at=at, dossier=f"H26.{ward}-250700-0003"), timedelta(days=70)
    )
    # One seq, two contents, in two months: the one that counts must stay, or the other would count.
    used = city.next_seq(ward)
    city.take(status(used, ward=ward, at=at, dossier=f"H26.{ward}-250700-0004"))
    city.take(status(used, ward=ward, at=at + timedelta(days=80), dossier=f"H26.{ward}-250700-0005"))
    # A book without one of its raw rows.
    ward, day = HELD
    at = datetime(day.year, day.month, day.day, 10, tzinfo=HANOI)
    city.take(status(city.next_seq(ward), ward=ward, at=at, status=Status.RECEIVED), raw=False)
    city.flush()
    for number in (EARLY_CUT, LATE_CUT, cut_of(NOW)):
        insert_cut(store, number)
    return city


def answers(store: Store, cut: int | None = None) -> list[Any]:
    """What is answered the same before and after."""
    if cut is None:
        return [store.query(sql).rows for sql in ANSWERED]
    return [store.query(as_of.rewrite(sql, NAMES), as_of.bound(str(cut))).rows for sql in ANSWERED]


def removed(store: Store, policy: Policy = RAW) -> Removed:
    (one,) = retention.remove(store, policy)
    return one


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return store.query(sql).rows


def test_raw_rows_are_removed_under_seals_and_every_book_answers_as_before(store: Store) -> None:
    built(store)
    before, then = answers(store), answers(store, LATE_CUT)
    sums = dict(
        rows(
            store,
            "SELECT (toString(ward), book_day), uniqExact(epoch, seq) FROM r_events GROUP BY ward, book_day",
        )
    )
    done = removed(store)
    assert (done.what, done.until, done.held) == ("raw", UNTIL, [HELD])
    left = rows(
        store, f"SELECT ward, book_day, dossier FROM events WHERE occurred_at < '{UNTIL}' ORDER BY ALL"
    )
    ward, day = CODES[0], (START + timedelta(days=5)).date()
    # What is held, what was used twice, what came after the horizon.
    assert {(code, when) for code, when, _ in left} == {HELD, (ward, day)}
    assert [dossier for code, _, dossier in left if code == ward] == [
        f"H26.{ward}-250700-0003",
        f"H26.{ward}-250700-0004",
    ]
    assert answers(store) == before
    assert answers(store, LATE_CUT) == then
    seals = rows(store, "SELECT (ward, day), events, book_events, events_since, agrees FROM v_seals")
    assert len(seals) == done.sealed > 120
    assert all(agrees for *_, agrees in seals)
    # Seals and what is left are all there was.
    assert {book: events + since for book, events, _, since, _ in seals} == {
        book: count for book, count in sums.items() if book[1] < UNTIL and book != HELD
    }


def test_after_a_removal_nothing_is_reported_lost_but_what_is(store: Store) -> None:
    built(store)
    removed(store)
    assert {(row[0], row[1]) for row in rows(store, "SELECT ward, day FROM v_reconcile")} == {HELD}
    assert {(one.ward, one.day) for one in compare(store, Scope())} == {HELD}
    assert list(Landed(0).rows(store)) == []
    # A row of a removed month that nobody removed is still missed.
    store.command(
        f"ALTER TABLE events DELETE WHERE ward = '{HELD[0]}' AND book_day = '{HELD[1]}'"
        " SETTINGS mutations_sync = 2"
    )
    assert [lack.amount for _, lack in Landed(0).rows(store)] == [3]


def test_a_cut_from_before_the_removal_is_refused_and_what_is_gone_is_said(store: Store) -> None:
    built(store)
    assert dict(rows(store, "SELECT what, from_at FROM v_retention")) == {
        "raw": None,
        "history": None,
    }
    assert as_of.resolved(store, str(EARLY_CUT)) == str(EARLY_CUT)
    removed(store)
    assert as_of.resolved(store, str(LATE_CUT)) == str(LATE_CUT)
    with pytest.raises(Stop, match=r"cut_expired.*2025-09-01.*còn hỏi được"):
        as_of.resolved(store, str(EARLY_CUT))
    with pytest.raises(Stop, match="cut_expired"):
        answers(store, EARLY_CUT)
    with pytest.raises(Stop, match="no_such_cut"):
        as_of.resolved(store, "1")
    said = rows(
        store,
        "SELECT toDate(from_at), days, held, removed > 400, words_en FROM v_retention WHERE what = 'raw'",
    )
    assert said == [(UNTIL, 62, 1, True, said[0][4])]
    assert "before 2025-09-01 were removed" in said[0][4]


def test_a_removal_that_is_run_again_or_was_cut_short_changes_no_seal(store: Store) -> None:
    built(store)
    seals = "SELECT * EXCEPT (sealed_at) FROM r_seals ORDER BY day, ward, until"

    class Killed(Exception):
        pass

    def killed(_: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        # After the seals and the mark, before the rows.
        patch.setattr(retention._Raw, "_delete", killed)
        with pytest.raises(Killed):
            retention.remove(store, RAW)
    first = rows(store, seals)
    assert removed(store).held == [HELD]
    assert rows(store, seals) == first
    assert retention.remove(store, RAW) == []
    assert rows(store, seals) == first


def test_a_removed_event_that_is_sent_again_is_known_and_a_new_one_is_sealed_later(store: Store) -> None:
    city = built(store)
    event = status(
        1, ward=CODES[0], at=START, dossier=f"H26.{CODES[0]}-{START:%y%m%d}-0001", received_at=START
    )
    before = answers(store)
    removed(store)
    city.take(event, timedelta(days=100))
    ward, at = CODES[2], START + timedelta(days=4)
    city.take(
        status(city.next_seq(ward), ward=ward, at=at, dossier=f"H26.{ward}-250700-0009", status=Status.DONE),
        timedelta(days=100),
    )
    city.flush()
    assert rows(store, "SELECT count() FROM v_seals WHERE NOT agrees") == [(0,)]
    retention.remove(store, RAW)
    assert rows(store, f"SELECT count() FROM dossiers WHERE dossier = '{event.data.dossier}'") == [(0,)]
    assert answers(store)[3:5] == before[3:5]
    insert_cut(store, cut_of(NOW + timedelta(days=90)))
    removed(store)
    parts = rows(
        store,
        f"SELECT length(fingerprints), agrees FROM v_seals WHERE ward = '{ward}' AND day = '{at.date()}'",
    )
    assert parts == [(2, True)]


def test_history_is_thinned_so_that_later_cuts_stay_exact_and_earlier_are_refused(store: Store) -> None:
    city = built(store)
    for cut in (EARLY_CUT, LATE_CUT):
        names, kinds = (
            ("ward", "cut", "at", "judged_at"),
            ("String", "UInt64", "DateTime64(3)", "DateTime64(3)"),
        )
        at_ms = 1_735_664_400_000 + cut * 10_000
        store.insert("ward_states", names, kinds, [[CODES[0]], [cut], [at_ms], [at_ms]])
    # An old book changes now, so its revision of July is what the cut of September is made of.
    city.take(status(city.next_seq(CODES[0]), ward=CODES[0], at=START), timedelta(days=132))
    city.flush()
    then, history = answers(store, LATE_CUT), "SELECT count() FROM book_history"
    before = store.value(history)
    policy = Policy(raw_days=0, history_days=62)
    assert removed(store, policy).until == UNTIL
    assert 0 < store.value(history) < before
    assert answers(store, LATE_CUT) == then
    assert rows(store, "SELECT cut FROM ward_states") == [(LATE_CUT,)]
    with pytest.raises(Stop, match="cut_expired"):
        answers(store, EARLY_CUT)
    assert retention.remove(store, policy) == []


def test_ttls_follow_the_settings_and_really_remove(store: Store) -> None:
    names, kinds = ("ward", "arrived_at", "clock_at"), ("String", "DateTime64(3)", "DateTime64(3)")
    now_ms = int(store.value("SELECT toUnixTimestamp64Milli(now64(3))"))
    day_ms = 86_400_000
    assert retention.apply_lifetimes(store, Policy()) == []
    assert retention.apply_lifetimes(store, Policy(heartbeats_days=30)) == ["retention/heartbeats"]
    moments = [now_ms - 40 * day_ms, now_ms - 20 * day_ms]
    store.insert("heartbeats", names, kinds, [[CODES[0]] * 2, moments, moments])
    store.command("OPTIMIZE TABLE heartbeats FINAL")
    assert store.value("SELECT count() FROM heartbeats") == 1
    assert retention.apply_lifetimes(store, Policy(heartbeats_days=10)) == ["retention/heartbeats"]
    store.command("ALTER TABLE heartbeats MATERIALIZE TTL SETTINGS mutations_sync = 2")
    store.command("OPTIMIZE TABLE heartbeats FINAL")
    assert store.value("SELECT count() FROM heartbeats") == 0
    assert retention.apply_lifetimes(store, Policy(heartbeats_days=0, alerts_days=500)) == [
        "retention/heartbeats", "retention/alerts", "retention/alert_acks", "retention/alert_deliveries",
        "retention/alert_history", "retention/alert_ack_history", "retention/alert_delivery_history",
    ]  # fmt: skip
    assert retention.apply_lifetimes(store, Policy(heartbeats_days=0, alerts_days=500)) == []
    assert len(retention.apply_lifetimes(store, Policy())) == 7
