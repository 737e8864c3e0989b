"""The map of the wards as SVG paths: made from the contract's borders into `web/map.json`, checked in.

    python -m dashboards.map      write it anew

An equirectangular projection at the city's latitude onto a grid of whole numbers. The borders were simplified
together, so neighbours share their points, and rounding moves a shared point alike in both: no gaps.
"""

from __future__ import annotations

import json
import math
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

MAP: Final = Path(__file__).parent / "web" / "map.json"
# Units from north to south: some 23 m each, finer than the borders.
HEIGHT: Final = 4000
MARGIN: Final = 40
# The dense centre: wards this close to Hoàn Kiếm by their labels' places.
CENTRE_WARD: Final = "00070"
CENTRE_KM: Final = 7.5
KM_PER_DEGREE: Final = 111.2

Point = tuple[float, float]


class Projection(NamedTuple):
    """Degrees to grid; `west` and `north` are the grid's zero."""

    west: float
    north: float
    per_degree: float
    squeeze: float

    def __call__(self, lon: float, lat: float) -> tuple[int, int]:
        x = (lon - self.west) * self.squeeze * self.per_degree
        y = (self.north - lat) * self.per_degree
        return round(x) + MARGIN, round(y) + MARGIN


def make() -> dict[str, Any]:
    """The whole map: `size`, `centre` (a viewBox) and every ward's path and label point, by code."""
    features = json.loads(files("producers.contract").joinpath("wards.geojson").read_text("utf-8"))[
        "features"
    ]
    points = [point for feature in features for ring in rings(feature) for point in ring]
    project = projection(points)
    wards = {feature["id"]: _ward(feature, project) for feature in features}
    width = max(project(*point)[0] for point in points) + MARGIN
    return {"size": [width, HEIGHT + 2 * MARGIN], "centre": _centre(features, wards), "wards": wards}


def projection(points: list[Point]) -> Projection:
    """The projection that fits points into the grid."""
    north, south = max(lat for _, lat in points), min(lat for _, lat in points)
    west = min(lon for lon, _ in points)
    return Projection(west, north, HEIGHT / (north - south), math.cos(math.radians((north + south) / 2)))


def rings(feature: dict[str, Any]) -> list[list[Point]]:
    """All rings of a ward, of all its parts."""
    geometry = feature["geometry"]
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[(lon, lat) for lon, lat in ring] for part in parts for ring in part]


def path(ring: list[Point], project: Projection) -> str:
    """A ring as a path with relative steps, which are short and compress well."""
    places = [project(*point) for point in ring]
    (x, y), steps = places[0], []
    for before, after in pairwise(places[:-1]):
        step = after[0] - before[0], after[1] - before[1]
        if step != (0, 0):
            steps.append(f"{step[0]} {step[1]}")
    return f"M{x} {y}l{' '.join(steps)}z".replace(" -", "-")


def _ward(feature: dict[str, Any], project: Projection) -> dict[str, Any]:
    properties = feature["properties"]
    label = project(properties["label_lon"], properties["label_lat"])
    return {"d": "".join(path(ring, project) for ring in rings(feature)), "at": list(label)}


def _centre(features: list[dict[str, Any]], wards: dict[str, Any]) -> list[int]:
    """The viewBox around the wards near the centre, with room at the edges."""
    x, y = wards[CENTRE_WARD]["at"]
    per_km = HEIGHT / (_span(features) * KM_PER_DEGREE)
    half = round(CENTRE_KM * per_km)
    return [x - half, y - half, 2 * half, 2 * half]


def _span(features: list[dict[str, Any]]) -> float:
    latitudes = [lat for feature in features for ring in rings(feature) for _, lat in ring]
    return max(latitudes) - min(latitudes)


def text(made: dict[str, Any]) -> str:
    """The file's text: one line a ward, so that a change can be read."""
    wards = ",\n".join(
        f'"{code}":{json.dumps(ward, separators=(",", ":"))}' for code, ward in made["wards"].items()
    )
    head = f'"size":{json.dumps(made["size"])},\n"centre":{json.dumps(made["centre"])},\n'
    return f'{{{head}"wards":{{\n{wards}\n}}}}\n'


if __name__ == "__main__":
    MAP.write_text(text(make()), encoding="utf-8")
