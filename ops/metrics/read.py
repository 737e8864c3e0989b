"""Where a figure stands in a process's report: functions that find samples, or none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from streams.domain.cut import instant_of_cut

Report = Mapping[str, Any]
Sample = tuple[tuple[str, ...], float]
Read = Callable[[Report], Iterable[Sample]]


def member(name: str) -> Read:
    """A number of the report itself."""
    return lambda report: _one(report.get(name))


def nested(outer: str, name: str) -> Read:
    """A number of a member."""
    return lambda report: _one((report.get(outer) or {}).get(name))


def by_key(outer: str, names: Sequence[str] = ()) -> Read:
    """A member's numbers, each labelled with its key; only those of `names`, if there are any."""

    def found(report: Report) -> Iterator[Sample]:
        for name, value in (report.get(outer) or {}).items():
            if not names or name in names:
                yield (str(name),), float(value)

    return found


def partition(name: str) -> Read:
    """A number of each of a worker's partitions."""

    def found(report: Report) -> Iterator[Sample]:
        for number, one in (report.get("partitions") or {}).items():
            if one[name] is not None:
                yield (str(number),), float(one[name])

    return found


def jobs(job: str, name: str) -> Read:
    """A number of a monitor's job's facts."""
    return lambda report: _one(_facts(report, job).get(name))


def job_member(name: str) -> Read:
    """A number of each of a monitor's jobs."""
    return lambda report: [((job,), float(one[name])) for job, one in (report.get("jobs") or {}).items()]


def job_up(report: Report) -> Iterator[Sample]:
    """1 for a job whose last run ended well."""
    for job, one in (report.get("jobs") or {}).items():
        yield (job,), float(one["state"] == "ok")


def job_seconds(report: Report) -> Iterator[Sample]:
    """The last good run's time of each job."""
    for job, one in (report.get("jobs") or {}).items():
        yield (job,), one["took_ms"] / 1000


def well(report: Report) -> list[Sample]:
    """Whether the process says that it is well."""
    return [((), float(bool(report.get("ok"))))]


def ward_statuses(report: Report) -> list[Sample]:
    """Wards of each status; all four are always told, so that none vanishes when it becomes nought."""
    found = _facts(report, "wards").get("statuses")
    if found is None:
        return []
    return [((status,), float(found.get(status, 0))) for status in ("good", "attention", "bad", "waiting")]


def alerts(report: Report) -> list[Sample]:
    """Open alerts of each severity."""
    found = _facts(report, "alerts").get("severities")
    if found is None:
        return []
    return [((severity,), float(found.get(severity, 0))) for severity in ("critical", "warning")]


def cut_number(report: Report) -> list[Sample]:
    """The newest cut's number."""
    return _one(_facts(report, "cut").get("number"))


def cut_age_s(report: Report) -> list[Sample]:
    """Seconds since the newest cut's instant."""
    number = _facts(report, "cut").get("number")
    return [] if number is None else [((), round(time.time() - instant_of_cut(int(number)) / 1000, 3))]


def _facts(report: Report, job: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (report.get("jobs") or {}).get(job, {}).get("facts") or {}
    return found


def _one(value: Any) -> list[Sample]:
    return [] if value is None else [((), float(value))]
