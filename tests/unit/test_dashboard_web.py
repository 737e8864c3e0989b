"""The page's files, checked without a browser: words in both languages, nothing from outside, contrast."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from dashboards.server import problem, words
from dashboards.server.snapshot import WardRow, ward_status

WEB: Final = Path(__file__).resolve().parents[2] / "dashboards" / "web"
FILES: Final = sorted(path for path in WEB.iterdir() if path.is_file())
# Every pair (ink, ground) in which text is set.
TEXT_PAIRS: Final = [
    (ink, ground)
    for ground in ("surface", "raised")
    for ink in ("ink", "soft", "good", "watch", "bad", "quiet", "accent")
] + [
    ("ink", "ground"),
    ("soft", "ground"),
    ("notice-ink", "notice-ground"),
    ("surface", "accent"),
    ("ink", "glow"),
]


def dictionary(lang: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((WEB / f"words.{lang}.json").read_text(encoding="utf-8"))
    return found


def sources(*endings: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in FILES if path.suffix in endings)


def test_both_languages_have_the_same_words() -> None:
    vi, en = dictionary("vi"), dictionary("en")
    assert list(vi) == list(en) == sorted(vi)
    assert all(vi.values())
    assert all(en.values())


def test_both_languages_fill_the_same_places() -> None:
    vi, en = dictionary("vi"), dictionary("en")
    for key in vi:
        assert sorted(re.findall(r"\{\w+\}|</?b>", vi[key])) == sorted(
            re.findall(r"\{\w+\}|</?b>", en[key])
        ), key


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    script, page = sources(".js"), sources(".html")
    used = set(re.findall(r'data-t(?:-label|-placeholder)?="(\w+)"', page))
    used |= set(re.findall(r'\b(?:t|sentence)\((?:this\.asOf, )?"(\w+)"', script))
    # Keys that are chosen by a condition stand as plain strings.
    known = set(dictionary("vi"))
    used |= {key for key in known if f'"{key}"' in script} | {"kind_phuong", "kind_xa"}
    assert used == known


def test_ward_statuses_have_words_and_shapes() -> None:
    css, script = sources(".css"), sources(".js")
    order = re.search(r"STATUSES = \[(.*?)\]", script)
    assert order is not None
    assert set(re.findall(r'"(\w+)"', order[1])) == set(words.WARD_STATUS_WORDS)
    for status in words.WARD_STATUS_WORDS:
        assert f'[data-status="{status}"] .shape' in css
    assert ward_status.__annotations__["return"] == WardRow.__annotations__["status"] == "str"


def test_errors_have_words_and_a_status_each() -> None:
    assert set(words.ERROR_WORDS) == set(problem._STATUS)
    assert all(code in words.ERROR_WORDS for code in problem._CODE_OF_HTTP.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", text)


def test_page_has_no_inline_script_style_or_handler() -> None:
    page = sources(".html")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", sources(".js"))


def test_modules_are_short() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert max(lengths.values()) <= 400, lengths


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: str) -> None:
    light, dark = (WEB / "base.css").read_text(encoding="utf-8").split("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", light if scheme == "light" else dark))
    ratios = {pair: contrast(*(colours[name] for name in pair)) for pair in TEXT_PAIRS}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
