"""Which wards lie beside a ward: those whose borders on the city's map share a stretch."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any, Final

from producers.contract.wards import WARDS

# Two common corners make a common stretch; one is only a point where four meet.
_CORNERS_MIN: Final = 2


@cache
def neighbours() -> dict[str, tuple[str, ...]]:
    """The codes of the wards beside each ward, by name."""
    text = files("producers.contract").joinpath("wards.geojson").read_text(encoding="utf-8")
    wards_at: dict[tuple[float, float], set[str]] = defaultdict(set)
    for feature in json.loads(text)["features"]:
        for corner in _corners(feature["geometry"]["coordinates"]):
            wards_at[corner].add(feature["properties"]["code"])
    common = Counter(pair for wards in wards_at.values() for pair in combinations(sorted(wards), 2))
    beside: dict[str, list[str]] = {code: [] for code in WARDS}
    for (one, other), corners in common.items():
        if corners >= _CORNERS_MIN:
            beside[one].append(other)
            beside[other].append(one)
    return {code: tuple(sorted(codes, key=lambda each: WARDS[each].slug)) for code, codes in beside.items()}


def before_and_after(code: str) -> tuple[str, str]:
    """The wards before and after a ward in the order of their codes; the last is followed by the first."""
    codes = list(WARDS)
    place = codes.index(code)
    return codes[place - 1], codes[(place + 1) % len(codes)]


def _corners(coordinates: Any) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        yield round(coordinates[0], 4), round(coordinates[1], 4)
        return
    for each in coordinates:
        yield from _corners(each)
