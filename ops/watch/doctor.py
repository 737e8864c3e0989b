"""What is found, what is wanted, and the exact command that mends it. Changes nothing, asks no secret."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import NamedTuple

from ops import console
from ops.settings import REPOSITORY, Settings, load
from ops.stack.process import port_is_taken
from ops.watch import health
from producers.contract.errors import DongBoError, Unavailable

DISK_FREE_GIB_MIN = 2.0
FINDING = 1


class Check(NamedTuple):
    """One line of the doctor's report; `mend` is a command that can be pasted."""

    name: str
    ok: bool
    found: str
    wanted: str
    mend: str


def doctor(*, as_json: bool) -> int:
    """`dongbo doctor`: exit 1 if anything is not as wanted."""
    checks = list(examine(load()))
    if as_json:
        console.emit_json([check._asdict() for check in checks])
    else:
        rows = [("ok" if check.ok else "MEND", *check[:1], *check[2:4]) for check in checks]
        console.emit_rows(["", "check", "found", "wanted"], rows, as_json=False)
        for check in checks:
            if not check.ok:
                console.note(f"{check.name}: {check.mend}")
    return 0 if all(check.ok for check in checks) else FINDING


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, from the machine outward to the running city."""
    yield _python()
    yield _packages()
    yield _disk(settings)
    yield _attempt("kafka's jars", "verified by checksum", "./dev setup", lambda: _jars(settings))
    yield _chromium()
    yield _attempt("kafka", "answers, topics as in the contract", "./dev up", lambda: _kafka(settings))
    yield _attempt("clickhouse", "answers, schema up to date", "./dev up", lambda: _clickhouse(settings))
    yield from _processes(settings)


def _attempt(name: str, wanted: str, mend: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look(), wanted, "")
    except DongBoError as error:
        return Check(name, False, str(error), wanted, mend)


def _python() -> Check:
    found = sys.version.split()[0]
    return Check("python", sys.version_info >= (3, 11), found, "3.11 or newer", "install Python 3.11")


def _packages() -> Check:
    """The engine's three packages that must fit each other exactly (see docs/architecture.md)."""
    pins = dict(
        line.split(" ")[0].split("==")
        for line in (REPOSITORY / "requirements.runtime.lock").read_text().splitlines()
        if "==" in line and not line.startswith(" ")
    )
    wrong = [
        f"{name} {metadata.version(name)}"
        for name in ("faust-streaming", "mode-streaming", "aiokafka", "confluent-kafka", "msgspec")
        if metadata.version(name) != pins[name]
    ]
    return Check(
        "packages", not wrong, ", ".join(wrong) or "as locked", "as locked", "rm -r .venv && ./dev setup"
    )


def _disk(settings: Settings) -> Check:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    return Check(
        "disk",
        free >= DISK_FREE_GIB_MIN,
        f"{free:.1f} GiB free at {folder}",
        f"{DISK_FREE_GIB_MIN:.0f} GiB",
        "free some space, or set DONGBO_DATA_DIR to a folder on a larger disk",
    )


def _jars(settings: Settings) -> str:
    if settings.kafka_external:
        return "not needed: DONGBO_KAFKA_EXTERNAL"
    from ops.stack import jars

    paths = jars.ready(settings)
    return f"{len(paths)} jars, Kafka {settings.kafka_version}"


def _chromium() -> Check:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    mend = "apt-get update && apt-get install -y chromium fonts-noto-core"
    return Check("chromium", bool(found), found or "none", "for the browser tests only", mend)


def _kafka(settings: Settings) -> str:
    from producers.contract.topics import topic_specs
    from streams.topics_setup import verify_topics

    specs = topic_specs(settings.events_topic, settings.app_id)
    missing = verify_topics(settings.kafka_bootstrap, specs)
    if missing:
        raise Unavailable("kafka", f"no topic {', '.join(missing)}", "dongbo migrate")
    return f"{settings.kafka_bootstrap}, {len(specs)} topics"


def _clickhouse(settings: Settings) -> str:
    from ops.city.prepare import pending_migrations

    waiting = pending_migrations(settings)
    if waiting:
        return f"{len(waiting)} migrations wait: dongbo migrate"
    return f"{settings.clickhouse_host}:{settings.clickhouse_port}, schema up to date"


def _processes(settings: Settings) -> Iterator[Check]:
    for name, port in health.ports(settings).items():
        report = health.ask(name, port).report
        taken = report is None and port_is_taken("127.0.0.1", port)
        found = (
            "port taken by something else" if taken else "does not answer" if report is None else "answers"
        )
        mend = f"see data_dir/logs/{name}.log, or ./dev up"
        ok = report is not None and bool(report.get("ok"))
        yield Check(name, ok, found if ok or report is None else str(report), f"healthy on port {port}", mend)
