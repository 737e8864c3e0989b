"""The city view as a person sees and uses it, in a real Chromium on the real server and engine.

One city with a past, alerts and wards in trouble is made once; tests that change figures make their own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from ops.stack.clickhouse import Endpoint
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.gate import Gate

Open = Callable[..., Page]
WARD: Final = "00070"
AXE: Final = Path(__file__).parent / "vendor" / "axe.min.js"
HANOI: Final = timezone(timedelta(hours=7))
ROWS: Final = ".ranking tbody tr"
SILENT, MISSING = "00166", "09877"
# What changes comes within this, however busy the machine is.
SOON_MS: Final = 15_000


class Told(NamedTuple):
    """A city with a day behind it, and its server."""

    city: City
    url: str
    then: int  # a cut of yesterday
    now: int  # the newest cut


@pytest.fixture(scope="module")
def told(clickhouse: Endpoint) -> Iterator[Told]:
    city = City(clickhouse)
    now = datetime.now(UTC)
    today = now.astimezone(HANOI).date()
    yesterday_now = now - timedelta(days=1)
    city.fill((today - timedelta(days=2), today - timedelta(days=3)))
    city.book(WARD, today - timedelta(days=1), arrived=yesterday_now - timedelta(hours=1), received=300)
    then = city.cut(yesterday_now - timedelta(minutes=1), left_out={WARD: "missing"})
    city.book(WARD, today - timedelta(days=1), arrived=yesterday_now + timedelta(hours=2), received=700)
    city.fill((today,), but=(WARD,))
    city.book(WARD, today, received=66_000, online=33_000, early=900, on_time=73, overdue=27)
    city.judge(w00166="bad/silent", w09877="bad/missing", w10015="attention/behind", w09700="waiting/never")
    newest = city.cut(now, left_out={SILENT: "silent", MISSING: "missing"})
    city.alert("a1", since=now - timedelta(minutes=12), ward=SILENT)
    city.alert("a2", since=now - timedelta(hours=3), ended_at=now - timedelta(hours=2), state="ended")
    server = Dashboard(city.reader)
    yield Told(city, server.url, then, newest)
    server.close()
    city.close()


@pytest.fixture
def look(open_url: Open, told: Told) -> Open:
    """Open the told city's page and wait for its figures."""

    def look_(query: str = "", **context: object) -> Page:
        page = open_url(query, url=told.url, **context)
        expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
        expect(page.locator(".areas a[href]")).to_have_count(126, timeout=SOON_MS)
        return page

    return look_


def row(ward: str) -> str:
    return f"{ROWS}[data-key='{ward}']"


def names(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        f"{ROWS}:not([hidden]) .name", "cells => cells.map(cell => cell.innerText)"
    )
    return found


def tile(page: Page, key: str, part: str = ".value") -> str:
    return page.locator(f".tile[data-key={key}] > {part}").inner_text()


def test_header_says_the_cut_and_who_is_left_out(look: Open) -> None:
    page = look()
    expect(page.locator("#as-of")).to_have_text(
        re.compile(r"^Số liệu tính đến \d\d:\d\d:\d\d ngày \d\d/\d\d/\d{4} · 124/126 phường, xã$")
    )
    page.locator("#as-of").click()
    expect(page.locator("#left-out")).to_contain_text("Mất liên lạc · 1")
    expect(page.locator("#left-out")).to_contain_text("Cầu Giấy")
    page.keyboard.press("Escape")
    expect(page.locator("#left-out")).to_be_hidden()


def test_totals_stand_beside_those_of_the_same_time_yesterday(look: Open) -> None:
    page = look()
    expect(page.locator(".heading .note")).to_contain_text("so với cùng giờ hôm qua")
    received = page.locator(".tile[data-key=received]")
    expect(received.locator("> .change")).to_have_attribute("data-way", "up")
    # Yesterday at this time the city knew of 300, not of the 700 that came later.
    total = int(tile(page, "received").replace(".", ""))
    change = int(tile(page, "received", ".change").replace(".", "").lstrip("+"))
    assert total - change == 300
    expect(received.locator("canvas")).to_be_visible(timeout=SOON_MS)
    assert tile(page, "on_time_share").endswith("\u00a0%")


