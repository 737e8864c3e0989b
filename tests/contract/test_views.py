"""Goal: a query that an analyst has written keeps working. Method: the columns of every public view are
frozen.
"""

from __future__ import annotations

from streams.warehouse.view_versions import View, load
from tests.contract.freeze_views import broken, declared

_FREEZE = "run: python -m tests.contract.freeze_views"


def test_no_view_has_lost_renamed_or_retyped_a_column() -> None:
    assert broken(load()) == {}, f"keep the column, or raise the version of the view: {_FREEZE} VIEW"


def test_every_view_and_column_is_promised() -> None:
    assert {one.name: one.columns for one in load()} == declared(), f"views were added; {_FREEZE}"


def test_a_lost_and_a_retyped_column_are_named() -> None:
    (name, columns), *_ = declared().items()
    gone, retyped = ("long_gone", "String"), (columns[0][0], "Nothing")
    assert broken([View(name, 1, (*columns, gone, retyped))]) == {
        name: ["long_gone String", f"{retyped[0]} Nothing"]
    }


def test_a_view_that_is_gone_is_named() -> None:
    assert broken([View("v_long_gone", 1, (("ward", "String"),))]) == {"v_long_gone": ["ward String"]}
