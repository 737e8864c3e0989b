"""One shape for every error, {code, vi, en, remedy_vi, remedy_en}, on every path and at every layer."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from producers.contract.errors import Reject
from producers.contract.reasons import EVERY_REASON


class _Words(NamedTuple):
    status: int
    vi: str
    en: str
    remedy_vi: str
    remedy_en: str


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as it travels; `code` is stable, `member` is the offending member if there is one."""

    code: str
    vi: str
    en: str
    remedy_vi: str
    remedy_en: str
    member: str | None = None
    detail: str | None = None


_AGAIN_VI: Final = "Gửi lại nguyên yêu cầu sau vài giây: id không đổi nên không sự kiện nào bị tính hai lần"
_AGAIN_EN: Final = "Send the same request again in some seconds: ids repeat, so no event is counted twice"

PROBLEMS: Final[dict[str, _Words]] = {
    "bad_request": _Words(
        400,
        "Yêu cầu HTTP sai hoặc bị cắt ngang",
        "The HTTP request is malformed or was cut off",
        "Gửi lại yêu cầu đầy đủ; xem /docs",
        "Send the whole request again; see /docs",
    ),
    "bad_gzip": _Words(
        400,
        "Nội dung gzip hỏng hoặc thiếu phần cuối",
        "The gzip body is damaged or its end is missing",
        "Nén lại và gửi lại, hoặc gửi không nén",
        "Compress it again and send it again, or send it plain",
    ),
    "unauthorized": _Words(
        401,
        "Thiếu mã truy cập hoặc mã không còn hiệu lực",
        "The token is missing or not valid",
        "Gửi `Authorization: Bearer <mã>`, không có dấu cách hay xuống dòng trong mã; xin mã mới nếu cần",
        "Send `Authorization: Bearer <token>` without blanks or line ends in it; ask for a new one if needed",
    ),
    "not_found": _Words(404, "Không có đường dẫn này", "There is no such path", "Xem /docs", "See /docs"),
    "method_not_allowed": _Words(
        405,
        "Đường dẫn này không dùng phương thức HTTP đó",
        "This path does not take that HTTP method",
        "Xem /docs",
        "See /docs",
    ),
    "body_too_slow": _Words(
        408,
        "Nội dung đến quá chậm",
        "The body came too slowly",
        "Gửi lô nhỏ hơn hoặc nén gzip",
        "Send smaller batches, or compress with gzip",
    ),
    "body_too_large": _Words(
        413,
        "Nội dung vượt giới hạn (tính cả sau khi giải nén)",
        "The body is over the limit (also once unpacked)",
        "Chia thành nhiều yêu cầu nhỏ hơn",
        "Split it into several smaller requests",
    ),
    "unsupported_encoding": _Words(
        415,
        "Chỉ nhận Content-Encoding gzip hoặc không nén",
        "Only Content-Encoding gzip, or none, is taken",
        "Nén bằng gzip hoặc gửi không nén",
        "Compress with gzip or send plainly",
    ),
    "batch_too_long": _Words(
        422,
        "Lô có quá nhiều sự kiện",
        "The batch has too many events",
        "Chia thành nhiều lô nhỏ hơn",
        "Split it into several smaller batches",
    ),
    "empty_batch": _Words(
        422,
        "Không có sự kiện nào trong nội dung",
        "There is no event in the body",
        "Gửi ít nhất một sự kiện",
        "Send at least one event",
    ),
    "some_rejected": _Words(
        422,
        "Có sự kiện bị từ chối; các sự kiện được nhận (accepted) đã nằm trong Kafka",
        "Some events were rejected; those that were accepted are in Kafka",
        "Sửa và gửi lại các sự kiện bị từ chối theo hướng dẫn ở từng sự kiện",
        "Correct the rejected events as each of them says and send those again",
    ),
    "too_many_events": _Words(
        429,
        "Phường, xã gửi quá nhanh",
        "The ward sends too fast",
        "Chờ số giây trong Retry-After rồi gửi lại nguyên yêu cầu",
        "Wait for the seconds in Retry-After, then send the same request again",
    ),
    "kafka_away": _Words(
        503,
        "Kafka chưa xác nhận đã nhận sự kiện",
        "Kafka has not confirmed the events",
        _AGAIN_VI,
        _AGAIN_EN,
    ),
    "busy": _Words(503, "Cổng đang quá tải", "The gateway is busy", _AGAIN_VI, _AGAIN_EN),
    "identity_away": _Words(
        503, "Chưa kiểm tra được mã truy cập", "The token cannot be checked now", _AGAIN_VI, _AGAIN_EN
    ),
    "city_away": _Words(
        503,
        "Thành phố tạm thời không trả lời được; sự kiện vẫn được nhận bình thường",
        "The city cannot answer this now; events are still taken",
        "Hỏi lại sau ít phút",
        "Ask again in some minutes",
    ),
    "outbox_full": _Words(
        503,
        "Hộp gửi của cổng đã đầy; chưa nhận thêm gì",
        "The gateway's outbox is full; nothing was added",
        _AGAIN_VI,
        _AGAIN_EN,
    ),
    "internal": _Words(
        500,
        "Lỗi của hệ thống, không phải của phường, xã",
        "A fault of ours, not of the ward",
        _AGAIN_VI,
        _AGAIN_EN,
    ),
}
CODE_OF_HTTP: Final = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class Problem(Exception):
    """A request that is answered with an error: `code` is one of `PROBLEMS` or of the contract's reasons.

    `hang_up`: the rest of the body is not read, so the connection is closed after the answer.
    """

    def __init__(
        self,
        code: str,
        *,
        retry_after_s: float = 0.0,
        hang_up: bool = False,
        member: str | None = None,
        detail: str | None = None,
    ) -> None:
        self.code, self.retry_after_s, self.hang_up = code, retry_after_s, hang_up
        self.member, self.detail = member, detail
        super().__init__(code)


def problem_of(reject: Reject) -> Problem:
    """A body that breaks the contract as a whole."""
    return Problem(reject.code, member=reject.member, detail=reject.detail or None)


def status_of(code: str) -> int:
    """The HTTP status of an error; the contract's reasons are all 422."""
    return PROBLEMS[code].status if code in PROBLEMS else 422


def body_of(code: str, member: str | None = None, detail: str | None = None) -> ProblemBody:
    """The error as it travels."""
    words = PROBLEMS.get(code) or EVERY_REASON[code]
    return ProblemBody(code, words.vi, words.en, words.remedy_vi, words.remedy_en, member, detail)


def json_response(value: Any, status: int = 200) -> web.Response:
    """JSON that no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def answer_of(problem: Problem) -> web.Response:
    """The error as an answer, with the headers that belong to its status."""
    status = status_of(problem.code)
    response = json_response(body_of(problem.code, problem.member, problem.detail), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="dongbo"'
    if status in (429, 503):
        response.headers["Retry-After"] = str(max(1, round(problem.retry_after_s + 0.499)))
    if problem.hang_up:
        response.force_close()
    return response
