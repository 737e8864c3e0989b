"""What the server says in words: its errors, and the contract's words for the page."""

from __future__ import annotations

from typing import Final

from producers.contract.vocabulary import CHANNEL_WORDS, STATUS_WORDS, TIMELINESS_WORDS, Words

ERROR_WORDS: Final[dict[str, Words]] = {
    "bad_day": Words("Ngày phải có dạng 2025-07-21", "The day must look like 2025-07-21"),
    "bad_view": Words("Không có màn hình này", "There is no such view"),
    "bad_ward": Words("Không có phường, xã mang mã này", "No ward or commune has this code"),
    "bad_cut": Words("Số của mốc đồng bộ phải là số nguyên", "The number of a cut must be a whole number"),
    "no_such_cut": Words("Chưa có mốc đồng bộ này", "There is no such cut"),
    "past_has_no_stream": Words(
        "Số liệu của một mốc đã qua không thay đổi; hãy đọc bằng /api/snapshot",
        "Figures as of a past cut do not change; read them from /api/snapshot",
    ),
    "city_only": Words(
        "Tài khoản này chỉ xem được phường, xã của mình", "This viewer sees its own ward or commune only"
    ),
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
    "login_needed": Words("Cần đăng nhập để xem trang này", "Log in to see this page"),
    "login_wrong": Words("Mã truy cập không đúng", "The access token is wrong"),
    "login_stale": Words(
        "Trang đăng nhập đã cũ; hãy thử lại", "The log-in page has become too old; please try again"
    ),
    "login_away": Words(
        "Máy chủ đăng nhập của thành phố không trả lời; hãy thử lại sau",
        "The log-in service does not answer; try again later",
    ),
    "no_role": Words(
        "Tài khoản này chưa được cấp quyền xem; hãy hỏi người quản trị",
        "This account has no right to look here yet; ask the administrator",
    ),
    "other_ward": Words(
        "Tài khoản của phường, xã chỉ xem được số liệu của chính mình",
        "A ward's account sees its own ward's figures only",
    ),
    "only_here": Words(
        "Chưa đặt đăng nhập nên trang chỉ mở được trên chính máy này",
        "Logging in is not set up, so the page opens on this very machine only",
    ),
    "too_fast": Words(
        "Quá nhiều yêu cầu trong thời gian ngắn; hãy chờ một chút", "Too many requests at once; wait a little"
    ),
    "internal": Words("Lỗi của máy chủ; xem nhật ký", "The server failed; see its log"),
}


def page_words() -> dict[str, dict[str, dict[str, str]]]:
    """All words that the page shows and that are not its own, as {kind: {code: {vi, en}}}."""
    return {
        "status": {str(int(status)): words._asdict() for status, words in STATUS_WORDS.items()},
        "timeliness": {item.value: words._asdict() for item, words in TIMELINESS_WORDS.items()},
        "channel": {item.value: words._asdict() for item, words in CHANNEL_WORDS.items()},
    }
