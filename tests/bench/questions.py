"""Every saved question and all that the page asks, on ten years of the city or of the country.

    python -m tests.bench.questions [--scale city|country|small] [--days N] [--sample N] [--only WORD]
                                    [--runs 30] [--seconds 2] [--folder DIR] [--sql DIR] [--json]

Data is made first (`tests.bench.country`: books in full, of the older dossiers one in `--sample`) and thrown
away in the end, unless `--folder` names where to keep it. Everything is asked twice: with a quarter of the
sample, and with all of it. Where that changes the rows that a query reads, a straight line through the two
says what it would read and take at full size, and this is what its target is compared with. Two points make
no curve: it is a fit, and the larger the sample the less is left to it. `--sample 1` leaves nothing.

Each query runs alone, as the reader, cold once and then until `--seconds` were spent on it: at least 3 and at
most `--runs` times. Targets in milliseconds: what the live page asks again and again 50, of the city as of
the country; any other question of the city 1,000, of the country 5,000.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from streams.domain.days import HANOI
from tests.bench.asked import LIVE, Asked, everything
from tests.bench.country import COUNTRY, FEW, Scale
from tests.bench.looks import FEW_FOLDER, WHOLE_FOLDER, Disk, Unusable, disk, engine, kept, make
from tests.bench.reconcile import Memory
from tests.bench.report import commit, machine
from tests.bench.timing import Effort, Measured, at_full_size, measure
from tests.pipeline.warehouse import SQL

LIVE_MS, CITY_MS, COUNTRY_MS = 50.0, 1_000.0, 5_000.0


class Look(NamedTuple):
    """Everything asked of one size of the sample."""

    measured: list[Measured]
    disk: list[Disk]
    engine_mb_peak: float


def scales(end: date) -> dict[str, Scale]:
    """What can be measured; `small` shows in seconds that all of it runs."""
    return {
        "small": Scale(days=60, end=end, recent_days=5, sample=20, cut_days=1, judged_cuts=30),
        "city": Scale(end=end, sample=10),
        "country": Scale(wards=COUNTRY, end=end, recent_days=10, sample=100, judged_cuts=360),
    }


def newest_end() -> date:
    """Yesterday in Hanoi: views that look a month back from now find a month of data."""
    return (datetime.now(HANOI) - timedelta(days=1)).date()


def target(asked: Asked, scale: Scale) -> float:
    """Milliseconds. What the page asks every second or two has no more time because there are more wards."""
    if asked.kind == LIVE:
        return LIVE_MS
    return COUNTRY_MS if scale.wards >= COUNTRY else CITY_MS


def look(folder: Path, scale: Scale, only: str, given: argparse.Namespace) -> Look:
    """Ask everything, one after the other."""
    found = []
    with engine(folder, given.memory_mb, given.sql) as (endpoint, store):
        memory = Memory(endpoint.process.pid)
        memory.reset()
        client = endpoint.reader(store.address.database)
        try:
            for asked in everything(scale, given.sql):
                if only in f"{asked.kind}.{asked.name}":
                    effort = Effort(given.seconds, given.runs)
                    found.append(measure(client, endpoint.process.pid, asked, target(asked, scale), effort))
                    print(f"{found[-1].name}: {found[-1].p95_ms} ms", file=sys.stderr, flush=True)
        finally:
            client.close()
        return Look(found, disk(store), memory.peak_mb())


def fitted(few: Look, whole: Look, scale: Scale) -> Look:
    """The second look, with what the full size would take beside what was measured."""
    share = 1 / scale.sample
    pairs = zip(few.measured, whole.measured, strict=True)
    return whole._replace(measured=[at_full_size(*pair, share / FEW, share) for pair in pairs])


def as_json(found: Look, about: dict[str, Any]) -> str:
    """One object: where and of what it was measured, and each query."""
    queries = [one.as_json() for one in found.measured]
    tables = [msgspec.structs.asdict(one) for one in found.disk]
    whole = about | {"engine_mb_peak": found.engine_mb_peak, "disk": tables, "questions": queries}
    return json.dumps(whole, ensure_ascii=False)


def show(found: Look, about: dict[str, Any]) -> None:
    """Tables for people: failed queries first, then by how far each is from its target."""
    numbers = (
        "runs",
        "p50 ms",
        "p95 ms",
        "CPU ms",
        "rows read",
        "rows",
        "read at full",
        "p95 at full",
        "target",
    )
    table = Table("asked by", "query", *numbers, "")
    for one in sorted(found.measured, key=lambda each: each.urgency, reverse=True):
        state = "ok" if one.met else f"[red]{one.error[:60] or 'missed'}[/red]"
        table.add_row(one.kind, one.name, *_figures(one), state)
    console = Console(width=180)
    console.print(table)
    sizes = Table("table", "rows", "MB", "bytes a row", "parts")
    for part in found.disk[:16]:
        size = (
            f"{part.bytes_on_disk / 1e6:,.1f}",
            f"{part.bytes_on_disk / part.rows:,.1f}",
            f"{part.parts:,}",
        )
        sizes.add_row(part.table, f"{part.rows:,}", *size)
    console.print(sizes)
    console.print(", ".join(f"{name}: {value}" for name, value in about.items()))
    console.print(f"engine's memory at its peak: {found.engine_mb_peak:,.0f} MB")
    console.print(f"{sum(one.met for one in found.measured)} of {len(found.measured)} within their target")


def _figures(one: Measured) -> tuple[str, ...]:
    def thousands(value: float | None, form: str = ",.0f") -> str:
        return "" if value is None else format(value, form)

    return (
        thousands(one.runs),
        thousands(one.p50_ms, ",.1f"),
        thousands(one.p95_ms, ",.1f"),
        thousands(one.cpu_ms, ",.1f"),
        thousands(one.read_rows),
        thousands(one.rows),
        thousands(one.full_read_rows),
        thousands(one.full_p95_ms, ",.1f"),
        thousands(one.target_ms),
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=sorted(scales(newest_end())), default="city")
    parser.add_argument("--days", type=int, help="fewer or more days than ten years")
    parser.add_argument("--sample", type=int, help="one in so many of the older dossiers is made")
    parser.add_argument("--runs", type=int, default=30, help="of a query, at most")
    parser.add_argument("--seconds", type=float, default=2.0, help="spent on a query, if 3 runs need no more")
    parser.add_argument("--only", default="", help="queries with this word in their name")
    parser.add_argument("--folder", type=Path, help="keep the data here, and use it if it is there")
    parser.add_argument("--sql", type=Path, default=SQL, help="views and questions of another checkout")
    parser.add_argument("--memory-mb", type=int, default=4_000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def chosen(given: argparse.Namespace) -> Scale:
    """The scale with what was asked otherwise."""
    scale = scales(newest_end())[given.scale]
    return replace(scale, days=given.days or scale.days, sample=given.sample or scale.sample)


@contextmanager
def place(folder: Path | None) -> Iterator[Path]:
    """The folder that was named, or one for this run only."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def main() -> int:
    given = arguments()
    with place(given.folder) as folder:
        try:
            scale = kept(folder, chosen(given))
        except Unusable as error:
            print(error, file=sys.stderr)
            return 2
        found, seconds = bench(folder, scale, given)
    about = {
        "scale": given.scale,
        "wards": scale.wards,
        "days": scale.days,
        "end": str(scale.end),
        "sample": scale.sample,
        "made_s": round(seconds),
        "commit": commit(),
        "machine": msgspec.structs.asdict(machine()),
    }
    print(as_json(found, about)) if given.json else show(found, about)
    return 0 if found.measured and all(one.met for one in found.measured) else 1


def bench(folder: Path, scale: Scale, given: argparse.Namespace) -> tuple[Look, float]:
    """Both looks, and how long making the data took. Of a whole sample there is one look."""
    seconds = make(folder, scale, given.memory_mb)
    ask: Callable[[str], Look] = lambda name: look(folder / name, scale, given.only, given)  # noqa: E731
    few = None if scale.sample == 1 else ask(FEW_FOLDER)
    whole = ask(WHOLE_FOLDER)
    return (whole if few is None else fitted(few, whole, scale)), seconds


if __name__ == "__main__":
    sys.exit(main())
