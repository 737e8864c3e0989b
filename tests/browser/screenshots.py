"""`./dev screenshots`: pictures of a real running city into docs/images/, for the README and to look at.

The city is simulated: the three weeks of July 2025 are replayed into it first, then it lives, and in some
wards something is wrong (`troubled.py`). It runs on free ports with data of its own, and is gone afterwards.
Names and borders are the real ones.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.troubled import REASONS, SOON, troubled
from tests.conftest import eventually
from tests.pipeline.city import Cli

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
DAY: Final = "2025-07-18"
WEEKS: Final = "from=2025-07-01&to=2025-07-21"
SIZES: Final = ((1920, 1080), (1280, 800), (390, 844))
REPLAY_S_MAX: Final = 2400.0
READ_MS_MAX: Final = 180_000
FOUND_S_MAX: Final = 900.0
_STANDS: Final = "SELECT ward, reason FROM v_ward_status"
_ALERTS: Final = "SELECT uniqExact(rule) AS rules FROM v_alerts WHERE open"
_DELAYS: Final = "SELECT count() AS wards FROM v_ward_status WHERE delay_ms_p50 IS NOT NULL"
# What is read aside (quality, lists of cuts, a ward's tables) comes a little after the first figures.
SETTLE_MS: Final = 10_000


class Shot(NamedTuple):
    """A view in some sizes; `ready`: what is there once it has been drawn."""

    name: str
    query: str
    ready: str
    sizes: tuple[tuple[int, int], ...] = SIZES


SHOTS: Final = (
    Shot("city", f"?day={DAY}", ".tile canvas"),
    Shot("city-english", f"?day={DAY}&lang=en&by=on_time_share", ".tile canvas", ((1280, 800),)),
    Shot("wall", f"?day={DAY}&theme=wall", ".tile canvas", ((1920, 1080),)),
    Shot("ward", f"?view=ward&ward=00070&day={DAY}", "main table"),
    Shot("difficulties", "?view=difficulties", "main h2"),
    Shot("questions", f"questions/city-by-day?{WEEKS}", ".q-chart canvas", ((1280, 800),)),
    Shot("dictionary", "dictionary?find=v_city_day", ".d-entry tbody tr", ((1280, 800),)),
)


def files(shot: Shot, folder: Path = IMAGES) -> list[Path]:
    """Where a view's pictures are, one a size."""
    return [folder / f"{shot.name}-{width}x{height}.png" for width, height in shot.sizes]


def take(browser: Browser, url: str, shot: Shot, folder: Path) -> list[Path]:
    """One view in all its sizes; returns the files."""
    made = []
    for path, (width, height) in zip(files(shot, folder), shot.sizes, strict=True):
        locale = "en-GB" if "lang=en" in shot.query else "vi-VN"
        size: ViewportSize = {"width": width, "height": height}
        page = browser.new_page(viewport=size, reduced_motion="reduce", locale=locale)
        page.goto(f"{url}/{shot.query}")
        _settle(page, shot)
        page.screenshot(path=path)
        page.close()
        made.append(path)
    return made


def _settle(page: Page, shot: Shot) -> None:
    page.wait_for_selector("body[data-state=live]", timeout=READ_MS_MAX)
    page.wait_for_selector(shot.ready, timeout=READ_MS_MAX)
    page.wait_for_timeout(SETTLE_MS)
    # A busy machine may have been late for a moment: no picture of a page that waits.
    page.wait_for_selector("body[data-state=live]:not(:has(.blank-loading))", timeout=READ_MS_MAX)


def found(city: Cli) -> bool:
    """Whether the monitor has judged every troubled ward as it must, and alerts are open."""
    stands: dict[str, Any] = {row["ward"]: row["reason"] for row in city.json("sql", _STANDS)}
    wrong = {ward: stands.get(ward) for ward, reason in REASONS.items() if stands.get(ward) != reason}
    assert not wrong, wrong
    measured = int(city.json("sql", _DELAYS)[0]["wards"]) > 0
    return measured and int(city.json("sql", _ALERTS)[0]["rules"]) >= 3


def main(prefix: str = "") -> int:
    """Replay, run, take the pictures whose names begin with `prefix`, and say which."""
    shots = [shot for shot in SHOTS if shot.name.startswith(prefix)]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        city = Cli(Path(folder), **SOON)
        city.json("demo", "--once", timeout_s=REPLAY_S_MAX)
        with city.up(), troubled(city.settings, Path(folder)):
            eventually(lambda: found(city), FOUND_S_MAX, 2.0)
            _take_all(f"http://127.0.0.1:{city.settings.dashboard_port}", shots)
    return 0 if shots else 2


def _take_all(url: str, shots: list[Shot]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for shot in shots:
            for path in take(browser, url, shot, IMAGES):
                print(path.relative_to(IMAGES.parents[1]), flush=True)
        browser.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
