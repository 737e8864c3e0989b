"""Documentation is held to what exists: links, commands, files, events, figures of the code's size."""

from __future__ import annotations

import ast
import json
import re
import runpy
from pathlib import Path

import pytest
from typer.main import get_command

from ops.cli import app
from ops.settings import REPOSITORY
from producers.contract.codec import admit
from producers.contract.topics import PARTITION_OF_WARD
from tests.browser.screenshots import IMAGES, SHOTS, files

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
FUNCTION_LINES_MAX, MODULE_LINES_MAX = 70, 400
SOURCES = [
    path
    for folder in ("producers", "streams", "dashboards", "ops")
    for path in (REPOSITORY / folder).rglob("*.py")
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


def test_every_picture_of_the_page_is_there_in_its_size_and_nothing_else() -> None:
    wanted = {path: size for shot in SHOTS for path, size in zip(files(shot), shot.sizes, strict=True)}
    assert set(IMAGES.iterdir()) == wanted.keys()
    for path, size in wanted.items():
        head = path.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == size, path.name
        assert path.stat().st_size < 500_000, path.name


def test_every_command_is_documented_and_helps() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        assert re.search(rf"(\./dev|dongbo) {name}\b|`{name}`", text), f"{name} stands in no page"


def test_every_dev_command_of_the_readme_exists() -> None:
    known = {*get_command(app).commands, "setup", "test", "check", "bench", "faults"}  # type: ignore[attr-defined]
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\./dev ([a-z]+)", text)) <= known


def test_every_benchmark_stands_in_the_help() -> None:
    dev = runpy.run_path(str(REPOSITORY / "dev"), run_name="dev")
    said = re.search(r"bench     NAME [^:]*: (.*?)\n  faults", dev["HELP"], re.DOTALL)
    assert said is not None
    files = {path.stem: path.read_text() for path in (REPOSITORY / "tests" / "bench").glob("*.py")}
    names = files.keys() - dev["BENCH_PARTS"]
    assert sorted(re.findall(r"\w+", said[1])) == sorted(names)
    assert all("__main__" in files[name] for name in names)
    assert files.keys() >= dev["BENCH_PARTS"]


def test_the_event_that_integrators_read_is_admitted() -> None:
    text = (REPOSITORY / "docs" / "integrators.md").read_text(encoding="utf-8")
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        value = json.dumps(json.loads(block)).encode()
        admit(value, b"00070", PARTITION_OF_WARD["00070"], 2e9)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_module_and_functions_keep_their_size(path: Path) -> None:
    """A rule about code is a test: what nobody can read at once, nobody keeps right."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE_LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES_MAX, node.name


def test_no_file_names_a_package_registry_or_a_path_of_a_machine() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "repo1.maven" + ".org", "registry.npmjs" + ".org")
    for path in _committed():
        text = path.read_text(encoding="utf-8", errors="ignore")
        assert not any(host in text for host in hosts), path
        assert "/work/" + "main" not in text, path


def _committed() -> list[Path]:
    """Every text file of the checkout that is not made by running it."""
    skipped = {
        ".git",
        ".venv",
        "var",
        "__pycache__",
        ".hypothesis",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    }
    found = []
    for path in REPOSITORY.rglob("*"):
        parts = set(path.relative_to(REPOSITORY).parts)
        if path.is_file() and not parts & skipped and path.suffix not in {".png", ".pyc"}:
            found.append(path)
    return found
