"""Goal: a ward's CSV and XLSX exports become exactly the events they say, and each bad cell is named.

Method: real files, written here; hostile ones too (zip bombs, formulas, entities, other encodings).
"""

from __future__ import annotations

import time
import tracemalloc
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from producers.contract.codec import decode, encode
from producers.contract.envelope import wrap
from producers.contract.errors import Refused
from producers.contract.events import StatusChanged
from producers.contract.vocabulary import STATUS_WORDS, Applicant, Channel, Status
from producers.sheets import EXAMPLE, Mapping, Row, convert, load_mapping, open_table
from producers.totals import HANOI

HEADER = [
    "Mã hồ sơ",
    "Mã thủ tục",
    "Kênh nộp",
    "Trạng thái",
    "Ngày tiếp nhận",
    "Ngày hẹn trả",
    "Ngày hoàn thành",
]
GOOD = ["H26.00070-250701-0001", "2.000815", "Trực tiếp", "Được tiếp nhận", "01/07/2025 08:05", "", ""]


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    path = tmp_path / "mapping.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return load_mapping(path)


def rows_of(path: Path, mapping: Mapping) -> list[Row]:
    now_s = time.time()
    return [convert(cells, mapping, now_s) for cells in open_table(path, mapping)]


def csv_file(
    path: Path, rows: Iterable[Iterable[str]], delimiter: str = ";", encoding: str = "utf-8"
) -> Path:
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    path.write_bytes(text.encode(encoding))
    return path


def xlsx_file(path: Path, rows: Iterable[Iterable[Any]]) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def payload(row: Row) -> StatusChanged:
    assert row.draft is not None, row.findings
    assert isinstance(row.draft.payload, StatusChanged)
    return row.draft.payload


def codes(rows: list[Row]) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.code) for row in rows for one in row.findings]


def refusal(path: Path, mapping: Mapping) -> str:
    with pytest.raises(Refused) as caught:
        rows_of(path, mapping)
    assert caught.value.vi
    assert caught.value.en
    return caught.value.code


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_row_is_the_event_it_says(
    tmp_path: Path, mapping: Mapping, delimiter: str, encoding: str
) -> None:
    (row,) = rows_of(csv_file(tmp_path / "a.csv", [HEADER, GOOD], delimiter, encoding), mapping)
    data = payload(row)
    assert (data.ward, data.dossier, data.field) == ("00070", GOOD[0], "chung-thuc")
    assert (data.channel, data.status) == (Channel.COUNTER, Status.RECEIVED)
    assert data.received_at == datetime(2025, 7, 1, 8, 5, tzinfo=HANOI)
    assert row.draft is not None
    assert row.draft.time == data.received_at
    assert row.line == 2


def test_header_is_matched_without_case_and_marks_and_other_columns_are_never_read(
    tmp_path: Path, mapping: Mapping
) -> None:
    header = ["Họ và tên", "MA HO SO", "mã  thủ tục", *HEADER[2:], "Số CCCD"]
    row = ["Nguyễn Văn A", GOOD[0], GOOD[1], *GOOD[2:], "001099012345"]
    cells = list(open_table(csv_file(tmp_path / "a.csv", [header, row]), mapping))
    assert cells[0].cells.keys() == mapping.columns.keys()
    assert "Nguyễn" not in repr(cells)
    assert "001099012345" not in repr(cells)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1/7/2025", datetime(2025, 7, 1, tzinfo=HANOI)),
        ("01/07/2025 23:59:59", datetime(2025, 7, 1, 23, 59, 59, tzinfo=HANOI)),
        ("2025-07-01 08:05", datetime(2025, 7, 1, 8, 5, tzinfo=HANOI)),
        ("2025-07-01T01:05:00Z", datetime(2025, 7, 1, 8, 5, tzinfo=HANOI)),
        ("2025-07-01T08:05:00.5+07:00", datetime(2025, 7, 1, 8, 5, 0, 500_000, tzinfo=HANOI)),
        (datetime(2025, 7, 1, 8, 4, 59, 999_900), datetime(2025, 7, 1, 8, 5, tzinfo=HANOI)),  # noqa: DTZ001
        (date(2025, 7, 1), datetime(2025, 7, 1, tzinfo=HANOI)),
    ],
)
def test_dates_of_every_kind_are_hanois(
    tmp_path: Path, mapping: Mapping, text: Any, moment: datetime
) -> None:
    file = xlsx_file(tmp_path / "a.xlsx", [HEADER, [*GOOD[:4], text, None, None]])
    (row,) = rows_of(file, mapping)
    assert payload(row).received_at == moment


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2025",
        "2025-13-01",
        "07/01/25",
        "hôm qua",
        "20250701080500",
        "99/99/9999",
        "1e9",
        "٣١/٠٧/٢٠٢٥ x",
    ],
)
def test_what_is_no_date_is_named_with_its_line_and_column(
    tmp_path: Path, mapping: Mapping, text: str
) -> None:
    file = csv_file(tmp_path / "a.csv", [HEADER, GOOD, [*GOOD[:4], text, "", ""]])
    assert codes(rows_of(file, mapping)) == [(3, "Ngày tiếp nhận", "bad_date")]


