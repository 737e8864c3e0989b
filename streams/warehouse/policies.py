"""The rules that figures depend on, each with its basis, and the parts of the Decision 766 index.

A rule is named with its version (`supplement.pause@1`), which never changes: another way to count is
another version, so a figure that names its rule can be counted again. Sources conflict on supplements and on
due dates, so views give every rule side by side. `VERIFIED` means that a reachable source was read, which is
said in the basis; it is never the text of the law unless it says so. `RECALLED` is from memory, `ASSUMED` is
our own choice.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple


class Policy(NamedTuple):
    """One version of one rule."""

    name: str
    edition: int
    since: date
    vi: str
    en: str
    basis_vi: str
    basis_en: str
    status: str

    @property
    def policy(self) -> str:
        """Name and version, as views say them."""
        return f"{self.name}@{self.edition}"


class Part(NamedTuple):
    """One part of the index: `basis` is measured, ratio_only or not_in_events."""

    part: str
    grp: str
    vi: str
    en: str
    max_score: float
    measure: str
    basis: str
    policy: str
    formula: str
    formula_status: str
    basis_vi: str
    basis_en: str


_SINCE: Final = date(2026, 11, 24)
POLICIES: Final = (
    Policy(
        "due_date.reported",
        1,
        _SINCE,
        "Ngày hẹn là ngày mà hệ thống của phường, xã báo; xét theo ngày, không theo giờ: xong trước ngày "
        "hẹn là sớm, "
        "trong ngày hẹn hoặc không có hẹn là đúng, sau là quá hạn. Chưa xong: còn hạn nếu ngày hẹn từ ngày "
        "xét trở đi.",
        "The due day is the one that the ward's system reports; judged by date, not by time: before it is "
        "early, on "
        "it or without one is on time, after it is overdue. Not finished: within while the due day is not "
        "before the day.",
        "Đọc trong mã nguồn phần báo cáo của một hệ thống một cửa cấp tỉnh; không phải văn bản pháp luật.",
        "Read in the source code of a provincial one-stop system's report builder; not legal text.",
        "VERIFIED",
    ),
    Policy(
        "due_date.procedure",
        1,
        _SINCE,
        "Ngày hẹn tính từ lúc tiếp nhận theo thời hạn của thủ tục và lịch công sở: trong ngày, sau 15 giờ "
        "là ngày làm "
        "việc kế tiếp; hoặc ngần ấy ngày làm việc sau ngày tiếp nhận; hoặc ngần ấy ngày, rơi vào ngày nghỉ "
        "thì dời.",
        "The due day is counted from the receipt by the procedure's time limit and the office calendar: the "
        "same day, "
        "from 15:00 on the next working day; or so many working days after the day of receipt; or so many "
        "days, moved on "
        "from a day off.",
        "Mốc 15 giờ đọc trong văn bản pháp điển; thời hạn từng thủ tục xem procedures.limit_status, nhiều "
        "dòng chỉ theo "
        "trí nhớ; không đếm ngày tiếp nhận là giả định.",
        "The rule of 15:00 was read in the codified law; for each limit see procedures.limit_status, many "
        "are recalled "
        "only; that the day of receipt is not counted is assumed.",
        "ASSUMED",
    ),
    Policy(
        "supplement.none",
        1,
        _SINCE,
        "Không trừ thời gian chờ bổ sung.",
        "Waiting for supplements is not subtracted.",
        "Như sổ của hệ thống này đếm.",
        "As the books of this system count.",
        "ASSUMED",
    ),
    Policy(
        "supplement.pause",
        1,
        _SINCE,
        "Trừ thời gian chờ bổ sung (từ trạng thái 5 đến bước kế tiếp): lùi lúc xong đi ngần ấy khi xét ngày "
        "hẹn, bớt "
        "phút làm việc khi tính thời gian xử lý.",
        "The time from status 5 to the next step is subtracted: from the end when the due day is judged, "
        "from the "
        "working minutes for processing times.",
        "Đọc trong một tài liệu công thức về Bộ chỉ số 766 do người dùng cung cấp trong một dự án công "
        "khai; không phải "
        "văn bản pháp luật.",
        "Read in a user-supplied document on the formulas of the Decision 766 index in a public project; "
        "not legal text.",
        "VERIFIED",
    ),
    Policy(
        "supplement.restart",
        1,
        _SINCE,
        "Thời hạn tính lại từ lúc hết chờ bổ sung lần cuối: hạn theo thủ tục đếm lại từ đó, hạn được báo "
        "dời đi số ngày "
        "làm việc từ ngày tiếp nhận đến ngày đó.",
        "Time begins anew at the end of the last wait: the procedure's limit is counted from there, the "
        "reported due "
        "day is moved by the working days from the receipt to it.",
        "Theo trí nhớ về quy định trước đây (thời hạn tính lại từ khi nhận đủ hồ sơ); chưa đọc trong văn "
        "bản.",
        "Recalled of an earlier regulation (time restarts when the dossier is complete); not read in its "
        "text.",
        "RECALLED",
    ),
)

_NOT: Final = ("Sự kiện của hồ sơ không nói điều này.", "Events of dossiers do not say this.")


def _absent(part: str, grp: str, vi: str, en: str, max_score: float) -> Part:
    return Part(part, grp, vi, en, max_score, "", "not_in_events", "", "", "UNKNOWN", *_NOT)


INDEX766: Final = (
    _absent(
        "PUBLISH_ON_TIME", "transparency", "Công khai thủ tục đúng hạn", "Procedures published on time", 6
    ),
    _absent("PUBLIC_UPDATE_ON_TIME", "transparency", "Cập nhật đúng hạn", "Updated on time", 4),
    _absent("PUBLIC_CONTENT_FULL", "transparency", "Nội dung đầy đủ", "Complete content", 2),
    Part(
        "DOSSIER_SYNC",
        "transparency",
        "Đồng bộ hồ sơ",
        "Dossiers synchronised",
        6,
        "",
        "not_in_events",
        "",
        "",
        "UNKNOWN",
        "Chỉ số đếm hồ sơ đồng bộ lên Cổng quốc gia; ở đây chỉ biết hồ sơ đến thành phố.",
        "It counts dossiers synchronised to the national portal; here is known only what reached the city.",
    ),
    Part(
        "PROGRESS",
        "progress",
        "Tiến độ giải quyết",
        "Progress",
        20,
        "progress",
        "measured",
        "due_date.reported@1",
        "20 * numerator / denominator",
        "FITTED",
        "Tử số: xong sớm hoặc đúng hạn trong tháng; mẫu số: tiếp nhận trong tháng, không quá điểm tối đa. "
        "Công thức suy "
        "ra từ số đã công bố của một tỉnh, không phải văn bản; nguồn không nói hai số có cùng một lứa hồ sơ "
        "hay không.",
        "Numerator: finished early or on time in the month; denominator: received in the month; capped at "
        "the maximum. "
        "Fitted on one province's published figures, not legal text; the source does not say whether both "
        "are of one cohort.",
    ),
    Part(
        "ONLINE",
        "online",
        "Dịch vụ công trực tuyến",
        "Online services",
        12,
        "online",
        "ratio_only",
        "",
        "",
        "UNKNOWN",
        "Tử số: tiếp nhận trực tuyến; mẫu số: tiếp nhận. Cách chia 12 điểm cho các phần chưa rõ, nên không "
        "cho điểm.",
        "Numerator: received online; denominator: received. How the 12 points are divided is not confirmed, "
        "so no score.",
    ),
    Part(
        "PAYMENT",
        "payment",
        "Thanh toán trực tuyến",
        "Online payment",
        10,
        "payment",
        "ratio_only",
        "",
        "",
        "UNKNOWN",
        "Tử số: xong, nộp phí trực tuyến; mẫu số: xong, có nói cách nộp. Hai trong ba số hạng của công thức "
        "không có "
        "trong sự kiện, nên không cho điểm.",
        "Numerator: finished, paid online; denominator: finished, with the way of payment said. Two of the "
        "formula's three "
        "terms are not in the events, so no score.",
    ),
    _absent("ORIGINAL_RESULT_AVAILABLE", "digitised", "Kết quả điện tử", "Results in electronic form", 6),
    Part(
        "SO_HOA_GIAY_TO_GIAI_QUYET",
        "digitised",
        "Số hóa giấy tờ khi giải quyết",
        "Papers digitised while processing",
        4,
        "digitised",
        "measured",
        "",
        "4 * numerator / denominator",
        "FITTED",
        "Tử số: xong, đã số hóa; mẫu số: xong, có nói đã số hóa hay chưa. Suy ra từ số đã công bố (đủ điểm "
        "ở 100 %); một "
        "tài liệu nói đủ điểm từ 80 %. Lấy mức chặt hơn.",
        "Numerator: finished, digitised; denominator: finished, with digitised or not said. Fitted on "
        "published figures "
        "(full marks at 100%); a document says full marks from 80%. The stricter one is used.",
    ),
    _absent(
        "ELECTRONIC_CERTIFIED_COPY",
        "digitised",
        "Chứng thực bản sao điện tử",
        "Electronic certified copies",
        2,
    ),
    _absent("REUSED_DIGITIZED_DATA", "digitised", "Tái sử dụng dữ liệu số hóa", "Digitised data reused", 2),
    _absent(
        "SYNCED_WITH_DVCQG_PERSONAL_STORAGE",
        "digitised",
        "Đồng bộ kho dữ liệu cá nhân",
        "Synchronised with the personal store",
        4,
    ),
    _absent(
        "CITIZEN_DATA_CONNECTED_DOSSIER",
        "digitised",
        "Hồ sơ kết nối dữ liệu dân cư",
        "Dossiers connected with population data",
        2,
    ),
    _absent(
        "CITIZEN_DATA_CONNECTED_FORMALITY",
        "digitised",
        "Thủ tục kết nối dữ liệu dân cư",
        "Procedures connected with population data",
        2,
    ),
    _absent(
        "PETITION_PROCESSING_ON_TIME",
        "satisfaction",
        "Xử lý phản ánh đúng hạn",
        "Petitions handled on time",
        6,
    ),
    _absent(
        "PETITION_HANDLING_SATISFACTION",
        "satisfaction",
        "Hài lòng về xử lý phản ánh",
        "Satisfaction with petitions",
        6,
    ),
    _absent(
        "DOSSIER_RECEIVING_SATISFACTION",
        "satisfaction",
        "Hài lòng về giải quyết hồ sơ",
        "Satisfaction with dossiers",
        6,
    ),
)
