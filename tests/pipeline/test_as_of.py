"""Goal: what was asked as of a cut is answered the same, byte for byte, whatever comes after it; and the
newest cut of a city at rest says what the views say.

Method: a real broker, worker, loader, monitor and engine. Wards send all that makes counting hard; a cut is
taken, and every question and every view is asked as of it. Then come over a thousand changes of every kind,
of days before the cut as well, later cuts, other names of groups, another calendar, an alert with other words
that somebody acknowledges, and the merges that ClickHouse would do within a day; then all is asked again.
What a passed day could change is looked for in test_known_then.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.codec import encode
from producers.contract.envelope import (
    DifficultyReportedEvent,
    Event,
    HeartbeatEvent,
    SequencedEvent,
    StatusChangedEvent,
    wrap,
    wrap_heartbeat,
)
from producers.contract.events import Difficulty, Heartbeat
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Status
from producers.contract.wards import WARDS
from streams.domain.days import HANOI
from streams.monitor.alerts.ledger import acknowledge
from streams.monitor.config import MonitorConfig
from streams.warehouse import as_of, questions, repairs
from streams.warehouse.migrate import migrate
from streams.warehouse.store import Store
from tests.builders import EPOCH, closing, retraction, status
from tests.conftest import eventually
from tests.pipeline.monitors import monitoring
from tests.pipeline.test_known_then import groups_of, loaded_again
from tests.pipeline.warehouse import SQL, Topics, database, running, wait_all_read
from tests.pipeline.workers import WorkerProcess

pytestmark = pytest.mark.timeout(900)
CODES: Final = list(WARDS)[:6]
BEFORE: Final = 300
CHANGES: Final = 1_100
# A view answers in any order; these words make two answers with the same rows the same.
SORTED: Final = " ORDER BY ALL"
NAMES: Final = as_of.travelling(SQL)
VIEWS: Final = sorted(view for view in NAMES if view.startswith("v_"))
# What the changes change, whatever is random in them.
SHOWN: Final = ("v_ward_day", "v_conflicts", "v_rejects", "v_dossiers")
# What is about an instant, or about the judging of it, differs between now and the newest cut.
TIMED: Final = {
    *("r_now", "r_city_cut", "r_ward_state", "r_ward_states", "r_book_history"),
    *("r_alerts", "r_conservation", "r_double_entry", "r_load_delays"),
}


class Wards:
    """Sends messages of every kind, each new to the city unless it is meant to repeat one."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._random = Random(5)
        self._seqs = {ward: count(1) for ward in CODES}
        self._held: list[Event] = []
        self.sent: list[SequencedEvent] = []

    def send(self, messages: int) -> None:
        """So many messages, in the order in which Kafka then has them."""
        for _ in range(messages):
            self._one(self._random.choice(CODES))
        self._topics.flush()

    def deliver_held(self) -> None:
        """What was missing."""
        self._topics.send(self._held)
        self._held = []

    def _one(self, ward: str) -> None:
        kind = self._random.choices(tuple(self._kinds), [share for share, _ in self._kinds.values()])[0]
        make = self._kinds[kind][1]
        event = make(self, ward)
        if event is None:
            return self._topics.raw(b"{", ward.encode(), PARTITION_OF_WARD[ward])
        if kind == "held":
            return self._held.append(event)
        if not isinstance(event, HeartbeatEvent):
            self.sent.append(event)
        return self._topics.raw(encode(event), event.data.ward.encode(), PARTITION_OF_WARD[event.data.ward])

    def _time(self) -> datetime:
        """Mostly today; also days long past, and the day that questions have as their default."""
        now = datetime.now(HANOI).replace(microsecond=0)
        past = datetime(2025, 7, 21, 9, tzinfo=HANOI)
        return self._random.choice([now, now, now - timedelta(days=1), now - timedelta(days=9), past])

    def _change(self, ward: str) -> Event:
        at, seq = self._time(), next(self._seqs[ward])
        done = self._random.random() < 0.4
        return status(
            seq,
            ward=ward,
            at=at,
            status=Status.DONE if done else Status.RECEIVED,
            finished_at=at if done else None,
            due_at=at + timedelta(days=self._random.choice([-2, 2])),
            received_at=at - timedelta(days=3),
            dossier=f"H26.{ward}-250701-{self._random.randint(1, 200):04d}",
        )

    def _changes(self, ward: str) -> list[StatusChangedEvent]:
        return [one for one in self.sent if isinstance(one, StatusChangedEvent) and one.data.ward == ward]

    def _retraction(self, ward: str) -> Event:
        changes = self._changes(ward)
        if not changes:
            return self._change(ward)
        return retraction(next(self._seqs[ward]), self._random.choice(changes), at=self._time())

    def _conflict(self, ward: str) -> Event:
        changes = self._changes(ward)
        if not changes:
            return self._change(ward)
        seq = self._random.choice(changes).data.seq
        return status(seq, ward=ward, at=self._time(), field="dat-dai")

    def _again(self, ward: str) -> Event:
        return self._random.choice(self.sent) if self.sent else self._change(ward)

    def _closing(self, ward: str) -> Event:
        return closing(next(self._seqs[ward]), {Status.RECEIVED: 3}, ward=ward, at=self._time())

    def _difficulty(self, ward: str) -> Event:
        seq, group = next(self._seqs[ward]), self._random.randint(1, 25)
        data = Difficulty(ward=ward, epoch=EPOCH, seq=seq, difficulty=f"D{seq}", group=group, code="nhan-su")
        return wrap(DifficultyReportedEvent, data, self._time())

    def _heartbeat(self, ward: str) -> Event:
        now = datetime.now(HANOI)
        return wrap_heartbeat(Heartbeat(ward=ward, epoch=EPOCH, last_seq=1, outbox_pending=2, clock=now))

    _kinds: Final[dict[str, tuple[int, Callable[[Wards, str], Event | None]]]] = {
        "change": (10, _change),
        "held": (1, _change),
        "retraction": (2, _retraction),
        "conflict": (1, _conflict),
        "again": (2, _again),
        "closing": (1, _closing),
        "difficulty": (1, _difficulty),
        "heartbeat": (2, _heartbeat),
        "reject": (1, lambda *_: None),
    }


