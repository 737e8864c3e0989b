"""The board of difficulties in a real Chromium: 25 groups, who is responsible, what is behind a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.stack.clickhouse import Endpoint
from tests.browser.axe import violations_anyhow
from tests.browser.city import City
from tests.browser.conftest import Watcher
from tests.browser.dashboard import Dashboard
from tests.browser.story import WARD, Story

Show = Callable[..., Page]
LINK: Final = "?view=difficulties"
OTHER: Final = "00004"
WAIT_MS: Final = 60_000
GROUPS: Final = "[data-table='difficulty-groups'] tbody tr"
LIST: Final = "[data-table='difficulties'] tbody tr"
OWNERS: Final = "[data-table='difficulty-owners'] tbody tr"


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(city: City) -> Iterator[Dashboard]:
    story = Story(city.store)
    for ward in (WARD, OTHER):
        story.difficulties(ward)
    story.cuts(story.at)
    made = Dashboard(city.reader)
    yield made
    made.close()


@pytest.fixture
def show(browser: Browser, server: Dashboard) -> Iterator[Show]:
    """Open a link and wait for the board; nothing is asked elsewhere, nothing complained of."""
    opened: list[tuple[Page, Watcher]] = []

    def show_(query: str = LINK, **context: Any) -> Page:
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(WAIT_MS)
        opened.append((page, Watcher(page)))
        page.goto(f"{server.url}/{query}")
        expect(page.locator(GROUPS)).to_have_count(25, timeout=WAIT_MS)
        expect(page.locator(OWNERS)).not_to_have_count(0, timeout=WAIT_MS)
        expect(page.locator(LIST)).not_to_have_count(0, timeout=WAIT_MS)
        return page

    yield show_
    for page, watcher in opened:
        page.context.close()
        assert [each for each in watcher.requests if not each.startswith(f"{server.url}/")] == []
        assert watcher.errors == []


def cells(page: Page, group: int) -> list[str]:
    """The texts of a group's line."""
    line = page.locator(f"[data-table='difficulty-groups'] tr[data-group='{group}']")
    found: list[str] = line.evaluate("row => [...row.cells].map(cell => cell.innerText.trim())")
    return found


def codes(page: Page) -> list[str]:
    """The codes in the list."""
    found: list[str] = page.locator(f"{LIST} th").all_inner_texts()
    return found


def test_25_groups_by_age_and_due_time_with_placeholders_marked(show: Show) -> None:
    page = show()
    expect(page.locator(".sum")).to_have_text("6 chưa giải quyết · 2 quá hạn · 2 chưa giao")
    # One notice for the whole board, and no words in a row that say nothing.
    expect(page.locator(".placeholder-note")).to_have_count(1)
    expect(page.locator(".placeholder-note")).to_contain_text("25/25 nhóm chưa có tên")
    assert "tạm" not in page.locator(".board table").inner_text()
    # Open, under 7 days, 7 to 30 days, over 30 days, overdue, oldest.
    assert cells(page, 3) == ["Nhóm 3", "4", "2", "2", "0", "2", "12 ngày"]
    assert cells(page, 11) == ["Nhóm 11", "2", "2", "0", "0", "0", "3 ngày"]
    assert cells(page, 19) == ["Nhóm 19", "0", "0", "0", "0", "0", "—"]
    overdue = page.locator("tr[data-group='3'] td[data-status='bad']")
    expect(overdue.locator(".shape")).to_be_visible()


def test_every_number_leads_to_its_list_and_the_list_is_a_link(show: Show) -> None:
    page = show()
    assert len(codes(page)) == 6
    page.get_by_role("link", name="2 quá hạn của nhóm 3").click()
    expect(page.locator(LIST)).to_have_count(2)
    assert codes(page) == [f"VM-{OTHER}-001", f"VM-{WARD}-001"]
    assert "group=3" in page.url
    assert "state=overdue" in page.url
    page.reload()
    expect(page.locator(LIST)).to_have_count(2, timeout=WAIT_MS)
    expect(page.locator("tr[data-group='3']")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Xem tất cả các nhóm").click()
    expect(page.locator(LIST)).to_have_count(6)
    page.get_by_role("link", name="Tất cả", exact=True).click()
    expect(page.locator(LIST)).to_have_count(8)


def test_owner_leads_to_what_it_has_open(show: Show) -> None:
    page = show(f"{LINK}&lang=en")
    page.locator(OWNERS).get_by_role("link", name="so-thu-a").click()
    expect(page.locator(LIST)).to_have_count(2)
    expect(page.locator(".filter")).to_have_text("Responsible: so-thu-a")
    expect(page.locator(".sum")).to_have_text("6 open · 2 overdue · 2 not assigned")


def test_list_is_taken_away_as_it_is_filtered(show: Show) -> None:
    page = show(f"{LINK}&group=3&state=overdue")
    expect(page.locator(LIST)).to_have_count(2)
    link = page.locator("[data-table='difficulties']").get_by_role("link", name="CSV")
    link.focus()
    with page.expect_download() as taken:
        page.keyboard.press("Enter")
    assert re.fullmatch(r"dongbo_difficulties_nhom-3_\d+_vi\.csv", taken.value.suggested_filename)
    text = Path(taken.value.path()).read_text(encoding="utf-8-sig")
    assert text.count("\nVM-") + text.count(",VM-") == 2


def test_a_difficulty_leads_to_its_ward(show: Show) -> None:
    page = show(f"{LINK}&group=11")
    page.get_by_role("link", name=f"VM-{WARD}-003").click()
    expect(page.locator(".ward-heading h2")).to_contain_text(WARD)


# Titles of columns that are cut off, wholly or in part, by their own table's region.
CUT_OFF: Final = """
regions => regions.flatMap((region) => {
  const { left, right } = region.getBoundingClientRect();
  const heads = [...region.querySelectorAll("thead th")].filter((head) => head.offsetWidth);
  return heads.filter((head) => head.getBoundingClientRect().right > right + 1
    || head.getBoundingClientRect().left < left - 1).map((head) => head.innerText);
})
"""


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_column_is_seen_whole_at_every_width(show: Show, lang: str) -> None:
    page = show(f"{LINK}&lang={lang}")
    for width, height in ((390, 844), (1280, 800), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.eval_on_selector_all(".scroll", CUT_OFF) == [], width


def test_table_that_does_not_fit_scrolls_under_its_first_column(show: Show) -> None:
    page = show(viewport={"width": 390, "height": 844})
    region = page.locator("[data-table='difficulties'] .scroll")
    region.evaluate("region => { region.style.width = '200px'; region.scrollLeft = 60; }")
    assert region.evaluate("region => region.scrollLeft") == 60
    left = region.evaluate("region => region.getBoundingClientRect().left")
    code = page.locator(f"{LIST} th").first
    assert code.evaluate("cell => cell.getBoundingClientRect().left") == pytest.approx(left, abs=1)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_axe_finds_no_violation_in_light_and_dark_on_desk_and_phone(show: Show, lang: str) -> None:
    assert violations_anyhow(show(f"{LINK}&group=3&lang={lang}")) == {}
