"""Goal: what cannot be a value is refused before ClickHouse is asked, in words that a person can use.

So is a question's header that cannot be read, with its file's name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.contract.errors import Stop
from streams.warehouse import questions, values
from streams.warehouse.values import Parameter

HEAD = "-- vi: a\n-- en: b\n-- audience: ward\n"


def check(kind: str, text: str, choices: str | None = None) -> str | None:
    parameter = Parameter("x", kind, "", "", "", choices)
    return values.checked("q", [parameter], {"x": text})["x"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("Date", text) for text in ("2025-07-21", "1970-01-01", "2149-06-06", "2024-02-29")),
        *(("UInt8", text) for text in ("0", "255")),
        *(("Int16", text) for text in ("-32768", "32767")),
        *(("Float64", text) for text in ("0.9", "-1e3", "12")),
        ("String", "hồ sơ; '--"),
    ],
)
def test_value_of_its_type_is_taken_as_it_is(kind: str, text: str) -> None:
    assert check(kind, text) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("Date", text) for text in ("21/7", "20250721", "2025-02-30", "2150-01-01", "1969-12-31", "", "x")),
        *(("UInt8", text) for text in ("256", "-1", "1.0", "", "٣", "1 OR 1", "0x10", "9" * 30)),
        *(("Int16", text) for text in ("-32769", "32768")),
        *(("Float64", text) for text in ("nan", "inf", "", "0,9", "1_0")),
        *(("String", text) for text in ("x" * 201, "a\x00b", "a\nb")),
        ("Nullable(Date)", "tomorrow"),
    ],
)
def test_value_of_another_type_is_refused(kind: str, text: str) -> None:
    with pytest.raises(Stop, match="bad_value"):
        check(kind, text)


def test_empty_text_of_an_optional_parameter_is_no_value() -> None:
    assert check("Nullable(Date)", "") is None
    assert check("String", "") == ""


def test_ward_by_its_name_is_refused_with_its_code() -> None:
    assert check("String", "00070", "ward") == "00070"
    for text in ("Hoàn Kiếm", "hoan kiem", "Hoan Kiêm"):
        with pytest.raises(Stop, match="00070 Hoàn Kiếm"):
            check("String", text, "ward")
    with pytest.raises(Stop, match="unknown_choice"):
        check("String", "99999", "ward")


def test_field_that_is_in_no_list_but_could_be_sent_is_taken() -> None:
    assert check("String", "moi-truong", "field") == "moi-truong"
    assert check("String", "9.999999", "procedure") == "9.999999"
    for text, choices in (("Moi truong", "field"), ("2.0008", "procedure"), ("fax", "channel")):
        with pytest.raises(Stop, match="unknown_choice"):
            check("String", text, choices)


def test_parameter_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(Stop, match=r"unknown_parameter.*Did you mean day"):
        values.checked("q", [Parameter("day", "Date", "2025-07-01")], {"dya": "2025-07-01"})


def test_header_says_chart_unit_basis_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "one.sql"
    lines = (
        "-- chart: line day received,resolved ward_name",
        "-- unit: vi: hồ sơ | en: dossiers",
        "-- basis: vi: theo ngày | en: by date",
        "-- ward: ward",
        "-- param day Nullable(Date) default '' -- vi: Ngày | en: Day",
        "-- param ward String default '' choices ward",
        "-- param top UInt32 default 50",
        "SELECT 1",
    )
    path.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    one = questions.read(path)
    assert one.chart == questions.Chart("line", "day", ("received", "resolved"), "ward_name")
    assert (one.unit, one.basis) == (("hồ sơ", "dossiers"), ("theo ngày", "by date"))
    assert (one.ward, one.sql) == ("ward", "SELECT 1")
    assert one.parameters == (
        Parameter("day", "Nullable(Date)", "", "Ngày", "Day"),
        Parameter("ward", "String", "", "", "", "ward"),
        Parameter("top", "UInt32", "50"),
    )
    assert (one.parameters[0].optional, one.parameters[0].plain_kind) == (True, "Date")


@pytest.mark.parametrize(
    "line",
    [
        *("-- chart: pie day received", "-- chart: line day", "-- unit: dossiers", "-- basis: en: only"),
        *("-- param day", "-- param day Date", "-- param ward String default '' choices town"),
        "-- ward: day",
    ],
)
def test_header_that_cannot_be_read_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "one.sql"
    path.write_text(f"{HEAD}{line}\nSELECT 1", encoding="utf-8")
    with pytest.raises(Stop, match=r"bad_question.*one\.sql"):
        questions.read(path)


def test_header_without_a_title_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.sql"
    path.write_text("-- vi: a\nSELECT 1", encoding="utf-8")
    with pytest.raises(Stop, match="en, audience"):
        questions.read(path)
