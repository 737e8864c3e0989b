"""Doubts about what a ward's system says: reported and counted, never silently believed.

The known trap (VERIFIED in a provincial one-stop system's code): before it sends, it rewrites the statuses
5, 6 and 8 (waiting for papers, waiting for payment, stopped) to 9 (done). So 9 alone proves nothing, and
this is our rule:

**A 9 counts only with proof**: NgayKetThucXuLy (or NgayTra), no supplement request still open, and no end
before the beginning or before a known waiting. Otherwise it is *withheld*: no event is made, the dossier
stays in the last status that was told, and the answer says so. Why this way round: a withheld 9 that was
true is an open dossier until the next record heals it, with the right time; a believed 9 that was false
makes a waiting dossier a finished one, on time, and nothing would ever heal it. And without an end no time
could be named without a guess.

A status that comes after a counted 9 is sent as the ward says it, with a finding that names the doubt; the
9 is not retracted by us, since a dossier may be opened again: the ward retracts it if it was none.

Fees give no rule: the portal's fee list has no member that says paid or not (VERIFIED).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from producers.contract.vocabulary import Words

FINDINGS: Final[dict[str, Words]] = {
    "done_unproven": Words(
        "Trạng thái 9 nhưng không có NgayKetThucXuLy và NgayTra: chưa được tính. Nếu hồ sơ đã xong, gửi lại "
        "DongBoHoSoMC kèm NgayKetThucXuLy; nếu đang chờ bổ sung, nghĩa vụ tài chính hoặc dừng, gửi đúng "
        "5, 6, 8",
        "Status 9 without NgayKetThucXuLy and NgayTra: not counted. If the dossier is done, send "
        "DongBoHoSoMC with "
        "NgayKetThucXuLy again; if it waits or was stopped, send the true 5, 6 or 8",
    ),
    "done_while_supplement_open": Words(
        "Trạng thái 9 trong khi còn yêu cầu bổ sung chưa tiếp nhận: chưa được tính. Gửi đúng trạng thái "
        "5, hoặc "
        "cập nhật NgayTiepNhanBoSung",
        "Status 9 while a supplement request is still open: not counted. Send the true status 5, or the "
        "NgayTiepNhanBoSung",
    ),
    "done_contradicted": Words(
        "Trạng thái 9 có ngày kết thúc trước ngày tiếp nhận hoặc trước lúc hồ sơ chờ (5, 6, 8): chưa "
        "được tính. "
        "Kiểm tra NgayKetThucXuLy",
        "Status 9 ends before the dossier was received or before it waited (5, 6, 8): not counted. Check "
        "NgayKetThucXuLy",
    ),
    "done_then_open": Words(
        "Hồ sơ đã tính là xong (9 hoặc 10) nay lại đang xử lý: nếu lần xong trước là sai, hãy rút lại "
        "sự kiện đó",
        "A dossier that was counted as done (9 or 10) is in process again: if the former end was wrong, "
        "retract it",
    ),
    "returned_undated": Words(
        "Trạng thái 10 không có NgayTra: tính theo NgayKetThucXuLy hoặc lúc nhận. Bổ sung NgayTra",
        "Status 10 without NgayTra: counted at NgayKetThucXuLy, or at arrival. Add NgayTra",
    ),
    "unknown_channel": Words(
        "KenhThucHien không phải 1, 2, 3: tính là trực tiếp. Kiểm tra bảng mã",
        "KenhThucHien is not 1, 2 or 3: counted as at the counter. Check the code table",
    ),
    "unknown_field": Words(
        "Không nhận ra lĩnh vực và thủ tục: tính vào lĩnh vực khác. Kiểm tra TenLinhVuc và MaTTHC",
        "Neither field nor procedure is known: counted under other fields. Check TenLinhVuc and MaTTHC",
    ),
    "other_unit": Words(
        "madonvi khác với những lần gửi trước của đơn vị, hoặc không đúng mẫu; phường, xã vẫn lấy theo "
        "mã truy cập",
        "madonvi differs from the ward's earlier ones, or has another form; the ward is taken from the token",
    ),
    "content_differs": Words(
        "Cùng hồ sơ, trạng thái và thời điểm nhưng nội dung khác lần trước: giữ nội dung đầu tiên",
        "The same dossier, status and time with another content: the first content counts",
    ),
}


class Finding(NamedTuple):
    """A doubt about one dossier, or about the whole request (`dossier` is empty)."""

    code: str
    dossier: str = ""

    @property
    def words(self) -> Words:
        """What is doubted and what to do, in both languages."""
        return FINDINGS[self.code]