class City:
    """Everything that runs, and how to ask it."""

    def __init__(self, topics: Topics, store: Store) -> None:
        self.topics, self.store = topics, store
        self.wards = Wards(topics)

    def cut(self) -> str:
        """The first cut that holds all that has been loaded."""
        # Kafka has everything that was sent, so a cut of a later instant holds it, or is not published.
        now = {"now": datetime.now(HANOI)}
        sql = "SELECT toString(min(number)) FROM city_cut WHERE at > {now:DateTime64(3)} HAVING count() > 0"
        return str(eventually(lambda: self.store.value(sql, now), 90, 0.5))

    def answers(self, cut: str) -> dict[str, bytes]:
        """Each question and each view that can be asked as of a cut."""
        asks: dict[str, Callable[[], bytes]] = {
            name: partial(self.question, question, cut)
            for name, question in questions.load(SQL / "questions").items()
            if not as_of.names_in(question.sql) - NAMES
        }
        return _all(asks) | self.views(VIEWS, cut)

    def views(self, names: Iterable[str], cut: str | None = None) -> dict[str, bytes]:
        """Whole views."""
        return _all({view: partial(self.view, view, cut) for view in names})

    def question(self, question: questions.Question, cut: str) -> bytes:
        """The answer to a question as of a cut."""
        return _bytes(questions.run(self.store, question, at=questions.AsOf(cut, NAMES)).dicts())

    def view(self, view: str, cut: str | None = None) -> bytes:
        """All rows of a view, now or as of a cut."""
        what, values = (f"{view}_at(as_of = {{as_of:String}})", as_of.bound(cut)) if cut else (view, {})
        return _bytes(self.store.query(f"SELECT * FROM {what}{SORTED}", values).dicts())

    def merge(self) -> None:
        """What ClickHouse does in the background within a day."""
        tables = (
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        )
        for (name,) in self.store.query(tables).rows:
            self.store.command(f"OPTIMIZE TABLE `{name}` FINAL")


