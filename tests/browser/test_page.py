"""What a person sees and does, in a real Chromium on the real server and engine; nothing is stubbed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.city import MONDAY, City
from tests.browser.dashboard import Dashboard
from tests.browser.gate import Gate

Open = Callable[..., Page]
WARD = "00070"
NOTICE = "#notice"
ROWS = "#rows tr"


def cell(page: Page, ward: str, column: int) -> str:
    """CSS of a ward's cell; columns count from 1."""
    return f"#rows tr[data-ward='{ward}'] > :nth-child({column})"


def names(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        f"{ROWS}:not([hidden]) .name", "cells => cells.map(cell => cell.innerText)"
    )
    return found


def test_page_shows_126_wards_and_the_city_in_vietnamese(city: City, open_page: Open) -> None:
    city.book(WARD, received=66_000, online=33_000, early=900, on_time=73, overdue=27)
    city.fill(but=(WARD,))
    city.sync(WARD)
    page = open_page()
    expect(page.locator(ROWS)).to_have_count(126)
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page.locator(cell(page, WARD, 2))).to_have_text("Hoàn Kiếm")
    expect(page.locator(cell(page, WARD, 5))).to_have_text("66.000")
    expect(page.locator(cell(page, WARD, 7))).to_have_text("97,3\u00a0%")
    expect(page.locator("#as-of")).to_have_text(
        re.compile(r"Số liệu tính đến \d\d:\d\d:\d\d ngày \d\d/\d\d/\d{4} · 126/126 phường, xã")
    )
    expect(page.locator(".tile.received h3")).to_have_text("Được tiếp nhận")
    expect(page.locator("#live .word")).to_have_text(re.compile("^Trực tiếp"))
    expect(page.locator(NOTICE)).to_be_hidden()


def test_change_appears_within_two_seconds_and_disturbs_nothing(city: City, open_page: Open) -> None:
    city.fill()
    page = open_page()
    expect(page.locator(ROWS)).to_have_count(126)
    page.locator("thead button[data-key=received]").click()
    expect(page.locator("thead th.num").first).to_have_attribute("aria-sort", "descending")
    page.locator("#wards").evaluate("region => { region.scrollTop = 700; window.mark = 'same page'; }")
    page.locator("#filter").focus()
    # The first update after opening may take longer: the stream falls into step with the poller.
    page.wait_for_timeout(2500)
    started = time.monotonic()
    city.book(WARD, received=12_345)
    expect(page.locator(cell(page, WARD, 5))).to_have_text("12.345", timeout=5000)
    assert time.monotonic() - started < 2.0
    assert names(page)[0] == "Hoàn Kiếm"
    assert page.evaluate("window.mark") == "same page"
    assert page.evaluate("document.activeElement.id") == "filter"
    # The browser may hold what is seen in place when a row moves above it: one row's height.
    assert abs(page.locator("#wards").evaluate("region => region.scrollTop") - 700) < 60


def test_language_is_switched_in_place_and_kept_in_the_address(city: City, open_page: Open) -> None:
    city.fill()
    page = open_page()
    expect(page.locator(ROWS)).to_have_count(126)
    page.get_by_role("link", name="English").click()
    expect(page.locator("h2").first).to_have_text("Whole city")
    expect(page.locator(".tile.overdue h3")).to_have_text("Overdue")
    assert page.url.endswith("?lang=en")
    page.reload()
    expect(page.locator("#as-of")).to_have_text(re.compile("^Figures as of"))
    expect(page.locator(cell(page, WARD, 4))).to_have_text("Complete")
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.locator("h2").first).to_have_text("Toàn thành phố")
    assert "lang" not in page.url


def test_stopped_server_is_said_greyed_and_recovers(
    city: City, dashboard: Dashboard, open_page: Open
) -> None:
    city.fill()
    page = open_page(may_complain=True)
    expect(page.locator(ROWS)).to_have_count(126)
    dashboard.stop()
    expect(page.locator(NOTICE)).to_contain_text("Mất kết nối với máy chủ", timeout=10_000)
    expect(page.locator(NOTICE)).to_contain_text("Số liệu bên dưới là của lần đọc lúc")
    expect(page.locator("table")).to_have_css("filter", "grayscale(1)")
    expect(page.locator("#live .word")).to_have_text(re.compile("^Số liệu cũ"))
    city.book(WARD, received=777)
    dashboard.start()
    expect(page.locator(NOTICE)).to_be_hidden(timeout=15_000)
    expect(page.locator(cell(page, WARD, 5))).to_have_text("777")
    expect(page.locator("table")).to_have_css("filter", "none")


def test_absent_clickhouse_is_said_and_recovers(city: City, open_page: Open) -> None:
    city.fill()
    with Gate(city.reader.port) as gate:
        behind_gate = Dashboard(replace(city.reader, port=gate.port))
        page = open_page(url=behind_gate.url, may_complain=True)
        expect(page.locator(ROWS)).to_have_count(126)
        gate.close()
        expect(page.locator(NOTICE)).to_contain_text("Chưa đọc được ClickHouse", timeout=10_000)
        expect(page.locator(cell(page, WARD, 2))).to_have_text("Hoàn Kiếm")
        gate.open()
        expect(page.locator(NOTICE)).to_be_hidden(timeout=15_000)
        behind_gate.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1366, 768), (1920, 1080)])
