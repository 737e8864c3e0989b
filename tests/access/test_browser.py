"""Logging in with a real browser, at a name without TLS, as on a wall screen in a closed network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.access.conftest import TOKEN
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.dashboard import Dashboard

AXE = Path(__file__).resolve().parents[1] / "browser" / "vendor" / "axe.min.js"
NAMES = "--host-resolver-rules=MAP page.example 127.0.0.1, MAP mail.example 127.0.0.1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, NAMES])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture(params=["page.example", "localhost"])
def url(request: pytest.FixtureRequest, guarded: Dashboard) -> str:
    """Without a secure context a browser sends no Sec-Fetch-Site; with one it does."""
    return f"http://{request.param}:{guarded.port}"


def log_in(page: Page, token: str = TOKEN) -> None:
    page.fill("#token", token)
    page.keyboard.press("Enter")


def test_person_logs_in_comes_back_by_a_link_and_logs_out(page: Page, url: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto(f"{url}/?lang=en")
    page.wait_for_selector("#token")
    log_in(page)
    page.wait_for_url(f"{url}/?lang=en")
    page.wait_for_selector("body[data-state=live]")
    # A browser also complains that COOP needs TLS; what the policy forbids must not be there.
    assert [each for each in complaints if "Content Security Policy" in each] == []

    # From another site, as from a message: the log-in still holds.
    page.goto("about:blank")
    page.set_content(f'<a href="{url}/?view=difficulties">link</a>')
    page.click("a")
    # The page that leads on has the same address, so wait for what only the real one has.
    page.wait_for_selector("body[data-state=live]")
    assert page.url == f"{url}/?view=difficulties"

    assert page.evaluate("fetch('/logout', {method: 'POST'}).then((answer) => answer.url)") == f"{url}/login"
    page.goto(f"{url}/")
    page.wait_for_selector("#token")


def test_person_with_a_wrong_token_is_told_so(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    log_in(page, "wrong")

    assert "Mã truy cập không đúng" in page.inner_text("#error")
    assert page.get_attribute("#token", "aria-describedby") == "error"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_login_page_has_no_violation_of_accessibility(page: Page, url: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{url}/login")
    log_in(page, "wrong")
    page.wait_for_selector("#error")
    # Past the page's policy, which lets nothing in: only the test may.
    page.evaluate(AXE.read_text(encoding="utf-8"))

    assert page.evaluate("axe.run().then((found) => found.violations.map((each) => each.id))") == []