def test_every_bad_cell_of_a_row_is_reported_in_both_languages_and_no_value_repeated(
    tmp_path: Path, mapping: Mapping
) -> None:
    secret = "Nguyễn Văn A"
    rows = rows_of(
        csv_file(tmp_path / "a.csv", [HEADER, [secret, "", secret, secret, secret, "", ""]]), mapping
    )
    found = {column: code for _, column, code in codes(rows)}
    assert found == {
        "Mã thủ tục": "missing_value",
        "Kênh nộp": "unknown_word",
        "Trạng thái": "unknown_word",
        "Ngày tiếp nhận": "bad_date",
    }
    assert all(one.vi and one.en for one in rows[0].findings)
    assert secret not in repr(rows)
    (row,) = rows_of(csv_file(tmp_path / "b.csv", [HEADER, [secret, *GOOD[1:]]]), mapping)
    assert codes([row]) == [(2, "Mã hồ sơ", "bad_shape")]
    assert secret not in repr(row)


def test_statuses_by_number_by_name_and_by_the_mapping(tmp_path: Path, mapping: Mapping) -> None:
    words: list[Any] = [
        *STATUS_WORDS,
        *(w.vi for w in STATUS_WORDS.values()),
        *(w.en.upper() for w in STATUS_WORDS.values()),
    ]
    file = xlsx_file(
        tmp_path / "a.xlsx",
        [
            HEADER,
            *(
                [*GOOD[:3], word, *GOOD[4:]]
                for word in [*map(str, map(int, words[:10])), *words[10:], "đã trả", 9.0]
            ),
        ],
    )
    found = [payload(row).status for row in rows_of(file, mapping)]
    assert found == [*STATUS_WORDS, *STATUS_WORDS, *STATUS_WORDS, Status.RETURNED, Status.DONE]


def test_numbers_of_excel_become_the_codes_they_were(tmp_path: Path, mapping: Mapping) -> None:
    own = Mapping(
        mapping.columns
        | {"ward": "Mã xã", "applicant": "Đối tượng", "paid_online": "Trả trực tuyến", "service_level": "Mức"}
    )
    header = [*HEADER, "Mã xã", "Đối tượng", "Trả trực tuyến", "Mức"]
    row = [GOOD[0], 2.00081, "online", 2, datetime(2025, 7, 1, 8), None, None, 70, "Công dân", True, 4.0]  # noqa: DTZ001
    other = [GOOD[0], "2.000815", 1, 2, GOOD[4], None, None, 70, None, "Không", None]
    first, second = rows_of(xlsx_file(tmp_path / "a.xlsx", [header, row, other]), own)
    assert codes([first]) == [
        (2, "Mã thủ tục", "unknown_field")
    ]  # 2.000810 is a code, but not of a known field
    assert codes([second]) == [(3, "Kênh nộp", "unknown_word")]
    third = rows_of(xlsx_file(tmp_path / "b.xlsx", [header, [row[0], 2.000815, *row[2:]]]), own)[0]
    data = payload(third)
    assert (data.ward, data.procedure, data.applicant) == ("00070", "2.000815", Applicant.CITIZEN)
    assert (data.paid_online, data.service_level) == (True, 4)


def test_an_ended_dossier_happens_when_it_was_finished(tmp_path: Path, mapping: Mapping) -> None:
    done = [*GOOD[:3], "Đã xử lý xong", GOOD[4], "02/07/2025", "01/07/2025 15:30"]
    (row,) = rows_of(csv_file(tmp_path / "a.csv", [HEADER, done]), mapping)
    assert row.draft is not None
    assert row.draft.time == payload(row).finished_at == datetime(2025, 7, 1, 15, 30, tzinfo=HANOI)
    data = payload(row)
    assert decode(encode(wrap(row.draft.type, data, row.draft.time))).data == data


@pytest.mark.parametrize("encoding", ["utf-16", "cp1258"])
def test_other_encodings_are_refused_with_words(tmp_path: Path, mapping: Mapping, encoding: str) -> None:
    text = ";".join(HEADER[:1] if encoding == "cp1258" else HEADER)
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xd0\xe3 h\xf5 s\xfe;x\n" if encoding == "cp1258" else text.encode(encoding))
    assert refusal(path, mapping) in ("encoding", "missing_column")
    path.write_bytes(("\r\n".join([";".join(HEADER), ";".join(GOOD)]) + "\r\n").encode() * 1 + b"x\xf5;\r\n")
    assert refusal(path, mapping) == "encoding"


