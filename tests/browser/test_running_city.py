"""Goal: what a ward publishes is what a person sees, on the city as `dongbo up` runs it, and after a crash.

Method: Kafka, worker, ClickHouse, loader, monitor and dashboard run as their own processes; events go through
a ward's outbox, and a real Chromium looks at the dashboard that the supervisor keeps. The simulated wards
beat, but all but never report a dossier, so that every figure is known. `./dev bench page` holds the 1.5 s;
here times are for a busy machine.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from ops.city.scenario_wards import now, received
from producers.contract.wards import WARDS
from producers.outbox import Outbox
from producers.publisher import Publisher
from tests.conftest import eventually
from tests.pipeline.city import Cli

pytestmark = pytest.mark.timeout(900)

Open = Callable[..., Page]
WARD, NEIGHBOUR = "00070", "00004"
NAMES: Final = {ward: WARDS[ward].name for ward in (WARD, NEIGHBOUR)}
ROWS: Final = ".ranking tbody tr"
# From the outbox to the page, and from a killed server to a live page, on a machine that does much else.
SHOWN_MS: Final = 90_000
# What the page was like at every change of its state: what lasts a second only is not missed.
WATCH: Final = """
() => {
  window.states = [];
  const note = () => window.states.push({
    state: document.body.dataset.state,
    notice: document.getElementById("notice").textContent,
    filter: getComputedStyle(document.querySelector(".tiles")).filter,
  });
  new MutationObserver(note).observe(document.body, { attributeFilter: ["data-state"] });
}
"""


class Sender:
    """A ward's system: one outbox of its own, which Kafka has had all of when `receive` returns."""

    def __init__(self, city: Cli, folder: Path) -> None:
        self._outbox = Outbox(folder / "wards.sqlite")
        settings = city.settings
        self._publisher = Publisher(self._outbox, settings.kafka_bootstrap, settings.events_topic)
        self._number = 0

    def receive(self, ward: str, count: int = 1) -> None:
        """The ward takes dossiers in."""
        first, self._number = self._number + 1, self._number + count
        self._outbox.append(ward, [received(ward, n, now()) for n in range(first, self._number + 1)])
        assert self._publisher.run_until_empty(60.0)

    def close(self) -> None:
        """End."""
        self._outbox.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    city = Cli(tmp_path_factory.mktemp("running"), simulate_rate=1e-6)
    with city.up():
        yield city


@pytest.fixture(scope="module")
def sender(running: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    made = Sender(running, tmp_path_factory.mktemp("ward"))
    yield made
    made.close()


@pytest.fixture
def look(open_url: Open, running: Cli) -> Open:
    """Open the running dashboard and wait for its figures."""

    def look_(query: str = "", **members: object) -> Page:
        page = open_url(query, url=f"http://127.0.0.1:{running.settings.dashboard_port}", **members)
        expect(page.locator("body")).to_have_attribute(
            "data-state", re.compile("live|empty"), timeout=SHOWN_MS
        )
        expect(page.locator(ROWS)).to_have_count(126, timeout=SHOWN_MS)
        return page

    return look_


def received_of(page: Page, ward: str) -> Locator:
    """The cell of a ward's received dossiers."""
    return page.locator(f"{ROWS}[data-key='{ward}'] td.num").first


def test_published_event_shows_on_the_city_its_ward_and_in_the_past(look: Open, sender: Sender) -> None:
    page = look()
    sender.receive(WARD)
    expect(received_of(page, WARD)).to_have_text("1", timeout=SHOWN_MS)
    expect(page.locator(".tile[data-key=received] > .value")).to_have_text("1")
    # The first cut that has it: the past, which the next events must not change.
    cut = eventually(lambda: _cut_with(page, 1), 120, 0.5)
    sender.receive(WARD)
    sender.receive(NEIGHBOUR, 3)
    expect(received_of(page, NEIGHBOUR)).to_have_text("3", timeout=SHOWN_MS)
    expect(received_of(page, WARD)).to_have_text("2")
    expect(page.locator(".tile[data-key=received] > .value")).to_have_text("5")
    _look_back(page, cut)
    page.locator(f"{ROWS}[data-key='{WARD}'] a").click()
    expect(page.locator(".ward-heading h2")).to_contain_text(WARD, timeout=SHOWN_MS)
    expect(page.locator(".ward-tile .value").first).to_have_text("2", timeout=SHOWN_MS)
    sender.receive(WARD)
    expect(page.locator(".ward-tile .value").first).to_have_text("3", timeout=SHOWN_MS)
    page.get_by_role("link", name="English").click()
    expect(page.locator(".ward-tile h3").first).to_have_text("Received")


def _cut_with(page: Page, events: int) -> int:
    """The number of the newest cut if it has so many events, else 0."""
    cut = page.evaluate("fetch('/api/snapshot').then((answer) => answer.json()).then((body) => body.cut)")
    return int(cut["number"]) if cut and cut["events"] == events else 0


def _look_back(page: Page, cut: int) -> None:
    """See the city as of a cut, and come back."""
    address = page.url
    page.goto(f"{address.split('?')[0]}?cut={cut}")
    expect(page.locator("body")).to_have_attribute("data-state", "past", timeout=SHOWN_MS)
    expect(received_of(page, WARD)).to_have_text("1", timeout=SHOWN_MS)
    expect(received_of(page, NEIGHBOUR)).to_have_text("0")
    page.get_by_role("button", name="Về trực tiếp").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=SHOWN_MS)
    expect(received_of(page, WARD)).to_have_text("2", timeout=SHOWN_MS)


