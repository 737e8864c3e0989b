"""What the public views promise: `python -m tests.contract.freeze_views` writes it, `test_views.py` holds to
it.

The columns are those that each file of `sql/views` declares. New views and new columns are added. A column
that was removed, renamed or retyped is refused unless the view is named on the command line: then its
version is raised.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from streams.warehouse.view_versions import FILE, View, load

_ROOT: Final = Path(__file__).resolve().parents[2]
VIEWS: Final = _ROOT / "sql" / "views"
_HEAD: Final = re.compile(r"CREATE OR REPLACE VIEW (\w+)\s*\n\(\n(.*?)\n\)\n", re.DOTALL)
_COLUMN: Final = re.compile(r"^    `?(\w+)`? (.+?) COMMENT '", re.MULTILINE)


def declared() -> dict[str, tuple[tuple[str, str], ...]]:
    """Columns (name, type) of every view, as its file declares them."""
    found = {}
    for path in sorted(VIEWS.glob("v_*.sql")):
        head = _HEAD.search(path.read_text(encoding="utf-8"))
        assert head is not None, f"{path.name} declares no columns"
        found[head[1]] = tuple((name, kind) for name, kind in _COLUMN.findall(head[2]))
    return found


def broken(promised: list[View]) -> dict[str, list[str]]:
    """By view, the promised columns that are gone or of another type."""
    now = declared()
    missing = {
        one.name: [" ".join(c) for c in one.columns if c not in now.get(one.name, ())] for one in promised
    }
    return {name: columns for name, columns in missing.items() if columns}


def main(raised: list[str]) -> int:
    """Write the promise anew; 1 if it would be broken."""
    promised = load()
    wrong = {name: columns for name, columns in broken(promised).items() if name not in raised}
    if wrong:
        print(
            f"broken promises: {wrong}\nkeep the columns, or name the views to raise their versions",
            file=sys.stderr,
        )
        return 1
    versions = {one.name: one.version + (one.name in raised) for one in promised}
    views = [View(name, versions.get(name, 1), columns) for name, columns in declared().items()]
    text = ",\n".join(msgspec.json.encode(view).decode() for view in views)
    (_ROOT / "streams" / "warehouse" / FILE).write_text(f"[\n{text}\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
