"""What a ward declared against what the city counted, and why a day changed after its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ops import console
from ops.city.prepare import SQL_FOLDER, reader
from ops.settings import load
from ops.ward_repair import FINDING, OK
from producers.contract.errors import Refused
from producers.contract.vocabulary import STATUS_WORDS, Status
from producers.contract.wards import WARDS
from streams.domain.days import HANOI
from streams.warehouse import as_of, questions
from streams.warehouse.store import Store

_BACK_DAYS: Final = 31
_WRONG: Final = ("short", "over")
_CAUSES: Final = {
    "late": ("đến muộn", "came late"),
    "retraction": ("rút lại", "taken back"),
    "repair": ("gửi lại theo yêu cầu", "sent again when asked"),
    "rebuild": ("dựng lại sổ", "the books were rebuilt"),
    "recount": ("sổ thay đổi mà không có sự kiện mới", "the book changed without a new event"),
    "backfill": ("dữ liệu cũ khi mới kết nối", "history loaded when the ward joined"),
}
# Causes that change a book as a whole, not event by event.
_WHOLE: Final = ("rebuild", "recount")


def totals(*, day: str | None, ward: str | None, at: str | None, as_json: bool) -> int:
    """`dongbo totals`: one day of all wards, or what did not match within a month; 1 if any does not."""
    wanted = day_of(day)
    known(ward)
    with reader(load()) as store:
        sql, bound = _at(store, _TOTALS, at)
        today = datetime.now(HANOI).date()
        period = {"first": wanted or today - timedelta(days=_BACK_DAYS), "last": wanted or today}
        answer = store.query(sql, {**bound, **period, "ward": ward or "", "all": int(wanted is not None)})
    console.emit_rows(answer.names, answer.rows, as_json=as_json)
    states = [row[answer.names.index("state")] for row in answer.rows]
    wrong, silent = sum(state in _WRONG for state in states), states.count("not_declared")
    console.note(f"{wrong} do not match, {silent} not declared / {wrong} không khớp, {silent} chưa chốt ngày")
    return FINDING if wrong else OK


def why(*, day: str, ward: str | None, at: str | None, as_json: bool) -> int:
    """`dongbo why`: each change of a day after its end, in words."""
    wanted = day_of(day)
    known(ward)
    with reader(load()) as store:
        question = questions.load(SQL_FOLDER / "questions")["why-changed"]
        when = None if at is None else questions.AsOf(as_of.resolved(store, at), _names())
        found = questions.run(store, question, {"day": str(wanted)}, when).dicts()
    changes = [one for one in found if ward in (None, one["ward"])]
    if as_json:
        console.emit_json([one | dict(zip(("vi", "en"), _sentence(one), strict=True)) for one in changes])
    else:
        for line in _lines(changes):
            console.out.print(line, markup=False)
    console.note(
        f"{len(changes)} changes after the end of {wanted} / {len(changes)} thay đổi sau khi hết ngày"
    )
    return OK


def day_of(text: str | None) -> date | None:
    """A day as people write it for us.

    :raises Refused: it is none
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("day", "Viết ngày như 2025-07-14", "Write the day as 2025-07-14") from None


def known(ward: str | None) -> None:
    """:raises Refused: the code is no ward's"""
    if ward is not None and ward not in WARDS:
        raise Refused(
            "unknown_ward",
            f"{ward} không phải mã của 126 phường, xã: ghi đủ 5 chữ số, có số 0 ở đầu",
            f"{ward} is not one of the 126 wards: write all 5 digits, leading zeros included",
        )


def _names() -> frozenset[str]:
    return as_of.travelling(SQL_FOLDER)


def _at(store: Store, sql: str, at: str | None) -> tuple[str, dict[str, Any]]:
    if at is None:
        return sql, {}
    return as_of.question_at(sql, _names()), dict(as_of.bound(as_of.resolved(store, at)))


def _lines(changes: Sequence[dict[str, Any]]) -> Iterable[str]:
    """A line a ward, status and cause in each language; history that wards brought along is one line."""
    told = [one for one in changes if one["cause"] != "backfill"]
    for one in told:
        yield from _sentence(one)
    old = [one for one in changes if one["cause"] == "backfill"]
    if old:
        wards, steps = len({one["ward"] for one in old}), sum(one["changes"] for one in old)
        vi, en = _CAUSES["backfill"]
        yield f"{wards} phường, xã: {steps} bước, {vi}"
        yield f"{wards} wards: {steps} steps, {en}"


def _sentence(one: dict[str, Any]) -> tuple[str, str]:
    words, (vi, en) = STATUS_WORDS[Status(one["status"])], _CAUSES[one["cause"]]
    figures = f"({one['old_count']} -> {one['new_count']})"
    change, number = f"{one['change']:+d}", one["changes"]
    times = sorted({f"{one[name]:%d/%m/%Y %H:%M:%S}" for name in ("first_arrived_at", "last_arrived_at")})
    cuts = sorted({one["first_cut"], one["last_cut"]})
    when, cut = " - ".join(times), " - ".join(map(str, cuts))
    if one["cause"] not in _WHOLE:
        vi, en = f"{vi} {number} sự kiện", f"{number} events {en}"
    return (
        f"{one['ward_name']}: {change} {words.vi} {figures}, {vi} lúc {when}, mốc {cut}",
        f"{one['ward_name']}: {change} {words.en} {figures}, {en} at {when}, cut {cut}",
    )


_TOTALS: Final = """
SELECT day, ward, ward_name, state, declared, counted, short_by, over_by, missing, epoch,
    missing_first, missing_last, words_vi, words_en
FROM v_control_totals
WHERE day BETWEEN {first:Date32} AND {last:Date32} AND ({ward:String} = '' OR ward = {ward:String})
    AND ({all:UInt8} = 1 OR state != 'matched')
ORDER BY day, indexOf(['short', 'over', 'not_declared', 'matched'], state), ward
"""