def test_running_city_is_used_by_keyboard_on_a_wall_and_on_a_phone(look: Open, sender: Sender) -> None:
    sender.receive(NEIGHBOUR, 10)
    page = look()
    expect(received_of(page, NEIGHBOUR)).to_have_text(re.compile(r"1\d"), timeout=SHOWN_MS)
    page.locator(".ranking thead button[data-key=received]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"{ROWS} .name").first).to_have_text(NAMES[NEIGHBOUR])
    slider = page.get_by_label("Thời điểm trong ngày")
    expect(slider).to_be_enabled(timeout=SHOWN_MS)
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("body")).to_have_attribute("data-state", "past", timeout=SHOWN_MS)
    page.get_by_role("button", name="Về trực tiếp").press("Enter")
    expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=SHOWN_MS)
    page.locator(f".areas a[data-ward='{WARD}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ward-heading h2")).to_contain_text(WARD, timeout=SHOWN_MS)
    wall = look("?theme=wall", viewport={"width": 1920, "height": 1080})
    assert wall.evaluate("document.documentElement.scrollHeight") <= 1080
    phone = look(viewport={"width": 390, "height": 844})
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_quality_and_the_pipeline_s_own_health_are_those_of_the_running_city(
    look: Open, running: Cli, sender: Sender
) -> None:
    sender.receive(WARD)
    page = look()
    shares = page.locator(".quality .one .value")
    expect(shares).to_have_count(4, timeout=SHOWN_MS)
    eventually(lambda: all("%" in each for each in shares.all_inner_texts()), 60, 0.5)
    # The age of the newest cut and the events a minute; the delay is the monitor's, once a minute.
    for pipe in page.locator(".pipeline .pipe .value").all()[:2]:
        expect(pipe).to_have_text(re.compile(r"\d"), timeout=SHOWN_MS)
    chips = page.locator(".pipeline .chips .chip")
    for name in ("worker-0", "loader", "monitor"):
        expect(chips.filter(has_text=name)).to_have_attribute("data-status", "good", timeout=SHOWN_MS)
    loader = running.pid_of("loader")
    os.kill(loader, signal.SIGSTOP)
    try:
        expect(chips.filter(has_text="loader")).not_to_have_attribute("data-status", "good", timeout=SHOWN_MS)
    finally:
        os.kill(loader, signal.SIGCONT)
    expect(chips.filter(has_text="loader")).to_have_attribute("data-status", "good", timeout=SHOWN_MS)


def test_killed_dashboard_is_said_greyed_and_recovers_by_itself(
    look: Open, running: Cli, sender: Sender
) -> None:
    page = look(may_complain=True)
    page.evaluate(WATCH)
    killed = running.pid_of("dashboard")
    os.kill(killed, signal.SIGKILL)
    began = int(received_of(page, WARD).inner_text())
    sender.receive(WARD)
    # Nobody starts it but the supervisor, and nobody loads the page again.
    eventually(lambda: running.pid_of("dashboard") not in (0, killed), 120, 0.5)
    expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=SHOWN_MS)
    expect(received_of(page, WARD)).to_have_text(str(began + 1), timeout=SHOWN_MS)
    expect(page.locator("#notice")).to_be_hidden()
    states = page.evaluate("window.states")
    lost = next(each for each in states if each["state"] == "stale")
    assert "Mất kết nối với máy chủ" in lost["notice"]
    assert lost["filter"] == "grayscale(1)"
    assert states[-1]["state"] == "live"
    assert states[-1]["notice"] == ""
    assert states[-1]["filter"] == "none"
