"""One event of a body into what happens with it: passed on, numbered and passed on, or rejected.

A complete event (own id, epoch, seq) is passed on as the contract encodes it: members that the contract does
not know, which could be personal data, end here and never reach Kafka. An event without id, epoch and seq
becomes a draft, to be numbered by the gateway's outbox.

Known limit: `duplicate` of a complete event means twice within this request. The gateway keeps no memory of
ids over requests, on purpose: when the city asks for an event again, the same id must pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from producers.contract import codec
from producers.contract.envelope import Event, HeartbeatEvent
from producers.contract.errors import Reject
from producers.contract.topics import VALUE_BYTES_MAX
from producers.outbox import Draft

Outcome = Literal["accepted", "duplicate", "rejected", "valid"]
# Stands for the seq that the outbox will give while an event is checked.
_PLACEHOLDER: Final = "gateway"
_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|$)|[\[{]|[\]}]', re.DOTALL)


class EventAnswer(msgspec.Struct, omit_defaults=True):
    """What became of one event. `id` is its id, also when the gateway gave it; `index` counts from 0."""

    index: int
    outcome: Outcome
    id: str | None = None
    code: str | None = None
    member: str | None = None
    detail: str | None = None
    vi: str | None = None
    en: str | None = None
    remedy_vi: str | None = None
    remedy_en: str | None = None


class Whole(NamedTuple):
    """An event that has its own seq, ready to travel; a heartbeat has none, its `seq` is 0."""

    place: int
    id: str
    value: bytes
    epoch: str = ""
    seq: int = 0


class Numberless(NamedTuple):
    """An event that the gateway's outbox must give a seq."""

    place: int
    draft: Draft


class Sorted(NamedTuple):
    """A batch by what happens next; `answers` has a place for every event, filled for those that end here."""

    wholes: list[Whole]
    numberless: list[Numberless]
    answers: list[EventAnswer | None]


def sort(
    events: Sequence[bytes],
    first: int,
    ward: str,
    now_s: float,
    depth_max: int,
    seen: dict[str, bytes],
    into: Sorted,
) -> None:
    """Judge a part of a ward's batch, `first` being its first index; a wrong event stops nothing.

    `seen` is the batch's memory of ids, `into` what the parts before it came to.
    """
    for index, value in enumerate(events, first):
        into.answers.append(None)
        try:
            judged = judge(index, value, ward, now_s, depth_max)
            if isinstance(judged, Numberless):
                into.numberless.append(judged)
            elif _is_first(judged, seen):
                into.wholes.append(judged)
            else:
                into.answers[index] = EventAnswer(index, "duplicate", judged.id)
        except Reject as reject:
            into.answers[index] = rejected(index, reject)


def rejected(index: int, reject: Reject) -> EventAnswer:
    """The answer for an event that breaks the contract; it repeats nothing that the event said."""
    words = reject.reason
    return EventAnswer(
        index,
        "rejected",
        None,
        reject.code,
        reject.member,
        reject.detail or None,
        words.vi,
        words.en,
        words.remedy_vi,
        words.remedy_en,
    )


def _is_first(event: Whole, seen: dict[str, bytes]) -> bool:
    first = seen.setdefault(event.id, event.value)
    if first is event.value:
        return True
    if first != event.value:
        raise Reject("id_reused", "", "$.id")
    return False


def judge(index: int, value: bytes, ward: str, now_s: float, depth_max: int) -> Whole | Numberless:
    """Check one event of the token's ward.

    :raises Reject: any code of the contract but those of Kafka's own; foreign_ward, too_deep
    """
    _check_depth(value, depth_max)
    try:
        event = codec.decode(value)
    except Reject as reject:
        if reject.code in ("bad_shape", "unknown_type"):
            found = _numberless(index, value, ward, now_s)
            if found is not None:
                return found
        raise
    check(event, ward, now_s)
    return whole(index, event)


def whole(index: int, event: Event) -> Whole:
    """The event as it travels."""
    value = codec.encode(event)
    if isinstance(event, HeartbeatEvent):
        return Whole(index, event.id, value)
    return Whole(index, event.id, value, event.data.epoch, event.data.seq)


def check(event: Event, ward: str, now_s: float) -> None:
    """What the city will check, and that the event is the token's ward's.

    :raises Reject: foreign_ward, or any of the contract's
    """
    if event.data.ward != ward:
        raise Reject("foreign_ward", "", "$.data.ward")
    codec.check(event)
    if not codec.TIME_MIN_S <= event.time.timestamp() <= now_s + codec.TIME_AHEAD_MAX_S:
        raise Reject("time_out_of_range", "time", "$.time")


def _numberless(index: int, value: bytes, ward: str, now_s: float) -> Numberless | None:
    """The event as a draft if it has no identity of its own; what follows from the token may be left out.

    None: it has an id, epoch or seq, so it meant to be complete.
    """
    try:
        found: Any = msgspec.json.decode(value)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict) or "id" in found:
        return None
    data = found["data"]
    if "epoch" in data or "seq" in data:
        return None
    data.setdefault("ward", ward)
    if data["ward"] != ward:
        raise Reject("foreign_ward", "", "$.data.ward")
    data |= {"epoch": _PLACEHOLDER, "seq": 1}
    _complete_of(data.get("of"))
    found |= {"id": f"{ward}/{_PLACEHOLDER}/1"}
    found.setdefault("source", f"/wards/{ward}")
    found.setdefault("specversion", "1.0")
    return Numberless(index, _draft(found, ward, now_s))


def _complete_of(retracted: Any) -> None:
    """A retraction repeats an event; one that never had a seq repeats it without."""
    if isinstance(retracted, dict) and "epoch" not in retracted and "seq" not in retracted:
        retracted |= {"epoch": _PLACEHOLDER, "seq": 1}


def _draft(found: dict[str, Any], ward: str, now_s: float) -> Draft:
    try:
        value = msgspec.json.encode(found)
    except (ValueError, OverflowError, RecursionError):
        raise Reject("not_json", "a number or text that JSON cannot carry") from None
    event = codec.decode(value)
    if isinstance(event, HeartbeatEvent):
        raise Reject("bad_shape", "a heartbeat needs its epoch; or use /v1/heartbeat", "$.data.epoch")
    check(event, ward, now_s)
    return Draft(type(event), event.data, event.time, ward)


def _check_depth(value: bytes, depth_max: int) -> None:
    """Brackets are only counted; the exact depth is looked at when there are more than the bound."""
    if value.count(b"{") + value.count(b"[") <= depth_max:
        return
    if len(value) > VALUE_BYTES_MAX:
        raise Reject("too_large", f"{len(value)} bytes")
    depth = 0
    for match in _TOKENS.finditer(value):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
            if depth > depth_max:
                raise Reject("too_deep", f"more than {depth_max} levels")
        elif token in (b"}", b"]"):
            depth -= 1
