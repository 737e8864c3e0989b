"""`dongbo publish` of a CSV or XLSX export: checked whole, then by a durable outbox: twice is once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ops import console
from ops.identity import gateway_sign
from ops.settings import Settings, load
from producers.contract.errors import OutboxFull, Unavailable
from producers.natural import Given, NaturalOutbox, Step
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from producers.sheets import Finding, Mapping, Row, convert, load_mapping, open_table
from producers.sheets.faults import fault

OK, FINDING, UNREACHABLE, REJECTED = 0, 1, 3, 4
FINDINGS_MAX: Final = 100_000
CONFLICTS_SHOWN_MAX: Final = 1_000
_BATCH: Final = 500
_SLICE_S: Final = 5.0
_PATIENCE_S: Final = 20.0


def publish(file: Path, mapping_file: Path, *, dry_run: bool, as_json: bool) -> int:
    """All rows or none: one bad row and nothing is sent. A row that was sent before is no second event."""
    mapping, now_s = load_mapping(mapping_file), time.time()
    with _progress() as progress:
        rows, bad = _check(file, mapping, now_s, _task(progress, "kiểm tra / check", None))
        if bad or dry_run:
            pass
        else:
            task = _task(progress, "gửi / send", rows)
            report = _send(load(), _drafts(file, mapping, now_s), task)
    if bad or dry_run:
        return _report_check(file, rows, bad, as_json=as_json)
    return _report_sending({"rows": rows, **report}, as_json=as_json)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console.err, disable=not console.err.is_terminal, transient=True)


def _task(progress: Progress, name: str, total: int | None) -> Callable[[int], None]:
    task = progress.add_task(name, total=total)
    return lambda done: progress.update(task, completed=done)


def _converted(file: Path, mapping: Mapping, now_s: float) -> Iterator[Row]:
    return (convert(cells, mapping, now_s) for cells in open_table(file, mapping))


def _check(
    file: Path, mapping: Mapping, now_s: float, tell: Callable[[int], None]
) -> tuple[int, list[Finding]]:
    rows, bad = 0, list[Finding]()
    for row in _converted(file, mapping, now_s):
        rows += 1
        bad += row.findings[: max(0, FINDINGS_MAX - len(bad))]
        if rows % 1_000 == 0:
            tell(rows)
    return rows, bad


def _drafts(file: Path, mapping: Mapping, now_s: float) -> Iterator[tuple[int, str, Draft]]:
    for row in _converted(file, mapping, now_s):
        if row.draft is None:
            raise fault("file_changed", row.line)
        yield row.line, row.ward, row.draft


def _send(
    settings: Settings, drafts: Iterator[tuple[int, str, Draft]], tell: Callable[[int], None]
) -> dict[str, Any]:
    folder = settings.data_dir / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"new": 0, "duplicates": 0, "conflicts": 0, "conflict_lines": []}
    with Outbox(folder / "files.sqlite") as outbox:
        sign = gateway_sign(settings)
        publisher = Publisher(outbox, settings.kafka_bootstrap, settings.events_topic, sign=sign)
        natural, batch, done = NaturalOutbox(outbox), list[tuple[int, str, Draft]](), 0
        for one in drafts:
            if len(batch) >= _BATCH:
                _append(natural, publisher, batch, report)
                done += len(batch)
                tell(done)
                batch = []
            batch.append(one)
        if batch:
            _append(natural, publisher, batch, report)
        _empty(publisher)
        return report | {"epoch": outbox.epoch, "pending": outbox.counts().pending}


def _append(
    natural: NaturalOutbox, publisher: Publisher, batch: list[tuple[int, str, Draft]], report: dict[str, Any]
) -> None:
    def give(step: Step) -> list[Given]:
        return [step.give(ward, draft) for _, ward, draft in batch]

    try:
        given = natural.run(give)
    except OutboxFull:
        if not _empty(publisher):
            raise
        given = natural.run(give)
    for (line, _, _), one in zip(batch, given, strict=True):
        report["new"] += not one.duplicate
        report["duplicates"] += one.duplicate
        if one.conflict:
            report["conflicts"] += 1
            report["conflict_lines"] += [line][: CONFLICTS_SHOWN_MAX - len(report["conflict_lines"])]


def _empty(publisher: Publisher) -> bool:
    """Send what waits, for as long as Kafka takes some of it."""
    pending, moved_s = publisher.outbox.counts().pending, time.monotonic()
    while not publisher.run_until_empty(_SLICE_S):
        left = publisher.outbox.counts().pending
        if left < pending:
            pending, moved_s = left, time.monotonic()
        elif time.monotonic() - moved_s > _PATIENCE_S:
            return False
    return True


def _report_check(file: Path, rows: int, bad: list[Finding], *, as_json: bool) -> int:
    if as_json:
        console.emit_json({"rows": rows, "bad": [one._asdict() for one in bad]})
    else:
        for one in bad:
            console.out.print(f"{file}:{one.line}: {one.code} [{one.column}]", markup=False)
            console.out.print(f"    {one.vi}\n    {one.en}", markup=False)
    bad_rows = len({one.line for one in bad})
    console.note(f"{rows} rows, {bad_rows} bad / {rows} dòng, {bad_rows} sai")
    if len(bad) >= FINDINGS_MAX:
        console.note(f"only the first {FINDINGS_MAX} are shown / chỉ hiện {FINDINGS_MAX} lỗi đầu")
    return REJECTED if bad else OK


def _report_sending(report: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        console.emit_json(report)
    new, old, waits = report["new"], report["duplicates"], report["pending"]
    console.note(f"{new} new, {old} sent before, {waits} wait / {new} mới, {old} đã gửi, {waits} đang chờ")
    if report["conflicts"]:
        lines = ", ".join(map(str, report["conflict_lines"][:20]))
        console.note(
            f"{report['conflicts']} rows say otherwise than before; the first counts: lines {lines} / "
            f"{report['conflicts']} dòng khác với lần trước, bản đầu được tính: dòng {lines}"
        )
    if waits:
        raise Unavailable(
            "kafka", f"{waits} events wait in the outbox", "Run the same command again when Kafka answers"
        )
    return FINDING if report["conflicts"] else OK
