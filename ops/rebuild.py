"""`dongbo rebuild`: books counted anew from the raw events, compared with those that are kept, and put there.

Without `--apply` nothing is changed. With it the differences are shown first and confirmed; then the workers
are stopped (here, where this machine's supervisor runs them; elsewhere by the operator), and only while
nobody counts is anything replaced. The wards go on sending: Kafka keeps it for the workers.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import secrets
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from ops import console
from ops.audit import day_of, known
from ops.city.prepare import address, store
from ops.rebuild_workers import stopped
from ops.settings import Settings, load
from producers.contract.errors import Refused, Stop
from producers.contract.topics import changelog_topic
from producers.contract.wards import WARDS
from streams.domain.logic import logic
from streams.rebuild import apply as replacing
from streams.rebuild import kafka, runs
from streams.rebuild.compare import MISSING, ROW, RULE, STATE, Difference, Found
from streams.rebuild.hold import Hold
from streams.rebuild.look import Look, Scope, Where, look, processors
from streams.rebuild.runs import Run
from streams.warehouse.comparison import FIRST_DAY, LAST_DAY
from streams.warehouse.store import Store

OK, FINDING = 0, 1
_LINES_SHOWN: Final = 200
CAUSES: Final = {
    RULE: ("quy tắc đếm đã thay đổi", "the rule of counting has changed"),
    STATE: ("trạng thái của worker sai hoặc bị mất", "the worker's state was wrong or lost"),
    ROW: ("dòng trong ClickHouse sai hoặc cũ", "the row in ClickHouse was wrong or stale"),
    MISSING: (
        "sổ có sự kiện không còn dòng thô: giữ nguyên; dongbo reconcile --repair, hoặc --accept-missing",
        "the book holds events of which no raw row is left: left as it is; dongbo reconcile --repair,"
        " or --accept-missing",
    ),
}


def rebuild(
    *,
    ward: str | None,
    first: str | None,
    last: str | None,
    apply: bool,
    yes: bool,
    accept_missing: bool,
    as_json: bool,
    pause: Callable[[str], object] = lambda _: None,
) -> int:
    """1 if books differ (or, applied, some are left as they are), else 0. `pause` is told each step.

    :raises Refused: a ward or day that is none, or `rebuild_unconfirmed`
    :raises Stop: `rebuild_running`, `rebuild_unfinished`, `workers_running`, `hold_lost`
    :raises Unavailable: Kafka, ClickHouse or the loader does not answer
    """
    known(ward)
    wards = (ward,) if ward else tuple(sorted(WARDS))
    scope = Scope(wards, day_of(first) or FIRST_DAY, day_of(last) or LAST_DAY, accept_missing)
    settings = load()
    with store(settings) as writer, _alone(settings) if apply else contextlib.nullcontext():
        job = _Job(settings, writer, scope, pause)
        return job.apply(yes, as_json) if apply else job.compare(as_json)


class _Job:
    """One command."""

    def __init__(
        self, settings: Settings, writer: Store, scope: Scope, pause: Callable[[str], object]
    ) -> None:
        self._settings, self._store, self._pause = settings, writer, pause
        now = datetime.now(UTC)
        self._run = Run(
            f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            runs.COMPARED,
            int(now.timestamp() * 1000),
            _actor(),
            logic(),
            scope,
        )
        self._where = Where(where(settings), address(settings), 0, keep=False)

    def compare(self, as_json: bool) -> int:
        """Only show; the run is written down all the same."""
        seen = look(self._where, self._run.scope, processors())
        run = self._noted(seen)
        left = runs.unfinished(self._store)
        _show(run, seen.found, as_json)
        for other in left:
            console.note(_UNFINISHED.format(run=other.run))
        return FINDING if seen.found or left else OK

    def apply(self, yes: bool, as_json: bool) -> int:
        """Show, ask, replace."""
        others = runs.unfinished(self._store)
        _refuse_parts(self._run.scope, others)
        seen = look(self._where, self._run.scope, processors())
        if not runs.replaced(seen.found, self._run.scope) and not others:
            run = self._noted(seen)
            _show(run, seen.found, as_json)
            return FINDING if seen.found else OK
        if not as_json:
            _show(self._run, seen.found, as_json)
        _confirm(yes, len(seen.found))
        run, found = self._replace(seen, others)
        _show(run, found, as_json)
        return FINDING if run.kept else OK

    def _noted(self, seen: Look) -> Run:
        kept = len(seen.found) - len(runs.replaced(seen.found, self._run.scope))
        run = replace(self._run, books=seen.books, events=seen.rows, differing=len(seen.found), kept=kept)
        runs.note(self._store, [run])
        runs.changes(self._store, run.run, seen.found, {})
        return run

    def _replace(self, seen: Look, others: list[Run]) -> tuple[Run, list[Found]]:
        settings, run = self._settings, self._run
        # What was interrupted may have left any of its books half done: all are looked at again.
        wards = run.scope.wards if others else tuple(sorted({one.ward for one in seen.found}))
        begun = replace(run, scope=replace(run.scope, wards=wards))
        group = Hold(settings.kafka_bootstrap, settings.app_id, settings.events_topic)
        with stopped(settings), group as hold:
            sight = replace(self._where, base_ms=replacing.base_ms(self._store), keep=True)
            exact = look(sight, begun.scope, processors())
            hold.check()
            # A run that was interrupted is closed by one that has its whole scope.
            begun = run if others else begun
            run = replacing.write(sight, self._store, begun, exact, hold, self._pause)
        # The workers count again while the loader brings the rest; cuts wait until it has.
        return replacing.finish(sight, self._store, run, others), exact.found


def where(settings: Settings) -> kafka.Address:
    """This installation's names in Kafka."""
    app_id = settings.app_id
    return kafka.Address(settings.kafka_bootstrap, app_id, settings.events_topic, changelog_topic(app_id))


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One rebuild at a time on this machine; on others the group's hold keeps them apart.

    :raises Stop: `rebuild_running`
    """
    path = settings.data_dir / "rebuild.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Stop(
                "rebuild_running",
                "another rebuild runs on this machine / đang có một lượt dựng lại khác trên máy này",
                "Wait until it ends / đợi lượt đó xong",
            ) from None
        yield


def _refuse_parts(scope: Scope, others: list[Run]) -> None:
    """An interrupted run must be finished as a whole."""
    for other in others:
        if not scope.holds(other.scope):
            raise Stop(
                "rebuild_unfinished",
                f"run {other.run} was interrupted and is wider"
                f" / lượt {other.run} dang dở và có phạm vi rộng hơn",
                "First: dongbo rebuild --apply" + _flags(other.scope),
            )


def _flags(scope: Scope) -> str:
    ward = f" --ward {scope.wards[0]}" if len(scope.wards) == 1 else ""
    first = "" if scope.first == FIRST_DAY else f" --from {scope.first}"
    return ward + first + ("" if scope.last == LAST_DAY else f" --to {scope.last}")


def _confirm(yes: bool, count: int) -> None:
    if yes:
        return
    if sys.stdin.isatty():
        sys.stderr.write(f"Replace {count} records? / Thay {count} bản ghi? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes", "c", "co", "có"):
            return
    raise Refused(
        "rebuild_unconfirmed",
        "Chưa thay đổi gì: xem chỗ khác ở trên, rồi chạy lại với --apply --yes",
        "Nothing was changed: look at the differences, then run again with --apply --yes",
    )


def _show(run: Run, found: list[Found], as_json: bool) -> None:
    lines = [line for one in found for line in one.differences]
    if as_json:
        console.emit_json(_document(run, lines))
        return
    console.emit_rows(Difference._fields, lines[:_LINES_SHOWN], as_json=False)
    if len(lines) > _LINES_SHOWN:
        rest = len(lines) - _LINES_SHOWN
        console.note(f"and {rest} more: v_rebuild_changes / và {rest} dòng nữa: v_rebuild_changes")
    for cause, count in Counter(one.cause for one in found).items():
        vi, en = CAUSES[cause]
        console.note(f"{count} {cause}: {en} / {vi}")
    console.note(
        f"run {run.run}, logic {run.logic}: {run.state}; {len(found)} records differ, {run.kept} left,"
        f" {run.written} replaced / {len(found)} bản ghi khác, giữ nguyên {run.kept}, đã thay {run.written}"
    )


def _document(run: Run, lines: list[Difference]) -> dict[str, Any]:
    names = ("run", "state", "logic", "generation", "books", "events", "differing", "kept", "written")
    return {name: getattr(run, name) for name in names} | {"differences": [line._asdict() for line in lines]}


def _actor() -> str:
    """The account and the host, as computers know them; no person's name is asked for."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = "?"
    return f"{account}@{socket.gethostname()}"


_UNFINISHED: Final = (
    "run {run} was interrupted, new cuts wait for it: dongbo rebuild --apply"
    " / lượt {run} dang dở, mốc mới đang phải chờ: dongbo rebuild --apply"
)
