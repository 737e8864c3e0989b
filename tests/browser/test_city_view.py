"""The city view as a person sees and uses it, in a real Chromium on the real server and engine.

One city with a past, alerts and wards in trouble is made once; tests that change figures make their own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations_anyhow
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.gate import Gate
from tests.browser.told import REPLAY_MS, ROWS, SILENT, SOON_MS, WARD, Told, row

Open = Callable[..., Page]


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
    # As people here write it: a dot between thousands, a comma before decimals.
    assert re.fullmatch(r"6[6-9]\.\d{3}|[7-9]\d\.\d{3}", tile(page, "received"))
    assert re.fullmatch(r"\d{1,2}(,\d)?\u00a0%", tile(page, "on_time_share"))
    expect(page.locator(row(WARD)).locator("td.num").first).to_have_text("66.000")
    # 900 early and 73 on the day, of 1.000.
    expect(page.locator(row(WARD)).locator("td.share").first).to_have_text("97,3\u00a0%")
    expect(received.locator("canvas")).to_be_visible(timeout=SOON_MS)
    assert tile(page, "on_time_share").endswith("\u00a0%")


# What of a text does not fit into its box or its tile.
CUT_OFF: Final = """
cells => cells.filter((cell) => {
  const tile = cell.closest(".tile").getBoundingClientRect();
  const box = cell.getBoundingClientRect();
  return cell.scrollWidth > Math.ceil(box.width) || box.right > tile.right || box.left < tile.left;
}).map((cell) => cell.textContent)
"""


@pytest.mark.parametrize("query", ["", "?lang=en"])
def test_changes_of_week_and_start_are_seen_at_every_width(look: Open, query: str) -> None:
    page = look(query)
    for width in (390, 619, 760, 1100, 1280, 1699, 1700, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        changes = page.locator(".tile dd .change").all()
        assert len(changes) == 12
        # On a Monday the week has no share of yesterday to compare with.
        assert all(change.is_visible() for change in changes if change.inner_text()), width
        told = page.locator(".tile:not([data-key$=share]) dd .change, .tile dd:last-child .change").all()
        assert all(change.inner_text() for change in told)
        assert page.eval_on_selector_all(".tile :is(dd, dt, .value, :not(.hidden).change)", CUT_OFF) == [], (
            width
        )


def test_growth_of_a_cumulative_count_is_neither_good_nor_bad(look: Open) -> None:
    page = look()
    # A day's figure may be more or less than yesterday's; a week's count can only have grown.
    expect(page.locator(".tile[data-key=overdue] > .change")).to_have_attribute("data-good", "no")
    for key in ("received", "resolved", "overdue"):
        for change in page.locator(f".tile[data-key={key}] dd .change").all():
            assert change.inner_text().startswith("+")
            expect(change).to_have_attribute("data-good", "")
    # A share of them can fall.
    share = page.locator(".tile[data-key=on_time_share] dd .change").last
    expect(share).to_have_attribute("data-good", re.compile("yes|no"))


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
    shown = page.locator(f"{ROWS}:not([hidden]) .name")
    expect(shown).to_have_count(126)
    page.locator(".ranking thead button[data-key=received]").focus()
    page.keyboard.press("Enter")
    expect(shown.first).to_have_text("Hoàn Kiếm")
    assert "sort=-received" in page.url
    page.keyboard.press("Enter")
    expect(shown.last).to_have_text("Hoàn Kiếm")
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


def test_ranking_and_alerts_are_taken_away_in_both_forms(look: Open) -> None:
    page = look()
    for panel in (".ranking", ".alerts"):
        assert page.locator(f"{panel} .download").all_inner_texts() == ["CSV", "XLSX"]


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


# Of each row: its status, its share on time, and whether it is wholly seen without scrolling.
STANDS: Final = """
rows => rows.map((row) => [
  row.querySelector("td.status").dataset.status,
  parseFloat(row.querySelector("td.share").innerText.replace(",", ".")),
  row.getBoundingClientRect().bottom <= row.closest(".scroll").getBoundingClientRect().bottom + 1,
])
"""


def test_wall_shows_the_wards_that_matter_and_nothing_that_needs_a_hand(look: Open, told: Told) -> None:
    page = look("?theme=wall", viewport={"width": 1920, "height": 1080})
    for handled in ("input[type=search]", ".downloads", "#time", ".segments", ".zooms", ".days"):
        assert page.locator(handled).count() > 0
        assert not any(each.is_visible() for each in page.locator(handled).all())
    stands = page.eval_on_selector_all(ROWS, STANDS)
    seen = [stand for *stand, whole in stands if whole]
    worst = ["bad", "attention", "waiting", "good"]
    every = sorted((stand for *stand, _ in stands), key=lambda stand: (worst.index(stand[0]), stand[1]))
    assert len(seen) >= 20
    assert [status for status, _ in seen[:5]] == ["bad", "bad", "attention", "waiting", "good"]
    assert seen == every[: len(seen)]
    # A past cut that was sent to a wall can be left again.
    page.goto(f"{told.url}/?theme=wall&cut={told.then}")
    page.get_by_role("button", name="Về trực tiếp").click(timeout=REPLAY_MS)
    expect(page.locator("#time")).to_be_hidden(timeout=REPLAY_MS)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (1920, 1080)])
def test_nothing_is_wider_than_the_screen(look: Open, width: int, height: int) -> None:
    page = look("?lang=en", viewport={"width": width, "height": height})
    for language in ("en", "vi"):
        page.goto(re.sub("lang=..", f"lang={language}", page.url))
        expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # On a desk no column is beyond the edge; on a phone the list scrolls, its names stay in sight.
        cut_off = page.eval_on_selector(".ranking .scroll", "list => list.scrollWidth - list.clientWidth")
        assert cut_off <= 0 or width < 1000, language


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
    # A new alert comes by itself too, and is read out; then it ends.
    expect(page.locator(".alert")).to_have_count(0)
    since = datetime.now(UTC)
    city.alert("a1", since=since)
    expect(page.locator(".alert")).to_contain_text("Phường, xã mất liên lạc", timeout=SOON_MS)
    expect(page.locator(".alerts [aria-live=polite]")).to_contain_text("Không có tin nào từ phường, xã này")
    city.alert("a1", since=since, ended_at=datetime.now(UTC), state="ended")
    expect(page.locator(".alert.ended")).to_have_count(1, timeout=SOON_MS)
    assert page.evaluate("document.activeElement.type") == "search"


def test_stopped_server_is_said_greyed_and_recovers(
    city: City, dashboard: Dashboard, open_page: Open
) -> None:
    city.fill()
    city.judge(w00166="bad/silent", w10015="attention/behind", w09700="waiting/never")
    page = open_page(may_complain=True)
    expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
    # A screen reader announces what comes into a region that it knows: there before, empty, and not hidden.
    region = page.get_by_role("status").and_(page.locator("#notice"))
    expect(region).to_have_count(1)
    expect(region).to_be_empty()
    dashboard.stop()
    expect(page.locator("#notice")).to_contain_text("Mất kết nối với máy chủ", timeout=SOON_MS)
    expect(page.locator("#notice")).to_contain_text("Số liệu bên dưới là của lần đọc lúc")
    expect(page.locator(".tiles")).to_have_css("filter", "grayscale(1)")
    expect(page.locator("#live .word")).to_have_text(re.compile("^Số liệu cũ"))
    assert violations_anyhow(page) == {}
    city.book(WARD, received=777)
    dashboard.start()
    expect(page.locator("#notice")).to_be_hidden(timeout=2 * SOON_MS)
    expect(page.locator(row(WARD))).to_contain_text("777", timeout=SOON_MS)
    expect(page.locator(".tiles")).to_have_css("filter", "none")


@contextmanager
def behind_gate(city: City, open_page: Open) -> Iterator[tuple[Gate, Page]]:
    """A page with its figures, whose server reads ClickHouse through a gate."""
    with (
        Gate(city.reader.port) as gate,
        closing(Dashboard(replace(city.reader, port=gate.port))) as server,
    ):
        page = open_page(url=server.url, may_complain=True)
        expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
        expect(page.locator(".tile[data-key=received] > .value")).not_to_have_text("—", timeout=SOON_MS)
        yield gate, page


def test_absent_clickhouse_is_said_and_recovers(city: City, open_page: Open) -> None:
    city.fill()
    with behind_gate(city, open_page) as (gate, page):
        gate.close()
        expect(page.locator("#notice")).to_contain_text("Chưa đọc được ClickHouse", timeout=2 * SOON_MS)
        expect(page.locator(row(WARD))).to_contain_text("Hoàn Kiếm")
        gate.open()
        expect(page.locator("#notice")).to_be_hidden(timeout=2 * SOON_MS)


def test_part_that_cannot_be_read_says_so_and_the_others_stand(city: City, open_page: Open) -> None:
    city.fill()
    # As after an upgrade that failed halfway; the database is dropped afterwards.
    city.store.command("DROP VIEW v_quality_city")
    page = open_page()
    expect(page.locator(ROWS)).to_have_count(126, timeout=SOON_MS)
    told = page.locator(".quality .blank")
    expect(told).to_have_text("Chưa đọc được phần này; trang sẽ tự thử lại.", timeout=SOON_MS)
    expect(page.locator(".tile[data-key=received] .value")).not_to_have_text("—")
    expect(page.locator("body")).to_have_attribute("data-state", "live")


def test_parts_of_a_ward_say_that_they_are_loading_while_clickhouse_hangs(
    city: City, open_page: Open
) -> None:
    city.fill()
    with behind_gate(city, open_page) as (gate, page):
        gate.freeze()
        page.locator(f"{row(WARD)} a").click()
        loading = page.locator(".view-ward .panel-body > .blank-loading")
        expect(loading).to_have_count(14, timeout=SOON_MS)
        expect(loading.first).to_have_text("Đang tải…")
        gate.thaw()
        expect(loading).to_have_count(0, timeout=2 * SOON_MS)


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
