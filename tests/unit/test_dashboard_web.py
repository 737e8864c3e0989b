"""The page's files, checked without a browser: words in both languages, contrast, size, nothing foreign."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Final

import pytest

from dashboards import map as city_map
from dashboards.server import assets, problem, words
from producers.contract.wards import WARDS

WEB: Final = Path(__file__).resolve().parents[2] / "dashboards" / "web"
VENDORED: Final = WEB / "vendor"
FILES: Final = sorted(path for path in WEB.rglob("*") if path.is_file() and not path.is_relative_to(VENDORED))
VIEWS: Final = sorted(path.name for path in (WEB / "views").iterdir() if (path / "view.js").exists())
DICTIONARIES: Final = sorted({path.name.split(".")[0] for path in (WEB / "words").glob("*.json")})
# Every pair (ink, ground) in which text is set.
TEXT_PAIRS: Final = [
    (ink, ground)
    for ground in ("surface", "raised")
    for ink in ("ink", "soft", "good", "attention", "bad", "quiet", "accent")
] + [
    ("ink", "ground"),
    ("soft", "ground"),
    ("notice-ink", "notice-ground"),
    ("past-ink", "past-ground"),
    ("ink", "past-ground"),
    ("surface", "accent"),
    ("ink", "glow"),
    ("on-area", "area-good"),
    ("on-area", "area-attention"),
    ("on-area", "area-bad"),
    ("on-area", "area-waiting"),
    ("on-area", "area-unknown"),
]


def dictionary(name: str, lang: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((WEB / "words" / f"{name}.{lang}.json").read_text(encoding="utf-8"))
    return found


def text_of(*endings: str, under: Path = WEB) -> str:
    files = [path for path in FILES if path.suffix in endings and path.is_relative_to(under)]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("name", DICTIONARIES)
def test_both_languages_have_the_same_words_and_fill_the_same_places(name: str) -> None:
    vi, en = dictionary(name, "vi"), dictionary(name, "en")
    assert list(vi) == list(en) == sorted(vi)
    for key in vi:
        assert vi[key], key
        assert en[key], key
        places = [sorted(re.findall(r"\{\w+\}|</?b>", text[key])) for text in (vi, en)]
        assert places[0] == places[1], key


@pytest.mark.parametrize("name", VIEWS)
def test_every_word_that_a_view_uses_is_there(name: str) -> None:
    script = text_of(".js", under=WEB / "views" / name) + text_of(".js", under=WEB / "shell")
    known = set(dictionary("shell", "vi"))
    for used in re.findall(r'dictionary = "(\w+)"', script):
        known |= set(dictionary(used, "vi"))
    used_words = set(re.findall(r'\b(?:t|sentence)\((?:\w+, )?"(\w+)"', script))
    assert used_words - known == set()


def test_words_of_the_shell_and_the_city_are_all_used() -> None:
    script = text_of(".js")
    # Keys made of a prefix and a code: t(`reason_${code}`).
    prefixes = set(re.findall(r"`(\w+_)\$\{", script))
    for name in ("shell", "city"):
        unused = {
            key
            for key in dictionary(name, "vi")
            if f'"{key}"' not in script
            and not re.search(rf"\b{key}:", script)
            and not any(key.startswith(prefix) for prefix in prefixes)
        }
        assert unused - {"unit_ms"} == set(), name


def test_errors_have_words_and_a_status_each() -> None:
    assert set(words.ERROR_WORDS) == set(problem._STATUS)
    assert all(code in words.ERROR_WORDS for code in problem._CODE_OF_HTTP.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_no_file_names_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", text)


def test_page_has_no_inline_script_style_or_handler() -> None:
    page = text_of(".html")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text_of(".js"))
    assert 'setAttribute("style"' not in text_of(".js")


def test_modules_are_short() -> None:
    sources = [path for path in FILES if path.suffix in (".js", ".html")]
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert max(lengths.values()) <= 400, lengths


def test_what_is_vendored_has_its_licence_and_version() -> None:
    for folder in VENDORED.iterdir():
        assert "MIT" in (folder / "VERSION").read_text(encoding="utf-8")
        assert "Permission is hereby granted" in (folder / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: int) -> None:
    tokens = (WEB / "styles" / "tokens.css").read_text(encoding="utf-8")
    found = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", tokens)
    colours = {name: pair[scheme] for name, *pair in found}
    low = {pair for pair in TEXT_PAIRS if contrast(colours, pair) < 4.5}
    assert low == set()


def test_map_is_what_the_borders_make() -> None:
    made = city_map.make()
    assert city_map.MAP.read_text(encoding="utf-8") == city_map.text(made), "python -m dashboards.map"
    assert list(made["wards"]) == list(WARDS)


def test_map_shows_neighbours_without_gaps_and_labels_inside() -> None:
    made = city_map.make()
    width, height = made["size"]
    for ward in made["wards"].values():
        x, y = ward["at"]
        assert 0 < x < width
        assert 0 < y < height
        assert re.fullmatch(r"(M\d+ \d+l[-\d ]+z)+", ward["d"])


def test_all_of_the_page_is_small_enough_for_a_slow_line() -> None:
    sizes = {path: len(asset.packed) for path, asset in assets.load().items()}
    assert sum(sizes.values()) < 200_000, sorted(sizes.items(), key=lambda each: -each[1])[:8]
    assert len(gzip.compress(city_map.MAP.read_bytes())) < 20_000


def contrast(colours: dict[str, str], pair: tuple[str, str]) -> float:
    low, high = sorted(luminance(colours[name]) for name in pair)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
