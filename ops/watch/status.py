"""Every process, one line: how it is, how far behind, what it saw last."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from ops import console
from ops.city.prepare import reader
from ops.settings import Settings, load
from ops.stack import supervise
from ops.watch import conservation, health
from ops.watch.lag import groups, lags
from producers.contract.errors import DongBoError, Unavailable

FINDING, UNREACHABLE = 1, 3


class Line(NamedTuple):
    """One process. `lag` is messages not yet processed; `last` the newest event or insert it knows of."""

    process: str
    state: str
    ok: bool
    pid: int | None
    lag: int | None
    last: str | None
    detail: str


def status(*, as_json: bool) -> int:
    """`dongbo status`: 0 when all is well, 1 when something is not, 3 when nothing answers."""
    lines = collect(load())
    if as_json:
        console.emit_json([line._asdict() for line in lines])
    else:
        console.emit_rows(Line._fields, lines, as_json=False)
    if not any(line.ok for line in lines):
        return UNREACHABLE
    return 0 if all(line.ok for line in lines) else FINDING


def collect(settings: Settings) -> list[Line]:
    """Ask everyone; who does not answer gets a line all the same."""
    running = {process.name: process for process in _supervised(settings)}
    behind = _lags(settings)
    lines = [_kafka(settings, running, behind), _clickhouse(settings, running)]
    for answer in health.ask_all(settings):
        lines.append(_process(answer, running, behind))
    if "city" in running:
        lines.append(_city(running["city"]))
    return [*lines, _conservation(settings)]


def _supervised(settings: Settings) -> list[supervise.Process]:
    try:
        return supervise.processes(settings)
    except DongBoError:
        return []  # not started by `up`: containers, or nothing at all


def _lags(settings: Settings) -> dict[str, int] | str:
    """Messages behind, by group; or why Kafka could not say."""
    try:
        return {
            group: sum(lag.behind for lag in lags(settings.kafka_bootstrap, group, topics))
            for group, topics in groups(settings.app_id, settings.events_topic).items()
        }
    except Unavailable as error:
        return error.detail


def _kafka(settings: Settings, running: dict[str, supervise.Process], behind: dict[str, int] | str) -> Line:
    ok = not isinstance(behind, str)
    detail = settings.kafka_bootstrap if ok else str(behind)
    return Line("kafka", "running" if ok else "away", ok, _pid(running, "kafka"), None, None, detail)


def _clickhouse(settings: Settings, running: dict[str, supervise.Process]) -> Line:
    pid = _pid(running, "clickhouse")
    try:
        with reader(settings, conservation.ANSWER_S) as store:
            newest = store.value("SELECT max(event_at) FROM v_ward_sync")
            version = store.value("SELECT version()")
    except DongBoError as error:
        return Line("clickhouse", "away", False, pid, None, None, str(error))
    return Line("clickhouse", "running", True, pid, None, _moment(newest), f"version {version}")


def _process(
    answer: health.Answer, running: dict[str, supervise.Process], behind: dict[str, int] | str
) -> Line:
    report, pid = answer.report, _pid(running, answer.name)
    if report is None:
        supervised = running.get(answer.name)
        state = supervised.state.lower() if supervised else "away"
        return Line(answer.name, state, False, pid, None, None, "does not answer")
    return Line(
        answer.name,
        str(report.get("state") or report.get("code") or "running"),
        bool(report.get("ok")),
        pid or report.get("pid"),
        _lag_of(answer.name, behind),
        _last(report),
        _detail(report),
    )


def _lag_of(name: str, behind: dict[str, int] | str) -> int | None:
    if isinstance(behind, str):
        return None
    for group, count in behind.items():
        if name == "loader" and group.endswith("-loader"):
            return count
        if name.startswith("worker") and not group.endswith("-loader"):
            return count
    return None


def _last(report: dict[str, Any]) -> str | None:
    done_s = report.get("counts", {}).get("last_done_s")
    if done_s:
        return _moment(datetime.fromtimestamp(done_s).astimezone())
    return report.get("last_insert_at") or report.get("as_of")


def _detail(report: dict[str, Any]) -> str:
    # An error that is over is for the log, not for the one who looks now.
    keys = ("fault", "detail", "error", "en") + (() if report.get("ok") else ("last_error",))
    return "; ".join(str(report[key]) for key in keys if report.get(key))


def _city(process: supervise.Process) -> Line:
    ok = process.state == "RUNNING"
    return Line("city", process.state.lower(), ok, process.pid or None, None, None, "simulated wards")


def _conservation(settings: Settings) -> Line:
    """No process, but the sum of them: is what each has what the one before it had?"""
    try:
        found = conservation.standing(settings)
    except DongBoError:
        return Line("conservation", "away", False, None, None, None, "ClickHouse does not answer")
    flight = f"{found.in_flight} in flight / trên đường" if found.in_flight and found.ok else ""
    detail = found.detail or flight
    return Line("conservation", found.state, found.ok, None, None, _moment(found.at), detail)


def _pid(running: dict[str, supervise.Process], name: str) -> int | None:
    process = running.get(name)
    return process.pid or None if process else None


def _moment(value: datetime | None) -> str | None:
    return value.strftime("%Y-%m-%d %H:%M:%S") if value else None
