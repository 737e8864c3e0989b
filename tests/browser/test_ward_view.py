"""The ward's page in a real Chromium: what stands there, what it leads to, how it prints."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.stack.clickhouse import Endpoint
from producers.contract.vocabulary import FIELD_WORDS
from producers.contract.wards import WARDS
from tests.browser.axe import violations_anyhow
from tests.browser.city import City
from tests.browser.conftest import Watcher
from tests.browser.dashboard import Dashboard
from tests.browser.story import WARD, Story, insert_dicts
from tests.builders import status

Show = Callable[..., Page]
LINK: Final = f"?view=ward&ward={WARD}"
# The machine that runs the tests may be busy: waits are long, and end as soon as they can.
WAIT_MS: Final = 60_000
# A4 at 96 dots an inch, less the margins of 9 mm that the stylesheet asks for.
PAPER: Final = {"width": 726, "height": 1054}
# Every table and list as long as can be: its own lines again and again; in place of nothing, another's table.
# Every field has the longest name of them all, whichever dossiers happen to be late.
FILL: Final = """(field) => {
  const model = document.querySelector("[data-table='ward-control'] .panel-body").firstElementChild;
  for (const body of document.querySelectorAll("[data-table] .panel-body")) {
    if (!body.querySelector("tbody tr, .strip, ol")) body.replaceChildren(model.cloneNode(true));
  }
  for (const list of document.querySelectorAll("[data-table] :is(tbody, ol)")) {
    const lines = [...list.children];
    for (let i = 0; i < 40; i++) list.append(lines[i % lines.length].cloneNode(true));
  }
  const named = ":is([data-table='ward-fields'], [data-table='ward-processing']) tr > td:first-child";
  for (const cell of document.querySelectorAll(`td.field, ${named}`)) cell.textContent = field;
}"""
LONGEST_FIELD: Final = max((words.vi for words in FIELD_WORDS.values()), key=len)
TABLES: Final = (
    "ward-alerts", "ward-channels", "ward-control", "ward-corrections", "ward-days", "ward-difficulties",
    "ward-fields", "ward-history", "ward-holes", "ward-overdue", "ward-processing", "ward-pulse",
    "ward-statuses",
)  # fmt: skip


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture(scope="module")
def story(city: City) -> Story:
    made = Story(city.store)
    made.tell((WARD,), dossiers=300)
    city.alert("a1", since=made.at - timedelta(minutes=12), ward=WARD)
    late = status(1, at=made.at - timedelta(days=3), ward=WARD, epoch="late")
    made.put([late], offset=1_000_000, delay_ms=int(timedelta(days=3).total_seconds() * 1000) - 60_000)
    return made


@pytest.fixture(scope="module")
def server(city: City, story: Story) -> Iterator[Dashboard]:
    made = Dashboard(city.reader)
    yield made
    made.close()


@pytest.fixture
def show(browser: Browser, server: Dashboard) -> Iterator[Show]:
    """Open a link and wait for its figures; nothing is asked elsewhere, nothing complained of."""
    opened: list[tuple[Page, Watcher]] = []

    def show_(query: str = LINK, **context: Any) -> Page:
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(WAIT_MS)
        opened.append((page, Watcher(page)))
        page.goto(f"{server.url}/{query}")
        whole(page)
        return page

    yield show_
    for page, watcher in opened:
        page.context.close()
        assert [each for each in watcher.requests if not each.startswith(f"{server.url}/")] == []
        assert watcher.errors == []


def whole(page: Page) -> None:
    """Wait until every part has come, and none is still being read."""
    filled = page.locator("[data-table]:has(:is(table, .strip, ol, .blank)):not(:has(.blank-loading))")
    expect(filled).to_have_count(len(TABLES), timeout=WAIT_MS)
    expect(page.locator(".ward-tile .value").first).not_to_have_text("—", timeout=WAIT_MS)


def panel(page: Page, name: str) -> Any:
    """The panel of a table."""
    return page.locator(f"[data-table='{name}']")


def rows(page: Page, name: str) -> list[list[str]]:
    """The texts of a table's cells."""
    found: list[list[str]] = (
        panel(page, name)
        .locator("tbody tr")
        .evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))")
    )
    return found


