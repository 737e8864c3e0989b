"""`./dev screenshots`: pictures of a real running city into docs/images/, for the README and to look at.

The city is simulated: the three weeks of July 2025 are replayed into it first, then it lives. It runs on free
ports with data of its own, and is gone afterwards. Names and borders are the real ones.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.pipeline.city import Cli

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
DAY: Final = "2025-07-18"
SIZES: Final = ((1920, 1080), (1280, 800), (390, 844))
REPLAY_S_MAX: Final = 400.0
READ_MS_MAX: Final = 60_000
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
    Shot("city-english", f"?day={DAY}&lang=en", ".tile canvas", ((1280, 800),)),
    Shot("wall", f"?day={DAY}&theme=wall&by=on_time_share", ".tile canvas", ((1920, 1080),)),
    Shot("ward", f"?view=ward&ward=00070&day={DAY}", "main table"),
    Shot("difficulties", "?view=difficulties", "main h2"),
    Shot("questions", "questions/city-by-day", ".q-chart canvas", ((1280, 800),)),
    Shot("dictionary", "dictionary?find=v_city_day", ".d-entry tbody tr", ((1280, 800),)),
)


def take(browser: Browser, url: str, shot: Shot, folder: Path) -> list[Path]:
    """One view in all its sizes; returns the files."""
    made = []
    for width, height in shot.sizes:
        page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.goto(f"{url}/{shot.query}")
        _settle(page, shot)
        made.append(folder / f"{shot.name}-{width}x{height}.png")
        page.screenshot(path=made[-1])
        page.close()
    return made


def _settle(page: Page, shot: Shot) -> None:
    page.wait_for_selector("body[data-state=live]", timeout=READ_MS_MAX)
    page.wait_for_selector(shot.ready, timeout=READ_MS_MAX)
    page.wait_for_timeout(SETTLE_MS)


def main(prefix: str = "") -> int:
    """Replay, run, take the pictures whose names begin with `prefix`, and say which."""
    shots = [shot for shot in SHOTS if shot.name.startswith(prefix)]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        city = Cli(Path(folder))
        city.json("demo", "--once", timeout_s=REPLAY_S_MAX)
        with city.up():
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            for shot in shots:
                for path in take(browser, f"http://127.0.0.1:{city.settings.dashboard_port}", shot, IMAGES):
                    print(path.relative_to(IMAGES.parents[1]), flush=True)
            browser.close()
    return 0 if shots else 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
