"""What every benchmark prints: one JSON object, ours beside a baseline of the same run on the same machine.

Absolute figures depend on the machine and on what else it does; the ratio is what targets are written in.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

# Of the minute before the measurement, which a load asked for at its end would hide.
_LOAD_BEFORE: Final = round(os.getloadavg()[0], 2)
_REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent


class Machine(msgspec.Struct, frozen=True):
    """Where a figure was measured."""

    cores: int
    cpu: str
    memory_gb: float
    load_before: float
    python: str


class Report(msgspec.Struct, frozen=True):
    """One comparison. `ours` and `baseline` are medians of `runs`; `ratio` is ours over baseline."""

    name: str
    ours: float
    baseline: float | None
    ratio: float | None
    unit: str
    runs: dict[str, list[float]]
    commit: str
    machine: Machine
    notes: dict[str, float | str] = {}


def report(
    name: str,
    unit: str,
    ours: Sequence[float],
    baseline: Sequence[float] = (),
    *,
    others: dict[str, Sequence[float]] | None = None,
    notes: dict[str, float | str] | None = None,
) -> Report:
    """Put the runs of one comparison together; `others` are further contestants, kept under `runs`."""
    ours_median = statistics.median(ours)
    baseline_median = statistics.median(baseline) if baseline else None
    runs = {"ours": list(ours), "baseline": list(baseline)} | {k: list(v) for k, v in (others or {}).items()}
    return Report(
        name=name,
        ours=_short(ours_median),
        baseline=None if baseline_median is None else _short(baseline_median),
        ratio=round(ours_median / baseline_median, 3) if baseline_median else None,
        unit=unit,
        runs={who: [_short(value) for value in values] for who, values in runs.items() if values},
        commit=commit(),
        machine=machine(),
        notes=notes or {},
    )


def show(reports: Sequence[Report], *, as_json: bool) -> None:
    """Print each report: one JSON object a line, or a line for a person."""
    for one in reports:
        print(msgspec.json.encode(one).decode() if as_json else _line(one), flush=True)


def commit() -> str:
    """The checkout's commit, with `+` behind it when files differ from it; `unknown` outside git."""
    head = _git("rev-parse", "--short", "HEAD")
    return (head + "+" if _git("status", "--porcelain", "--untracked-files=no") else head) or "unknown"


def machine() -> Machine:
    """The machine as it is now."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return Machine(
        cores=_cores(),
        cpu=names[0] if names else platform.processor(),
        memory_gb=round(_memory_bytes() / 2**30, 1),
        load_before=_LOAD_BEFORE,
        python=platform.python_version(),
    )


def _line(one: Report) -> str:
    against = "" if one.ratio is None else f", baseline {one.baseline:,} ({one.ratio:g} times)"
    notes = "".join(f"\n    {name}: {value}" for name, value in one.notes.items())
    return f"{one.name}: {one.ours:,} {one.unit}{against}{notes}"


def _short(value: float) -> float:
    return round(value, 3) if value < 1000 else round(value)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=_REPOSITORY, capture_output=True, text=True, check=False, timeout=10
    )
    return done.stdout.strip() if done.returncode == 0 else ""
