"""The main job: three weeks of July 2025 from the wards' outbox to the page, and the proof that all came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops import console
from ops.city.outboxes import replay_outbox
from ops.city.prepare import store
from ops.city.up import CITY, asked_to_stop, hold, ready, started
from ops.identity import gateway_sign
from ops.settings import Settings, load
from ops.stack import supervise
from producers.contract.errors import Stop
from producers.outbox import Outbox
from producers.publisher import Publisher
from producers.simulator.profile import Profile, july_2025
from producers.simulator.replay import replay
from streams.warehouse.reconcile import Summary, differences, summary
from streams.warehouse.store import Store

# The pipeline must show some progress within this time, or the demo says where it stands and ends.
STALL_S: Final = 90.0
_POLL_S: Final = 0.5


class Standing(NamedTuple):
    """How many of the profile's events have come how far."""

    appended: int
    published: int
    stored: int
    counted: int


def demo(*, once: bool, as_json: bool) -> int:
    """`dongbo demo`: exit 0 when everything arrived and every total agrees, else 1."""
    settings, profile, begun = load(), july_2025(), time.monotonic()
    with asked_to_stop() as stop, started(settings) as stack:
        ready(settings)
        found = _replay(settings, profile, stop)
        report = _report(settings, profile, found, time.monotonic() - begun)
        _show(report, as_json=as_json)
        if not once:
            supervise.begin(settings, CITY)
            return hold(settings, stack, stop)
    return 0 if report["ok"] else 1


def _replay(settings: Settings, profile: Profile, asked: threading.Event) -> Summary:
    """Feed, publish and wait until ClickHouse has everything."""
    with replay_outbox(settings, profile) as outbox:
        failed: list[BaseException] = []
        stop = threading.Event()
        publisher = Publisher(
            outbox, settings.kafka_bootstrap, settings.events_topic, sign=gateway_sign(settings)
        )
        feeding = _thread(lambda: replay(profile, outbox), failed)
        publishing = _thread(lambda: publisher.run(stop), failed)
        try:
            return _watch(store(settings), profile, outbox, feeding, failed, asked)
        finally:
            stop.set()
            publishing.join()


def _thread(work: Callable[[], object], failed: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:  # whatever it was, the person at the terminal must see it
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _watch(
    clickhouse: Store,
    profile: Profile,
    outbox: Outbox,
    feeding: threading.Thread,
    failed: list[BaseException],
    asked: threading.Event,
) -> Summary:
    """Show progress until all is stored and counted.

    :raises Stop: nothing moved for `STALL_S`
    """
    moved_s, last = time.monotonic(), Standing(0, 0, 0, 0)
    with _progress() as bars:
        tasks = [bars.add_task(name, total=None) for name in ("published", "stored raw", "counted in books")]
        while True:
            if failed:
                raise failed[0]
            complete = not feeding.is_alive()
            counts = outbox.counts()
            found = summary(clickhouse, profile.epoch, profile.first_day, profile.last_day)
            now = Standing(counts.appended, counts.sent, found.events_stored, found.events_counted)
            for task, done in zip(tasks, now[1:], strict=True):
                bars.update(task, completed=done, total=now.appended if complete else None)
            if complete and now.published == now.stored == now.counted == now.appended:
                return found
            if now != last:
                moved_s, last = time.monotonic(), now
            elif time.monotonic() - moved_s > STALL_S:
                raise Stop(
                    "stalled", f"nothing moved for {STALL_S:.0f} s: {now}", "See: dongbo status, dongbo lag"
                )
            if asked.wait(_POLL_S):
                raise Stop("interrupted", f"asked to stop at {now}", "Run it again: it goes on where it was")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:>18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console.err,
    )


def _report(settings: Settings, profile: Profile, found: Summary, seconds: float) -> dict[str, Any]:
    clickhouse = store(settings)
    with replay_outbox(settings, profile) as outbox:
        published = outbox.counts().appended
    wrong = differences(clickhouse, first=profile.first_day, last=profile.last_day)
    report: dict[str, Any] = {
        "profile": profile.epoch,
        "dossiers_received": found.dossiers_received,
        "wards": found.wards,
        "days": found.days,
        "events_published": published,
        "events_stored": found.events_stored,
        "events_counted": found.events_counted,
        "rejected": found.rejected,
        "differences": len(wrong),
        "seconds": round(seconds, 1),
    }
    return report | {"ok": _is_exact(report, profile)}


def _is_exact(report: dict[str, Any], profile: Profile) -> bool:
    return bool(
        report["dossiers_received"] == profile.dossiers
        and report["wards"] == len(profile.wards)
        and report["days"] == len(profile.days)
        and report["events_published"] == report["events_stored"] == report["events_counted"]
        and report["rejected"] == report["differences"] == 0
    )


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        console.emit_json(report)
    else:
        console.emit_rows(
            ["figure", "value"], [(key, str(value)) for key, value in report.items()], as_json=False
        )
