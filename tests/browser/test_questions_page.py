"""Questions and the dictionary in a real Chromium: asked by keyboard, drawn, sent as a link."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.stack.clickhouse import Endpoint
from tests.browser.axe import violations_anyhow
from tests.browser.city import City
from tests.browser.conftest import Watcher
from tests.browser.dashboard import Dashboard
from tests.browser.story import WARD, Story
from tests.conftest import eventually

Show = Callable[..., Page]
OTHER: Final = "00004"
WAIT_MS: Final = 60_000
CITY: Final = "questions/city-by-day"
WEEKS: Final = "questions/channels-by-week"
ROWS: Final = ".q-rows tbody tr"
CANVAS: Final = ".q-chart canvas"
# How many pixels of the chart have the very colour of the legend's first key, and which that is.
INK: Final = """
(canvas) => {
  const key = document.querySelector(".q-legend .key-1");
  const colour = getComputedStyle(key).backgroundColor;
  const wanted = colour.match(/\\d+/g).slice(0, 3).map(Number);
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
    .getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let i = 0; i < data.length; i += 4) {
    drawn += data[i + 3] === 255 && wanted.every((part, j) => data[i + j] === part);
  }
  return [drawn, colour];
}
"""


# A chart of three weeks of July and three of November: where its labels stand, and what its line is made of.
GAPPED: Final = """
async () => {
  const { lines } = await import("/web/views/questions/plot.js");
  const days = [...Array(21).keys(), ...[...Array(21).keys()].map((day) => day + 140)];
  const points = days.map((at) => ({ at, label: `${String(at).padStart(2, "0")}/07/2025` }));
  const series = [{ label: "x", values: days.map(() => 5) }];
  const look = { width: 1000, ink: () => "#000", font: "12px sans-serif", say: String };
  const { options, data } = lines(null, { points, series }, look);
  return [options.axes[0].splits(), data];
}
"""


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture(scope="module")
def story(city: City) -> Story:
    made = Story(city.store)
    for ward in (WARD, OTHER):
        made.events(ward, 60)
    made.cuts(made.at)
    return made


@pytest.fixture(scope="module")
def server(city: City, story: Story) -> Iterator[Dashboard]:
    made = Dashboard(city.reader)
    yield made
    made.close()


@pytest.fixture
def show(browser: Browser, server: Dashboard) -> Iterator[Show]:
    """Open a path and wait for the page; nothing is asked elsewhere, nothing complained of."""
    opened: list[tuple[Page, Watcher, bool]] = []

    def show_(path: str, ready: str = ROWS, may_complain: bool = False, **context: Any) -> Page:
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(WAIT_MS)
        opened.append((page, Watcher(page), may_complain))
        page.goto(f"{server.url}/{path}")
        expect(page.locator(ready)).not_to_have_count(0, timeout=WAIT_MS)
        return page

    yield show_
    for page, watcher, may_complain in opened:
        page.context.close()
        assert [each for each in watcher.requests if not each.startswith(f"{server.url}/")] == []
        assert may_complain or watcher.errors == []


def test_questions_are_grouped_found_without_marks_and_asked_by_keyboard_alone(show: Show) -> None:
    page = show("", "#tabs a")
    page.get_by_role("link", name="Câu hỏi", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".q-group")).to_have_count(4, timeout=WAIT_MS)
    page.get_by_role("searchbox").focus()
    page.keyboard.type("moi ngay toan thanh pho")
    expect(page.locator(".q-group li")).to_have_count(1, timeout=WAIT_MS)
    for _ in range(6):
        page.keyboard.press("Tab")
    expect(page.locator(".q-group li a")).to_be_focused(timeout=WAIT_MS)
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).not_to_have_count(0, timeout=WAIT_MS)
    assert page.url.endswith(f"/{CITY}")
    assert "Mỗi ngày toàn thành phố" in page.title()


def test_audience_is_a_link(show: Show) -> None:
    page = show("questions?audience=operator&lang=en", ".q-group")
    expect(page.locator(".q-group h3")).to_contain_text("Operators", timeout=WAIT_MS)
    expect(page.locator(".states [aria-current]")).to_have_text("Operators", timeout=WAIT_MS)


def test_form_asks_and_the_address_is_a_link_to_the_same(show: Show, story: Story) -> None:
    page = show(WEEKS)
    before = page.locator(ROWS).count()
    page.get_by_label("Phường, xã", exact=True).select_option(WARD)
    # A whole week: the last day alone may be a Sunday, of which nobody received anything.
    page.get_by_label("Từ ngày").fill((story.last_day - timedelta(days=6)).isoformat())
    page.get_by_role("button", name="Hỏi", exact=True).press("Enter")
    expect(page.locator(ROWS)).not_to_have_count(before, timeout=WAIT_MS)
    assert f"ward={WARD}" in page.url
    asked = page.locator(ROWS).all_inner_texts()
    page.reload()
    expect(page.get_by_label("Phường, xã", exact=True)).to_have_value(WARD, timeout=WAIT_MS)
    expect(page.locator(ROWS)).to_have_count(len(asked), timeout=WAIT_MS)
    assert page.locator(ROWS).all_inner_texts() == asked
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(before, timeout=WAIT_MS)


def test_answer_says_as_of_when_and_the_files_say_the_same(show: Show, story: Story) -> None:
    page = show(WEEKS)
    expect(page.locator(".q-as-of")).to_contain_text(f"mốc {story.cut}", timeout=WAIT_MS)
    expect(page.locator(".q-as-of")).to_contain_text("124/126", timeout=WAIT_MS)
    links = {
        link.inner_text(): link.get_attribute("href") or ""
        for link in page.locator(".q-answer .download").all()
    }
    assert set(links) == {"CSV", "XLSX", "Parquet", "JSON"}
    assert all(f"as_of={story.cut}" in href for href in links.values())
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").press("Enter")
    assert taken.value.suggested_filename == f"dongbo_channels-by-week_{story.cut}_vi.csv"
    found = json.loads(page.request.get(page.url.split("/questions")[0] + links["JSON"]).text())
    assert page.locator(ROWS).count() == found["total"]


def test_cut_of_the_address_is_what_is_asked(show: Show, story: Story) -> None:
    page = show(f"{CITY}?cut={story.cut}")
    expect(page.locator("body")).to_have_attribute("data-state", "past", timeout=WAIT_MS)
    expect(page.locator(".q-as-of")).to_contain_text(f"mốc {story.cut}", timeout=WAIT_MS)


def test_table_sorts_numbers_to_the_right_and_says_codes_in_words(show: Show) -> None:
    page = show(WEEKS)
    expect(page.locator(".q-rows tbody")).to_contain_text("Trực tuyến", timeout=WAIT_MS)
    page.get_by_role("button", name="Tiếp nhận").press("Enter")
    column = page.locator(f"{ROWS} td.num:nth-child(3)")
    counts = [int(re.sub(r"\D", "", text)) for text in column.all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert column.first.evaluate("cell => getComputedStyle(cell).textAlign") == "right"


def test_chart_of_days_that_lie_far_apart_has_labels_with_room_and_no_line_between(show: Show) -> None:
    page = show(CITY)
    labels, (xs, values) = page.evaluate(GAPPED)
    # 161 days across some 900 px: a label of ten figures needs ten days at least.
    assert len(labels) >= 4
    assert min(after - before for before, after in pairwise(labels)) >= 10
    assert [x for x, value in zip(xs, values, strict=True) if value is None] == [80]
    assert values.count(5) == 42


@pytest.mark.parametrize("path", [CITY, "questions/wards-by-received"], ids=["lines", "bars"])
def test_chart_is_drawn_with_a_legend_in_words_in_light_dark_and_for_print(show: Show, path: str) -> None:
    page = show(path, CANVAS)
    expect(page.locator(".q-legend li").first).to_have_text("Tiếp nhận", timeout=WAIT_MS)
    expect(page.locator(".q-chart")).to_have_attribute(
        "aria-label", re.compile("^Biểu đồ: "), timeout=WAIT_MS
    )
    light = drawn_in(page, lambda colour: True)
    page.emulate_media(color_scheme="dark")
    drawn_in(page, lambda colour: colour != light)
    # On paper the ground is white, whatever the screen's.
    page.evaluate("document.documentElement.dataset.theme = 'wall'; dispatchEvent(new Event('beforeprint'))")
    drawn_in(page, lambda colour: colour == light)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    drawn_in(page, lambda colour: colour != light)
    expect(page.locator(CANVAS)).to_have_count(1, timeout=WAIT_MS)


def drawn_in(page: Page, wanted: Callable[[str], bool]) -> str:
    """Wait until the chart is drawn in the legend's colour, and it is one that is wanted; returns it."""

    def look() -> str:
        drawn, colour = page.locator(CANVAS).evaluate(INK)
        return str(colour) if drawn > 100 and wanted(colour) else ""

    return eventually(look, timeout=60)


