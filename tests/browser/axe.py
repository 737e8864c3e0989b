"""What axe-core finds on a page, as it stands and in every dress that people see it in."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page

DESK: Final = (1280, 800)
PHONE: Final = (390, 844)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_AXE: Final = Path(__file__).parent / "vendor" / "axe.min.js"
_RUN: Final = (
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>"
    " `${id}: ${nodes.map((node) => node.target).slice(0, 3).join(' | ')}`))"
)


def violations(page: Page) -> list[str]:
    """The rules that are broken, and where."""
    # Evaluated by the debugger, not put into the page: the page's policy forbids foreign script.
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text(encoding="utf-8") + "\n;0")
    found: list[str] = page.evaluate(_RUN)
    return found


def violations_anyhow(page: Page) -> dict[str, list[str]]:
    """The same on a desk and on a phone, in light and dark: only where there are some."""
    found = {}
    for width, height in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found[f"{width} {scheme}"] = violations(page)
    return {where: each for where, each in found.items() if each}
