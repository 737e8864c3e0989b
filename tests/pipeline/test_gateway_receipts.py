"""Goal: a ward's receipt says what the city's tables say. Method: real engine, rows as loaded, real HTTP."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract.errors import Unavailable
from producers.contract.receipt import SeqRange
from producers.contract.topics import PARTITION_OF_WARD
from streams.domain import records
from streams.domain.sync import Beat, WardSync
from streams.warehouse import rows, tables
from streams.warehouse.block import Block, Span
from streams.warehouse.receipts import Receipts
from streams.warehouse.store import Address, Store
from tests.conftest import free_port
from tests.pipeline.gateway import OTHER_TOKEN, WARD, running, topic
from tests.pipeline.warehouse import database, insert


def fill(store: Store) -> None:
    """A ward with one hole, an announced event that has not come, and one reject."""
    sync = WardSync(WARD, 0, 1, {"old": [1, 3], "new": [1, 4, 7, 9]}, 1, 1_760_000_000_000, rejected=1)
    sync.beat = Beat(1_760_000_100_000, 1_760_000_100_000, "new", 10, 1)
    insert(store, tables.WARD_SYNC, [rows.sync_row(records.encode(sync))])
    block, span = Block(), Span("t1", "dossier.events", PARTITION_OF_WARD[WARD], 0, -1)
    block.take_event(span, b"{", WARD.encode(), 0, time.time_ns() // 1_000_000)
    insert(store, tables.REJECTS, block.rejects)


def test_receipt_over_http_names_what_is_missing_and_what_was_rejected(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    with database(clickhouse) as store:
        fill(store)
        name = topic(kafka.bootstrap)
        with running(kafka.bootstrap, tmp_path, topic=name, city=Receipts(store)) as gateway:
            receipt = gateway.ask("GET", "/v1/receipt").json
            requests = gateway.ask("GET", "/v1/requests").json["requests"]
            other = gateway.ask("GET", "/v1/receipt", token=OTHER_TOKEN).json
    assert (receipt["ward"], receipt["received"], receipt["missing"]) == (WARD, 10, 3)
    epochs = {one["epoch"]: one for one in receipt["epochs"]}
    assert (epochs["new"]["contiguous"], epochs["new"]["highest"]) == (4, 9)
    assert epochs["old"] == {"epoch": "old", "received": 3, "contiguous": 3, "highest": 3, "missing": []}
    assert requests == [
        {"epoch": "new", "first": 5, "last": 6},
        {"epoch": "new", "first": 10, "last": 10},
    ]
    (reject,) = receipt["rejects"]
    assert (receipt["rejected"], reject["code"]) == (1, "not_json")
    assert reject["remedy_vi"].startswith("Gửi")
    assert datetime.fromisoformat(reject["arrived_at"]).utcoffset() is not None
    assert datetime.fromisoformat(receipt["heard_at"]).timestamp() == 1_760_000_100
    assert (other["received"], other["complete"], other["epochs"]) == (0, False, [])


def test_requests_of_an_unknown_ward_are_none(clickhouse: Endpoint) -> None:
    with database(clickhouse) as store:
        fill(store)
        assert Receipts(store).requests("99999") == []
        assert SeqRange("new", 5, 6) in Receipts(store).requests(WARD)


def test_receipt_with_clickhouse_away_or_without_tables_is_unavailable(clickhouse: Endpoint) -> None:
    away = Address("127.0.0.1", free_port(), "x", "reader", "reader", 1, 1)
    with Store(away) as store, pytest.raises(Unavailable):
        Receipts(store).receipt(WARD)
    with database(clickhouse) as store:
        store.command("DROP VIEW v_ward_sync")
        with pytest.raises(Unavailable):
            Receipts(store).receipt(WARD)