def test_ward_is_shown_whole_in_vietnamese_and_english(show: Show, city: City, story: Story) -> None:
    page = show()
    expect(page.locator(".ward-heading h2")).to_have_text(f"Phường Hoàn Kiếm · {WARD}")
    expect(page.locator(".ward-name .chip")).to_have_text("Có vấn đề")
    expect(page.locator(".ward-name .reason")).to_have_text("Thiếu 3 sự kiện từ lâu")
    shown = {name: panel(page, name).locator("h2").inner_text() for name in TABLES}
    assert all(shown.values())
    day = f"{story.last_day:%d/%m/%Y}"
    received = city.store.value("SELECT received FROM v_ward_day ORDER BY day DESC LIMIT 1")
    assert rows(page, "ward-days")[0][:2] == [day, str(received)]
    expect(page.locator(".ward-tile[data-key='received'] .value")).to_have_text(str(received))
    assert rows(page, "ward-holes")[0][:3] == ["3.991", "3.993", "3"]
    assert rows(page, "ward-alerts")[0][:2] == ["Nghiêm trọng", "Phường, xã mất liên lạc"]
    assert rows(page, "ward-corrections")[0][2:4] == ["Đến muộn", "Được tiếp nhận"]
    assert rows(page, "ward-control")[0][:2] == [day, "Khớp"]
    assert [row[0] for row in rows(page, "ward-statuses")][:2] == ["Mới đăng ký", "Được tiếp nhận"]
    assert [row[0] for row in rows(page, "ward-difficulties")] == [f"VM-{WARD}-00{n}" for n in (1, 3, 2)]
    assert all(re.fullmatch(rf"H26\.{WARD}-\d{{6}}-\d{{4}}", row[0]) for row in rows(page, "ward-overdue"))
    expect(panel(page, "ward-history").locator("li")).to_have_count(4)
    expect(panel(page, "ward-pulse").locator(".legend")).to_contain_text(
        re.compile("Mất liên lạc: 1(,3)? giờ")
    )
    expect(panel(page, "ward-pulse").locator("svg")).to_have_attribute(
        "aria-label", re.compile("Mất liên lạc")
    )
    page.get_by_role("link", name="English").click()
    expect(page.locator(".ward-name .reason")).to_have_text("3 events have been missing for long")
    expect(panel(page, "ward-pulse").locator(".legend")).to_contain_text(re.compile(r"Silent: 1(\.3)? h"))
    assert "lang=en" in page.url


def test_every_table_is_taken_away_in_both_forms(show: Show) -> None:
    page = show()
    for name in TABLES:
        assert panel(page, name).locator(".download").all_inner_texts() == ["CSV", "XLSX"], name


def test_fields_and_channels_are_those_of_the_view(show: Show, city: City) -> None:
    page = show()
    # The story is shorter than the period of these tables.
    sql = """
    SELECT {0}, sumIf(count, status = 2) AS n FROM v_ward_day_detail GROUP BY {0} HAVING n > 0 ORDER BY n DESC
    """
    for column, name in (("field", "ward-fields"), ("channel", "ward-channels")):
        counted = [n for _, n in city.store.query(sql.format(column)).rows]
        shown = sorted((int(row[2].replace(".", "")) for row in rows(page, name)), reverse=True)
        assert [n for n in shown if n] == counted, name


def test_processing_times_are_those_of_the_view(show: Show, city: City) -> None:
    page = show()
    median, p90 = city.store.query(
        "SELECT median_minutes, p90_days FROM v_ward_processing WHERE field = '' AND days = 30"
    ).rows[0]
    first = rows(page, "ward-processing")[0]
    assert first[0] == "Mọi lĩnh vực"
    assert first[2] == f"{round(median / 60, 1):g} giờ".replace(".", ",")
    assert first[3] == f"{round(p90, 1):g} ngày".replace(".", ",")


def test_neighbours_and_next_ward_are_links_that_keep_the_language(show: Show) -> None:
    page = show(f"{LINK}&lang=en")
    beside = page.locator(".beside a").all_inner_texts()
    assert beside == ["Ba Đình", "Cửa Nam", "Hồng Hà"]
    codes = list(WARDS)
    after = codes[codes.index(WARD) + 1]
    page.get_by_role("link", name=f"Next ward: {WARDS[after].name}").click()
    expect(page.locator(".ward-heading h2")).to_contain_text(after)
    expect(page.locator(".ward-heading h2")).to_have_text(re.compile(rf"· {after}$"))
    assert f"ward={after}" in page.url
    assert "lang=en" in page.url
    expect(page.locator(".ward-name .chip")).to_have_text(re.compile("^Waiting"), timeout=WAIT_MS)
    page.go_back()
    expect(page.locator(".ward-heading h2")).to_contain_text(WARD)


