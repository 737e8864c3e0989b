"""When which fault: rounds of some faults close together, made from a seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.faults.catalogue import FAULTS, Fault

_ALWAYS_AGAIN = (
    "worker-killed",
    "loader-killed",
    "outbox-killed",
    "gateway-killed",
    "gateway-wards-killed",
    "direct-client-killed",
    "monitor-killed",
    "clickhouse-killed",
    "kafka-killed",
    "all-workers-killed",
)
# Killed so often, of each hundred: the cheap ones more often than those that take long to come back.
_WEIGHTS = (20, 20, 16, 8, 8, 8, 8, 5, 3, 4)


class Shot(NamedTuple):
    """A fault and how many seconds after the round's begin."""

    after_s: float
    fault: type[Fault]


Round = list[Shot]


def rounds(
    seed: int, kinds: Sequence[str], kills: int, together: int = 5, span_s: float = 7.0
) -> list[Round]:
    """Every kind at least once, kills on top until there are so many; what must be alone has a round."""
    rng = Random(f"{seed}/schedule")
    chosen = [FAULTS[name] for name in kinds]
    alone = [fault for fault in chosen if fault.alone]
    many = [fault for fault in chosen if not fault.alone]
    names = [name for name in _ALWAYS_AGAIN if name in kinds]
    while names and sum(_kills(fault) for fault in alone + many) < kills:
        weights = [_WEIGHTS[_ALWAYS_AGAIN.index(name)] for name in names]
        many.append(FAULTS[rng.choices(names, weights)[0]])
    rng.shuffle(many)
    found = [
        sorted(
            (Shot(rng.uniform(0, span_s), fault) for fault in many[n : n + together]), key=lambda s: s.after_s
        )
        for n in range(0, len(many), together)
    ]
    for group in _companies(alone):
        found.insert(rng.randint(1, max(1, len(found))), [Shot(0.0, fault) for fault in group])
    return found


def _companies(alone: list[type[Fault]]) -> list[list[type[Fault]]]:
    """Each that must be alone, or those that keep each other company."""
    groups: dict[str, list[type[Fault]]] = {}
    for fault in alone:
        groups.setdefault(fault.company or fault.name, []).append(fault)
    return list(groups.values())


def again(seed: int, attempt: int, kinds: Sequence[str], kills: int, together: int = 5) -> list[Round]:
    """Rounds behind the planned ones: kinds that had no effect, kills that are missing."""
    found = rounds(seed * 1000 + attempt, kinds, 0, together) if kinds else []
    if kills > 0:
        some = [name for name in _ALWAYS_AGAIN if name not in kinds]
        found += rounds(seed * 1000 + attempt, some, kills, together)
    return found


def _kills(fault: type[Fault]) -> int:
    return 2 if fault.name == "all-workers-killed" else int(fault.kill)
