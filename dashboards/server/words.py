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
    "no_cut_yet": Words(
        "Chưa có mốc đồng bộ nào nên chưa tải được tệp; hãy thử lại sau nửa phút",
        "There is no cut yet, so no file can be made; try again in half a minute",
    ),
    "bad_as_of": Words(
        "as_of phải là số của một mốc, hoặc thời điểm như 2025-07-21T14:32:05",
        "as_of must be the number of a cut, or an instant such as 2025-07-21T14:32:05",
    ),
    "bad_days": Words("days phải là số ngày từ 1 đến 3660", "days must be a number of days from 1 to 3660"),
    "bad_group": Words("group phải là số từ 1 đến 25", "group must be a number from 1 to 25"),
    "bad_owner": Words(
        "owner phải là mã hoặc tên của nơi chịu trách nhiệm, dài nhất 120 ký tự",
        "owner must be the code or name of a responsible body, at most 120 characters",
    ),
    "bad_state": Words("state phải là all, open hoặc overdue", "state must be all, open or overdue"),
    "bad_lang": Words("lang phải là vi hoặc en", "lang must be vi or en"),
    "bad_info": Words("info phải là yes hoặc no", "info must be yes or no"),
    "twice": Words("Mỗi tham số chỉ được nêu một lần", "Each parameter may be given once only"),
    "unknown_parameter": Words("Ở đây không có tham số như vậy", "There is no such parameter here"),
    "too_many_rows": Words(
        "Bảng có trên 100.000 dòng; hãy chọn ít ngày hơn hoặc một phường, xã",
        "The table has over 100,000 rows; choose fewer days or one ward",
    ),
    "busy": Words(
        "Đang có nhiều tệp được lập; hãy thử lại sau ít giây",
        "Many files are being made; try again in a few seconds",
    ),
    "not_available_yet": Words(
        "Cơ sở dữ liệu này chưa có bảng đó; hãy cập nhật bằng dongbo migrate",
        "This database has no such table yet; bring it up to date with dongbo migrate",
    ),
    "no_such_question": Words(
        "Không có câu hỏi nào mang tên này; xem danh sách ở /questions",
        "There is no question of this name; /questions lists them all",
    ),
    "bad_value": Words(
        "Giá trị của tham số {name} không dùng được; hãy xem kiểu của nó trong biểu mẫu",
        "The value of {name} cannot be used; the form says what it takes",
    ),
    "not_as_of": Words(
        "Câu hỏi này chỉ hỏi được cho lúc này; hãy bỏ as_of", "This can only be asked now; leave as_of out"
    ),
    "not_for_wards": Words(
        "Câu hỏi này nói về nhiều phường, xã nên chỉ tài khoản của thành phố hỏi được",
        "This question is about many wards, so only the city's accounts may ask it",
    ),
    "question_slow": Words(
        "Câu hỏi chạy quá lâu nên đã dừng; hãy chọn kỳ ngắn hơn, hoặc thử lại lúc vắng",
        "The question took too long and was stopped; choose a shorter period, or try again later",
    ),
    "question_heavy": Words(
        "Câu hỏi cần nhiều bộ nhớ hơn mức cho phép nên đã dừng; hãy chọn kỳ ngắn hơn hoặc một phường, xã",
        "The question needs more memory than it may use; choose a shorter period or one ward",
    ),
    "question_fails": Words(
        "ClickHouse không chạy được câu hỏi này; hãy báo tên của nó cho người quản trị",
        "ClickHouse cannot run this question; tell the administrator its name",
    ),
    "questions_busy": Words(
        "Đang có nhiều câu hỏi chờ trả lời; hãy thử lại sau ít giây",
        "Many questions wait for their answers; try again in a few seconds",
    ),
    "too_many_questions": Words(
        "Bạn đang hỏi nhiều câu cùng lúc; hãy chờ một câu có kết quả",
        "You ask several questions at once; wait until one is answered",
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