def test_nothing_is_wider_than_the_screen(city: City, open_page: Open, width: int, height: int) -> None:
    city.fill()
    for query in ("", "?lang=en"):
        page = open_page(query, viewport={"width": width, "height": height})
        expect(page.locator(ROWS)).to_have_count(126)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_head_and_names_stay_while_the_table_scrolls(city: City, open_page: Open) -> None:
    city.fill()
    page = open_page(viewport={"width": 390, "height": 844})
    expect(page.locator(ROWS)).to_have_count(126)
    page.locator("#wards").evaluate("region => region.scrollTo(300, 1500)")
    region, head = page.locator("#wards").bounding_box(), page.locator("thead th.name").bounding_box()
    assert region is not None
    assert head is not None
    assert abs(head["y"] - region["y"]) < 2
    assert abs(head["x"] - region["x"]) < 2


def test_table_is_sorted_and_filtered_by_keyboard_alone(city: City, open_page: Open) -> None:
    city.fill()
    page = open_page()
    expect(page.locator(ROWS)).to_have_count(126)
    page.locator("#filter").focus()
    page.keyboard.type("ba dinh")
    expect(page.locator(f"{ROWS}:not([hidden])")).to_have_count(1)
    assert names(page) == ["Ba Đình"]
    expect(page.locator("#count")).to_have_text("1 phường, xã")
    page.locator("#filter").fill("")
    expect(page.locator("#count")).to_have_text("126 phường, xã")
    page.locator("thead button[data-key=code]").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("thead th.name")).to_have_attribute("aria-sort", "ascending")
    assert names(page)[0] == "An Khánh"
    page.keyboard.press("Enter")
    expect(page.locator("thead th.name")).to_have_attribute("aria-sort", "descending")
    assert page.url.endswith("sort=-name")
    page.locator("#filter").fill("không có")
    expect(page.locator("#blank")).to_have_text("Không có phường, xã nào khớp với bộ lọc.")


def test_status_has_a_word_and_filters(city: City, open_page: Open) -> None:
    city.fill(but=("00082",))
    city.sync(WARD, last=50, missing=3)
    page = open_page()
    expect(page.locator(cell(page, WARD, 4))).to_have_text("Thiếu dữ liệu")
    expect(page.locator(cell(page, WARD, 11))).to_have_text("liền 46, thiếu 3")
    expect(page.locator("#as-of")).to_contain_text("125/126")
    chip = page.get_by_role("button", name="Thiếu dữ liệu 1")
    chip.click()
    assert names(page) == ["Hoàn Kiếm"]
    chip.click()
    assert len(names(page)) == 126


def test_day_is_chosen_and_kept_in_the_address(city: City, open_page: Open) -> None:
    friday = MONDAY - timedelta(days=3)
    city.fill((MONDAY, friday))
    city.book(WARD, friday, received=4321)
    page = open_page()
    expect(page.locator("#day")).to_have_value("")
    page.get_by_role("button", name="Ngày có số liệu liền trước").click()
    expect(page.locator(cell(page, WARD, 5))).to_have_text("4.321")
    assert page.url.endswith(f"?day={friday}")
    page.reload()
    expect(page.locator(cell(page, WARD, 5))).to_have_text("4.321")
    expect(page.locator("#day-before")).to_be_disabled()
    page.locator("#day").select_option("")
    expect(page.locator(cell(page, WARD, 5))).not_to_have_text("4.321")
    assert "day" not in page.url


def test_day_without_figures_and_nonsense_are_explained(city: City, open_page: Open) -> None:
    city.fill()
    page = open_page("?day=2025-07-20")
    expect(page.locator(NOTICE)).to_contain_text("Ngày 20/07/2025 chưa có số liệu")
    page = open_page("?day=<script>")
    expect(page.locator("#day")).to_have_value("")
    expect(page.locator(ROWS)).to_have_count(126)


def test_empty_city_says_what_will_happen_and_then_fills(city: City, open_page: Open) -> None:
    page = open_page()
    expect(page.locator(NOTICE)).to_contain_text("Chưa có số liệu")
    expect(page.locator(ROWS)).to_have_count(126)
    city.fill()
    expect(page.locator(NOTICE)).to_be_hidden(timeout=5000)
    expect(page.locator(".tile.received .value")).not_to_have_text("—")


def test_changed_cells_glow_unless_the_reader_wants_no_motion(city: City, open_page: Open) -> None:
    city.fill()
    moving = open_page()
    calm = open_page(reduced_motion="reduce")
    for page in (moving, calm):
        expect(page.locator(ROWS)).to_have_count(126)
        page.evaluate(
            "() => { window.glows = 0; const animate = Element.prototype.animate;"
            "Element.prototype.animate = function (...a) { window.glows++; return animate.apply(this, a); } }"
        )
    city.book(WARD, received=999)
    for page in (moving, calm):
        expect(page.locator(cell(page, WARD, 5))).to_have_text("999")
    assert moving.evaluate("window.glows") > 0
    assert calm.evaluate("window.glows") == 0