def test_map_has_every_ward_in_colour_shape_and_word(look: Open) -> None:
    page = look()
    area = page.locator(f".areas a[data-ward='{SILENT}']")
    expect(area).to_have_attribute("data-status", "bad")
    expect(area).to_have_attribute("aria-label", "Phường Cầu Giấy: Mất liên lạc")
    expect(page.locator(".legend")).to_contain_text("Có vấn đề · 2")
    marks = page.locator(".marks path[d^='M']")
    assert marks.count() == 4
    area.hover()
    expect(page.locator(".tip")).to_contain_text("Phường Cầu Giấy")
    expect(page.locator(".tip")).to_contain_text("Mất liên lạc")


def test_map_is_coloured_by_a_figure_that_the_address_keeps(look: Open) -> None:
    page = look()
    page.get_by_label("Tô màu theo").select_option("received")
    expect(page.locator(f".areas a[data-ward='{WARD}']")).to_have_attribute("data-step", "4")
    expect(page.locator(".legend .swatch")).to_have_count(5)
    page.get_by_role("button", name="Phóng vào trung tâm").click()
    assert "by=received" in page.url
    assert "zoom=centre" in page.url
    page.reload()
    expect(page.locator(".legend .swatch")).to_have_count(5, timeout=SOON_MS)
    expect(page.locator("svg.wards")).to_have_class(re.compile("near"))


def test_map_is_walked_and_opened_by_keyboard_alone(look: Open) -> None:
    page = look()
    page.locator(f".areas a[data-ward='{WARD}']").focus()
    page.keyboard.press("ArrowUp")
    code = page.evaluate("document.activeElement.dataset.ward")
    assert code not in (None, WARD)
    expect(page.locator(".tip")).to_be_visible()
    # One ward is a stop of the Tab key, not all 126.
    assert page.locator(".areas a[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"view=ward&ward={code}"))


def test_ranking_is_sorted_and_filtered_by_keyboard_alone(look: Open) -> None:
    page = look()
    page.get_by_label("Tìm tên hoặc mã").focus()
    page.keyboard.type("ba dinh")
    expect(page.locator(f"{ROWS}:not([hidden])")).to_have_count(1)
    assert names(page) == ["Ba Đình"]
    page.get_by_label("Tìm tên hoặc mã").fill("")
    page.locator(".ranking thead button[data-key=received]").focus()
    page.keyboard.press("Enter")
    assert names(page)[0] == "Hoàn Kiếm"
    assert "sort=-received" in page.url
    page.keyboard.press("Enter")
    assert names(page)[-1] == "Hoàn Kiếm"
    page.get_by_label("Tìm tên hoặc mã").fill("không có")
    expect(page.locator(".ranking .blank")).to_have_text("Không có dòng nào khớp với bộ lọc.")


def test_ranking_has_best_and_worst_by_a_minimum_count(look: Open) -> None:
    page = look()
    page.get_by_role("button", name="Kém nhất").click()
    shares = page.eval_on_selector_all(
        f"{ROWS}:not([hidden]) td.share", "cells => cells.map(cell => cell.innerText)"
    )
    values = [float(text.replace(",", ".").rstrip("\u00a0%")) for text in shares]
    assert values == sorted(values)
    page.get_by_label("Số hồ sơ đã xong tối thiểu để được xếp hạng").select_option("100")
    # Only Hoàn Kiếm has finished a thousand; some of the others a hundred.
    expect(page.locator(f"{ROWS}:not([hidden])")).not_to_have_count(126)
    assert "min=100" in page.url


def test_status_chip_filters_the_ranking(look: Open) -> None:
    page = look()
    chip = page.get_by_role("button", name="Có vấn đề 2")
    chip.click()
    assert names(page) == ["An Khánh", "Cầu Giấy"]
    chip.click()
    assert len(names(page)) == 126


def test_alerts_say_what_where_and_what_to_do(look: Open) -> None:
    page = look()
    expect(page.locator(".alerts .chip .word")).to_have_text("1 đang mở")
    first = page.locator(".alert").first
    expect(first).to_contain_text("Phường, xã mất liên lạc")
    first.locator("summary").click()
    expect(first).to_contain_text("Gọi cho phường, xã; kiểm tra đường truyền.")
    expect(page.locator(".alert.ended")).to_have_count(1)
    assert "view=ward&ward=00166" in (first.locator("a").get_attribute("href") or "").replace("&amp;", "&")


def test_language_is_switched_in_place_and_kept_in_the_address(look: Open) -> None:
    page = look()
    page.get_by_role("link", name="English").click()
    expect(page.locator(".tile[data-key=overdue] h3")).to_have_text("Overdue")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert "lang=en" in page.url
    assert "." in tile(page, "on_time_share")
    page.reload()
    expect(page.locator("#as-of")).to_have_text(re.compile("^Figures as of"), timeout=SOON_MS)
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.locator(".tile[data-key=overdue] h3")).to_have_text("Quá hạn")
    assert "lang" not in page.url


