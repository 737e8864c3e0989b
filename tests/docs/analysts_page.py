"""The table of questions in docs/analysts.md, made of the files in sql/questions.

python -m tests.docs.analysts_page       writes it between its two marks
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from streams.warehouse import as_of, questions

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGE: Final = REPOSITORY / "docs" / "analysts.md"
SQL: Final = REPOSITORY / "sql"
BEGIN: Final = "<!-- questions: made by python -m tests.docs.analysts_page -->"
END: Final = "<!-- end of questions -->"


def table() -> str:
    """A line a question: name, both titles, whose it is, what it takes, whether it knows cuts."""
    travelling = as_of.travelling(SQL)
    lines = [
        "| `dongbo ask` | câu hỏi · question | cho · for | `-p` | mốc · as of |",
        "|---|---|---|---|---|",
    ]
    for one in questions.load(SQL / "questions").values():
        taken = ", ".join(f"`{parameter.name}`" for parameter in one.parameters) or "-"
        travels = "-" if as_of.names_in(one.sql) - travelling else "✓"
        lines.append(f"| `{one.name}` | {one.vi} · *{one.en}* | {one.audience} | {taken} | {travels} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The page with its table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