def test_encoding_fault_names_the_line(tmp_path: Path, mapping: Mapping) -> None:
    lines = [";".join(HEADER).encode(), *[";".join(GOOD).encode()] * 5_000, b"x\xf5;"]
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(Refused, match="5002"):
        rows_of(path, mapping)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"a;b;c\n1;2;3\n", "missing_column"),
        (";".join([*HEADER, "MA HO SO"]).encode() + b"\n", "double_column"),
        ((";".join(HEADER) + '\n"không đóng').encode() + b"\n" * 3, "bad_csv"),
        ((";".join(HEADER) + "\n").encode() + b"x" * 2_000_000, "bad_csv"),
        ((";".join(HEADER) + "\n").encode() + b"\0", "encoding"),
    ],
)
def test_damaged_csv_is_refused(tmp_path: Path, mapping: Mapping, content: bytes, code: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert refusal(path, mapping) == code


def test_formulas_are_not_evaluated_and_errors_are_empty(tmp_path: Path, mapping: Mapping) -> None:
    file = xlsx_file(
        tmp_path / "a.xlsx", [HEADER, ['=CONCAT("H26.00070-250701-","0001")', *GOOD[1:]], ["#N/A", *GOOD[1:]]]
    )
    rows = rows_of(file, mapping)
    assert codes(rows) == [(2, "Mã hồ sơ", "missing_value"), (3, "Mã hồ sơ", "missing_value")]


def _repack(source: Path, target: Path, changed: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, changed.get(part.filename) or old.read(part.filename))
    return target


def test_hostile_xlsx_is_refused_in_bounded_memory_and_time(tmp_path: Path, mapping: Mapping) -> None:
    good = xlsx_file(tmp_path / "good.xlsx", [HEADER, GOOD])
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(good) as archive:
        text = archive.read(sheet)
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + text
    files = {
        "too_large": [
            _repack(good, tmp_path / "bomb.xlsx", {sheet: b"<row>" * 4_000_000}),
            _repack(
                good, tmp_path / "text.xlsx", {sheet: text + bytes(range(256)).replace(b"<", b"") * 9_000}
            ),
        ],
        "not_xlsx": [
            _repack(good, tmp_path / "entity.xlsx", {sheet: entity}),
            _repack(good, tmp_path / "cut.xlsx", {sheet: text[: len(text) // 2]}),
        ],
    }
    (tmp_path / "none.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 1000)
    (tmp_path / "empty.xlsx").write_bytes(b"")
    files["not_xlsx"] += [tmp_path / "none.xlsx", tmp_path / "empty.xlsx"]
    tracemalloc.start()
    begun = time.monotonic()
    for code, paths in files.items():
        for path in paths:
            assert refusal(path, mapping) == code, path
    assert time.monotonic() - begun < 10
    assert tracemalloc.get_traced_memory()[1] < 64_000_000
    tracemalloc.stop()


def test_a_row_far_below_and_a_column_far_right_cost_nothing(tmp_path: Path, mapping: Mapping) -> None:
    good = xlsx_file(tmp_path / "good.xlsx", [HEADER, GOOD])
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(good) as archive:
        text = archive.read(sheet)
    far = text.replace(
        b"</sheetData>", b'<row r="4000000000"><c r="XFD4000000000"><v>1</v></c></row></sheetData>'
    )
    begun = time.monotonic()
    assert refusal(_repack(good, tmp_path / "far.xlsx", {sheet: far}), mapping) == "too_many_rows"
    assert time.monotonic() - begun < 20


def test_many_rows_are_streamed_in_bounded_memory(tmp_path: Path, mapping: Mapping) -> None:
    path = tmp_path / "many.csv"
    line = (";".join(GOOD) + "\n").encode()
    with path.open("wb") as file:
        file.write((";".join(HEADER) + "\n").encode())
        for _ in range(40):
            file.write(line * 1_000)
    tracemalloc.start()
    count, now_s = 0, time.time()
    for cells in open_table(path, mapping):
        count += 1
        if count % 1_000 == 0:
            assert convert(cells, mapping, now_s).draft
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 8_000_000


@pytest.mark.parametrize(
    "text",
    [
        "columns = 3",
        "[columns]\ndossier = 'a'",
        EXAMPLE + "\n[other]\n",
        EXAMPLE.replace("[defaults]", "[defaults]\nname = 'x'"),
        "header_row = 0\n" + EXAMPLE,
        "delimiter = 'ab'\n" + EXAMPLE,
        "\0",
        "[columns",
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as caught:
        load_mapping(path)
    assert caught.value.code == "mapping"


def test_time_in_the_future_and_a_foreign_ward_are_the_citys_own_findings(
    tmp_path: Path, mapping: Mapping
) -> None:
    tomorrow = datetime.now(HANOI) + timedelta(days=3)
    own = Mapping(mapping.columns | {"ward": "Mã xã"}, {}, mapping.values)
    rows = [[*HEADER, "Mã xã"], [*GOOD[:4], f"{tomorrow:%d/%m/%Y}", "", "", "00070"], [*GOOD, "99999"]]
    found = codes(rows_of(csv_file(tmp_path / "a.csv", rows), own))
    assert [(line, code) for line, _, code in found] == [(2, "time_out_of_range"), (3, "unknown_ward")]
