"""`dongbo describe`: the data dictionary in the terminal, and the files that are generated from it."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path
from typing import Final

from ops import console
from ops import settings as ours
from ops.city.prepare import SQL_FOLDER, reader
from producers.contract.errors import Refused
from streams.warehouse import as_of, dictionary, lineage
from streams.warehouse.dictionary import Described
from streams.warehouse.store import Address, Store

DICTIONARY: Final = SQL_FOLDER.parent / "docs" / "dictionary.md"
LINEAGE: Final = SQL_FOLDER / lineage.FILE


def describe(name: str | None, member: str | None, *, as_json: bool) -> int:
    """List the views, or show one view's columns, or what is made of an event's member.

    :raises Refused: `unknown_view`, `unknown_member`
    """
    if member is not None:
        return _made_of(member, as_json=as_json)
    with reader(ours.load()) as store:
        objects = dictionary.read(store, as_of.travelling(SQL_FOLDER))
    if name is None:
        rows = [(one.name, one.vi, one.en, one.travels) for one in objects]
        console.emit_rows(["name", "vi", "en", "as_of"], rows, as_json=as_json)
        return 0
    known = {one.name: one for one in objects}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        vi, en = (
            (f"có phải: {', '.join(near)}?", f"did you mean {', '.join(near)}?")
            if near
            else ("dongbo describe liệt kê các khung nhìn", "dongbo describe lists them")
        )
        raise Refused(
            "unknown_view", f"không có khung nhìn {name!r}; {vi}", f"there is no view {name!r}; {en}"
        )
    return _show(known[name], as_json=as_json)


def _show(one: Described, *, as_json: bool) -> int:
    traced = lineage.read(SQL_FOLDER).get(one.name, {})
    rows = [
        (
            column.name,
            column.type,
            column.vi,
            column.en,
            ", ".join(traced[column.name].members) if column.name in traced else "",
        )
        for column in one.columns
    ]
    if not as_json:
        console.note(f"{one.name}: {one.vi} · {one.en}")
    console.emit_rows(["column", "type", "vi", "en", "source"], rows, as_json=as_json)
    return 0


def _made_of(member: str, *, as_json: bool) -> int:
    """Every column of a view that an event's member is in; a part of its name is enough."""
    rows = [
        (found, view, column)
        for view, columns in lineage.read(SQL_FOLDER).items()
        for column, source in columns.items()
        for found in source.members
        if member in found
    ]
    if not rows:
        raise Refused(
            "unknown_member",
            f"không khung nhìn nào dùng thành phần {member!r}",
            f"no view has anything of {member!r}",
        )
    console.emit_rows(["member", "view", "column"], sorted(rows), as_json=as_json)
    return 0


def write() -> int:
    """Make `docs/dictionary.md` and `sql/lineage.json` anew, from an engine that is started for it."""
    from ops.stack import clickhouse
    from ops.stack.process import free_port
    from streams.warehouse.migrate import migrate

    with tempfile.TemporaryDirectory() as folder:
        settings = ours.Settings(data_dir=Path(folder), clickhouse_port=free_port())
        endpoint = clickhouse.start(settings)
        try:
            password = settings.clickhouse_password.get_secret_value()
            address = Address(
                endpoint.host, endpoint.port, settings.clickhouse_database, settings.clickhouse_user, password
            )
            with Store(address) as store:
                migrate(store, SQL_FOLDER)
                made = generated(store)
        finally:
            endpoint.stop()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
        console.note(f"wrote {path.relative_to(SQL_FOLDER.parent)}")
    return 0


def generated(store: Store) -> dict[Path, str]:
    """The text of each generated file, from a migrated database as its writer sees it."""
    traced = lineage.trace(store)
    objects = dictionary.read(store, as_of.travelling(SQL_FOLDER))
    return {LINEAGE: lineage.text_of(traced), DICTIONARY: dictionary.markdown(objects, traced)}
