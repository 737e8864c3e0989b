"""Difficulties at the city's desk: report one in a ward's name, assign it to an owner, resolve it.

A step goes the way of all events: the desk's own outbox, Kafka, worker, loader; the command waits until the
view shows it, so that the next command finds it. A step never lies before the one that it answers, whatever
the clocks say, because the order of time decides what is open.
"""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any, Final

from ops import console
from ops.city.outboxes import desk_outbox
from ops.city.prepare import reader
from ops.settings import Settings, load
from producers.contract.envelope import (
    DifficultyAssignedEvent,
    DifficultyReportedEvent,
    DifficultyResolvedEvent,
    SequencedEvent,
)
from producers.contract.errors import Refused
from producers.contract.events import Difficulty
from producers.contract.wards import WARDS
from producers.outbox import Draft

OK, UNREACHABLE = 0, 3
SEND_S: Final = 20.0
SHOWN_S: Final = 15.0
_HANOI: Final = datetime.fromisoformat("2025-01-01T00:00:00+07:00").tzinfo
_CODE: Final = re.compile(r"(?!.*[0-9]{9})[A-Za-z0-9._-]{1,40}")
_STEPS: Final[dict[str, type[SequencedEvent]]] = {
    "reported": DifficultyReportedEvent,
    "assigned": DifficultyAssignedEvent,
    "resolved": DifficultyResolvedEvent,
}
_LISTED: Final = (
    "ward",
    "ward_name",
    "difficulty",
    "difficulty_group",
    "group_vi",
    "step",
    "open",
    "owner",
    "due_at",
    "overdue",
    "age_days",
    "reported_at",
    "assigned_at",
    "resolved_at",
)
_GROUPS: Final = (
    "difficulty_group",
    "group_vi",
    "group_en",
    "responsible",
    "owner_kind",
    "placeholder",
    "open",
    "overdue",
)
_Known = dict[str, Any]


def report(*, ward: str, group: int, code: str | None, as_json: bool) -> int:
    """`dongbo difficulty report`: an open one is not reported again, a resolved one is opened again."""
    if ward not in WARDS:
        raise Refused(
            "unknown_ward",
            f"{ward} không phải mã của 126 phường, xã: ghi đủ 5 chữ số, có số 0 ở đầu",
            f"{ward} is not one of the 126 wards: write all 5 digits, leading zeros included",
        )
    settings, today = load(), datetime.now(_HANOI)
    name = _code("--code", code or f"VM-{ward}-{today:%y%m%d}-{secrets.token_hex(2)}")
    known = _find(settings, name, ward) if code else None
    if known is not None and known["open"]:
        raise Refused(
            "difficulty_open",
            f"{name} của {ward} đã được báo và chưa giải quyết",
            f"{name} of {ward} was reported already and is open",
        )
    return _say(
        settings,
        "reported",
        known,
        Difficulty(ward=ward, epoch="", seq=1, difficulty=name, group=group),
        as_json,
    )


def assign(*, code: str, owner: str, due: str, ward: str | None, again: bool, as_json: bool) -> int:
    """`dongbo difficulty assign`: twice the same is once; another owner or due time only with `again`."""
    settings, until = load(), moment_of(due)
    known = _open(settings, code, ward)
    if known["owner"] and (known["owner"], known["due_at"]) == (_code("--owner", owner), until):
        return _show(_answer(known, "assigned") | {"already": True, "in_kafka": True}, as_json=as_json)
    if known["owner"] and not again:
        raise Refused(
            "difficulty_assigned",
            f"{code} đã giao cho {known['owner']}, hạn {_day(known['due_at'])}: thêm --again để giao lại",
            f"{code} is assigned to {known['owner']}, due {_day(known['due_at'])}: add --again to change it",
        )
    return _say(
        settings, "assigned", known, _payload(known, owner=_code("--owner", owner), due=until), as_json
    )


def resolve(*, code: str, ward: str | None, as_json: bool) -> int:
    """`dongbo difficulty resolve`: twice is once."""
    settings = load()
    known = _there(settings, code, ward)
    if not known["open"]:
        answer = _answer(known, "resolved") | {"already": True, "in_kafka": True}
        console.note(
            f"{code}: resolved at {known['resolved_at']} already / đã giải quyết từ {known['resolved_at']}"
        )
        return _show(answer, as_json=as_json)
    return _say(settings, "resolved", known, _payload(known), as_json)


def listing(*, only_open: bool, group: int | None, owner: str | None, overdue: bool, as_json: bool) -> int:
    """`dongbo difficulty list`."""
    bound = {
        "open": only_open,
        "group": group or 0,
        "any": owner is None,
        "owner": owner or "",
        "overdue": overdue,
    }
    with reader(load()) as store:
        rows = store.query(_LIST, bound).dicts()
    console.emit_rows(_LISTED, [[row[name] for name in _LISTED] for row in rows], as_json=as_json)
    console.note(f"{len(rows)} difficulties / {len(rows)} vướng mắc")
    return OK


def groups(*, as_json: bool) -> int:
    """`dongbo difficulty groups`."""
    with reader(load()) as store:
        rows = store.query("SELECT * FROM v_difficulties_by_group ORDER BY difficulty_group").dicts()
    console.emit_rows(_GROUPS, [[row[name] for name in _GROUPS] for row in rows], as_json=as_json)
    if any(row["placeholder"] for row in rows):
        console.note(
            "Placeholders: put the names into a CSV, set DONGBO_DIFFICULTY_GROUPS_PATH, run dongbo migrate"
            " / Tên tạm: ghi tên vào CSV, đặt DONGBO_DIFFICULTY_GROUPS_PATH, chạy dongbo migrate"
        )
    return OK


