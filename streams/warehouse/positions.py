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
    return Words(
        vi.format(first=first, last=last)
        + f" Phường, xã: {who}. Xem v_ward_sync để biết số thứ tự còn thiếu và yêu cầu gửi lại từ hộp gửi.",
        en.format(first=first, last=last)
        + f" Wards: {who}. See v_ward_sync for the missing seqs and ask the wards' outboxes for them again.",
    )


_WORDS: Final = {
    LOST_RANGE: (
        "Vị trí {first} đến {last} không còn trong Kafka hoặc đã bị bỏ qua, chưa từng được nạp.",
        "Offsets {first} to {last} are gone from Kafka or were skipped, and were never loaded.",
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
