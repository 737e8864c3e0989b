"""What the scripted day says at each step, in both languages: what happens, and where to look."""

from __future__ import annotations

from typing import Final, NamedTuple


class Words(NamedTuple):
    """A sentence in both languages."""

    vi: str
    en: str


class Scene(NamedTuple):
    """A step in words; `happens` and `look` may have places for figures."""

    title: Words
    happens: Words
    look: str


SCENES: Final = {
    "morning": Scene(
        Words("Buổi sáng", "Morning"),
        Words(
            "Bảy phường, xã: {names}. A, C, D, E, F mỗi nơi tiếp nhận {sent} hồ sơ; G chỉ gửi nhịp tim.",
            "Seven wards: {names}. A, C, D, E and F each take in {sent} dossiers; G only sends a heartbeat.",
        ),
        "dongbo ward list",
    ),
    "silence": Scene(
        Words("A im lặng", "A falls silent"),
        Words(
            "Hệ thống của A dừng: không sự kiện, không nhịp tim. Hạn là {seconds} giây (thường là 15 phút).",
            "A's system stops: no event, no heartbeat. The deadline is {seconds} s (usually 15 minutes).",
        ),
        "dongbo ward show {A}",
    ),
    "loss": Scene(
        Words("B mất 3 sự kiện", "B loses 3 events"),
        Words(
            "B gửi 10 sự kiện; số 4 đến 6 mất giữa hộp gửi và Kafka. Số thứ tự liền nhau nên thành phố biết.",
            "B sends 10 events; 4 to 6 are lost before Kafka. Seqs are contiguous: the city knows.",
        ),
        "dongbo ward gaps {B}",
    ),
    "declaration": Scene(
        Words("C kê khai thừa 5", "C declares 5 too many"),
        Words(
            "C chốt số ngày hôm nay: tiếp nhận nhiều hơn sổ của thành phố 5 hồ sơ.",
            "C declares today's totals: 5 more dossiers taken in than the city has in its book.",
        ),
        "dongbo totals --ward {C}",
    ),
    "late_event": Scene(
        Words("D gửi sự kiện của hôm qua", "D sends yesterday's event"),
        Words(
            "Số liệu hôm qua của D thay đổi sau khi ngày đã hết: sổ điều chỉnh ghi lại. Với nơi hôm nay mới "
            "kết nối, nguyên nhân là backfill. Nếu đã chốt ngày hôm qua, D chốt lại.",
            "D's figures of yesterday change after its end: the corrections ledger has it. If the ward "
            "joined only today, the cause is backfill. If it had declared yesterday, it declares it again.",
        ),
        "dongbo why {yesterday} --ward {D}",
    ),
    "taken_back": Scene(
        Words("E rút lại một sự kiện", "E takes an event back"),
        Words(
            "E gửi nhầm một hồ sơ của hôm qua rồi rút lại: sự kiện vẫn còn đó, nhưng không được tính.",
            "E sends a dossier of yesterday by mistake, takes it back: the event stays, but does not count.",
        ),
        "dongbo why {yesterday} --ward {E}",
    ),
    "reused_seq": Scene(
        Words("F dùng lại một số thứ tự", "F uses a seq again"),
        Words(
            "F gửi số 1 lần nữa với nội dung khác, như hộp gửi khôi phục từ bản sao. Nội dung đến trước được "
            "tính.",
            "F sends seq 1 again with other content, as an outbox restored from a copy does. What came first "
            "counts.",
        ),
        "dongbo sql \"SELECT * FROM v_conflicts WHERE ward = '{F}'\"",
    ),
    "alarm": Scene(
        Words("Cảnh báo về A", "The alarm about A"),
        Words(
            "Quá hạn, A bị coi là im lặng, và cảnh báo mở trong vòng {within} giây.",
            "The deadline passes, A is silent, and an alert opens within {within} s.",
        ),
        "dongbo alerts",
    ),
    "holiday": Scene(
        Words("G nghỉ lễ", "G has a holiday"),
        Words(
            "G cũng không gửi gì lâu như thế, nhưng hôm nay đóng cửa: không có cảnh báo.",
            "G has sent nothing for as long, but its office is closed today: no alarm.",
        ),
        "dongbo ward show {G}",
    ),
    "cut": Scene(
        Words("Mốc đồng bộ", "The city's cut"),
        Words(
            "Mỗi 10 giây một mốc nói số liệu tính đến đâu, gồm ai, thiếu ai và vì sao: A im lặng, B thiếu.",
            "Every 10 s a cut says up to when figures hold, who is covered, who is not and why: A and B.",
        ),
        "dongbo cut list",
    ),
    "request": Scene(
        Words("B gửi lại", "B sends again"),
        Words(
            "Người trực chạy: dongbo ward request {B}. Hộp gửi của B tự trả lời; hệ thống cũng tự yêu cầu.",
            "The operator runs: dongbo ward request {B}. B's outbox answers by itself; the city also asks by "
            "itself.",
        ),
        "dongbo ward gaps {B}",
    ),
    "alerts": Scene(
        Words("Các cảnh báo", "The alerts"),
        Words(
            "Về bảy phường, xã chỉ có những cảnh báo đúng: A im lặng, C kê khai sai, F dùng lại số thứ tự.",
            "Of the seven wards there are just the right alerts: A silent, C's totals, F's seq used again.",
        ),
        "dongbo alerts",
    ),
    "put_right": Scene(
        Words("Khắc phục", "Put right"),
        Words(
            "A gửi nhịp tim trở lại, C chốt lại số đúng: tình trạng tốt, cảnh báo tự hết.",
            "A sends heartbeats again, C declares the right totals: all is well, alerts end by themselves.",
        ),
        "dongbo ward list; dongbo alerts",
    ),
}