def _all(asks: Mapping[str, Callable[[], bytes]]) -> dict[str, bytes]:
    """Every answer, two asked for at a time: ClickHouse needs long to understand such statements."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(asks, pool.map(lambda ask: ask(), asks.values()), strict=True))


def _bytes(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows, ensure_ascii=False, default=str).encode()


@pytest.fixture
def city(kafka: Broker, clickhouse: Endpoint, tmp_path: Path) -> Iterator[City]:
    topics = Topics(kafka.bootstrap)
    with ExitStack() as stack:
        store = stack.enter_context(database(clickhouse))
        worker = WorkerProcess(kafka.bootstrap, topics.app_id, topics.events, tmp_path)
        stack.callback(worker.kill)
        loader = stack.enter_context(running(topics.config(store)))
        config = MonitorConfig(topics.bootstrap, store.address, topics.app_id, topics.events)
        stack.enter_context(monitoring(config))
        yield City(topics, store)
        wait_all_read(loader)


def _same(found: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    assert found.keys() == wanted.keys()
    assert not {name: _difference(found[name], one) for name, one in wanted.items() if found[name] != one}


def _difference(found: bytes, wanted: bytes) -> tuple[list[str], list[str]]:
    """The rows that only one of two answers has, the first few; none if only their order differs."""
    rows, others = ([json.dumps(row) for row in json.loads(answer)] for answer in (found, wanted))
    return sorted(set(rows) - set(others))[:3], sorted(set(others) - set(rows))[:3]


@pytest.mark.long
def test_answers_as_of_a_cut_stay_the_same_byte_for_byte(city: City, tmp_path: Path) -> None:
    alert(city.store, 1, "open", "before")
    city.wards.send(BEFORE)
    city.cut()
    # What the monitor writes is seen ten seconds later.
    cut = city.cut()
    wanted = city.answers(cut)
    assert b"before" in wanted["v_alerts"]
    repairs.record(city.store, [repairs.Repair("r1", "request", "operator", CODES[0], EPOCH, 1, 99, "gap")])
    city.wards.deliver_held()
    for _ in range(CHANGES // 100):
        city.wards.send(100)
        # In between as well: books change while they are asked for.
        _same({"v_ward_day": city.view("v_ward_day", cut)}, {"v_ward_day": wanted["v_ward_day"]})
    later = city.cut()
    assert int(later) > int(cut)
    changed = city.views(plain(), later)
    # At rest the newest cut and the present say the same, in all that is not about the instant itself.
    _same(city.views(plain()), changed)
    same = [view for view in SHOWN if changed[view] == wanted[view]]
    assert not same, "nothing has changed, so nothing is shown"
    learn_more(city.store, tmp_path)
    let_days_pass(city.store)
    city.merge()
    _same(city.answers(cut), wanted)


def let_days_pass(store: Store) -> None:
    """All that lifetimes of a few days take away is gone."""
    sql = """
    SELECT name FROM system.tables
    WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
        AND create_table_query LIKE '%toIntervalDay(_)%'
    """
    short = [name for (name,) in store.query(sql).rows]
    assert {"conservation", "heartbeats", "loads", "ward_sync_recent"} <= set(short)
    for name in short:
        store.command(f"ALTER TABLE {name} DELETE WHERE 1 SETTINGS mutations_sync = 1")


def learn_more(store: Store, folder: Path) -> None:
    """What is known later of the same things: words, days, and what became of an alert."""
    migrate(store, SQL, groups_of(folder / "groups.csv", "So Khac"))
    loaded_again(
        store, "office_days", "workday_number", 1, day=datetime.now(HANOI).date() - timedelta(days=9)
    )
    loaded_again(store, "wards", "name", "Tên khác", code=CODES[0])
    alert(store, 2, "open", "after")
    acknowledge(store, ["a"], "ca trực", "")


def alert(store: Store, version: int, state: str, what: str) -> None:
    """An alert, as the monitor writes it."""
    now_ms = round(datetime.now(HANOI).timestamp() * 1000)
    names = ("id", "state", "severity", "what_vi", "started_at", "version")
    kinds = ("String", "String", "String", "String", "Nullable(DateTime64(3))", "UInt64")
    store.insert("alerts", names, kinds, [["a"], [state], ["warning"], [what], [now_ms], [version]])


def plain() -> list[str]:
    """Views that say nothing of the instant for which is asked, nor of who judged it."""
    files = {
        path.stem: as_of.names_in(path.read_text(encoding="utf-8"))
        for path in (SQL / "views").glob("v_*.sql")
    }

    def reads(name: str) -> set[str]:
        return {name}.union(*(reads(one) for one in files.get(name, set()) - {name}))

    found = sorted(view for view in NAMES & files.keys() if not reads(view) & TIMED)
    assert {*SHOWN, "v_city_day", "v_reconcile"} <= set(found)
    return found
