"""One row of cells into one event draft, or what is wrong with each of its cells: pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from producers.contract.codec import admit, encode
from producers.contract.envelope import StatusChangedEvent, wrap
from producers.contract.errors import Reject
from producers.contract.events import StatusChanged
from producers.contract.procedures import PROCEDURES
from producers.contract.topics import PARTITION_OF_WARD
from producers.contract.vocabulary import (
    APPLICANT_WORDS,
    CHANNEL_WORDS,
    END_STATUSES,
    FIELD_WORDS,
    STATUS_WORDS,
    Words,
)
from producers.outbox import Draft
from producers.sheets.faults import CELL
from producers.sheets.mapping import REQUIRED, Mapping, fold
from producers.sheets.table import Cells
from producers.totals import HANOI

_EPOCH: Final = "file"
_DAY_FIRST: Final = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?"
)
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?")
_MOMENTS: Final = ("received_at", "time", "due_at", "finished_at")
_TEXT_MAX: Final = 200
_YES: Final = frozenset({"1", "true", "x", "co", "yes", "da"})
_NO: Final = frozenset({"0", "false", "khong", "no", "chua"})


class Finding(NamedTuple):
    """What is wrong with a cell; `column` is the file's own name for it."""

    line: int
    column: str
    code: str
    vi: str
    en: str


class Row(NamedTuple):
    """A row as an event; `draft` is None if there are findings."""

    line: int
    ward: str
    draft: Draft | None
    findings: list[Finding]


class _Bad(Exception):
    """A cell that cannot be understood; the code is one of `CELL`."""


def convert(row: Cells, mapping: Mapping, now_s: float) -> Row:
    """A row as the event that its ward would have sent, checked as the city will check it at `now_s`."""
    found: dict[str, Any] = {}
    findings: list[Finding] = []
    for member, read in _READERS.items():
        try:
            found[member] = _read(member, read, row.cells.get(member), mapping)
        except _Bad as error:
            findings.append(_finding(row.line, member, mapping, str(error), CELL[str(error)]))
    if findings:
        return Row(row.line, found.get("ward") or "", None, findings)
    return _event(row.line, found, mapping, now_s)


def _read(member: str, read: Callable[[Any], Any], cell: Any, mapping: Mapping) -> Any:
    if isinstance(cell, str):
        cell = cell.strip()
    if cell is None or cell == "":
        cell = mapping.defaults.get(member)
    if cell is None:
        if member in REQUIRED:
            raise _Bad("missing_value")
        return None
    own = mapping.values.get(member)
    if own and isinstance(cell, str):
        cell = own.get(fold(cell), cell)
    return read(cell)


def _event(line: int, found: dict[str, Any], mapping: Mapping, now_s: float) -> Row:
    field = found["field"] or _field_of(found["procedure"])
    if field is None:
        return Row(
            line, "", None, [_finding(line, "procedure", mapping, "unknown_field", CELL["unknown_field"])]
        )
    ended = found["status"] in END_STATUSES
    time = found.pop("time") or (found["finished_at"] if ended else None) or found["received_at"]
    payload = StatusChanged(**found | {"epoch": _EPOCH, "seq": 1, "field": field})
    try:
        value = encode(wrap(StatusChangedEvent, payload, time))
        admit(value, payload.ward.encode(), PARTITION_OF_WARD.get(payload.ward, -1), now_s)
    except Reject as reject:
        member = reject.member.rpartition(".")[2]
        words = Words(
            f"{reject.reason.vi}. {reject.reason.remedy_vi}", f"{reject.reason.en}. {reject.reason.remedy_en}"
        )
        return Row(line, payload.ward, None, [_finding(line, member, mapping, reject.code, words)])
    return Row(line, payload.ward, Draft(StatusChangedEvent, payload, time), [])


def _finding(line: int, member: str, mapping: Mapping, code: str, words: Words) -> Finding:
    return Finding(line, mapping.columns.get(member, member), code, words.vi, words.en)


def _field_of(procedure: str) -> str | None:
    known = PROCEDURES.get(procedure)
    return known.field if known else None


def _text(cell: Any) -> str:
    """A code. Excel makes numbers of codes; what is whole is written without a point."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, bool | datetime | date) or len(str(cell)) > _TEXT_MAX:
        raise _Bad("unknown_word")
    return str(cell)


def _ward(cell: Any) -> str:
    text = _text(cell)
    return text.zfill(5) if text.isdecimal() else text


def _procedure(cell: Any) -> str:
    # 1.000110 as a number has lost its last nought; the code always has six digits behind the point.
    return f"{cell:.6f}" if isinstance(cell, float) and math.isfinite(cell) else _text(cell)


def _moment(cell: Any) -> datetime:
    """A moment; without a zone it is Hanoi's. Excel's days are fractions, so seconds are rounded."""
    if isinstance(cell, datetime):
        whole = (cell + timedelta(milliseconds=500)).replace(microsecond=0)
        return whole if whole.tzinfo else whole.replace(tzinfo=HANOI)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=HANOI)
    text = cell if isinstance(cell, str) else ""
    try:
        if found := _DAY_FIRST.fullmatch(text):
            day, month, year, *clock = (int(part or 0) for part in found.groups())
            hour, minute, second = clock
            return datetime(year, month, day, hour, minute, second, tzinfo=HANOI)
        if _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=HANOI)
    except (ValueError, OverflowError):
        pass
    raise _Bad("bad_date")


def _word(table: ReadOnly[Any, Words]) -> Callable[[Any], Any]:
    """A reader of codes and of their names in vi and en, case and marks aside."""
    known = {fold(str(code)): code for code in table}
    for code, words in table.items():
        known |= {fold(words.vi): code, fold(words.en): code}

    def read(cell: Any) -> Any:
        try:
            return known[fold(_text(cell))]
        except KeyError:
            raise _Bad("unknown_word") from None

    return read


def _field(cell: Any) -> str:
    """A field of the vocabulary, or a slug of its own."""
    text = _text(cell)
    known = _fields.get(fold(text))
    return known or text


def _flag(cell: Any) -> bool:
    text = fold(str(int(cell)) if isinstance(cell, bool) else _text(cell))
    if text not in _YES | _NO:
        raise _Bad("unknown_word")
    return text in _YES


def _level(cell: Any) -> int:
    text = _text(cell)
    if text not in ("2", "3", "4"):
        raise _Bad("unknown_word")
    return int(text)


_fields: Final = {fold(words.vi): slug for slug, words in FIELD_WORDS.items()} | {
    fold(words.en): slug for slug, words in FIELD_WORDS.items()
}
_STATUS_TABLE: Final = {str(int(status)): words for status, words in STATUS_WORDS.items()}
_status_word: Final = _word(_STATUS_TABLE)
_STATUS_OF: Final = {str(int(status)): status for status in STATUS_WORDS}
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "ward": _ward,
    "dossier": _text,
    "procedure": _procedure,
    "field": _field,
    "channel": _word(CHANNEL_WORDS),
    "status": lambda cell: _STATUS_OF[_status_word(cell)],
    **dict.fromkeys(_MOMENTS, _moment),
    "applicant": _word(APPLICANT_WORDS),
    "service_level": _level,
    "paid_online": _flag,
    "digitised": _flag,
}
