"""`./dev screenshots`: pictures of a real running city into docs/images/, for the README and to look at.

The city in them is simulated: plausible figures of three weeks, some wards in trouble, a day of cuts. Names and
borders are the real ones.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from ops.settings import Settings
from ops.stack import clickhouse
from producers.contract.wards import WARDS
from streams.domain.cut import GRID_MS
from tests.browser.city import City, plausible
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.dashboard import Dashboard
from tests.conftest import free_port

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
HANOI: Final = timezone(timedelta(hours=7))
DAYS: Final = 21
SIZES: Final = {"1920x1080": (1920, 1080), "1280x800": (1280, 800), "390x844": (390, 844)}
SHOTS: Final = {"city": "", "city-wall": "?theme=wall", "city-centre": "?zoom=centre&by=received&lang=en"}
TROUBLE: Final = {
    "w00166": "bad/silent",
    "w09877": "bad/missing",
    "w00577": "bad/mismatch",
    "w10015": "attention/behind",
    "w00292": "attention/not_declared",
    "w00004": "attention/clock_skew",
    "w09700": "waiting/never",
}
LEFT_OUT: Final = {"00166": "silent", "09877": "missing", "09700": "never"}


def fill(city: City) -> None:
    """Three weeks, half of today, the cuts of the last day, alerts."""
    now = datetime.now(UTC)
    today, chance = now.astimezone(HANOI).date(), random.Random(7)
    for back in range(1, DAYS + 1):
        day = today - timedelta(days=back)
        if day.isoweekday() < 7:
            _fill_day(city, day, now)
    for ward in WARDS:
        share = chance.uniform(0.42, 0.55)
        figures = {name: int(count * share) for name, count in plausible(ward, today).items()}
        city.book(ward, today, arrived=now - timedelta(minutes=2), **figures)
    city.judge(now, **TROUBLE)
    events = 300_000
    for step in range(24 * 60 + 12, -1, -6):
        events += chance.randint(10, 60)
        city.cut(now - timedelta(seconds=step * GRID_MS // 1000 * 6), left_out=LEFT_OUT, events=events)
    _alerts(city, now)


def _fill_day(city: City, day: date, now: datetime) -> None:
    """A whole day; of yesterday, first what was known a day ago."""
    evening = datetime(day.year, day.month, day.day, 17, tzinfo=HANOI)
    for ward in WARDS:
        figures = plausible(ward, day)
        if day == now.astimezone(HANOI).date() - timedelta(days=1):
            half = {name: count * 4 // 9 for name, count in figures.items()}
            city.book(ward, day, arrived=now - timedelta(days=1, hours=1), **half)
            evening = now - timedelta(hours=20)
        city.book(ward, day, arrived=evening, **figures)


def _alerts(city: City, now: datetime) -> None:
    city.alert("silent", since=now - timedelta(minutes=12), ward="00166")
    city.alert(
        "hole",
        since=now - timedelta(minutes=47),
        ward="09877",
        title_vi="Thiếu sự kiện quá lâu",
        title_en="Events are missing for long",
        what_vi="Thiếu 3 sự kiện, số 4.512 đến 4.514.",
        what_en="Three events are missing, numbers 4,512 to 4,514.",
    )
    city.alert(
        "totals",
        since=now - timedelta(minutes=95),
        ward="00577",
        severity="warning",
        title_vi="Số kê khai không khớp",
        title_en="Declared totals do not match",
        what_vi="Kê khai nhiều hơn 5 hồ sơ so với sổ.",
        what_en="Five dossiers more were declared than the book holds.",
    )


@contextmanager
def page_of_a_city() -> Iterator[str]:
    """A filled city behind a server; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        engine = clickhouse.start(Settings(data_dir=Path(folder), clickhouse_port=free_port()))
        city = City(engine)
        fill(city)
        server = Dashboard(city.reader)
        try:
            yield server.url
        finally:
            server.stop()
            city.close()
            engine.stop()


def take(browser: Browser, url: str, folder: Path) -> list[Path]:
    """Every shot in every size; returns the files."""
    made = []
    for size, (width, height) in SIZES.items():
        for name, query in SHOTS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
            page.goto(f"{url}/{query}")
            page.wait_for_selector(".areas a[href]", timeout=60_000)
            page.wait_for_selector(".tile canvas", timeout=60_000)
            # The quality of the data and the list of cuts are read aside and come a little later.
            page.wait_for_timeout(4000)
            made.append(folder / f"{name}-{size}.png")
            page.screenshot(path=made[-1])
            page.close()
    return made


def main() -> int:
    """Write all pictures and say which."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with page_of_a_city() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for path in take(browser, url, IMAGES):
            print(path.relative_to(IMAGES.parents[1]))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
