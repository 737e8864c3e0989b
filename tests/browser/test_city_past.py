"""The city as it was: time travel by chooser, replay and keys, in a real Chromium on the real engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.told import EACH, HANOI, REPLAY_MS, WARD, Told, row

Open = Callable[..., Page]


def test_time_travel_by_slider_shows_and_keeps_the_past(look: Open, told: Told) -> None:
    page = look()
    expect(page.locator("#time")).to_be_visible(timeout=REPLAY_MS)
    day = datetime.now(UTC).astimezone(HANOI).date() - timedelta(days=1)
    page.get_by_label("Ngày của mốc").select_option(day.isoformat())
    expect(page.locator("#notice")).to_contain_text("Đang xem lại quá khứ", timeout=REPLAY_MS)
    assert f"cut={told.then}" in page.url
    expect(page.locator(".tile[data-key=received] .value")).to_have_text("300")
    expect(page.locator("body")).to_have_attribute("data-state", "past")
    expect(page.locator(row(WARD))).to_contain_text("Thiếu sự kiện")
    page.reload()
    expect(page.locator(".tile[data-key=received] .value")).to_have_text("300", timeout=REPLAY_MS)
    page.get_by_role("button", name="Về trực tiếp").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=REPLAY_MS)
    expect(page.locator(".tile[data-key=received] .value")).not_to_have_text("300")
    assert "cut" not in page.url


# The cut in the address and the city's total, whenever the total has changed.
FRAMES: Final = """
() => {
  window.frames_ = [];
  const value = document.querySelector(".tile[data-key=received] > .value");
  const cut = () => Number(new URLSearchParams(location.search).get("cut"));
  new MutationObserver(() => window.frames_.push([cut(), Number(value.textContent)]))
    .observe(value, { childList: true, characterData: true, subtree: true });
}
"""


@pytest.mark.timeout(600)
def test_replay_shows_every_cut_in_order_and_can_be_stopped_midway(look: Open, told: Told) -> None:
    page = look()
    page.get_by_label("Ngày của mốc").select_option(told.day.isoformat())
    expect(page.locator(".tile[data-key=received] .value")).to_have_text("400", timeout=REPLAY_MS)
    page.evaluate(FRAMES)
    play = page.locator(".time-play")
    play.click()
    expect(page).to_have_url(re.compile(rf"cut={told.cuts[1]}"), timeout=REPLAY_MS)
    play.click()
    expect(play).to_contain_text("Phát lại")
    stopped = page.url
    place = told.cuts.index(int(stopped.rpartition("cut=")[2]))
    # A busy machine is slow to press; there is time until the last.
    assert 1 <= place < len(told.cuts) - 1
    expect(page.locator(".tile[data-key=received] .value")).to_have_text(
        str(EACH * (place + 1)), timeout=REPLAY_MS
    )
    # Longer than a frame lasts: it would have moved.
    page.wait_for_timeout(2500)
    assert page.url == stopped
    play.click()
    expect(page).to_have_url(re.compile(rf"cut={told.cuts[-1]}"), timeout=REPLAY_MS)
    expect(play).to_contain_text("Phát lại", timeout=REPLAY_MS)
    expect(page.locator("body")).to_have_attribute("data-state", "past")
    frames = [tuple(frame) for frame in page.evaluate("window.frames_")]
    assert frames == [(cut, EACH * count) for count, cut in enumerate(told.cuts, start=1)]


# Of a day of 60 frames, each so long to read: those that are shown, and when the last one is there.
REPLAYED: Final = """
async ([url, tookMs]) => {
  const { stride, FRAMES, FRAME_MS, REPLAY_MS } = await import(url);
  const shown = [];
  let [i, clock] = [0, 0];
  for (;;) {
    shown.push(i);
    clock += tookMs;
    const left = FRAMES - 1 - i;
    if (!left) return [shown, clock];
    i += stride(left, tookMs, REPLAY_MS - clock);
    clock += Math.max(0, FRAME_MS - tookMs);
  }
}
"""


@pytest.mark.parametrize("took_ms", [10, 900, 1100, 2500, 7000, 40_000])
def test_replay_lasts_a_minute_however_long_a_frame_takes(look: Open, told: Told, took_ms: int) -> None:
    page = look()
    shown, last_ms = page.evaluate(REPLAYED, [f"{told.url}/web/shell/replay.js", took_ms])
    assert shown[0] == 0
    assert shown[-1] == 59
    assert shown == sorted(set(shown))
    assert last_ms <= 60_000 + took_ms
    assert took_ms > 1000 or shown == list(range(60))


def test_slider_is_driven_by_keyboard_over_gaps_and_to_both_ends(look: Open, told: Told) -> None:
    page = look(f"?cut={told.cuts[-1]}")
    slider = page.get_by_label("Thời điểm trong ngày")
    expect(slider).to_be_enabled(timeout=REPLAY_MS)
    slider.focus()
    ahead = [("ArrowRight", place) for place in (1, 2, 3, 4)]
    walk = [("Home", 0), *ahead, ("ArrowLeft", 3), ("End", 7)]
    for key, place in walk:
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(rf"cut={told.cuts[place]}"), timeout=REPLAY_MS)
        total = page.locator(".tile[data-key=received] .value")
        expect(total).to_have_text(str(EACH * (place + 1)), timeout=REPLAY_MS)
        expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", f"09:10:30, {told.day:%d/%m/%Y}")


def test_no_such_cut_is_said(open_url: Open, told: Told) -> None:
    page = open_url("?cut=17", url=told.url, may_complain=True)
    expect(page.locator("#notice")).to_contain_text("Chưa có mốc đồng bộ này", timeout=REPLAY_MS)
