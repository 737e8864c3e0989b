"""The mapping file (TOML): which column of an export is which member of an event."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Final

import msgspec

from producers.sheets.faults import fault

REQUIRED: Final = ("ward", "dossier", "procedure", "channel", "status", "received_at")
OPTIONAL: Final = (
    "field",
    "time",
    "due_at",
    "finished_at",
    "applicant",
    "service_level",
    "paid_online",
    "digitised",
)
MEMBERS: Final = (*REQUIRED, *OPTIONAL)
_MAPPING_BYTES_MAX: Final = 1_000_000

EXAMPLE: Final = """\
# Ánh xạ cột của tệp xuất (CSV, XLSX) sang sự kiện. Chỉ những cột có tên ở đây được đọc.
# Which column of an export (CSV, XLSX) is which member of an event. Only the columns named here are read:
# never map a column with names, identity numbers, telephone numbers or addresses.

# sheet = "Sheet1"      # XLSX: trang tính, mặc định trang đầu / the sheet, default: the first
# header_row = 1        # dòng tiêu đề / the line with the column names
# delimiter = ";"       # CSV: mặc định tự nhận ; , hoặc tab / default: found out

[columns]               # không phân biệt hoa thường, dấu / case and marks do not matter
dossier = "Mã hồ sơ"
procedure = "Mã thủ tục"
channel = "Kênh nộp"
status = "Trạng thái"
received_at = "Ngày tiếp nhận"
due_at = "Ngày hẹn trả"
finished_at = "Ngày hoàn thành"
# time = "Thời điểm"    # lúc chuyển trạng thái; mặc định: ngày hoàn thành nếu đã xong, hoặc ngày tiếp nhận
#                         when it reached the status; default: finished_at if it has ended, else received_at
# field = "Lĩnh vực"    # mặc định: theo mã thủ tục / default: told from the procedure
# applicant, service_level, paid_online, digitised

[defaults]              # cho mọi dòng, hoặc khi ô trống / for every row, or where the cell is empty
ward = "00070"

[values.channel]        # chữ trong tệp = mã / word in the file = code
"Một cửa" = "counter"

[values.status]
"Đã trả" = "10"
"""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns by member, values for empty cells, and codes by the file's own words (folded once loaded)."""

    columns: dict[str, str]
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    sheet: str | None = None
    header_row: int = 1
    delimiter: str | None = None


def load_mapping(path: Path) -> Mapping:
    """:raises Refused: `mapping`, with what is wrong"""
    content = path.read_bytes()[: _MAPPING_BYTES_MAX + 1]
    try:
        mapping = msgspec.toml.decode(content.removeprefix(b"\xef\xbb\xbf"), type=Mapping)
    except (msgspec.MsgspecError, ValueError) as error:
        raise fault("mapping", error) from None
    return _checked(mapping)


def _checked(mapping: Mapping) -> Mapping:
    named = [*mapping.columns, *mapping.defaults, *mapping.values]
    unknown = sorted(set(named) - set(MEMBERS))
    if unknown:
        raise fault("mapping", f"{', '.join(unknown)}? ({', '.join(MEMBERS)})")
    lacking = [name for name in REQUIRED if name not in mapping.columns and name not in mapping.defaults]
    if lacking:
        raise fault("mapping", f"[columns] / [defaults]: {', '.join(lacking)}")
    if not 1 <= mapping.header_row <= 1_000:
        raise fault("mapping", "header_row: 1..1000")
    if mapping.delimiter is not None and mapping.delimiter not in (";", ",", "\t", "|"):
        raise fault("mapping", 'delimiter: ";" "," "\\t" "|"')
    folded = {
        member: {fold(word): code for word, code in own.items()} for member, own in mapping.values.items()
    }
    return msgspec.structs.replace(mapping, values=folded)


def fold(text: str) -> str:
    """Text without case, marks and extra blanks, for comparing what people type."""
    plain = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())
