"""Answers from ClickHouse on the command line: saved questions, SQL, reconciliation."""

from __future__ import annotations

from ops import console
from ops import settings as ours
from ops.city.prepare import SQL_FOLDER, reader
from producers.contract.errors import Stop, Unavailable
from streams.warehouse import as_of, questions
from streams.warehouse.store import Store

FINDING, USAGE = 1, 2


def ask(name: str | None, given: list[str], *, at: str | None, as_json: bool) -> int:
    """`dongbo ask`: without a name, list the questions."""
    known = questions.load(SQL_FOLDER / "questions")
    if name is None:
        rows = [(one.name, one.vi, one.en, one.audience) for one in known.values()]
        console.emit_rows(["question", "vi", "en", "audience"], rows, as_json=as_json)
        return 0
    if name not in known:
        console.note(f"no question {name!r}; there are: {', '.join(known)}")
        return USAGE
    with reader(ours.load()) as store:
        answer = questions.run(store, known[name], _parameters(given), _as_of(store, at))
    console.emit_rows(answer.names, answer.rows, as_json=as_json)
    return 0


def _as_of(store: Store, at: str | None) -> questions.AsOf | None:
    if at is None:
        return None
    cut = as_of.resolved(store, at)
    console.note(f"as of cut {cut} / tại mốc {cut}")
    return questions.AsOf(cut, as_of.travelling(SQL_FOLDER))


def _parameters(given: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Stop("parameter", f"{wrong[0]!r} is not name=value", "Write -p day=2025-07-21")
    return {name: value for name, _, value in pairs}


def sql(query: str, *, as_json: bool) -> int:
    """`dongbo sql`: as the read-only user."""
    try:
        with reader(ours.load()) as store:
            answer = store.query(query)
    except Stop as refused:  # the person's statement, not a fault of ours
        console.note(f"ClickHouse: {refused.detail}")
        return USAGE
    except Unavailable as error:
        if not error.detail.startswith("READONLY"):
            raise
        console.note(f"ClickHouse: this user can only read. {error.detail}")
        return USAGE
    console.emit_rows(answer.names, answer.rows, as_json=as_json)
    return 0


def settings(*, as_json: bool) -> int:
    """`dongbo settings`: name, value in force, what it is for."""
    help_of = {name: text for name, _, text in ours.table()}
    rows = [(name, value, help_of.get(name, "")) for name, value in ours.load().effective().items()]
    console.emit_rows(["setting", "value", "meaning"], rows, as_json=as_json)
    return 0