def test_wall_mode_is_dark_and_fills_the_screen_without_scrolling(look: Open) -> None:
    page = look("?theme=wall", viewport={"width": 1920, "height": 1080})
    red, green, blue = re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert int(red) + int(green) + int(blue) < 120
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    page.get_by_role("link", name="Nền sáng").click()
    assert "theme=light" in page.url


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (1920, 1080)])
def test_nothing_is_wider_than_the_screen(look: Open, width: int, height: int) -> None:
    page = look("?lang=en", viewport={"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(page.url.replace("lang=en", "lang=vi"))
    expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_is_light_and_painted_early(look: Open) -> None:
    page = look()
    expect(page.locator(".tile canvas")).to_have_count(7, timeout=SOON_MS)
    transferred = page.evaluate(
        "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
        ".reduce((sum, each) => sum + each.transferSize, 0)"
    )
    assert 20_000 < transferred < 300_000
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    # The bound of 1 s is for a machine that is not busy with other tests; the benchmark holds it.
    assert paint < 3000


def test_time_travel_by_slider_shows_and_keeps_the_past(look: Open, told: Told) -> None:
    page = look()
    expect(page.locator("#time")).to_be_visible(timeout=SOON_MS)
    day = datetime.now(UTC).astimezone(HANOI).date() - timedelta(days=1)
    page.get_by_label("Ngày của mốc").select_option(day.isoformat())
    expect(page.locator("#notice")).to_contain_text("Đang xem lại quá khứ", timeout=SOON_MS)
    assert f"cut={told.then}" in page.url
    expect(page.locator(".tile[data-key=received] .value")).to_have_text("300")
    expect(page.locator("body")).to_have_attribute("data-state", "past")
    expect(page.locator(row(WARD))).to_contain_text("Thiếu sự kiện")
    page.reload()
    expect(page.locator(".tile[data-key=received] .value")).to_have_text("300", timeout=SOON_MS)
    page.get_by_role("button", name="Về trực tiếp").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=SOON_MS)
    expect(page.locator(".tile[data-key=received] .value")).not_to_have_text("300")
    assert "cut" not in page.url


def test_replay_goes_through_the_days_cuts_and_can_be_stopped(look: Open, told: Told) -> None:
    page = look()
    expect(page.locator("#time")).to_be_visible(timeout=SOON_MS)
    play = page.locator(".time-play")
    play.click()
    expect(page).to_have_url(re.compile(rf"cut={told.now}"), timeout=SOON_MS)
    expect(page.locator("body")).to_have_attribute("data-state", "past", timeout=SOON_MS)
    expect(play).to_contain_text("Phát lại", timeout=SOON_MS)


def test_no_such_cut_is_said(open_url: Open, told: Told) -> None:
    page = open_url("?cut=17", url=told.url, may_complain=True)
    expect(page.locator("#notice")).to_contain_text("Chưa có mốc đồng bộ này", timeout=SOON_MS)


@pytest.mark.parametrize("query", ["", "?lang=en&theme=wall", "?by=backlog"])
def test_axe_finds_no_violation(look: Open, query: str) -> None:
    page = look(query)
    # Evaluated by the debugger, not put into the page: the page's policy forbids foreign script.
    page.evaluate(AXE.read_text(encoding="utf-8") + "\n;0")
    found = page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>"
        " `${id}: ${nodes.map((node) => node.target).slice(0, 3).join(' | ')}`))"
    )
    assert found == []


