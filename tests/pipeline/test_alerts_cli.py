"""Goal: what a person on duty does with alerts works: list, acknowledge, look back, try a rule on history,
test the channels; and a ward that falls silent is told of within a minute of its deadline.

Method: the commands themselves against the real engine, a real receiver, and the monitor's own jobs.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ops.cli import main
from ops.settings import PREFIX, table
from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Stop
from streams.domain.cut import GRID_MS, instant_of_cut, number_of_cut
from streams.domain.days import HANOI
from streams.monitor.alerts.config import AlertsConfig, WebhookConfig
from streams.monitor.alerts.engine import Engine
from streams.monitor.alerts.history import cuts, tried
from streams.monitor.alerts.rules import load
from streams.monitor.config import MonitorConfig
from streams.monitor.rows import CITY_CUT, WARD_STATE, WARD_STATES
from streams.warehouse import as_of, tables
from streams.warehouse.as_of import travelling
from streams.warehouse.store import Store
from tests.builders import EPOCH, WARD
from tests.conftest import eventually
from tests.pipeline import receivers
from tests.pipeline.monitors import monitoring
from tests.pipeline.test_alert_rules import OTHER, OURS, put
from tests.pipeline.warehouse import SQL, database, empty

NAMES = travelling(SQL)
RULES = load(SQL / "alerts")
# Some past morning on the grid of cuts.
FIRST = number_of_cut(int(datetime(2025, 7, 14, 9, 0, tzinfo=HANOI).timestamp() * 1000))
Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    empty(shared)
    for name in (*OURS, "alert_acks", "ward_states", "office_overrides"):
        shared.command(f"TRUNCATE TABLE {name}")
    return shared


@pytest.fixture
def run(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`dongbo`, in this process, on the test's database: exit code, what it printed as JSON, notes."""
    for name, _, _ in table():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{PREFIX}CLICKHOUSE_PORT", str(store.address.port))
    monkeypatch.setenv(f"{PREFIX}CLICKHOUSE_DATABASE", store.address.database)

    def command(*words: str) -> tuple[int, Any, str]:
        monkeypatch.setattr(sys, "argv", ["dongbo", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        said = json.loads(out) if "--json" in words and out else out
        return int(ended.value.code or 0), said, err

    return command


def silent(store: Store, ward: str = WARD) -> None:
    at = time.time_ns() // 1_000_000 - 1_000_000
    put(store, WARD_STATE, ward=ward, alive="silent", status="bad", reason="silent", since=at, heard_at=at)


def tick(store: Store) -> None:
    """One evaluation, as the monitor does it."""
    stop = threading.Event()
    Engine(AlertsConfig(SQL / "alerts"), stop).tick(store, time.time_ns() // 1_000_000)
    stop.set()


def test_alerts_lists_what_is_open_and_exits_by_severity(store: Store, run: Run) -> None:
    assert run("alerts", "--json")[:2] == (0, [])
    put(store, WARD_STATE, ward=OTHER, alive="active", conflicts=1)
    code, rows, _ = run("alerts", "--json")
    assert (code, [(row["rule"], row["severity"]) for row in rows]) == (0, [("conflict", "warning")])
    silent(store)  # nobody but this command has evaluated yet
    code, rows, _ = run("alerts", "--json")
    assert (code, [(row["rule"], row["key"]) for row in rows]) == (
        1,
        [("silent-ward", WARD), ("conflict", OTHER)],
    )
    code, text, err = run("alerts")
    assert code == 1
    assert "dongbo ward show 00070" in text
    assert "2 open alerts" in err
    assert store.value("SELECT count() FROM alerts") == 0, "listing keeps nothing"


def test_ack_marks_an_open_alert_and_refuses_another(store: Store, run: Run) -> None:
    silent(store)
    code, _, err = run("alerts", "ack", "silent-ward", WARD)
    assert (code, "no_such_alert" in err) == (2, True)
    tick(store)
    assert run("alerts", "ack", "silent-ward", WARD, "--note", "đang gọi", "--json")[:2] == (
        0,
        {"acknowledged": 1},
    )
    code, rows, _ = run("alerts", "--json")
    assert (code, rows[0]["note"], rows[0]["acked_by"]) == (1, "đang gọi", "operator")
    assert rows[0]["acked_at"] is not None
    assert "in hand" in run("alerts")[1]


def test_history_shows_alerts_of_a_span_and_ward(store: Store, run: Run) -> None:
    silent(store)
    tick(store)
    today = f"{datetime.now(HANOI):%Y-%m-%d}"
    code, rows, _ = run("alerts", "history", "--from", today, "--to", today, "--ward", WARD, "--json")
    assert (code, [(row["rule"], row["ended_at"]) for row in rows]) == (0, [("silent-ward", None)])
    assert run("alerts", "history", "--ward", OTHER, "--json")[1] == []
    assert run("alerts", "history", "--to", "2025-07-14", "--json")[1] == []
    code, _, err = run("alerts", "history", "--from", "yesterday")
    assert (code, "bad_instant" in err) == (2, True)


def test_rules_says_whether_each_can_be_evaluated(run: Run) -> None:
    code, rows, _ = run("alerts", "rules", "--json")
    assert (code, {row["state"] for row in rows}) == (0, {"ok"})
    assert {row["rule"] for row in rows} == set(RULES)


def silences(store: Store, pattern: str) -> None:
    """One cut a letter: `s` the ward was silent at it, `.` it was not."""
    for place, letter in enumerate(pattern):
        number = FIRST + place
        at = instant_of_cut(number)
        put(store, CITY_CUT, number=number, at=at, published_at=at + 2_000)
        alive = "silent" if letter == "s" else "active"
        known = {"alive": alive, "reason": alive, "since": at, "heard_at": at, "judged_at": at}
        put(store, WARD_STATES, ward=WARD, cut=number, at=at, **known)


def span(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-07-14 {text}").replace(tzinfo=HANOI)


def test_rule_is_tried_on_history_at_each_cut(store: Store) -> None:
    silences(store, "..ss..ss........s")
    over = cuts(store, span("09:00:00"), span("10:00:00"), 10)
    assert len(over) == 17
    first, second = tried(store, RULES["silent-ward"], NAMES, over, {})
    at = instant_of_cut(FIRST)
    # The gap of 20 s is within a minute, so the first alert goes on; the gap of 80 s is not.
    assert (first.started_ms, first.ended_ms) == (at + 2 * GRID_MS, at + 8 * GRID_MS)
    assert (second.started_ms, second.ended_ms) == (at + 16 * GRID_MS, None)
    assert first.words.what_vi.startswith("Hoàn Kiếm (00070)")
    assert store.value("SELECT count() FROM alerts") == 0


def test_history_answers_the_same_after_later_changes(store: Store) -> None:
    silences(store, "..ss")
    over = cuts(store, span("09:00:00"), span("10:00:00"), 10)
    before = tried(store, RULES["silent-ward"], NAMES, over, {})
    at = instant_of_cut(FIRST + 2)
    put(store, WARD_STATES, ward=WARD, cut=FIRST + 2, at=at, alive="active", judged_at=at + 60_000)
    assert tried(store, RULES["silent-ward"], NAMES, over, {}) == before


def test_command_tries_a_rule_over_a_span(store: Store, run: Run) -> None:
    silences(store, "..ss..........")
    words = ("alerts", "test", "silent-ward", "--from", "2025-07-14 09:00:00", "--to", "2025-07-14")
    code, rows, err = run(*words, "--json")
    assert (code, len(rows), "14 cuts" in err) == (0, 1, True)
    assert rows[0]["started_at"] == "2025-07-14T09:00:20+07:00"
    assert rows[0]["ended_at"] == "2025-07-14T09:00:40+07:00"
    code, rows, err = run(*words, "--every", "50", "--json")
    assert (code, rows, "3 cuts" in err) == (0, [], True)
    assert run("alerts", "test", "hole-older-than", "-p", "seconds=1", *words[3:], "--json")[:2] == (0, [])


@pytest.mark.parametrize("name", RULES)
def test_every_rule_runs_as_of_a_cut(store: Store, name: str) -> None:
    silences(store, ".")
    over = cuts(store, span("09:00:00"), span("10:00:00"), 10)
    assert tried(store, RULES[name], NAMES, over, {}) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("silent-ward", "--from", "2020-01-01", "--to", "2020-01-02"), "no_cuts"),
        (("silent-ward", "--from", "2025-07-14", "-p", "x=1"), "unknown_parameter"),
        (("no-such-rule",), "there are"),
    ],
)
def test_what_cannot_be_tried_is_said_with_exit_2(
    store: Store, run: Run, words: tuple[str, ...], reason: str
) -> None:
    silences(store, ".")
    code, _, err = run("alerts", "test", *words)
    assert (code, reason in err) == (2, True), err


@pytest.mark.parametrize(
    ("line", "reason"), [("", "v_loads .*chỉ giữ vài ngày.*kept for days only"), ("-- history: no\n", "mine")]
)
def test_rule_without_a_history_is_refused(store: Store, tmp_path: Path, line: str, reason: str) -> None:
    silences(store, ".")
    text = (SQL / "alerts" / "pipeline-lag.sql").read_text(encoding="utf-8")
    (tmp_path / "mine.sql").write_text(line + text.replace("v_load_delays", "v_loads"), encoding="utf-8")
    over = cuts(store, span("09:00:00"), span("10:00:00"), 10)
    with pytest.raises(Stop, match=reason) as refused:
        tried(store, load(tmp_path)["mine"], NAMES, over, {}, as_of.now_only(SQL))
    assert refused.value.code == "not_as_of"


def test_send_test_says_what_came_of_each_channel(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("alerts", "send-test")[0] == 2
    with receivers.hook() as hook, receivers.letterbox() as box:
        monkeypatch.setenv(f"{PREFIX}ALERT_WEBHOOK_URL", hook.url)
        monkeypatch.setenv(f"{PREFIX}ALERT_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv(f"{PREFIX}ALERT_SMTP_PORT", str(box.port))
        monkeypatch.setenv(f"{PREFIX}ALERT_SMTP_STARTTLS", "false")
        code, _, err = run("alerts", "send-test")
        assert (code, "bad_mail" in err) == (1, True)
        monkeypatch.setenv(f"{PREFIX}ALERT_MAIL_FROM", "city@example.vn")
        monkeypatch.setenv(f"{PREFIX}ALERT_MAIL_TO", "desk@example.vn")
        hook.answers += [500]
        code, rows, _ = run("alerts", "send-test", "--json")
        assert (code, [(row["channel"], row["result"]) for row in rows]) == (
            1,
            [("webhook", "failed: HTTP 500"), ("mail", "sent")],
        )
        assert run("alerts", "send-test")[0] == 0
        assert "Thử kênh báo" in box.mails[0]["Subject"]
        assert hook.url not in str(run("settings"))


def test_ward_that_falls_silent_is_told_of_within_a_minute_of_its_deadline(store: Store) -> None:
    """A ward with hours of its own: open all day, silent after 4 seconds. Another, closed today, never is."""
    heard = time.time_ns() // 1_000_000
    for ward, minutes in ((WARD, [0, 1440]), (OTHER, [])):
        override(store, ward, minutes, silent_after_s=4)
        beat(store, ward, heard)
    with receivers.hook() as hook:
        alerts = AlertsConfig(SQL / "alerts", WebhookConfig(hook.url), every_s=1.0)
        config = MonitorConfig("127.0.0.1:1", store.address, wards_every_s=1.0, alerts=alerts)
        with monitoring(config, "wards", "alerts"):
            eventually(lambda: hook.received, timeout=64)
            told = hook.bodies()[0]["alerts"][0]
            assert (told["rule"], told["ward"], told["event"]) == ("silent-ward", WARD, "start")
            started = datetime.fromisoformat(told["started_at"]).timestamp() * 1000
            assert heard + 4_000 <= started <= heard + 64_000
            eventually(lambda: heard_again(store), timeout=60, interval=0.5)
            assert store.value(f"SELECT count() FROM v_alerts WHERE ward = '{OTHER}'") == 0


def heard_again(store: Store) -> object:
    """One more heartbeat; when the ward's alert ended."""
    beat(store, WARD, time.time_ns() // 1_000_000)
    return store.value(f"SELECT ended_at FROM v_alerts WHERE ward = '{WARD}'")


def override(store: Store, ward: str, minutes: list[int], silent_after_s: int) -> None:
    today = datetime.now(HANOI).date()
    columns = ("ward", "first_day", "last_day", "open_minutes", "silent_after_s", "version")
    types = ("String", "Date32", "Date32", "Array(UInt16)", "UInt32", "UInt64")
    row = (ward, today, today, minutes, silent_after_s, 1)
    store.insert("office_overrides", columns, types, [[value] for value in row])


def beat(store: Store, ward: str, at_ms: int) -> None:
    """A heartbeat of the ward, as the loader stores what the worker and Kafka said of it."""
    times = {"known_at": at_ms, "heartbeat_at": at_ms, "heartbeat_arrived_at": at_ms, "arrived_at": at_ms}
    sync = {"epochs": [EPOCH], "counted": [1], "contiguous": [1], "highest": [1], "intervals": [[1, 1]]}
    put(store, tables.WARD_SYNC, ward=ward, version=at_ms, events=1, heartbeat_epoch=EPOCH, **sync, **times)
    put(store, tables.HEARTBEATS, ward=ward, epoch=EPOCH, clock_at=at_ms, arrived_at=at_ms, last_seq=1)