def moment_of(text: str) -> datetime:
    """A due time: a day (its end in Hanoi), or a moment with its offset.

    :raises Refused: it is neither
    """
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), clock(23, 59, 59), _HANOI)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - only to be refused
    if found.tzinfo is None:
        raise Refused(
            "due",
            f"Hạn {text!r} không đúng: viết 2025-07-31 hoặc 2025-07-31T17:00:00+07:00",
            f"The due time {text!r} is none: write 2025-07-31 or 2025-07-31T17:00:00+07:00",
        )
    return found


def _code(option: str, text: str) -> str:
    if not _CODE.fullmatch(text):
        raise Refused(
            "bad_code",
            f"{option}: chỉ chữ không dấu, số, dấu . _ -, tối đa 40 ký tự, không có 9 chữ số liền nhau",
            f"{option}: only letters, digits, . _ -, at most 40 characters, no nine digits in a row",
        )
    return text


def _find(settings: Settings, code: str, ward: str | None) -> _Known | None:
    with reader(settings) as store:
        found = store.query(_ONE, {"code": code, "ward": ward or ""}).dicts()
    if len(found) > 1:
        wards = ", ".join(row["ward"] for row in found)
        raise Refused(
            "difficulty_ambiguous",
            f"{code} có ở nhiều phường, xã ({wards}): thêm --ward",
            f"{code} stands in several wards ({wards}): add --ward",
        )
    return found[0] if found else None


def _there(settings: Settings, code: str, ward: str | None) -> _Known:
    known = _find(settings, code, ward)
    if known is None:
        raise Refused(
            "no_such_difficulty",
            f"Không có vướng mắc {code}: xem dongbo difficulty list",
            f"There is no difficulty {code}: see dongbo difficulty list",
        )
    return known


def _open(settings: Settings, code: str, ward: str | None) -> _Known:
    known = _there(settings, code, ward)
    if not known["open"]:
        raise Refused(
            "difficulty_resolved",
            f"{code} đã giải quyết: báo lại trước khi giao (dongbo difficulty report --code {code})",
            f"{code} is resolved: report it again first (dongbo difficulty report --code {code})",
        )
    return known


def _payload(known: _Known, **members: Any) -> Difficulty:
    return Difficulty(
        ward=known["ward"],
        epoch="",
        seq=1,
        difficulty=known["difficulty"],
        group=known["difficulty_group"],
        **members,
    )


def _say(settings: Settings, step: str, known: _Known | None, payload: Difficulty, as_json: bool) -> int:
    """Send one step and wait until it is shown."""
    from ops.identity import gateway_sign
    from producers.publisher import Publisher

    now = datetime.now(UTC)
    at = max(now, known["changed_at"] + timedelta(milliseconds=1)) if known else now
    # Milliseconds are what the tables keep; the order must not hang on less.
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    with desk_outbox(settings) as outbox:
        seq = outbox.append(payload.ward, [Draft(_STEPS[step], payload, at, payload.ward)])[0]
        publisher = Publisher(
            outbox, settings.kafka_bootstrap, settings.events_topic, sign=gateway_sign(settings)
        )
        in_kafka = publisher.run_until_empty(SEND_S)
        event = f"{payload.ward}/{outbox.epoch}/{seq}"
    answer = _answer(
        {"ward": payload.ward, "difficulty": payload.difficulty, "difficulty_group": payload.group}, step
    )
    shown = in_kafka and _is_shown(settings, payload, at)
    if in_kafka and not shown:
        console.note(
            "in Kafka, not yet in the view: is the loader behind? / đã vào Kafka, chưa hiện trong khung nhìn"
        )
    return _show(
        answer | {"event": event, "already": False, "in_kafka": in_kafka, "shown": shown}, as_json=as_json
    )


def _is_shown(settings: Settings, payload: Difficulty, at: datetime) -> bool:
    deadline = time.monotonic() + SHOWN_S
    while time.monotonic() < deadline:
        found = _find(settings, payload.difficulty, payload.ward)
        if found is not None and found["changed_at"] >= at:
            return True
        time.sleep(0.2)
    return False


def _answer(known: _Known, step: str) -> dict[str, Any]:
    return {
        "ward": known["ward"],
        "difficulty": known["difficulty"],
        "group": known["difficulty_group"],
        "step": step,
    }


def _show(answer: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        console.emit_json(answer)
    else:
        console.note("  ".join(f"{name}: {value}" for name, value in answer.items()))
    return OK if answer["in_kafka"] else UNREACHABLE


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


_ONE: Final = """
SELECT * FROM v_difficulties
WHERE difficulty = {code:String} AND ({ward:String} = '' OR ward = {ward:String})
ORDER BY ward
"""
_LIST: Final = """
SELECT * FROM v_difficulties
WHERE (NOT {open:Bool} OR open)
    AND ({group:UInt8} = 0 OR difficulty_group = {group:UInt8})
    AND ({any:Bool} OR owner = {owner:String})
    AND (NOT {overdue:Bool} OR overdue)
ORDER BY open DESC, overdue DESC, reported_at, ward, difficulty
"""
