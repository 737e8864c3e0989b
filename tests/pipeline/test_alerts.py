"""Goal: an alert is kept, told once, acknowledged and ended, through restarts and receivers that fail.

Method: the real engine of ClickHouse, rules over a table of the test, real HTTP and SMTP servers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ops.stack.clickhouse import Endpoint
from streams.monitor.alerts.config import AlertsConfig
from streams.monitor.alerts.engine import Engine
from streams.warehouse.store import Store
from tests.pipeline.warehouse import database

RULE = """-- vi: Có chuyện
-- en: Trouble
-- severity: critical
-- for: {hold}
-- what-vi: {{n}} chuyện ở {{ward_name}}
-- what-en: {{n}} troubles at {{ward_name}} since {{since}}
-- impact-vi: ảnh hưởng
-- impact-en: impact
-- next-vi: Chạy: dongbo ward show {{ward}}
-- next-en: Run: dongbo ward show {{ward}}
-- param least UInt32 default 1
SELECT key, '00070' AS ward, toDateTime64('2025-07-01 08:00:00', 3, 'Asia/Ho_Chi_Minh') AS since, n
FROM trouble FINAL WHERE n >= {{least:UInt32}}
"""
T0 = time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def shared(clickhouse: Endpoint) -> Iterator[Store]:
    with database(clickhouse) as store:
        store.command(
            "CREATE TABLE trouble (key String, n UInt32) ENGINE = ReplacingMergeTree ORDER BY key"
            " COMMENT 'vi: thử | en: test'"
        )
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    for table in ("alerts", "alert_deliveries", "alert_acks", "trouble"):
        shared.command(f"TRUNCATE TABLE {table}")
    return shared


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "alerts"
    folder.mkdir()
    (folder / "trouble.sql").write_text(RULE.format(hold=0), encoding="utf-8")
    return folder


@contextmanager
def engine(rules: Path, *ways: Any, **members: Any) -> Iterator[Engine]:
    stop = threading.Event()
    made = Engine(AlertsConfig(rules, **members), stop, list(ways))
    try:
        yield made
    finally:
        stop.set()
        made.close()


def trouble(store: Store, **counts: int) -> None:
    store.command("TRUNCATE TABLE trouble")
    store.insert("trouble", ("key", "n"), ("String", "UInt32"), [list(counts), list(counts.values())])


def shown(store: Store) -> list[tuple[str, bool]]:
    return store.query("SELECT key, open FROM v_alerts ORDER BY started_at, key").rows


def test_alert_starts_goes_on_and_ends_in_the_view(store: Store, rules: Path) -> None:
    trouble(store, a=3)
    with engine(rules) as one:
        facts = one.tick(store, T0)
        assert (facts["open"], facts["critical"], facts["rules_failed"]) == (1, 1, {})
        (row,) = store.query("SELECT * FROM v_alerts").dicts()
        assert (row["rule"], row["severity"], row["ward_name"], row["open"]) == (
            "trouble",
            "critical",
            "Hoàn Kiếm",
            True,
        )
        assert row["what_vi"] == "3 chuyện ở Hoàn Kiếm"
        assert row["what_en"] == "3 troubles at Hoàn Kiếm since 2025-07-01 08:00:00"
        assert row["next_en"] == "Run: dongbo ward show 00070"
        assert row["values"]["n"] == "3"
        assert isinstance(row["since"], datetime)
        trouble(store, a=4)
        one.tick(store, T0 + 61_000)
        assert store.value("SELECT values['n'] FROM v_alerts") == "4"
        trouble(store, b=1)
        one.tick(store, T0 + 66_000)
        assert sorted(shown(store)) == [("a", False), ("b", True)]
        assert store.value("SELECT age_s FROM v_alerts WHERE key = 'a'") == 66
