"""A soak: a steady city with a kill every 20 s; is each process's memory flat, are its files closed?"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from tests.faults.campaign import note
from tests.faults.city import City, Plan
from tests.faults.oracle import as_dict, judge
from tests.faults.report import commit
from tests.faults.watch import Watch

_KILL_EVERY_S: Final = 20.0
_SAMPLE_EVERY_S: Final = 5.0
# The first minute of a life is its start: caches fill, code is compiled.
_WARM_S: Final = 60.0
_PAIRS_MAX: Final = 300
_KINDS: Final = ("worker-0", "worker-1", "loader", "outbox-0", "outbox-1", "gateway", "monitor", "direct")


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
    """Slopes of the longest lives, the highest memory, files at the begin and end of the longest life."""
    lives: dict[int, list[Sample]] = defaultdict(list)
    for one in samples:
        lives[one.pid].append(one)
    warm = [
        [s for s in life if s.at_s - life[0].at_s >= _WARM_S]
        for life in lives.values()
        if life[-1].at_s - life[0].at_s >= 2 * _WARM_S
    ]
    longest = max(lives.values(), key=len)
    slopes = [slope([(s.at_s, s.rss_mb) for s in life]) * 3600 for life in warm if len(life) > 2]
    long_slope = slope([(s.at_s, s.rss_mb) for s in longest[len(longest) // 4 :]]) * 3600
    return {
        "lives": len(lives),
        "longest_s": round(longest[-1].at_s - longest[0].at_s),
        "rss_max_mb": round(max(one.rss_mb for one in samples), 1),
        "slope_mb_h": round(statistics.median(slopes), 2) if slopes else None,
        "slope_of_longest_mb_h": round(long_slope, 2),
        "files_first": longest[len(longest) // 4].files,
        "files_last": longest[-1].files,
    }


def soak(given: argparse.Namespace, folder: Path) -> int:
    """`./dev faults --soak MINUTES`: 0 if all is exact at the end."""
    seconds = given.soak * 60
    each = max(1, int(given.rate * seconds / given.wards))
    city, rng = City(folder, Plan(given.seed, each, seconds, given.wards)), Random(f"{given.seed}/soak")
    samples: dict[str, list[Sample]] = defaultdict(list)
    try:
        city.start()
        city.begin()
        begun = time.monotonic()
        with Watch(city) as watch:
            _live(city, rng, samples, begun, seconds)
            while sum(city.marks().values()) < city.plan.events and time.monotonic() < begun + seconds + 300:
                city.sleep(0.5)
            late = city.settle(120.0)
            city.sleep(12.0)
            verdict = judge(city, watch.asked)
        found = _report(given, city, samples, as_dict(verdict) | {"late": late})
    finally:
        city.stop()
    if given.report:
        given.report.with_suffix(".json").write_text(json.dumps(found, indent=1, default=str) + "\n")
    print(json.dumps(found, ensure_ascii=False, default=str) if given.json else _text(found))
    return 0 if verdict.ok and not late else 1


def _live(city: City, rng: Random, samples: dict[str, list[Sample]], begun: float, seconds: float) -> None:
    """Kill and look. Kafka and ClickHouse live on, so that their memory can be seen over the whole time."""
    kill_at, look_at = begun + _KILL_EVERY_S, begun
    while (now := time.monotonic()) < begun + seconds:
        if now >= look_at:
            look_at = now + _SAMPLE_EVERY_S
            for name in ("kafka", "clickhouse", "outbox-2", "gateway-wards", *_KINDS):
                found = sample(name, city.pid(name), begun)
                if found is not None:
                    samples[name].append(found)
        if now >= kill_at:
            kill_at = now + _KILL_EVERY_S
            name = rng.choice(_KINDS)
            note(f"{now - begun:.0f} s: kill -9 {name}")
            city.kill(name)
        city.sleep(0.5)


def _report(
    given: argparse.Namespace, city: City, samples: dict[str, list[Sample]], verdict: dict[str, Any]
) -> dict[str, Any]:
    return {
        "ok": verdict["ok"] and not verdict["late"],
        "seed": given.seed,
        "minutes": given.soak,
        "rate": given.rate,
        "events": verdict["events"],
        "lost": verdict["lost"],
        "counted_twice": verdict["counted_twice"],
        "findings": verdict["findings"],
        "kills": dict(city.kills),
        "processes": {name: judged(own) for name, own in sorted(samples.items()) if own},
        "commit": commit(),
        "command": f"./dev faults --seed {given.seed} --soak {given.soak:g} --rate {given.rate:g}",
    }


def _text(found: dict[str, Any]) -> str:
    head = [
        f"# Soak of {found['minutes']:g} minutes at {found['rate']:g} events/s, seed {found['seed']}",
        "",
        f"{found['events']} events, {sum(found['kills'].values())} kills, lost {found['lost']},"
        f" counted twice {found['counted_twice']}; `{found['command']}`",
        "",
    ]
    rows = found["processes"]
    names = ["process", *next(iter(rows.values()))]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += [f"| {name} | " + " | ".join(str(v) for v in own.values()) + " |" for name, own in rows.items()]
    return "\n".join([*head, *lines, *(f"- {one}" for one in found["findings"])])
