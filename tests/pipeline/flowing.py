"""A city into which events flow at an even pace while a page is open: when was each event on it?

The whole stack as for `up`, without the simulated city and the gateway. Events go through an outbox and the
real publisher; the page is its stream, read as a browser reads it.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops.city.prepare import prepare, reader
from ops.settings import Settings
from ops.stack import supervise
from producers.contract.envelope import StatusChangedEvent
from producers.contract.events import StatusChanged
from producers.contract.vocabulary import Channel, Status
from producers.contract.wards import WARDS
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from tests.conftest import eventually, free_port

RATE: Final = 100
PROGRAMS: Final = ("kafka", "clickhouse", "worker", "loader", "monitor", "dashboard")
_START_S: Final = 300.0
_WAIT_S: Final = 120.0


@contextmanager
def city(folder: Path, **settings: Any) -> Iterator[Settings]:
    """A running city of its own."""
    made = Settings(
        data_dir=folder,
        kafka_bootstrap=f"127.0.0.1:{free_port()}",
        clickhouse_port=free_port(),
        dashboard_port=free_port(),
        dashboard_health_port=free_port(),
        worker_health_port=min(free_port(), 60_000),
        loader_health_port=free_port(),
        monitor_health_port=free_port(),
        **settings,
    )
    running = supervise.start(made, PROGRAMS)
    try:
        prepare(made, _START_S)
        yield made
    finally:
        running.stop()


class Page(threading.Thread):
    """An open page: when each ward's n-th received dossier was on it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._address = (settings.dashboard_host, settings.dashboard_port)
        self._counts: dict[str, int] = {}
        self.seen: dict[tuple[str, int], float] = {}
        self.closed = threading.Event()

    def run(self) -> None:
        """Read the stream until its server ends; one whose server is not there yet is opened again."""
        while not self.closed.is_set():
            connection = http.client.HTTPConnection(*self._address, timeout=60)
            try:
                connection.request("GET", "/events")
                self._read(connection.getresponse())
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
            finally:
                connection.close()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        for line in answer:
            if line.startswith(b"data: "):
                for row in json.loads(line[6:]).get("rows", ()):
                    self._note(row["ward"], row.get("received") or 0, time.monotonic())

    def _note(self, ward: str, count: int, now: float) -> None:
        for number in range(self._counts.get(ward, 0) + 1, count + 1):
            self.seen[ward, number] = now
        self._counts[ward] = max(count, self._counts.get(ward, 0))


class Flow:
    """So many events a second over all wards, and an open page. `appended` tells when each was given away."""

    def __init__(self, settings: Settings, rate: float = RATE) -> None:
        self._settings, self._rate, self._stop = settings, rate, threading.Event()
        self.appended: dict[tuple[str, int], float] = {}
        self.page = Page(settings)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Events flow until the block ends; then all of them have been sent and are on the page."""
        self.page.start()
        published = threading.Event()
        with Outbox(self._settings.data_dir / "flow.sqlite") as outbox:
            publisher = Publisher(outbox, self._settings.kafka_bootstrap, self._settings.events_topic)
            threads = [
                threading.Thread(target=self._append, args=(outbox,)),
                threading.Thread(target=publisher.run, args=(published,)),
            ]
            for thread in threads:
                thread.start()
            try:
                yield
                self._stop.set()
                threads[0].join()
                eventually(lambda: len(self.page.seen) >= len(self.appended), _WAIT_S, 0.1)
            finally:
                self._stop.set()
                self.page.closed.set()
                published.set()
                for thread in threads:
                    thread.join()

    def _append(self, outbox: Outbox) -> None:
        wards, started, number = list(WARDS), time.monotonic(), 0
        while not self._stop.wait(max(0.0, started + number / self._rate - time.monotonic())):
            ward, count = wards[number % len(wards)], number // len(wards) + 1
            self.appended[ward, count] = time.monotonic()
            outbox.append(ward, [_draft(ward, number)])
            number += 1

    def counted(self) -> dict[str, int]:
        """How many events there are by each way of counting; all must be alike in the end."""
        with reader(self._settings) as clickhouse:
            return {
                "appended": len(self.appended),
                "raw": int(clickhouse.value("SELECT uniqExact(ward, epoch, seq) FROM events")),
                "books": int(clickhouse.value("SELECT sum(events) FROM book FINAL")),
                "page": len(self.page.seen),
            }

    def delays(self, begin: float, end: float) -> list[float]:
        """Seconds from outbox to page of what was given away between two moments."""
        return [self.page.seen[one] - at for one, at in self.appended.items() if begin <= at < end]


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
