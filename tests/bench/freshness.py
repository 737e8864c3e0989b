"""Bench: from a ward's outbox to a ClickHouse query, at 100 events a second over all wards.

Method: the whole stack runs as for `up`, without the simulated city. Events are appended to an outbox one
by one and sent by the real publisher. Two queries are asked in turn, as fast as they are answered: the raw
rows and the books. An event is visible when the first answer that contains it has come back. Baseline: the
same rows straight into an empty table of the same engine by clickhouse-connect, one insert an event, to the
answer of the same kind of query: what ClickHouse alone takes on this machine.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.city.prepare import prepare, reader, store
from ops.settings import Settings
from ops.stack import supervise
from producers.contract.envelope import StatusChangedEvent
from producers.contract.events import StatusChanged
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from streams.warehouse.store import Store
from tests.bench.report import report, show
from tests.conftest import free_port

RATE: Final = 100
WARM_UP: Final = 500
EVENTS: Final = 3_000
BASELINE_EVENTS: Final = 200
TARGET_P99_S: Final = 1.0
_WAIT_S: Final = 60.0
_RAW: Final = "SELECT ward, max(seq) FROM events WHERE epoch = {epoch:String} GROUP BY ward"
_BOOKS: Final = "SELECT ward, sum(events) FROM book FINAL WHERE has(epochs, {epoch:String}) GROUP BY ward"


class Watch(threading.Thread):
    """Asks one question again and again and notes when each event was in the answer first."""

    def __init__(
        self, clickhouse: Store, sql: str, epoch: str, appended: dict[tuple[str, int], float]
    ) -> None:
        super().__init__(daemon=True)
        self._clickhouse, self._sql, self._epoch = clickhouse, sql, epoch
        self._appended = appended
        self._highest: dict[str, int] = {}
        self.delays: dict[tuple[str, int], float] = {}
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            rows = self._clickhouse.query(self._sql, {"epoch": self._epoch}).rows
            now = time.monotonic()
            for ward, highest in rows:
                for seq in range(self._highest.get(ward, 0) + 1, int(highest) + 1):
                    self.delays[ward, seq] = now - self._appended[ward, seq]
                self._highest[ward] = int(highest)
            time.sleep(0.01)


def measure(settings: Settings, events: int) -> dict[str, list[float]]:
    """Delays in seconds of the events after the warm-up, for raw rows and for books."""
    appended: dict[tuple[str, int], float] = {}
    with Outbox(settings.data_dir / "bench.sqlite") as outbox, reader(settings) as clickhouse:
        watches = {
            name: Watch(clickhouse, sql, outbox.epoch, appended)
            for name, sql in (("raw", _RAW), ("books", _BOOKS))
        }
        stop = threading.Event()
        publisher = Publisher(outbox, settings.kafka_bootstrap, settings.events_topic)
        threads = [*watches.values(), threading.Thread(target=publisher.run, args=(stop,))]
        for thread in threads:
            thread.start()
        order = _append(outbox, appended, WARM_UP + events)
        _until(lambda: all(len(watch.delays) == len(order) for watch in watches.values()))
        stop.set()
        for watch in watches.values():
            watch.ended.set()
        for thread in threads:
            thread.join()
    return {name: [watch.delays[one] for one in order[WARM_UP:]] for name, watch in watches.items()}


def _append(outbox: Outbox, appended: dict[tuple[str, int], float], events: int) -> list[tuple[str, int]]:
    """Events at an even pace; returns them in order."""
    order, wards, started = [], list(WARDS), time.monotonic()
    for number in range(events):
        ward, seq = wards[number % len(wards)], number // len(wards) + 1
        time.sleep(max(0.0, started + number / RATE - time.monotonic()))
        appended[ward, seq] = time.monotonic()
        outbox.append(ward, [_draft(ward, number)])
        order.append((ward, seq))
    return order


def _draft(ward: str, number: int) -> Draft:
    now = datetime.now(UTC)
    payload = StatusChanged(
        ward=ward,
        epoch="placeholder",
        seq=1,
        dossier=f"H26.{ward}-250721-{number:06d}",
        procedure="2.000815",
        field="chung-thuc",
        channel=Channel.ONLINE,
        status=Status.RECEIVED,
        received_at=now,
    )
    return Draft(StatusChangedEvent, payload, now)


def baseline(settings: Settings, events: int) -> list[float]:
    """Seconds from a one-row insert to the answer that contains it."""
    delays = []
    with store(settings) as clickhouse:
        clickhouse.command(
            "CREATE TABLE bench_rows (ward String, seq UInt64) ENGINE = MergeTree ORDER BY ward"
        )
        for number in range(events):
            begun = time.monotonic()
            clickhouse.insert("bench_rows", ["ward", "seq"], ["String", "UInt64"], [["00070"], [number]])
            while clickhouse.value("SELECT max(seq) FROM bench_rows") != number:
                pass
            delays.append(time.monotonic() - begun)
    return delays


@contextlib.contextmanager
def stack() -> Iterator[Settings]:
    """The city's processes without the simulated city."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            kafka_bootstrap=f"127.0.0.1:{free_port()}",
            clickhouse_port=free_port(),
            dashboard_port=free_port(),
            dashboard_health_port=free_port(),
            worker_health_port=min(free_port(), 60_000),
            loader_health_port=free_port(),
        )
        city = supervise.start(settings, ("kafka", "clickhouse", "worker", "loader"))
        try:
            prepare(settings)
            yield settings
        finally:
            city.stop()


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not all events became visible within {_WAIT_S:.0f} s")
        time.sleep(0.1)


def _percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[int(share * 1000) - 1]


def main(*, as_json: bool) -> int:
    """Print the delays; 1 when the target is missed."""
    with stack() as settings:
        alone = baseline(settings, BASELINE_EVENTS)
        delays = measure(settings, EVENTS)
    p99 = {name: _percentile(values, 0.99) for name, values in delays.items()}
    notes: dict[str, float | str] = {
        f"{name}_p{int(share * 100)}_s": round(_percentile(values, share), 3)
        for name, values in (delays | {"clickhouse_alone": alone}).items()
        for share in (0.5, 0.99)
    }
    notes |= {"events_a_second": RATE, "events": EVENTS, "target_p99_s": TARGET_P99_S}
    worst = max(p99.values())
    show([report("freshness", "s (p99)", [worst], [_percentile(alone, 0.99)], notes=notes)], as_json=as_json)
    return 0 if worst < TARGET_P99_S else 1


if __name__ == "__main__":
    sys.exit(main(as_json="--json" in sys.argv))