def test_day_is_chosen_and_kept_in_the_address(show: Show, city: City, story: Story) -> None:
    page = show()
    day = story.last_day - timedelta(days=3)
    page.get_by_label("Chọn ngày").select_option(day.isoformat())
    received = city.store.value("SELECT received FROM v_ward_day WHERE day = {day:Date32}", {"day": day})
    expect(page.locator(".ward-tile[data-key='received'] .value")).to_have_text(
        str(received), timeout=WAIT_MS
    )
    assert f"day={day}" in page.url
    expect(panel(page, "ward-days").locator("tbody tr").first).to_contain_text(f"{day:%d/%m/%Y}")


def test_figures_follow_by_themselves(show: Show, city: City, story: Story) -> None:
    page = show()
    page.evaluate("window.mark = 'same page'")
    state = story.state(WARD, story.at + timedelta(seconds=10), 200)
    insert_dicts(city.store, "ward_state", [state | {"pending": 4321}])
    expect(page.locator(".facts")).to_contain_text("4.321", timeout=WAIT_MS)
    assert page.evaluate("window.mark") == "same page"
    insert_dicts(city.store, "ward_state", [story.state(WARD, story.at + timedelta(seconds=20), 0)])


def test_past_cut_shows_what_was_known_then(show: Show, story: Story) -> None:
    page = show(f"{LINK}&cut={story.cut}")
    expect(page.locator("#notice")).to_contain_text("Đang xem lại quá khứ")
    expect(page.locator(".ward-name .reason")).to_have_text("Thiếu 3 sự kiện từ lâu")
    link = panel(page, "ward-days").get_by_role("link", name="CSV").get_attribute("href")
    assert link is not None
    assert f"cut={story.cut}" in link


def test_table_is_taken_away_as_of_the_cut_that_is_shown(show: Show, story: Story) -> None:
    page = show()
    for name in ("ward-days", "ward-fields"):
        link = panel(page, name).get_by_role("link", name="CSV")
        link.focus()
        with page.expect_download() as taken:
            page.keyboard.press("Enter")
        assert taken.value.suggested_filename.endswith(f"_{WARD}_{story.cut}_vi.csv")
        text = Path(taken.value.path()).read_text(encoding="utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert len(lines[lines.index([]) + 2 :]) == int(panel(page, name).locator(".count").inner_text())


def test_prints_on_one_page_of_a4_without_a_cut_table(show: Show, tmp_path: Path) -> None:
    page = show(viewport=PAPER)
    page.pdf(path=tmp_path / "ward.pdf", prefer_css_page_size=True, print_background=True)
    pdf = (tmp_path / "ward.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    sizes = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [(round(float(width)), round(float(height))) for width, height in sizes] == [(595, 842)]
    page.evaluate(FILL, LONGEST_FIELD)
    full = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", full)) == 1
    page.emulate_media(media="print")
    boxes = page.locator(".panel:visible").evaluate_all(
        "panels => panels.map(p => { const b = p.getBoundingClientRect(); const t = p.querySelector('table');"
        "return { name: p.dataset.table, right: b.right, bottom: b.bottom,"
        " cut: t ? t.getBoundingClientRect().right - b.right : 0 }; })"
    )
    assert len(boxes) == len(TABLES) + 1
    assert [
        box for box in boxes if box["right"] > PAPER["width"] + 1 or box["bottom"] > PAPER["height"]
    ] == []
    assert [box for box in boxes if box["cut"] > 1] == []
    assert page.locator("#tabs, .downloads, .steps, .tools").evaluate_all(
        "all => all.every(el => !el.checkVisibility())"
    )


def test_nothing_is_wider_than_the_screen(show: Show) -> None:
    page = show()
    for width, height in ((390, 844), (1280, 800), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_axe_finds_no_violation_in_light_and_dark_on_desk_and_phone(show: Show, lang: str) -> None:
    assert violations_anyhow(show(f"{LINK}&lang={lang}")) == {}


def test_axe_finds_no_violation_in_the_past(show: Show, story: Story) -> None:
    page = show(f"{LINK}&cut={story.cut}")
    expect(page.locator("body")).to_have_attribute("data-state", "past")
    assert violations_anyhow(page) == {}


def test_ward_without_anything_says_so(show: Show, browser: Browser, server: Dashboard) -> None:
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{server.url}/?view=ward&ward=10489")
    expect(page.locator(".ward-name .chip")).to_have_text("Chờ dữ liệu", timeout=WAIT_MS)
    expect(page.locator(".blank-empty").first).to_have_text("Chưa có gì ở đây.")
    expect(page.locator(".blank-absent, .blank-error")).to_have_count(0)
    page.context.close()
