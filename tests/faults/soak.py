"""A soak: a steady city with a kill every 20 s; is each process's memory flat, are its files closed?"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
import traceback
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from tests.faults.campaign import note
from tests.faults.city import City
from tests.faults.oracle import Verdict, as_dict, judge
from tests.faults.plan import Plan
from tests.faults.report import commit
from tests.faults.watch import Watch

_KILL_EVERY_S: Final = 20.0
_SAMPLE_EVERY_S: Final = 5.0
# The first minute of a life is its start, the first quarter its warm-up: caches fill, code is compiled.
_WARM_S: Final = 60.0
_WARM_SHARE: Final = 4
_PAIRS_MAX: Final = 300
# Killed in turns: in each third of a soak one group is spared, so that each process has a life of a third.
_GROUPS: Final = (
    ("worker-0", "outbox-0", "gateway"),
    ("worker-1", "outbox-1", "monitor"),
    ("loader", "direct", "gateway-wards"),
)
_LASTING: Final = ("kafka", "clickhouse", "outbox-2")
# What a life may grow by, in MB an hour and in all: the stores keep more and more, and cache it.
_SLOPE_MB_H_MAX: Final = {"kafka": 400.0, "clickhouse": 600.0}
_SLOPE_MB_H_ELSE: Final = 60.0
_RISE_MB_MIN: Final = 8.0
_FILES_RISE_MAX: Final = 12
# A shorter life shows nothing: it is reported, and a finding if a process had no longer one.
_JUDGED_S_MIN: Final = 300.0


class Sample(NamedTuple):
    """One process at one moment."""

    at_s: float
    pid: int
    rss_mb: float
    files: int


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil-Sen: the median of all pairs' slopes, which a jump or a spike does not bend."""
    step = max(1, len(points) // _PAIRS_MAX)
    some = points[::step]
    found = [(b[1] - a[1]) / (b[0] - a[0]) for n, a in enumerate(some) for b in some[n + 1 :] if b[0] > a[0]]
    return statistics.median(found) if found else 0.0


def sample(name: str, pid: int, begun: float) -> Sample | None:
    """Its memory and open files; None if it has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except (OSError, IndexError):
        return None
    return Sample(time.monotonic() - begun, pid, pages * os.sysconf("SC_PAGE_SIZE") / 1e6, files)


def judged(samples: list[Sample]) -> dict[str, Any]:
    """Of the longest life, without its warm-up: how memory and open files went; and of all the highest."""
    lives: dict[int, list[Sample]] = defaultdict(list)
    for one in samples:
        lives[one.pid].append(one)
    longest = max(lives.values(), key=lambda life: life[-1].at_s - life[0].at_s)
    warm = longest[max(len(longest) // _WARM_SHARE, int(_WARM_S / _SAMPLE_EVERY_S)) :] or longest[-1:]
    part = max(1, len(warm) // 4)
    begin, end = warm[:part], warm[-part:]
    return {
        "lives": len(lives),
        "longest_s": round(longest[-1].at_s - longest[0].at_s),
        "rss_max_mb": round(max(one.rss_mb for one in samples), 1),
        "slope_mb_h": round(slope([(s.at_s, s.rss_mb) for s in warm]) * 3600, 1),
        "rise_mb": round(_middle(end, "rss_mb") - _middle(begin, "rss_mb"), 1),
        "files_first": round(_middle(begin, "files")),
        "files_last": round(_middle(end, "files")),
    }


def _middle(samples: list[Sample], name: str) -> float:
    return statistics.median(float(getattr(one, name)) for one in samples)


def leaks(name: str, found: dict[str, Any], longest_s: float) -> list[str]:
    """What of it is too much; a life too short to say so is a finding in a soak that was long enough."""
    if found["longest_s"] < _JUDGED_S_MIN:
        short = longest_s / len(_GROUPS) > 1.2 * _JUDGED_S_MIN
        return [f"{name}: no life longer than {found['longest_s']} s to judge"] if short else []
    wrong, most = [], _SLOPE_MB_H_MAX.get(name, _SLOPE_MB_H_ELSE)
    if found["slope_mb_h"] > most and found["rise_mb"] > _RISE_MB_MIN:
        wrong.append(f"{name}: memory grows by {found['slope_mb_h']} MB/h, more than {most:g}")
    if found["files_last"] - found["files_first"] > _FILES_RISE_MAX:
        wrong.append(f"{name}: open files rose from {found['files_first']} to {found['files_last']}")
    return wrong


def soak(given: argparse.Namespace, folder: Path) -> int:
    """`./dev faults --soak MINUTES`: 0 if all is exact at the end and nothing has leaked."""
    seconds = given.soak * 60
    plan = Plan(given.seed, max(1, math.ceil(given.rate * seconds / given.wards)), seconds, given.wards)
    city, rng = City(folder, plan), Random(f"{given.seed}/soak")
    samples: dict[str, list[Sample]] = defaultdict(list)
    findings: list[str] = []
    verdict = Verdict()
    try:
        city.start()
        city.begin()
        begun = time.monotonic()
        with Watch(city) as watch:
            _live(city, rng, samples, begun, seconds)
            findings += _rest(city, given.patience)
            verdict = judge(city, list(watch.asked))
    except Exception as error:  # the report is written all the same
        traceback.print_exc()
        findings.append(f"broken off: {type(error).__name__}: {error}")
    finally:
        city.stop()
    found = _report(given, city, samples, verdict, findings)
    print(json.dumps(found, ensure_ascii=False, default=str) if given.json else _text(found))
    if given.report:
        given.report.with_suffix(".json").write_text(json.dumps(found, indent=1, default=str) + "\n")
        given.report.with_suffix(".md").write_text(_text(found) + "\n", encoding="utf-8")
    return 0 if found["ok"] else 1


def _rest(city: City, patience: float) -> list[str]:
    """Until all is said, counted, loaded and conserved; what is not."""
    city.hurry()
    deadline = time.monotonic() + 300 * patience
    while sum(city.marks().values()) < city.plan.events and time.monotonic() < deadline:
        city.sleep(0.5)
    late = city.settle(120.0 * patience)
    while not (conserved := city.conserved()) and time.monotonic() < deadline:
        city.sleep(0.5)
    found = [f"not at rest: {late}"] if late else []
    return found if conserved else [*found, "not at rest: something was in flight or broken to the end"]


def _live(city: City, rng: Random, samples: dict[str, list[Sample]], begun: float, seconds: float) -> None:
    """Kill and look. Kafka and ClickHouse live on, so that their memory can be seen over the whole time."""
    kill_at, look_at = begun + _KILL_EVERY_S, begun
    while (now := time.monotonic()) < begun + seconds:
        if now >= look_at:
            look_at = now + _SAMPLE_EVERY_S
            for name in (*_LASTING, *(name for group in _GROUPS for name in group)):
                found = sample(name, city.pid(name), begun)
                if found is not None:
                    samples[name].append(found)
        if now >= kill_at:
            kill_at = now + _KILL_EVERY_S
            name = rng.choice(victims((now - begun) / seconds))
            note(f"{now - begun:.0f} s: kill -9 {name}")
            city.kill(name)
        city.sleep(0.5)


def victims(share: float) -> list[str]:
    """Who may be killed at a point of a soak."""
    spared = min(len(_GROUPS) - 1, int(share * len(_GROUPS)))
    return [name for number, group in enumerate(_GROUPS) if number != spared for name in group]


def _report(
    given: argparse.Namespace,
    city: City,
    samples: dict[str, list[Sample]],
    verdict: Verdict,
    findings: list[str],
) -> dict[str, Any]:
    processes = {name: judged(own) for name, own in sorted(samples.items()) if own}
    leaked = [one for name, own in processes.items() for one in leaks(name, own, given.soak * 60)]
    wrong = [*findings, *verdict.findings, *leaked]
    return {
        "ok": not wrong and verdict.ok and verdict.events == city.plan.events,
        "seed": given.seed,
        "minutes": given.soak,
        "rate": given.rate,
        "events": verdict.events,
        "lost": verdict.lost,
        "counted_twice": verdict.counted_twice,
        "findings": wrong,
        "kills": dict(city.kills),
        "processes": processes,
        "verdict": as_dict(verdict),
        "commit": commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": f"./dev faults --seed {given.seed} --soak {given.soak:g} --rate {given.rate:g}"
        f" --wards {given.wards} --patience {given.patience:g}",
    }


def _text(found: dict[str, Any]) -> str:
    head = [
        f"# Soak of {found['minutes']:g} minutes at {found['rate']:g} events/s, seed {found['seed']}",
        "",
        f"{found['events']} events, {sum(found['kills'].values())} kills, lost {found['lost']},"
        f" counted twice {found['counted_twice']}; commit {found['commit']}, {found['date']};"
        f" `{found['command']}`",
        "",
    ]
    rows = found["processes"]
    if not rows:
        return "\n".join([*head, *(f"- {one}" for one in found["findings"])])
    names = ["process", *next(iter(rows.values()))]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += [f"| {name} | " + " | ".join(str(v) for v in own.values()) + " |" for name, own in rows.items()]
    wrong = [f"- {one}" for one in found["findings"]] or ["Nothing leaked, nothing was wrong."]
    return "\n".join([*head, *lines, "", *wrong])
