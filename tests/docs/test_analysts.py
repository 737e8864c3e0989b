"""Goal: the analysts' page lists every question, and the notebook that is read is the one that is run."""

from __future__ import annotations

import base64

from tests.docs import analysts_page
from tests.docs.notebook import NOTEBOOK, made, nbformat

PNG_BYTES_MAX = 1_500_000


def test_page_lists_every_question_as_its_file_says() -> None:
    text = analysts_page.PAGE.read_text(encoding="utf-8")
    assert text == analysts_page.with_table(text), "run: python -m tests.docs.analysts_page"


def test_notebook_has_the_cells_of_its_source_with_outputs_and_no_error() -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert [(cell.cell_type, cell.source) for cell in book.cells] == [
        (cell.cell_type, cell.source) for cell in made().cells
    ], "run: python -m tests.docs.notebook docs/analysis.ipynb"
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"display_data"}
    pictures = [base64.b64decode(one.data["image/png"]) for one in outputs if "image/png" in one.data]
    assert len(pictures) >= 6
    assert sum(map(len, pictures)) < PNG_BYTES_MAX


def test_notebook_says_first_that_its_figures_are_simulated() -> None:
    first = nbformat.read(NOTEBOOK, as_version=4).cells[0].source
    assert "mô phỏng" in first
    assert "simulated" in first
