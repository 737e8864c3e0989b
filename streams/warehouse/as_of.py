"""The same SQL now and as of a cut: every view is written once, over relations that exist in two forms.

`r_book` is the books now, `r_book_at(as_of = '62731450')` the books at a cut. A view that reads a travelling
relation or view travels itself, unless its file begins with `-- now-only:` and the reason: `migrate` makes
`v_x`, and from the same text `v_x_at`, in which every reference is replaced by its `_at` form. Questions and
alert rules are rewritten by the same rule. `as_of` is bound by ClickHouse (`{as_of:String}`), never put into
the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from producers.contract.errors import Stop
from producers.contract.vocabulary import Words
from streams.warehouse.store import Store

PARAMETER: Final = "as_of"
# Strings, quoted names and comments are taken whole, so that a name inside them is left alone.
_TOKEN: Final = re.compile(
    r"'(?:[^'\\]|\\.|'')*'|`[^`]*`|--[^\n]*|/\*.*?\*/|(?<![\w.])(?P<name>[rv]_[a-z0-9_]+)\b(?!\s*[.(])",
    re.DOTALL,
)
_CREATED: Final = re.compile(r"(CREATE OR REPLACE VIEW )([rv]_[a-z0-9_]+)")
_NOW_ONLY: Final = re.compile(r"-- now-only: vi: (?P<vi>.+?) \| en: (?P<en>.+)")
_RELATION_AT: Final = re.compile(
    r"CREATE OR REPLACE VIEW (?P<name>r_\w+)_at\nDEFINER[^\n]+\nAS\n(?P<select>.+?)\nCOMMENT ", re.DOTALL
)
_CALL: Final = re.compile(r"\b(?P<name>r_\w+)_at\(as_of = \{as_of:String\}\)")


def names_in(sql: str) -> set[str]:
    """The relations and views that a statement reads or makes."""
    return {found["name"] for found in _TOKEN.finditer(sql) if found["name"]}


@cache
def now_only(folder: Path) -> Mapping[str, Words]:
    """Views that cannot be asked as of a cut, each with the reason, as the first line of its file says it."""
    found = {path.stem: _NOW_ONLY.match(path.read_text(encoding="utf-8")) for path in _views(folder)}
    return {name: Words(said["vi"], said["en"]) for name, said in found.items() if said}


def _views(folder: Path) -> list[Path]:
    return sorted((folder / "views").glob("v_*.sql"))


@cache
def travelling(folder: Path) -> frozenset[str]:
    """Names of the relations and views under a folder of SQL that have an `_at` form."""
    made = {
        name
        for path in (folder / "relations").glob("*.sql")
        for _, name in _CREATED.findall(path.read_text(encoding="utf-8"))
    }
    known = {name for name in made if f"{name}_at" in made}
    views = {
        path.stem: names_in(path.read_text(encoding="utf-8"))
        for path in _views(folder)
        if path.stem not in now_only(folder)
    }
    while True:
        more = {view for view, reads in views.items() if view not in known and reads & known}
        if not more:
            return frozenset(known)
        known |= more


def rewrite(sql: str, names: frozenset[str]) -> str:
    """The statement with every travelling name in its `_at` form; the others as they are."""

    def at(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{name}_at({PARAMETER} = {{{PARAMETER}:String}})" if name in names else found[0]

    return _TOKEN.sub(at, sql)


@cache
def inlined(folder: Path) -> Mapping[str, str]:
    """What stands for a relation within the views as of a cut: the SELECT of its `_at` form.

    ClickHouse analyses a view with parameters twice where it is named, what it reads four times, and so on;
    a subquery once. Questions name the form itself: whoever asks may not read what is beneath.
    """
    texts = (path.read_text(encoding="utf-8") for path in (folder / "relations").glob("*.sql"))
    found = {one["name"]: one["select"].strip() for text in texts for one in _RELATION_AT.finditer(text)}

    def whole(select: str) -> str:
        return _CALL.sub(lambda call: f"({whole(found[call['name']])})", select)

    return {name: whole(select) for name, select in found.items()}


def view_at(statement: str, names: frozenset[str], inline: Mapping[str, str]) -> str:
    """The statement that makes `v_x_at`, from that which makes `v_x`."""
    head = _CREATED.match(statement)
    assert head is not None, statement[:80]

    def select(found: re.Match[str]) -> str:
        return f"({inline[found['name']]})" if found["name"] in inline else found[0]

    body = _TOKEN.sub(select, statement[head.end() :])
    return f"{head[1]}{head[2]}_at{rewrite(body, names)}"


def question_at(sql: str, names: frozenset[str], why: Mapping[str, Words] | None = None) -> str:
    """A question or an alert rule as of a cut; `why` are the reasons of `now_only`.

    :raises Stop: `not_as_of`: it reads a view that is about this moment only, or none at all
    """
    read = names_in(sql)
    left = sorted(read - names)
    if left or not read:
        reasons = [(why or {})[name] for name in left if name in (why or {})]
        vi, en = "; ".join(one.vi for one in reasons), "; ".join(one.en for one in reasons)
        raise Stop(
            "not_as_of",
            f"{', '.join(left) or 'it'} chỉ hỏi được cho lúc này{vi and f' ({vi})'}"
            f" / can only be asked now{en and f' ({en})'}",
            "Bỏ --as-of / leave --as-of out",
        )
    return rewrite(sql, names)


def resolved(store: Store, as_of: str) -> str:
    """The number of the cut that `as_of` (a number, or an instant in Hanoi's time) means, as text.

    :raises Stop: `no_such_cut`: none was published under it, or not yet; `cut_expired`: what it is asked from
        was removed
    :raises Unavailable: ClickHouse is away
    """
    try:
        return str(store.value("SELECT cut FROM r_now_at(as_of = {as_of:String})", bound(as_of)))
    except Stop as refused:
        if "cut_expired" in refused.detail:
            raise expired(store, as_of) from None
        if "no_such_cut" not in refused.detail:
            raise
        newest = store.value("SELECT max(number) FROM city_cut")
        raise Stop(
            "no_such_cut",
            f"{as_of!r} names no published cut / không có mốc như vậy; newest / mới nhất: {newest or '-'}",
            "Give a cut's number or an instant such as '2025-07-21 14:32:05'; see dongbo cut list",
        ) from None


def expired(store: Store, as_of: str) -> Stop:
    """What to say of a cut whose data was removed."""
    kept = store.value("SELECT toString(toDate(cuts_from)) FROM r_kept")
    return Stop(
        "cut_expired",
        f"{as_of!r}: what it is asked from was removed; cuts are kept from {kept} on"
        f" / dữ liệu của mốc này đã được gỡ; còn hỏi được các mốc từ {kept}",
        "Ask a later cut, see v_retention / hỏi mốc sau hơn, xem v_retention",
    )


def bound(as_of: str) -> Mapping[str, Any]:
    """The parameter as a query takes it."""
    return {PARAMETER: as_of}
