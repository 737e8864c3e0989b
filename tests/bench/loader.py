"""How fast the loader is, against clickhouse-connect alone inserting the same rows into the same endpoint.

    python -m tests.bench.loader [--events 300000] [--runs 3] [--json]

The events lie in a real topic. The baseline inserts columns that were built before, block by block, so it is
the most that any loader through this client can reach. Both alternate, run by run. Then 100 events a second
are sent one by one, and the time from Kafka's stamp to the block's storage is taken from `v_loads`.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ops.settings import Settings
from ops.stack import clickhouse as clickhouse_stack
from ops.stack import kafka as kafka_stack
from ops.stack.clickhouse import Endpoint
from ops.stack.process import free_port
from producers.contract.codec import encode
from producers.contract.envelope import SequencedEvent
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import Applicant, Channel, Status
from producers.contract.wards import WARDS
from streams.warehouse import tables
from streams.warehouse.block import Block, Span
from streams.warehouse.loader import Loader, calm_gc
from streams.warehouse.store import Store
from tests.bench.report import report, show
from tests.builders import START, status
from tests.pipeline.warehouse import Topics, database, stored

# The loader's own, so that both insert blocks of one size.
BLOCK_ROWS = 50_000
RATE = 100
SECONDS = 15


def events(count: int, epoch: str = "bench") -> Iterator[SequencedEvent]:
    """Plausible events of all wards over three weeks."""
    wards, channels = list(WARDS), list(Channel)
    for index in range(count):
        at = START + timedelta(seconds=index * 1_814_400 // count)
        done = index % 5 > 2
        ward = wards[index % len(wards)]
        seq = index // len(wards) + 1
        yield status(
            seq,
            at=at,
            ward=ward,
            epoch=epoch,
            dossier=f"H26.{ward}-{at:%y%m%d}-{seq:05d}",
            channel=channels[index % 3],
            status=Status.DONE if done else Status.RECEIVED,
            received_at=at - timedelta(hours=index % 70) if done else at,
            due_at=at + timedelta(hours=index % 90),
            finished_at=at if done else None,
            applicant=Applicant.CITIZEN,
            service_level=4,
            paid_online=bool(index % 2),
            digitised=True,
        )


def prebuilt(count: int, block_rows: int) -> list[list[Sequence[Any]]]:
    """The same rows as the loader makes, as columns, in blocks of the same size."""
    blocks = []
    block = Block()
    for offset, event in enumerate(events(count)):
        ward = event.data.ward
        span = Span("topic-id", "dossier.events", PARTITION_OF_WARD[ward], 0, -1)
        block.take_event(span, encode(event), ward.encode(), offset, 1_760_000_000_000 + offset)
        if len(block) == block_rows:
            blocks.append(block.inserts()[0][1])
            block = Block()
    return [*blocks, block.inserts()[0][1]] if len(block) else blocks


def baseline(endpoint: Endpoint, blocks: list[list[Sequence[Any]]]) -> float:
    """Rows a second of the client alone."""
    table = tables.EVENTS
    with database(endpoint) as store:
        store.ping()
        began = time.perf_counter()
        for block in blocks:
            store.insert(table.name, table.columns, table.types, block)
        return sum(len(block[0]) for block in blocks) / (time.perf_counter() - began)


def ours(endpoint: Endpoint, topics: Topics, count: int, run: int) -> float:
    """Rows a second of the loader, from its first message read to the last one stored and committed."""
    with database(endpoint) as store:
        config = topics.config(
            store, block_rows_max=BLOCK_ROWS, linger_ms=150, tick_ms=2_000, role=f"bench-{run}"
        )
        loader, stop = Loader(config), threading.Event()
        thread = threading.Thread(target=loader.run, args=(stop,))
        thread.start()
        began = _joined(loader)
        while loader.health()["events"] < count:
            time.sleep(0.01)
        took = time.perf_counter() - began
        stop.set()
        thread.join()
        assert stored(store) == count
        return count / took


def _joined(loader: Loader) -> float:
    while loader.health()["state"] != "running":
        time.sleep(0.005)
    return time.perf_counter()


def freshness(store: Store, topics: Topics) -> list[tuple[Any, ...]]:
    """Delays of blocks under a steady trickle: p50, p99 and greatest, in ms."""
    config = topics.config(store, linger_ms=150, tick_ms=2_000, instance="fresh")
    loader, stop = Loader(config), threading.Event()
    thread = threading.Thread(target=loader.run, args=(stop,))
    thread.start()
    _joined(loader)
    for event in events(RATE * SECONDS, "fresh"):
        ward = event.data.ward
        topics.raw(encode(event), ward.encode(), PARTITION_OF_WARD[ward])
        time.sleep(1 / RATE)
    topics.flush()
    time.sleep(1)
    stop.set()
    thread.join()
    return store.query(
        "SELECT quantileExactWeighted(0.5)(delay_ms_max, messages),"
        " quantileExactWeighted(0.99)(delay_ms_max, messages), max(delay_ms_max)"
        " FROM v_loads WHERE kind = 'events'"
    ).rows


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            kafka_bootstrap=f"127.0.0.1:{free_port()}",
            clickhouse_port=free_port(),
        )
        broker, endpoint = kafka_stack.start(settings), clickhouse_stack.start(settings)
        try:
            _race(endpoint, broker.bootstrap, options)
        finally:
            endpoint.stop()
            broker.stop()


def _race(endpoint: Endpoint, bootstrap: str, options: argparse.Namespace) -> None:
    topics = Topics(bootstrap)
    topics.send(events(options.events))
    blocks = prebuilt(options.events, BLOCK_ROWS)
    calm_gc()  # as the loader's process does; it serves both
    alone, loaded = [], []
    for run in range(options.runs):
        alone.append(baseline(endpoint, blocks))
        loaded.append(ours(endpoint, topics, options.events, run))
    fresh = Topics(bootstrap)
    with database(endpoint) as store:
        ((median, p99, worst),) = freshness(store, fresh)
    notes = {"delay_ms_p50": float(median), "delay_ms_p99": float(p99), "delay_ms_max": float(worst)}
    show([report("loader", "rows/s", loaded, alone, notes=notes)], as_json=options.json)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
