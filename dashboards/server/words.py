"""What the server says in words: a ward's status, its errors. Dossiers' words come from the contract."""

from __future__ import annotations

from typing import Final

from producers.contract.vocabulary import CHANNEL_WORDS, STATUS_WORDS, TIMELINESS_WORDS, Words

WARD_STATUS_WORDS: Final[dict[str, Words]] = {
    "complete": Words("Đủ dữ liệu", "Complete"),
    "behind": Words("Đang gửi bù", "Catching up"),
    "silent": Words("Im lặng", "Silent"),
    "missing": Words("Thiếu dữ liệu", "Data missing"),
    "none": Words("Chưa có dữ liệu", "No data yet"),
}

ERROR_WORDS: Final[dict[str, Words]] = {
    "bad_day": Words("Ngày phải có dạng 2025-07-21", "The day must look like 2025-07-21"),
    "clickhouse_away": Words(
        "Chưa đọc được ClickHouse; trang sẽ tự cập nhật khi đọc lại được",
        "ClickHouse cannot be read now; the page recovers by itself",
    ),
    "not_found": Words("Không có địa chỉ này", "There is nothing at this address"),
    "method_not_allowed": Words("Địa chỉ này chỉ dùng để đọc (GET)", "This address can only be read (GET)"),
    "bad_request": Words("Yêu cầu không hợp lệ", "The request is not valid"),
    "too_many_clients": Words(
        "Quá nhiều trang đang mở; hãy đóng bớt rồi thử lại",
        "Too many pages are open; close some and try again",
    ),
    "internal": Words("Lỗi của máy chủ; xem nhật ký", "The server failed; see its log"),
}


def page_words() -> dict[str, dict[str, dict[str, str]]]:
    """All words that the page shows and that are not its own, as {kind: {code: {vi, en}}}."""
    return {
        "status": {str(int(status)): words._asdict() for status, words in STATUS_WORDS.items()},
        "timeliness": {item.value: words._asdict() for item, words in TIMELINESS_WORDS.items()},
        "channel": {item.value: words._asdict() for item, words in CHANNEL_WORDS.items()},
        "ward_status": {code: words._asdict() for code, words in WARD_STATUS_WORDS.items()},
    }
