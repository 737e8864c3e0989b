"""Titles of columns that answers have and no view does."""

from __future__ import annotations

from typing import Final

from producers.contract.vocabulary import Words

# What a file says of itself above its table.
ABOUT: Final = {
    "question": Words("Câu hỏi", "Question"),
    "parameters": Words("Tham số", "Parameters"),
    "cut": Words("Mốc đồng bộ", "Cut"),
    "at": Words("Gồm mọi điều nhận được đến", "Holds all that arrived by"),
    "complete_at": Words("Số liệu tính đến", "Figures complete up to"),
    "covered": Words("Phường, xã đủ số liệu", "Wards covered"),
    "asked_at": Words("Hỏi lúc", "Asked at"),
    "unit": Words("Đơn vị của biểu đồ", "Unit of the chart"),
    "basis": Words("Căn cứ", "Basis"),
    "views": Words("Nguồn trong cơ sở dữ liệu", "Views of the database"),
}
CODE: Final = Words("{title} (mã)", "{title} (code)")
SHEETS: Final = (Words("Thông tin", "About"), Words("Số liệu", "Data"))

COLUMN_WORDS: Final[dict[str, Words]] = {
    "ward": Words("Mã", "Code"),
    "ward_name": Words("Phường, xã", "Ward or commune"),
}