def test_what_cannot_be_asked_is_said_with_what_to_do(show: Show) -> None:
    page = show(f"{CITY}?from=2025-02-30", ".blank-error", may_complain=True)
    expect(page.get_by_role("alert")).to_contain_text("tham số from không dùng được", timeout=WAIT_MS)
    expect(page.locator(".refused")).to_contain_text("bad_value", timeout=WAIT_MS)
    page = show(f"{CITY}?from=2025-02-30&lang=en", ".blank-error", may_complain=True)
    expect(page.get_by_role("alert")).to_contain_text("cannot be used", timeout=WAIT_MS)
    show("questions/no-such-one?lang=en", ".blank-error")


def test_answer_without_rows_says_so(show: Show) -> None:
    page = show(f"{CITY}?to=2020-01-01", ".blank-empty")
    expect(page.locator(".blank-empty")).to_have_text(
        "Không có dòng nào cho các tham số này.", timeout=WAIT_MS
    )
    expect(page.locator(CANVAS)).to_have_count(0, timeout=WAIT_MS)


def test_sql_is_folded_and_copied_and_leads_to_the_dictionary(show: Show) -> None:
    page = show(CITY, permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator(".q-source pre")).to_be_hidden(timeout=WAIT_MS)
    page.locator(".q-source summary").press("Enter")
    page.get_by_role("button", name="Chép SQL").press("Enter")
    copied = "navigator.clipboard.readText()"
    eventually(lambda: page.evaluate(copied).startswith("SELECT day, received"), timeout=60)
    page.get_by_role("link", name="v_city_day").click()
    entry = page.locator("[data-name='v_city_day']")
    expect(entry.locator("tbody tr")).not_to_have_count(0, timeout=WAIT_MS)
    received = entry.locator("tbody tr", has=page.get_by_text("received", exact=True))
    expect(received.locator(".d-from")).to_contain_text("status-changed: data.status", timeout=WAIT_MS)
    entry.get_by_role("link", name=re.compile("^Mỗi ngày toàn thành phố")).click()
    expect(page.locator(ROWS)).not_to_have_count(0, timeout=WAIT_MS)


