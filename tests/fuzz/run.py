"""The loop: damage, taste, keep what did something new; time and memory are watched."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz import corpus
from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import TARGETS, Target

SLOW_S: Final = 30.0
GROWTH_MB_MAX: Final = 2_000.0
_INPUT_BYTES_MAX: Final = 300_000


@dataclass
class Outcome:
    """What came of a run. `wrong`: an input and what must not have happened; empty if all is well."""

    target: str
    seed: int
    inputs: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    slowest_cpu_ms: float = 0.0
    growth_mb: float = 0.0
    growth_mb_once: float = 0.0
    did: Counter[str] = field(default_factory=Counter)
    new: list[bytes] = field(default_factory=list)
    wrong: list[tuple[bytes, str]] = field(default_factory=list)


def fuzz(name: str, inputs: int, seed: int) -> Outcome:
    """Give a target so many inputs: first its seeds and what was kept, then damaged ones."""
    found = Outcome(name, seed)
    with TARGETS[name]() as target:
        known = [*target.seeds, *corpus.kept(name)]
        mutator = Mutator(known, seed)
        before_mb, started = _rss_mb(target.pid), time.monotonic()
        for number in range(inputs):
            text = known[number] if number < len(known) else mutator.next()[:_INPUT_BYTES_MAX]
            _one(target, text, found, mutator, fresh=number >= len(known))
        found.seconds = time.monotonic() - started
        found.growth_mb = _rss_mb(target.pid) - before_mb
    if found.growth_mb > GROWTH_MB_MAX:
        found.wrong.append((b"", f"memory grew by {found.growth_mb:.0f} MB"))
    return found


def _one(target: Target, text: bytes, found: Outcome, mutator: Mutator, *, fresh: bool) -> None:
    before_mb, before_s, started = _rss_mb(target.pid), _cpu_s(target.pid), time.monotonic()
    try:
        did = target.taste(text)
    except Exception as error:  # whatever it is, it is what this looks for
        found.wrong.append((text, f"{type(error).__name__}: {error}"))
        did = "wrong"
    took_s = time.monotonic() - started
    if took_s > SLOW_S:
        found.wrong.append((text, f"took {took_s:.1f} s"))
    cpu_s, grown_mb = _cpu_s(target.pid) - before_s, _rss_mb(target.pid) - before_mb
    if cpu_s > target.cpu_s_max:
        found.wrong.append((text, f"took {cpu_s:.1f} s of processor time"))
    if grown_mb > target.growth_mb_max:
        found.wrong.append((text, f"took {grown_mb:.0f} MB"))
    found.slowest_cpu_ms = max(found.slowest_cpu_ms, cpu_s * 1000)
    found.growth_mb_once = max(found.growth_mb_once, grown_mb)
    found.inputs += 1
    found.slowest_ms = max(found.slowest_ms, took_s * 1000)
    found.did[did] += 1
    if fresh and found.did[did] == 1:
        found.new.append(text)
        mutator.corpus.append(text)


def _rss_mb(pid: int) -> float:
    with open(f"/proc/{pid or os.getpid()}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cpu_s(pid: int) -> float:
    """Time on the processors so far, of all its threads."""
    with open(f"/proc/{pid or os.getpid()}/stat") as stat:
        words = stat.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
