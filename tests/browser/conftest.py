"""A real Chromium. It is never skipped: a page that nobody has looked at is not tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ops.stack.clickhouse import Endpoint
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.told import ROWS, SOON_MS, Told, tell

CHROMIUM: Final = Path("/usr/bin/chromium")
# No sandbox, since tests run as root; nothing that talks to the world by itself.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Watcher:
    """What a page asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda line: self.errors.append(line.text) if line.type in ("error", "warning") else None,
        )


# For a module, not for the session: while it runs, Playwright's own loop occupies this thread, and tests of
# other modules need one of theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "Chromium is missing; install it with: sudo apt-get install -y chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture
def dashboard(city: City) -> Iterator[Dashboard]:
    made = Dashboard(city.reader)
    yield made
    made.close()


@pytest.fixture
def open_url(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a server's page; whatever it asks for must be on its own host, and it must complain of nothing."""
    opened: list[tuple[Page, Watcher, str, bool]] = []

    def open_(query: str = "", *, url: str, may_complain: bool = False, **context: Any) -> Page:
        page = browser.new_context(**context).new_page()
        opened.append((page, Watcher(page), url, may_complain))
        page.goto(f"{url}/{query}")
        return page

    yield open_
    for page, watcher, url, may_complain in opened:
        page.context.close()
        assert [each for each in watcher.requests if not each.startswith(f"{url}/")] == []
        assert may_complain or watcher.errors == []


@pytest.fixture
def open_page(dashboard: Dashboard, open_url: Callable[..., Page]) -> Callable[..., Page]:
    """Open the page of the test's own server, or another's by `url`."""
    # In this order: pages are closed before their server is, else they would complain of that.

    def open_(query: str = "", **members: Any) -> Page:
        return open_url(query, **({"url": dashboard.url} | members))

    return open_


@pytest.fixture(scope="module")
def told(clickhouse: Endpoint) -> Iterator[Told]:
    """A city with a past, made once for a module: its tests only look."""
    city = City(clickhouse)
    made = tell(city)
    server = Dashboard(city.reader)
    yield made._replace(url=server.url)
    server.close()
    city.close()


@pytest.fixture
def look(open_url: Callable[..., Page], told: Told) -> Callable[..., Page]:
    """Open the told city's page and wait for its figures."""

    def look_(query: str = "", **context: Any) -> Page:
        page = open_url(query, url=told.url, **context)
        expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
        expect(page.locator(".areas a[href]")).to_have_count(126, timeout=SOON_MS)
        return page

    return look_
