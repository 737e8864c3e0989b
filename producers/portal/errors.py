"""What a portal record can be refused for, in both languages, with a stable code and number.

The portal's own numbers are not public but for success (see `answer`), so the numbers are our choice: two
digits, never reused.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from producers.contract.errors import DongBoError, Reject
from producers.contract.reasons import REASONS


class Problem(NamedTuple):
    """A kind of refusal: its number in `error_code`, and words."""

    number: str
    vi: str
    en: str


PROBLEMS: Final[dict[str, Problem]] = {
    "not_json": Problem(
        "10",
        "Nội dung không phải JSON UTF-8 hợp lệ; gửi lại cả gói tin",
        "The body is not valid UTF-8 JSON; send the whole body again",
    ),
    "bad_shape": Problem(
        "11",
        "Thành phần được nêu sai kiểu hoặc không đúng mẫu; sửa theo tài liệu của Cổng rồi gửi lại",
        "The named member has the wrong type or form; correct it by the portal's description and send again",
    ),
    "missing_member": Problem(
        "12",
        "Thiếu thành phần bắt buộc được nêu; bổ sung rồi gửi lại",
        "The named member is needed; add it and send again",
    ),
    "bad_time": Problem(
        "13",
        "Thời gian không đúng dạng yyyyMMddHHmmss (giờ Việt Nam); sửa rồi gửi lại",
        "The time is not yyyyMMddHHmmss (Vietnam's time); correct it and send again",
    ),
    "unknown_status": Problem(
        "14",
        "Trạng thái phải từ 1 đến 10; sửa rồi gửi lại",
        "The status must be 1 to 10; correct it and send again",
    ),
    "unknown_dossier": Problem(
        "15",
        "Chưa có hồ sơ này: gửi DongBoHoSoMC trước, rồi gửi lại CapNhatTienDoHoSoMC",
        "This dossier is not known: send DongBoHoSoMC first, then CapNhatTienDoHoSoMC again",
    ),
    "wrong_service": Problem(
        "16",
        "Giá trị service không khớp với địa chỉ đã gọi",
        "The member service does not fit the address that was called",
    ),
    "too_many": Problem(
        "17",
        "Quá nhiều hồ sơ trong một lần gửi; chia nhỏ rồi gửi lại",
        "Too many records in one request; send them in smaller parts",
    ),
    "time_out_of_range": Problem(
        "18",
        "Thời gian trước năm 2020 hoặc sau lúc nhận quá một ngày; kiểm tra dữ liệu và đồng hồ",
        "A time is before 2020 or more than a day after arrival; check the data and the clock",
    ),
    "not_admitted": Problem(
        "19",
        "Yêu cầu không được nhận: mã truy cập, dung lượng hoặc tốc độ gửi; xem code",
        "The request is not admitted: token, size or rate; see code",
    ),
    "unavailable": Problem(
        "20",
        "Hệ thống tạm thời chưa nhận được; chưa ghi gì, hãy gửi lại sau",
        "The system cannot take it now; nothing was stored, send again later",
    ),
}


class Refused(DongBoError):
    """A record or a body is refused; the ward corrects it and sends it again.

    `code` is one of `PROBLEMS`; `member` is the path of the member; a value is never repeated.
    """

    def __init__(self, code: str, member: str = "$") -> None:
        self.code, self.member, self.problem = code, member, PROBLEMS[code]
        super().__init__(f"{code} at {member}")


def refusal_of(reject: Reject, place: str) -> Refused:
    """The contract's refusal of the event that a record became, as the record's."""
    assert reject.code in REASONS
    code = reject.code if reject.code in PROBLEMS else "bad_shape"
    member = _MEMBERS.get(reject.member.rpartition(".")[2], "")
    return Refused(code, f"{place}.{member}" if member else place)


# The contract's members by the portal's names.
_MEMBERS: Final = {"dossier": "MaHoSo", "procedure": "MaTTHC", "status": "TrangThaiHoSo"}
