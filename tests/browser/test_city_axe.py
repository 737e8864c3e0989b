"""Everybody can read the city view: axe-core on each of its states, on desk and phone, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations_anyhow
from tests.browser.told import Told

Open = Callable[..., Page]


@pytest.mark.parametrize("query", ["", "?lang=en", "?lang=en&theme=wall", "?by=backlog"])
def test_axe_finds_no_violation(look: Open, query: str) -> None:
    assert violations_anyhow(look(query)) == {}


def test_axe_finds_no_violation_in_an_alert_that_is_opened(look: Open) -> None:
    page = look()
    page.locator(".alert summary").first.click()
    expect(page.locator(".alert dd").first).to_be_visible()
    assert violations_anyhow(page) == {}


def test_axe_finds_no_violation_in_the_list_of_who_is_left_out(look: Open) -> None:
    page = look()
    page.locator("#as-of").click()
    expect(page.locator("#left-out")).to_be_visible()
    assert violations_anyhow(page) == {}
    expect(page.locator("#left-out")).to_be_visible()


def test_axe_finds_no_violation_in_the_past(look: Open, told: Told) -> None:
    page = look(f"?cut={told.then}")
    expect(page.locator("body")).to_have_attribute("data-state", "past")
    assert violations_anyhow(page) == {}