def test_dictionary_is_searched_by_meaning_without_marks(show: Show) -> None:
    page = show("dictionary", ".d-entry")
    every = page.locator(".d-entry:visible").count()
    page.get_by_role("searchbox").fill("ho so ton theo phuong")
    expect(page.locator(".d-entry:visible")).not_to_have_count(every, timeout=WAIT_MS)
    expect(page.locator("[data-name='v_backlog']")).to_be_visible(timeout=WAIT_MS)
    assert every > 30


@pytest.mark.parametrize("path", ["questions", WEEKS, f"{WEEKS}?lang=en", "dictionary?find=v_city_day"])
def test_page_is_no_wider_than_the_screen_and_axe_finds_nothing(show: Show, path: str) -> None:
    ready = {"questions": ".q-group", WEEKS: CANVAS}.get(path.partition("?")[0], ".d-entry tbody tr")
    page = show(path, ready)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations_anyhow(page) == {}


def test_every_part_is_in_the_language_of_the_reader(show: Show) -> None:
    page = show(f"{WEEKS}?lang=en")
    expect(page.locator("main h2").first).to_have_text(
        "Through which channels do dossiers come, week by week?", timeout=WAIT_MS
    )
    expect(page.locator(".q-rows thead")).to_contain_text("Received", timeout=WAIT_MS)
    expect(page.locator(".q-as-of")).to_contain_text("Figures as of", timeout=WAIT_MS)
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.locator(".q-rows thead")).to_contain_text("Tiếp nhận", timeout=WAIT_MS)
