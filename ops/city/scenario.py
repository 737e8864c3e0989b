"""`dongbo scenario troubled-day`: a day on which much goes wrong, played on the running city.

It is the operators' training piece and the proof that the city's picture is right: each step says what
happens and where to look, and compares what must come of it with what the views, alerts and cuts say. Without
a running city it starts one of its own; in a running one the simulated city is held meanwhile.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ops import console
from ops.city.scenario_day import Day, Result, Step
from ops.city.scenario_steps import steps
from ops.city.scenario_wards import now
from ops.city.up import CITY, asked_to_stop, ready, started
from ops.settings import Settings, load
from ops.stack import supervise
from producers.contract.errors import Stop, Unavailable

TROUBLED_DAY: Final = "troubled-day"
# Nothing may be of another day at its end than at its beginning.
_BEFORE_MIDNIGHT: Final = timedelta(minutes=6)
_AFTER_MIDNIGHT: Final = timedelta(seconds=20)


def scenario(name: str, *, pause: bool, as_json: bool) -> int:
    """Play a day; exit 0 if all was as expected, else 1."""
    if name != TROUBLED_DAY:
        console.note(f"no scenario {name!r}; there is: {TROUBLED_DAY}")
        return 2
    settings = load()
    with asked_to_stop() as stop, _city(settings), tempfile.TemporaryDirectory() as folder:
        _wait_for_midnight(stop)
        results = _play(settings, stop, Path(folder), pause=pause)
    _show(results, as_json=as_json)
    return 0 if results and all(result.ok for result in results) else 1


@contextlib.contextmanager
def _city(settings: Settings) -> Iterator[None]:
    """A running city without the simulated one."""
    try:
        states = {process.name: process.state for process in supervise.processes(settings)}
    except Unavailable:
        if settings.kafka_external and settings.clickhouse_external:
            yield  # it runs elsewhere
            return
        with started(settings):
            ready(settings)
            yield
        return
    simulated = states.get(CITY) == "RUNNING"
    if simulated:
        console.note("holding the simulated city / tạm dừng thành phố mô phỏng")
        supervise.halt(settings, CITY)
    try:
        yield
    finally:
        if simulated:
            supervise.begin(settings, CITY)


def _wait_for_midnight(stop: threading.Event) -> None:
    at = now()
    midnight = datetime.combine(at.date() + timedelta(days=1), datetime.min.time(), at.tzinfo)
    if midnight - at < _BEFORE_MIDNIGHT:
        console.note("midnight is near: waiting for the new day / sắp nửa đêm: chờ sang ngày mới")
        if stop.wait((midnight + _AFTER_MIDNIGHT - at).total_seconds()):
            raise Stop("interrupted", "asked to stop", "Run it again after midnight")


def _play(settings: Settings, stop: threading.Event, folder: Path, *, pause: bool) -> list[Result]:
    day = Day(settings, stop, folder)
    try:
        day.open_lines()
        day.office_hours(deleted=False)
        results: list[Result] = []
        for number, step in enumerate(steps(day), 1):
            results += _step(day, number, step, pause=pause)
        return results
    finally:
        day.close()
        day.office_hours(deleted=True)


def _step(day: Day, number: int, step: Step, *, pause: bool) -> list[Result]:
    console.note(f"\n{number}. {step.title.vi} · {step.title.en}")
    console.note(f"   {step.happens.vi}\n   {step.happens.en}\n   xem · look: {step.look}")
    step.act()
    results = []
    for expectation in step.expect():
        result = day.check(expectation)
        console.note(f"   {'đúng · ok' if result.ok else 'KHÁC · DIFFERENT'}  {result.expectation}")
        results.append(result)
    if pause:
        console.note("   Enter …")
        with contextlib.suppress(EOFError):
            input()
    return results


def _show(results: list[Result], *, as_json: bool) -> None:
    if as_json:
        console.emit_json([result._asdict() for result in results])
        return
    rows = [(r.expectation, str(r.wanted), str(r.found), "=" if r.ok else "≠") for r in results]
    console.emit_rows(["expectation", "wanted", "found", ""], rows, as_json=False)
    wrong = sum(not result.ok for result in results)
    console.note(f"{len(results)} expectations, {wrong} different / {len(results)} điều, {wrong} điều khác")
