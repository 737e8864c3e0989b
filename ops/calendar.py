"""`dongbo calendar`: hours that a ward has for itself, so that a closed office is never called silent."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from ops import console
from ops.city.prepare import reader, store
from ops.settings import load
from producers.contract.errors import Refused
from producers.contract.wards import WARDS
from streams.domain.alive import Override, Spans, WardHours, parse_spans
from streams.domain.calendar import HOURS, office_calendar
from streams.domain.days import HANOI

ALL: Final = "all"
DAYS_SHOWN: Final = 14
DAYS_MAX: Final = 400
_COLUMNS: Final = {
    "ward": "LowCardinality(String)",
    "first_day": "Date32",
    "last_day": "Date32",
    "open_minutes": "Array(UInt16)",
    "silent_after_s": "UInt32",
    "note": "String",
    "version": "UInt64",
    "deleted": "Bool",
}
_SPAN: Final = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_OVERRIDES: Final = """
SELECT ward, ward_name, first_day, last_day, open_minutes, silent_after_s, note FROM v_office_overrides
WHERE {ward:String} = '' OR ward = {ward:String} ORDER BY version"""


def show(ward: str | None, *, as_json: bool) -> int:
    """`dongbo calendar show`: the overrides; of one ward also the hours of the next days."""
    with reader(load()) as clickhouse:
        found = clickhouse.query(_OVERRIDES, {"ward": _known(ward) if ward else ""}).rows
    if ward is None:
        rows = [(*row[:4], hours_text(parse_spans(row[4])), row[5], row[6]) for row in found]
        names = ["ward", "ward_name", "from", "to", "hours", "silent_after_s", "note"]
        console.emit_rows(names, rows, as_json=as_json)
        return 0
    hours = WardHours([Override(row[2], row[3], parse_spans(row[4]), row[5]) for row in found])
    today = datetime.now(HANOI).date()
    days = [_day(hours, today + timedelta(days=ahead)) for ahead in range(DAYS_SHOWN)]
    console.emit_rows(["day", "weekday", "hours", "own"], days, as_json=as_json)
    return 0


def put(
    ward: str,
    hours: str | None,
    *,
    closed: bool,
    first: str | None,
    last: str | None,
    silent_after_s: int,
    note: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """`dongbo calendar set`: hours, or closed, for some days; with neither, the usual hours.

    :raises Refused: a day or an hour is not one
    """
    begin = parse_day(first) if first else datetime.now(HANOI).date()
    end = parse_day(last) if last else begin
    if not begin <= end < begin + timedelta(days=DAYS_MAX):
        raise _bad_days()
    if closed and hours:
        raise Refused("hours", "Chọn giờ hoặc --closed", "Give hours or --closed, not both")
    runs = [(begin, end)] if closed or hours else list(_working_runs(begin, end))
    spans = () if closed else parse_hours(hours) if hours else HOURS
    flat = [minute for span in spans for minute in span]
    wards = list(WARDS) if ward == ALL else [_known(ward)]
    version = time.time_ns() // 1_000_000
    rows = [(code, *run, flat, silent_after_s, note, version, False) for code in wards for run in runs]
    return _write(rows, dry_run=dry_run, as_json=as_json)


def remove(ward: str, first: str | None, *, dry_run: bool, as_json: bool) -> int:
    """`dongbo calendar remove`: the usual hours again; exit 1 if there was nothing to remove."""
    day = parse_day(first) if first else None
    with reader(load()) as clickhouse:
        found = clickhouse.query(_OVERRIDES, {"ward": "" if ward == ALL else _known(ward)}).rows
    version = time.time_ns() // 1_000_000
    rows = [
        (row[0], row[2], row[3], row[4], row[5], row[6], version, True)
        for row in found
        if day is None or row[2] == day
    ]
    _write(rows, dry_run=dry_run, as_json=as_json)
    return 0 if rows else 1


def _write(rows: list[tuple[Any, ...]], *, dry_run: bool, as_json: bool) -> int:
    if rows and not dry_run:
        with store(load()) as clickhouse:
            columns = list(zip(*rows, strict=True))
            clickhouse.insert("office_overrides", tuple(_COLUMNS), tuple(_COLUMNS.values()), columns)
    shown = [(*row[:3], hours_text(parse_spans(row[3])), row[4], row[5]) for row in rows]
    console.emit_rows(["ward", "from", "to", "hours", "silent_after_s", "note"], shown, as_json=as_json)
    console.note("dry run: nothing was written" if dry_run else f"{len(rows)} written; in force in 5 seconds")
    return 0


def _day(hours: WardHours, day: date) -> tuple[str, str, str, bool]:
    own = hours.of_day(day)
    usual = HOURS if office_calendar().is_working_day(day) else ()
    return day.isoformat(), f"{day:%a}", hours_text(own), own != usual


def _working_runs(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The working days of a stretch as runs: usual hours are for those days only."""
    calendar, begin = office_calendar(), None
    for ahead in range((last - first).days + 2):
        day = first + timedelta(days=ahead)
        if day <= last and calendar.is_working_day(day):
            begin = begin or day
        elif begin is not None:
            yield begin, day - timedelta(days=1)
            begin = None


def parse_hours(text: str) -> Spans:
    """Hours as `08:00-12:00,13:30-17:30`, each span after the one before; `00:00-24:00` is the whole day.

    :raises Refused: it is not that
    """
    spans: list[tuple[int, int]] = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        numbers = [int(number) for number in found.groups()] if found else [0, 60, 0, 60]
        start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
        after = spans[-1][1] if spans else 0
        if not after <= start < end <= 1440 or numbers[1] > 59 or numbers[3] > 59:
            raise Refused(
                "hours",
                f"Giờ {text!r} không đúng; viết 08:00-12:00,13:30-17:30",
                f"{text!r} are no hours; write 08:00-12:00,13:30-17:30",
            )
        spans.append((start, end))
    return tuple(spans)


def hours_text(spans: Spans) -> str:
    """Hours as they are written; `closed` if there are none."""
    return ",".join(f"{_clock(start)}-{_clock(end)}" for start, end in spans) or "closed"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def parse_day(text: str) -> date:
    """:raises Refused: it is no day as YYYY-MM-DD"""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad_days() from None


def _bad_days() -> Refused:
    return Refused(
        "days",
        f"Ngày viết YYYY-MM-DD, từ ngày không sau đến ngày, nhiều nhất {DAYS_MAX} ngày",
        f"Write days as YYYY-MM-DD, the first not after the last, {DAYS_MAX} days at most",
    )


def _known(ward: str) -> str:
    if ward in WARDS:
        return ward
    raise Refused("unknown_ward", f"Không có phường, xã {ward!r}", f"There is no ward {ward!r}")
