"""Goal: a user's own table of groups is taken, or refused with line and reason in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.contract.difficulty_groups import load, placeholders
from producers.contract.errors import Refused

HEAD = "number,vi,en,owner,owner_kind"
ROW = "7,Hạ tầng số,Digital infrastructure,Bộ A,ministry"


def write(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "groups.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_shipped_groups_are_25_and_all_marked_as_placeholders() -> None:
    groups = placeholders()
    assert sorted(groups) == list(range(1, 26))
    assert all(
        group.placeholder and "tên tạm" in group.vi and "placeholder" in group.en for group in groups.values()
    )
    assert {group.owner_kind for group in groups.values()} == {"ministry", "locality"}
    assert load(None) == groups


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_own_file_replaces_its_groups_and_keeps_the_other_placeholders(tmp_path: Path, encoding: str) -> None:
    groups = load(write(tmp_path, HEAD, ROW, encoding=encoding))
    assert groups[7] == (7, "Hạ tầng số", "Digital infrastructure", "Bộ A", "ministry", False)
    assert groups[8] == placeholders()[8]


@pytest.mark.parametrize(
    ("lines", "code", "vi", "en"),
    [
        ([HEAD.replace(",owner_kind", ""), ROW], "column", "thiếu cột owner_kind", "no column owner_kind"),
        ([""], "column", "thiếu cột number", "no column number"),
        (
            [HEAD, ROW, "26,a,b,c,ministry"],
            "number",
            "groups.csv:3: number phải là 1..25",
            "must be 1..25, not '26'",
        ),
        ([HEAD, "x,a,b,c,ministry"], "number", "groups.csv:2", "not 'x'"),
        ([HEAD, ROW, ROW], "duplicate", "groups.csv:3: nhóm 7 có hai lần", "group 7 twice"),
        ([HEAD, "7,,b,c,ministry"], "text", "groups.csv:2: vi phải có", "vi must have"),
        ([HEAD, "7,a,b"], "text", "groups.csv:2: owner", "owner must have"),
        ([HEAD, "7,a,b,c,city"], "owner_kind", "groups.csv:2: owner_kind phải là", "not 'city'"),
    ],
)
def test_wrong_file_is_refused_with_its_line_in_both_languages(
    tmp_path: Path, lines: list[str], code: str, vi: str, en: str
) -> None:
    with pytest.raises(Refused) as caught:
        load(write(tmp_path, *lines))
    assert caught.value.code == f"difficulty_groups_{code}"
    assert vi in caught.value.vi
    assert en in caught.value.en


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"groups\.csv"):
        load(tmp_path / "groups.csv")
