"""Words for the codes in a table's cells: the contract's, and those of synchronised monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from dashboards.server.tables.model import Column
from producers.contract.vocabulary import (
    CHANNEL_WORDS,
    FIELD_WORDS,
    STATUS_WORDS,
    TIMELINESS_WORDS,
    Words,
)

Lang = Literal["vi", "en"]

ALIVE_WORDS: Final = {
    "active": Words("Đang hoạt động", "Active"),
    "quiet": Words("Yên lặng, vẫn có nhịp tim", "Quiet, its heartbeat is there"),
    "closed": Words("Ngoài giờ làm việc", "Closed"),
    "behind": Words("Gửi chậm", "Behind"),
    "silent": Words("Mất liên lạc", "Silent"),
    "never": Words("Chưa từng gửi", "Never heard of"),
}
COMPLETE_WORDS: Final = {
    "complete": Words("Đủ", "Complete"),
    "missing": Words("Thiếu", "Missing"),
    "unknown": Words("Chưa rõ", "Unknown"),
}
RECONCILED_WORDS: Final = {
    "matched": Words("Khớp", "Matched"),
    "open": Words("Chưa chốt", "Not closed"),
    "mismatch": Words("Không khớp", "Mismatch"),
    "unknown": Words("Chưa rõ", "Unknown"),
}
STATE_WORDS: Final = {
    "good": Words("Tốt", "Good"),
    "attention": Words("Cần chú ý", "Attention"),
    "bad": Words("Xấu", "Bad"),
    "waiting": Words("Chờ dữ liệu", "Waiting"),
}
STEP_WORDS: Final = {
    "reported": Words("Đã báo", "Reported"),
    "assigned": Words("Đã giao", "Assigned"),
    "resolved": Words("Đã giải quyết", "Resolved"),
}
CAUSE_WORDS: Final = {
    "late": Words("Đến muộn", "Late event"),
    "retraction": Words("Rút lại", "Retraction"),
    "repair": Words("Gửi lại theo yêu cầu", "Sent again when asked"),
    "rebuild": Words("Dựng lại sổ", "Books rebuilt"),
    "recount": Words("Sổ đổi mà không có sự kiện mới", "Book changed without a new event"),
    "backfill": Words("Dữ liệu cũ khi mới kết nối", "History, loaded on joining"),
}
CONTROL_WORDS: Final = {
    "matched": Words("Khớp", "Matched"),
    "short": Words("Thiếu so với kê khai", "Short"),
    "over": Words("Thừa so với kê khai", "Over"),
    "not_declared": Words("Chưa chốt", "Not declared"),
}
# What an answer says of a comparison, of totals as of a hop.
OUTCOME_WORDS: Final = CONTROL_WORDS | {
    "equal": Words("Đủ", "Equal"),
    "in_flight": Words("Đang trên đường", "In flight"),
    "broken": Words("Mất hoặc sai", "Lost or wrong"),
}
WHY_WORDS: Final = {
    "never_heard": Words("Chưa từng gửi", "Never heard of"),
    "events_missing": Words("Thiếu sự kiện", "Events missing"),
    "no_data_of_the_day": Words("Chưa có số liệu của ngày", "No data of the day"),
}
OWNER_KIND_WORDS: Final = {
    "ministry": Words("Bộ, ngành", "Ministry"),
    "locality": Words("Địa phương", "Locality"),
}
LOAD_WORDS: Final = {"events": Words("Sự kiện", "Events"), "books": Words("Sổ", "Books")}
SEVERITY_WORDS: Final = {
    "warning": Words("Cần chú ý", "Warning"),
    "critical": Words("Nghiêm trọng", "Critical"),
}
KIND_WORDS: Final = {"phuong": Words("Phường", "Ward"), "xa": Words("Xã", "Commune")}
YES_WORDS: Final = {True: Words("Có", "Yes"), False: Words("Không", "No")}

# What a column of kind `word` names in `Column.words`.
WORDS: Final[dict[str, Mapping[Any, Words]]] = {
    "alive": ALIVE_WORDS,
    "complete": COMPLETE_WORDS,
    "reconciled": RECONCILED_WORDS,
    "state": STATE_WORDS,
    "step": STEP_WORDS,
    "cause": CAUSE_WORDS,
    "control": CONTROL_WORDS,
    "severity": SEVERITY_WORDS,
    "outcome": OUTCOME_WORDS,
    "why": WHY_WORDS,
    "owner_kind": OWNER_KIND_WORDS,
    "load": LOAD_WORDS,
    "ward_kind": KIND_WORDS,
}
_OF_KIND: Final[dict[str, Mapping[Any, Words]]] = {
    "status": STATUS_WORDS,
    "channel": CHANNEL_WORDS,
    "field": FIELD_WORDS,
    "timeliness": TIMELINESS_WORDS,
    "yes": YES_WORDS,
}


def dictionary(column: Column) -> Mapping[Any, Words] | None:
    """The words of a column's codes; None if it holds none."""
    return WORDS[column.words] if column.kind == "word" else _OF_KIND.get(column.kind)


def said(column: Column, value: Any, lang: Lang) -> str:
    """A code in words; what has no word stays as it is."""
    words = (dictionary(column) or {}).get(value)
    return getattr(words, lang) if words else str(value)


def as_json() -> dict[str, dict[str, dict[str, str]]]:
    """All of `WORDS` and `field`, as {kind: {code: {vi, en}}}: what the page has not yet."""
    kinds = WORDS | {"field": FIELD_WORDS, "yes": YES_WORDS}
    return {
        kind: {_code(code): words._asdict() for code, words in found.items()} for kind, found in kinds.items()
    }


def _code(code: Any) -> str:
    return str(code).lower() if isinstance(code, bool) else str(code)
