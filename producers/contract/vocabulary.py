"""The words of the domain in Vietnamese and English; they stand here and nowhere else.

Statuses, channels, service levels and applicants are the codes of the National Public Service Portal's
synchronisation payloads, as found alike in four public code bases (VERIFIED in the domain notes); field
slugs are ours, the field names come from the procedure list.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final, NamedTuple


class Words(NamedTuple):
    """A label in both languages."""

    vi: str
    en: str


class Status(IntEnum):
    """The portal's ten dossier statuses (TrangThaiHoSo)."""

    REGISTERED = 1
    RECEIVED = 2
    NOT_ACCEPTED = 3
    PROCESSING = 4
    SUPPLEMENT = 5
    PAYMENT = 6
    WITHDRAWN = 7
    STOPPED = 8
    DONE = 9
    RETURNED = 10


class Channel(StrEnum):
    """How the dossier came in (KenhThucHien 1, 2, 3)."""

    COUNTER = "counter"
    ONLINE = "online"
    POST = "post"


class Applicant(StrEnum):
    """Who applies (LoaiDoiTuong 1..4)."""

    CITIZEN = "citizen"
    BUSINESS = "business"
    AGENCY = "agency"
    OTHER = "other"


class Timeliness(StrEnum):
    """Finished before, on or after the due day; `open` while not finished."""

    OPEN = "open"
    EARLY = "early"
    ON_TIME = "on_time"
    OVERDUE = "overdue"


STATUS_WORDS: Final[dict[Status, Words]] = {
    Status.REGISTERED: Words("Mới đăng ký", "Registered"),
    Status.RECEIVED: Words("Được tiếp nhận", "Received"),
    Status.NOT_ACCEPTED: Words("Không được tiếp nhận", "Not accepted"),
    Status.PROCESSING: Words("Đang xử lý", "In process"),
    Status.SUPPLEMENT: Words("Yêu cầu bổ sung giấy tờ", "Supplement requested"),
    Status.PAYMENT: Words("Yêu cầu thực hiện nghĩa vụ tài chính", "Payment requested"),
    Status.WITHDRAWN: Words("Công dân yêu cầu rút hồ sơ", "Withdrawn by the applicant"),
    Status.STOPPED: Words("Dừng xử lý", "Stopped"),
    Status.DONE: Words("Đã xử lý xong", "Processed"),
    Status.RETURNED: Words("Đã trả kết quả", "Result returned"),
}

CHANNEL_WORDS: Final[dict[Channel, Words]] = {
    Channel.COUNTER: Words("Trực tiếp", "At the counter"),
    Channel.ONLINE: Words("Trực tuyến", "Online"),
    Channel.POST: Words("Bưu chính công ích", "By public post"),
}

APPLICANT_WORDS: Final[dict[Applicant, Words]] = {
    Applicant.CITIZEN: Words("Công dân", "Citizen"),
    Applicant.BUSINESS: Words("Doanh nghiệp", "Business"),
    Applicant.AGENCY: Words("Cơ quan nhà nước", "State agency"),
    Applicant.OTHER: Words("Tổ chức/Khác", "Organisation/other"),
}

TIMELINESS_WORDS: Final[dict[Timeliness, Words]] = {
    Timeliness.OPEN: Words("Chưa xong", "Open"),
    Timeliness.EARLY: Words("Trước hạn", "Early"),
    Timeliness.ON_TIME: Words("Đúng hạn", "On time"),
    Timeliness.OVERDUE: Words("Quá hạn", "Overdue"),
}

FIELD_WORDS: Final[dict[str, Words]] = {
    "chung-thuc": Words("Chứng thực", "Certification"),
    "ho-tich": Words("Hộ tịch", "Civil status"),
    "cu-tru": Words("Đăng ký, quản lý cư trú (Công an cấp xã)", "Residence (commune police)"),
    "ho-kinh-doanh": Words("Thành lập và hoạt động hộ kinh doanh", "Household businesses"),
    "bao-tro-xa-hoi": Words("Bảo trợ xã hội", "Social protection"),
    "giam-ngheo": Words("Giảm nghèo", "Poverty reduction"),
    "xay-dung": Words("Hoạt động xây dựng", "Construction"),
    "dat-dai": Words("Đất đai", "Land"),
    "khac": Words("Lĩnh vực khác", "Other fields"),
}

# A dossier that reached one of these is no longer open. DONE is the end of processing, RETURNED the
# handing over; both may arrive, so an end is counted once a dossier, by its first end status.
END_STATUSES: Final = frozenset(
    {Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.STOPPED, Status.DONE, Status.RETURNED}
)
