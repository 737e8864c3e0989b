"""Goal: what the gateway answered 202 for stands in ClickHouse, soon and whatever happens to either.

Method: a real gateway, broker and engine; ClickHouse goes away behind a gate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ops.stack.clickhouse import Endpoint
from ops.stack.kafka import Broker
from producers.contract import codec
from producers.contract.envelope import wrap_heartbeat
from producers.contract.events import Heartbeat
from producers.gateway import portal_routes
from producers.natural.outbox import NaturalOutbox
from producers.outbox import Outbox
from producers.portal import PortalIntake
from streams.warehouse.acks import AckTable
from streams.warehouse.store import Store
from tests.browser.gate import Gate
from tests.builders import EPOCH
from tests.conftest import eventually, free_port
from tests.pipeline.gateway import OTHER, OTHER_TOKEN, WARD, Gateway, running, topic
from tests.pipeline.test_gateway import numberless, wire
from tests.pipeline.warehouse import database

OFTEN_S, NEVER_S = 0.1, 3_600.0


def acked(store: Store) -> dict[tuple[str, str], int]:
    rows = store.query("SELECT ward, epoch, toInt64(seq_max) FROM gateway_acks FINAL").rows
    return {(ward, epoch): seq for ward, epoch, seq in rows}


@contextmanager
def numbering(kafka: Broker, folder: Path, store: Store) -> Iterator[tuple[Gateway, str]]:
    """A gateway that numbers events, also the portal's, and its epoch."""
    with Outbox(folder / "outbox.sqlite") as outbox:
        natural = NaturalOutbox(outbox)
        with running(
            kafka.bootstrap,
            folder,
            topic=topic(kafka.bootstrap),
            numberer=natural,
            registrars=[portal_routes.registrar(PortalIntake(natural))],
            keeper=AckTable(store),
            acks_every_s=OFTEN_S,
        ) as gateway:
            yield gateway, outbox.epoch


