"""What a question's parameters may be: checked before ClickHouse is asked, in words that a person can use.

A check is for the person; safety does not rest on it, since every value is bound by ClickHouse.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from producers.contract.errors import Stop
from producers.contract.procedures import PROCEDURES
from producers.contract.vocabulary import CHANNEL_WORDS, FIELD_WORDS
from producers.contract.wards import WARDS

_NULLABLE: Final = re.compile(r"Nullable\((\w+)\)")
_TEXT_MAX: Final = 200
# ClickHouse would take a day outside of its type's range for another day.
_DAYS: Final = {
    "Date": (date(1970, 1, 1), date(2149, 6, 6)),
    "Date32": (date(1900, 1, 1), date(2299, 12, 31)),
}
# The contract admits any well-formed code of a procedure or field, so one that is in no list may stand in
# the data: it is refused only if it cannot be such a code.
_OPEN: Final = {"field": r"[a-z][a-z-]{0,39}", "procedure": r"[0-9]\.[0-9]{6}(\.[0-9A-Z]{2,3}){0,4}"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a question takes.

    `kind` is ClickHouse's type. `choices` names a list of CHOICES. `vi` and `en` are its labels.
    """

    name: str
    kind: str
    default: str
    vi: str = ""
    en: str = ""
    choices: str | None = None

    @property
    def optional(self) -> bool:
        """Whether the empty text stands for no value (NULL)."""
        return _NULLABLE.fullmatch(self.kind) is not None

    @property
    def plain_kind(self) -> str:
        """The type without its `Nullable`."""
        found = _NULLABLE.fullmatch(self.kind)
        return found[1] if found else self.kind


def _wards() -> dict[str, str]:
    return {code: ward.name for code, ward in WARDS.items()}


def _fields() -> dict[str, str]:
    return {slug: words.vi for slug, words in FIELD_WORDS.items()}


def _procedures() -> dict[str, str]:
    return {code: procedure.name for code, procedure in PROCEDURES.items()}


def _channels() -> dict[str, str]:
    return {channel.value: words.vi for channel, words in CHANNEL_WORDS.items()}


# Code and name of everything that a list offers.
CHOICES: Final[dict[str, Callable[[], dict[str, str]]]] = {
    "ward": _wards,
    "field": _fields,
    "procedure": _procedures,
    "channel": _channels,
}


def checked(
    question: str, parameters: Sequence[Parameter], given: Mapping[str, str]
) -> dict[str, str | None]:
    """Every parameter with its value as ClickHouse binds it: what was given, or its default.

    :raises Stop: `unknown_parameter`; `bad_value`: it is not of the parameter's type; `unknown_choice`: it is
        in no such list
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            raise _unknown(question, name, known)
    return {name: _value(one, given.get(name, one.default)) for name, one in known.items()}


def near(wrong: str, known: Iterable[str]) -> list[str]:
    """What was probably meant, the likeliest first."""
    return difflib.get_close_matches(wrong, list(known), n=3)


def _unknown(question: str, name: str, known: Iterable[str]) -> Stop:
    likely = near(name, known)
    hint = f"Did you mean {likely[0]}? / Có phải {likely[0]}?" if likely else _takes(known)
    return Stop(
        "unknown_parameter", f"{question} has no parameter {name} / {question} không có tham số {name}", hint
    )


def _takes(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"It takes: {names or 'none'} / Nhận: {names or 'không có'}"


def _value(parameter: Parameter, text: str) -> str | None:
    if not text and parameter.optional:
        return None
    if text and parameter.choices:
        _in_list(parameter, text)
    wrong = _WRONG.get(parameter.plain_kind, _wrong_text)(parameter.plain_kind, text)
    if wrong:
        raise Stop("bad_value", f"{parameter.name} = {text[:40]!r}: {wrong[0]}", wrong[1])
    return text


def _in_list(parameter: Parameter, text: str) -> None:
    listed = CHOICES[parameter.choices or ""]()
    if text in listed or re.fullmatch(_OPEN.get(parameter.choices or "", r"(?!)"), text):
        return
    likely = near(text, listed) or _by_name(text, listed)
    meant = ", ".join(f"{code} {listed[code]}" for code in likely)
    raise Stop(
        "unknown_choice",
        f"{parameter.name} = {text[:40]!r} is no {parameter.choices} / không phải là mã có trong danh sách",
        f"Did you mean / Có phải: {meant}?"
        if meant
        else f"Give a code such as / Ghi một mã như: {min(listed)}",
    )


def _by_name(text: str, listed: Mapping[str, str]) -> list[str]:
    """Codes whose name is like the text, whatever its marks and capitals."""
    names = {_folded(name): code for code, name in listed.items()}
    return [names[name] for name in near(_folded(text), names)]


def _folded(text: str) -> str:
    marks = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in marks if not unicodedata.combining(letter))


Wrong = tuple[str, str] | None


def _wrong_day(kind: str, text: str) -> Wrong:
    first, last = _DAYS[kind]
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return "is no day / không phải là ngày", "Write it as 2025-07-21 / Ghi như 2025-07-21"
    if not first <= found <= last:
        span = f"{first} … {last}"
        return "is out of range / ngoài khoảng", f"Days from / Ngày trong khoảng {span}"
    return None


def _wrong_whole(kind: str, text: str) -> Wrong:
    bits = int(re.sub(r"\D", "", kind))
    low, high = (0, 2**bits - 1) if kind.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if re.fullmatch(r"-?\d{1,20}", text, re.ASCII) and low <= int(text) <= high:
        return None
    return "is no such number / không phải là số hợp lệ", f"A whole number / Số nguyên: {low} … {high}"


def _wrong_number(_: str, text: str) -> Wrong:
    try:
        fine = math.isfinite(float(text)) and re.fullmatch(r"[-+0-9.eE]+", text, re.ASCII) is not None
    except ValueError:
        fine = False
    return None if fine else ("is no number / không phải là số", "Write it as 0.9 / Ghi như 0.9")


def _wrong_text(_: str, text: str) -> Wrong:
    if len(text) <= _TEXT_MAX and text.isprintable():
        return None
    return "is too long or not printable / quá dài hoặc có ký tự lạ", f"At most / Tối đa {_TEXT_MAX}"


_WRONG: Final[dict[str, Callable[[str, str], Wrong]]] = {
    **dict.fromkeys(_DAYS, _wrong_day),
    **dict.fromkeys((f"{sign}Int{bits}" for sign in ("U", "") for bits in (8, 16, 32, 64)), _wrong_whole),
    **dict.fromkeys(("Float32", "Float64"), _wrong_number),
}
