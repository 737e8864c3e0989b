"""Where to begin reading a partition, and why. A position that was lost is told, never jumped over.

The id of the topic is committed beside each offset: an offset means nothing in a topic that was deleted and
made again under the same name. Beginning at the start of a partition is always safe, since every row
replaces itself.
"""

from __future__ import annotations

from typing import Final, NamedTuple

TOPIC_RECREATED: Final = "topic_recreated"
LOG_TRUNCATED: Final = "log_truncated"
LOST_RANGE: Final = "lost_range"
APPEND_TIME_BACK: Final = "append_time_back"


class Found(NamedTuple):
    """What Kafka knows of a partition: committed offset (negative if none) with its metadata, log bounds."""

    committed: int
    metadata: str
    low: int
    high: int


class Start(NamedTuple):
    """Where to begin; `incident` is empty if that is where the last loader ended, or the first time."""

    offset: int
    incident: str = ""


def start_of(found: Found, topic_id: str) -> Start:
    """Decide for one partition."""
    if found.committed < 0:
        return Start(found.low)
    if found.metadata and found.metadata != topic_id:
        return Start(found.low, TOPIC_RECREATED)
    if found.committed < found.low:
        return Start(found.low, LOST_RANGE)
    if found.committed > found.high:
        return Start(found.low, LOG_TRUNCATED)
    return Start(found.committed)


class Words(NamedTuple):
    """An incident in both languages: what happened, which wards, what to do."""

    vi: str
    en: str


def explain(kind: str, first: int, last: int, wards: list[str]) -> Words:
    """What a person must know about an incident."""
    who = ", ".join(wards)
    vi, en = _WORDS[kind]
    vi_do, en_do = _NOTHING if kind == APPEND_TIME_BACK else _ASK_AGAIN
    return Words(
        f"{vi.format(first=first, last=last)} Phường, xã: {who}. {vi_do}",
        f"{en.format(first=first, last=last)} Wards: {who}. {en_do}",
    )


_ASK_AGAIN: Final = Words(
    "Xem v_ward_sync để biết số thứ tự còn thiếu và yêu cầu gửi lại từ hộp gửi.",
    "See v_ward_sync for the missing seqs and ask the wards' outboxes for them again.",
)
_NOTHING: Final = Words(
    "Số liệu hiện tại và các mốc sau khi đồng hồ đã đi qua thì đủ; hãy chỉnh đồng hồ các máy Kafka.",
    "Present figures, and cuts after the clock has caught up, are whole; set the brokers' clocks right.",
)


_WORDS: Final = {
    LOST_RANGE: (
        "Vị trí {first} đến {last} không còn trong Kafka hoặc đã bị bỏ qua, chưa từng được nạp.",
        "Offsets {first} to {last} are gone from Kafka or were skipped, and were never loaded.",
    ),
    APPEND_TIME_BACK: (
        "Đồng hồ của Kafka lùi lại: trong các vị trí {first} đến {last} có thông điệp mang giờ đến trước một"
        " mốc đã công bố. Hỏi theo các mốc đó thì có thể thiếu những thông điệp này.",
        "Kafka's clock stepped back: among offsets {first} to {last} are messages that arrived, by it, before"
        " a cut that is published. Asked as of those cuts, answers may lack these messages.",
    ),
    TOPIC_RECREATED: (
        "Chủ đề đã bị xóa và tạo lại; chủ đề cũ đã đọc đến trước vị trí {first}, phần sau đó đã mất.",
        "The topic was deleted and made again; the old one was read up to offset {first}, its rest is lost.",
    ),
    LOG_TRUNCATED: (
        "Kafka kết thúc trước vị trí {first} đã đọc: máy chủ mất phần cuối. Đang đọc lại phân vùng từ đầu.",
        "Kafka ends before offset {first}, which was read: the broker lost its tail. Reading it all anew.",
    ),
}
