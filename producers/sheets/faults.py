"""What can be wrong with a file or a cell: stable codes, vi and en. No value of a cell is repeated."""

from __future__ import annotations

from typing import Final

from producers.contract.errors import Refused
from producers.contract.vocabulary import Words

# A file as a whole.
_FILE: Final[dict[str, Words]] = {
    "mapping": Words("Tệp ánh xạ sai: {0}", "The mapping file is wrong: {0}"),
    "encoding": Words(
        "Tệp không phải UTF-8 (dòng {0}): lưu lại dạng “CSV UTF-8”, không dùng UTF-16, cp1258, TCVN3",
        "The file is not UTF-8 (line {0}): save it as “CSV UTF-8”, not UTF-16, cp1258 or TCVN3",
    ),
    "bad_csv": Words(
        "CSV hỏng ở dòng {0}: dấu nháy kép không đóng, hoặc một ô quá dài",
        "Damaged CSV at line {0}: a quote is not closed, or a cell is too long",
    ),
    "not_xlsx": Words(
        "Không đọc được tệp XLSX: mở bằng Excel và lưu lại dạng .xlsx",
        "The XLSX file cannot be read: open it in Excel and save it as .xlsx",
    ),
    "too_large": Words(
        "Tệp quá lớn hoặc nén bất thường: chia thành nhiều tệp nhỏ hơn",
        "The file is too large or oddly compressed: split it into smaller files",
    ),
    "too_many_rows": Words("Tệp có hơn {0} dòng: chia nhỏ ra", "The file has more than {0} rows: split it"),
    "no_sheet": Words("Không có trang tính “{0}”", "There is no sheet “{0}”"),
    "no_header": Words(
        "Dòng {0} không có tiêu đề cột: sửa header_row trong tệp ánh xạ",
        "Line {0} has no column names: correct header_row in the mapping",
    ),
    "missing_column": Words("Không có cột: {0}", "There is no column: {0}"),
    "double_column": Words("Cột xuất hiện hai lần: {0}", "The column is there twice: {0}"),
    "suffix": Words(
        "Chỉ nhận .ndjson, .csv, .tsv, .txt, .xlsx (tệp .xls: lưu lại dạng .xlsx)",
        "Only .ndjson, .csv, .tsv, .txt, .xlsx are taken (save .xls as .xlsx)",
    ),
    "file_changed": Words(
        "Tệp bị thay đổi trong khi đọc, ở dòng {0}: chạy lại",
        "The file was changed while it was read, at line {0}: run it again",
    ),
}
# One cell.
CELL: Final[dict[str, Words]] = {
    "missing_value": Words("Ô bắt buộc đang trống", "A required cell is empty"),
    "bad_date": Words(
        "Không hiểu ngày giờ: ghi dd/mm/yyyy HH:MM hoặc yyyy-mm-dd HH:MM",
        "Not a date: write dd/mm/yyyy HH:MM or yyyy-mm-dd HH:MM",
    ),
    "unknown_word": Words(
        "Không có trong danh mục: dùng mã hoặc tên chuẩn, hoặc khai trong [values] của tệp ánh xạ",
        "Not in the vocabulary: use a code or standard name, or add it to [values] of the mapping",
    ),
    "unknown_field": Words(
        "Không suy ra được lĩnh vực từ mã thủ tục: ánh xạ cột lĩnh vực (field)",
        "The field cannot be told from the procedure: map a column to field",
    ),
}


def fault(code: str, *details: object) -> Refused:
    """The error of a whole file."""
    words = _FILE[code]
    return Refused(code, words.vi.format(*details), words.en.format(*details))