def test_the_highest_seq_that_was_accepted_is_written_down(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    with database(clickhouse) as store:
        begun = datetime.now(UTC)
        name = topic(kafka.bootstrap)
        with running(
            kafka.bootstrap, tmp_path, topic=name, keeper=AckTable(store), acks_every_s=OFTEN_S
        ) as gateway:
            assert gateway.post([wire(seq) for seq in (3, 1, 2)]).status == 202
            assert gateway.post(wire(9, ward=OTHER), token=OTHER_TOKEN).status == 202
            eventually(lambda: acked(store) == {(WARD, EPOCH): 3, (OTHER, EPOCH): 9})
            # A wrong event is not acknowledged, and an old one that comes again takes nothing back.
            assert gateway.post([wire(2), wire(4) | {"specversion": "0.3"}]).status == 422
            assert gateway.post(wire(1), "/v1/events:validate").status == 200
            assert gateway.post(wire(5), "/v1/events:validate").status == 200
        assert acked(store) == {(WARD, EPOCH): 3, (OTHER, EPOCH): 9}
        assert store.value("SELECT min(at) FROM gateway_acks FINAL").timestamp() > begun.timestamp() - 1


def test_a_heartbeat_acknowledges_nothing(kafka: Broker, clickhouse: Endpoint, tmp_path: Path) -> None:
    beat = wrap_heartbeat(
        Heartbeat(ward=WARD, epoch=EPOCH, last_seq=7, outbox_pending=0, clock=datetime.now(UTC))
    )
    with database(clickhouse) as store:
        name = topic(kafka.bootstrap)
        with running(kafka.bootstrap, tmp_path, topic=name, keeper=AckTable(store)) as gateway:
            assert gateway.post(codec.encode(beat)).status == 202
            assert (
                gateway.post({"epoch": EPOCH, "last_seq": 8, "outbox_pending": 0}, "/v1/heartbeat").status
                == 202
            )
        assert acked(store) == {}


def test_what_is_waiting_is_written_when_the_gateway_ends(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    with database(clickhouse) as store:
        name = topic(kafka.bootstrap)
        with running(
            kafka.bootstrap, tmp_path, topic=name, keeper=AckTable(store), acks_every_s=NEVER_S
        ) as gateway:
            assert gateway.post(wire(4)).status == 202
            assert acked(store) == {}
        assert acked(store) == {(WARD, EPOCH): 4}


def test_clickhouse_away_or_hanging_delays_no_answer_and_loses_nothing(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    with database(clickhouse) as store, Gate(clickhouse.port) as gate:
        address = replace(store.address, port=gate.port, connect_timeout_s=1, request_timeout_s=1)
        name = topic(kafka.bootstrap)
        with (
            Store(address) as behind,
            running(
                kafka.bootstrap, tmp_path, topic=name, keeper=AckTable(behind), acks_every_s=OFTEN_S
            ) as gateway,
        ):
            assert gateway.post(wire(1)).status == 202
            eventually(lambda: acked(store) == {(WARD, EPOCH): 1})
            for seq, trouble, end in ((2, gate.close, gate.open), (3, gate.freeze, gate.thaw)):
                trouble()
                begun = time.monotonic()
                assert gateway.post(wire(seq)).status == 202
                assert time.monotonic() - begun < 1
                time.sleep(1.5)
                assert acked(store) == {(WARD, EPOCH): seq - 1}
                end()
                eventually(lambda seq=seq: acked(store) == {(WARD, EPOCH): seq})  # type: ignore[misc]


def test_a_gateway_whose_clickhouse_stays_away_ends_in_time(
    kafka: Broker, tmp_path: Path, clickhouse: Endpoint
) -> None:
    with database(clickhouse) as store, Store(replace(store.address, port=free_port())) as away:
        name = topic(kafka.bootstrap)
        with running(kafka.bootstrap, tmp_path, topic=name, keeper=AckTable(away)) as gateway:
            assert gateway.post(wire(1)).status == 202
            begun = time.monotonic()
        assert time.monotonic() - begun < 15


def test_before_the_migration_it_waits(kafka: Broker, clickhouse: Endpoint, tmp_path: Path) -> None:
    with database(clickhouse) as store:
        store.command("RENAME TABLE gateway_acks TO elsewhere")
        name = topic(kafka.bootstrap)
        with running(
            kafka.bootstrap, tmp_path, topic=name, keeper=AckTable(store), acks_every_s=OFTEN_S
        ) as gateway:
            assert gateway.post(wire(1)).status == 202
            time.sleep(0.5)
            store.command("RENAME TABLE elsewhere TO gateway_acks")
            eventually(lambda: acked(store) == {(WARD, EPOCH): 1})


def test_what_the_gateway_numbers_is_written_under_its_own_epoch(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    with database(clickhouse) as store, numbering(kafka, tmp_path, store) as (gateway, epoch):
        assert gateway.post([numberless(1), numberless(2)]).status == 202
        eventually(lambda: acked(store) == {(WARD, epoch): 2})
        # Blindly sent again: the same seqs.
        assert gateway.post([numberless(1), numberless(3)]).status == 202
        eventually(lambda: acked(store) == {(WARD, epoch): 3})
        assert gateway.post({"day": "2025-07-01", "counts": {"2": 3}}, "/v1/day-totals").status == 202
        eventually(lambda: acked(store) == {(WARD, epoch): 4})


def test_what_the_portals_paths_take_is_written_too(
    kafka: Broker, clickhouse: Endpoint, tmp_path: Path
) -> None:
    from producers.gateway.routes import BODY_EXAMPLES

    with database(clickhouse) as store, numbering(kafka, tmp_path, store) as (gateway, epoch):
        answer = gateway.post(BODY_EXAMPLES["portal"], "/portal/DongBoHoSoMC")
        assert answer.status == 200, json.dumps(answer.json)
        eventually(lambda: acked(store).get((WARD, epoch), 0) >= 1)