def test_change_appears_by_itself_and_disturbs_nothing(city: City, open_page: Open) -> None:
    city.fill()
    page = open_page(viewport={"width": 1280, "height": 800})
    expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
    page.locator(".ranking thead button[data-key=received]").click()
    page.locator(".ranking .scroll").evaluate("region => { region.scrollTop = 700; window.mark = 'same'; }")
    page.get_by_label("Tìm tên hoặc mã").focus()
    started = time.monotonic()
    city.book(WARD, received=12_345)
    expect(page.locator(row(WARD))).to_contain_text("12.345", timeout=SOON_MS)
    # Generous for a busy machine; `./dev bench page` holds 1.5 s.
    assert time.monotonic() - started < 6.0
    assert names(page)[0] == "Hoàn Kiếm"
    assert page.evaluate("window.mark") == "same"
    assert page.evaluate("document.activeElement.type") == "search"


def test_stopped_server_is_said_greyed_and_recovers(
    city: City, dashboard: Dashboard, open_page: Open
) -> None:
    city.fill()
    page = open_page(may_complain=True)
    expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
    dashboard.stop()
    expect(page.locator("#notice")).to_contain_text("Mất kết nối với máy chủ", timeout=SOON_MS)
    expect(page.locator("#notice")).to_contain_text("Số liệu bên dưới là của lần đọc lúc")
    expect(page.locator(".tiles")).to_have_css("filter", "grayscale(1)")
    expect(page.locator("#live .word")).to_have_text(re.compile("^Số liệu cũ"))
    city.book(WARD, received=777)
    dashboard.start()
    expect(page.locator("#notice")).to_be_hidden(timeout=2 * SOON_MS)
    expect(page.locator(row(WARD))).to_contain_text("777", timeout=SOON_MS)
    expect(page.locator(".tiles")).to_have_css("filter", "none")


def test_absent_clickhouse_is_said_and_recovers(city: City, open_page: Open) -> None:
    city.fill()
    with Gate(city.reader.port) as gate:
        behind_gate = Dashboard(replace(city.reader, port=gate.port))
        page = open_page(url=behind_gate.url, may_complain=True)
        expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
        gate.close()
        expect(page.locator("#notice")).to_contain_text("Chưa đọc được ClickHouse", timeout=2 * SOON_MS)
        expect(page.locator(row(WARD))).to_contain_text("Hoàn Kiếm")
        gate.open()
        expect(page.locator("#notice")).to_be_hidden(timeout=2 * SOON_MS)
        behind_gate.close()


def test_empty_city_says_what_will_happen_and_then_fills(city: City, open_page: Open) -> None:
    page = open_page("?day=<script>")
    expect(page.locator("#notice")).to_contain_text("Chưa có số liệu", timeout=SOON_MS)
    expect(page.locator("#as-of")).to_have_text("Chưa có mốc đồng bộ")
    expect(page.locator(ROWS)).to_have_count(126)
    city.fill()
    expect(page.locator("#notice")).to_be_hidden(timeout=SOON_MS)
    expect(page.locator(".tile[data-key=received] .value")).not_to_have_text("—")


def test_changed_figures_glow_unless_the_reader_wants_no_motion(city: City, open_page: Open) -> None:
    city.fill()
    pages = [open_page(), open_page(reduced_motion="reduce")]
    for page in pages:
        expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
        page.evaluate(
            "() => { window.glows = 0; const animate = Element.prototype.animate;"
            "Element.prototype.animate = function (...a) { window.glows++; return animate.apply(this, a); } }"
        )
    city.book(WARD, received=999)
    for page in pages:
        expect(page.locator(row(WARD))).to_contain_text("999", timeout=SOON_MS)
    assert pages[0].evaluate("window.glows") > 0
    assert pages[1].evaluate("window.glows") == 0
