"""The notebook docs/analysis.ipynb: made of docs/analysis.py, cell by cell, and run.

    python -m tests.docs.notebook docs/analysis.ipynb      against the city of this environment (DONGBO_*)

A process of its own, so that the kernel's client and its warnings stay out of whoever asks.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

# It has types on some of its functions only.
nbformat: Any = import_module("nbformat")
REPOSITORY: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = REPOSITORY / "docs" / "analysis.py"
NOTEBOOK: Final = SOURCE.with_suffix(".ipynb")
SECONDS: Final = 500


def cells() -> list[tuple[str, str]]:
    """Kind (code or markdown) and text of each cell of the source; what comes before the first is dropped."""
    parts = re.split(r"^# %%( \[markdown\])?\n", SOURCE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = []
    for mark, text in zip(parts[::2], parts[1::2], strict=True):
        if mark:
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        found.append(("markdown" if mark else "code", text.strip()))
    return found


def made() -> Any:
    """The notebook without outputs; the same source gives the same bytes."""
    book = nbformat.v4.new_notebook()
    book.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    for number, (kind, text) in enumerate(cells()):
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        book.cells.append(new(text, id=f"cell-{number:02d}"))
    return book


def run(to: Path) -> None:
    """Run it top to bottom, and write it with its outputs and without what changes from run to run.

    :raises nbclient.exceptions.CellExecutionError: a cell failed
    """
    from nbclient import NotebookClient

    book = made()
    NotebookClient(book, timeout=SECONDS, kernel_name="python3", record_timing=False).execute(
        cwd=str(SOURCE.parent)
    )
    book.metadata = made().metadata
    nbformat.validate(book)
    nbformat.write(book, to)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
