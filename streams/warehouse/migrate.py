"""Bring a database to the newest shape: migrations once for ever, views and reference data as they are now.

Invariants:
- A migration that has been applied is history: a file that differs from its record stops everything.
- Every statement is idempotent, so two runs at once do the same work twice to the same end. Each is recorded
  on its own, so that a run that was killed in mid-file goes on where it was; but `CREATE ... IF NOT EXISTS`,
  which costs less to do again than to record, with the next one that does more, or with its file.
- Views hold no data: they are replaced whenever their file changed.
- Nothing is begun on a disk that is nearly full: the embedded engine was seen to keep an empty definition of
  a table that was altered without space, and does not start with it.

Files are `NNNN_name.sql`, statements end with `;` at the end of a line.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producers.contract import crash
from producers.contract.errors import Stop
from streams.warehouse import as_of, reference
from streams.warehouse.cluster import Cluster, profile
from streams.warehouse.store import Store

_HISTORY: Final = """
CREATE TABLE IF NOT EXISTS migrations
(
    name String
        COMMENT 'vi: tên tệp, khung nhìn hoặc bảng | en: name of the file, view or reference table',
    statement UInt16
        COMMENT 'vi: câu lệnh thứ mấy, 0 là cả tệp | en: number of the statement, 0 for the whole file',
    sha256 FixedString(64) COMMENT 'vi: dấu vân tay của tệp | en: fingerprint of the file',
    applied_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc chạy xong | en: when it was done'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY (name, statement)
COMMENT 'vi: những gì đã áp dụng vào cơ sở dữ liệu | en: what was applied to the database'
"""
_HISTORY_COLUMNS: Final = (
    ("name", "String"),
    ("statement", "UInt16"),
    ("sha256", "FixedString(64)"),
    ("applied_at", "DateTime64(3)"),
)
_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_END: Final = re.compile(r";[ \t]*$", re.MULTILINE)
_COMMENT_LINES: Final = re.compile(r"\A(?:\s*--[^\n]*\n)*\s*")
_WHOLE: Final = 0
_COSTS_NOTHING: Final = re.compile(r"CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS\b")
# Enough for every definition and for the parts of the small tables that a migration fills.
FREE_BYTES_MIN: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Script:
    """One file of SQL."""

    name: str
    sha256: str
    statements: tuple[str, ...]

    @classmethod
    def read(cls, path: Path, prefix: str = "") -> Script:
        text = path.read_text(encoding="utf-8")
        return cls(prefix + path.name, hashlib.sha256(text.encode()).hexdigest(), tuple(_split(text)))


@dataclass(frozen=True, slots=True)
class Status:
    """Where one file stands: `applied`, `partly`, `pending` or `edited`."""

    name: str
    state: str


_Done = dict[tuple[str, int], str]


def migrate(
    store: Store,
    folder: Path,
    groups: Path | None = None,
    cluster: str = "",
    free_bytes_min: int = FREE_BYTES_MIN,
) -> list[str]:
    """Apply what is new of `folder`/migrations and `folder`/views, and reference data; names of what changed.

    `groups` is the user's own CSV of the groups of difficulties. With the name of a `cluster` every statement
    is rendered for it (`streams.warehouse.cluster`).

    :raises Refused: that file is not such a table; nothing was changed
    :raises Stop: `migration_edited` when an applied file was changed, `migrations_missing` when there is
        none, `not_renderable` when a statement has no form on a cluster, `no_space` when there is something
        to apply and less than `free_bytes_min` free
    :raises Unavailable: ClickHouse is away; run again
    """
    form = Cluster(cluster)
    scripts, references = _migrations(folder), reference.tables(groups)
    store.create_database()
    for statement in form.render(_HISTORY.strip()):
        store.command(statement)
    done = _done(store)
    _refuse_edited(scripts, done)
    views = [view for view in _views(folder) if done.get((view.name, _WHOLE)) != view.sha256]
    if views or any(_state(script, done) != "applied" for script in scripts):
        _refuse_full(store, free_bytes_min)
    applied = [script.name for script in scripts if _apply(store, script, done, form)]
    applied += _replace(store, views, form)
    return applied + _fill(store, references, done)


def rendered(folder: Path, cluster: str = "") -> list[str]:
    """All statements of a fresh database in their order, for an administrator to read or to run.

    :raises Stop: `cluster_name`, `not_renderable`, `migrations_missing`
    """
    form = Cluster(cluster)
    made = [profile(cluster)] if cluster else []
    for script in (*_migrations(folder), *_views(folder)):
        for statement in script.statements:
            made += form.render(statement)
    return made


def status(store: Store, folder: Path) -> list[Status]:
    """Where each migration stands, in order. Changes nothing."""
    known = store.value(
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'migrations'"
    )
    done = _done(store) if known else {}
    return [Status(script.name, _state(script, done)) for script in _migrations(folder)]


def pending(store: Store, folder: Path) -> list[str]:
    """Names of the migrations that are not wholly applied."""
    return [item.name for item in status(store, folder) if item.state != "applied"]


def _state(script: Script, done: _Done) -> str:
    shas = {sha for (name, _), sha in done.items() if name == script.name}
    if not shas:
        return "pending"
    if shas != {script.sha256}:
        return "edited"
    return "applied" if (script.name, _WHOLE) in done else "partly"


def _migrations(folder: Path) -> list[Script]:
    paths = sorted((folder / "migrations").glob("*.sql"))
    wrong = [path.name for path in paths if not _NAME.fullmatch(path.name)]
    numbers = [path.name[:4] for path in paths]
    if not paths or wrong or len(set(numbers)) != len(numbers):
        raise Stop(
            "migrations_missing",
            f"{folder / 'migrations'} holds {len(paths)} files; wrongly named: {', '.join(wrong) or 'none'}",
            "Name each file NNNN_name.sql with a number of its own, and give the folder that holds them",
        )
    return [Script.read(path) for path in paths]


def _views(folder: Path) -> list[Script]:
    """The relations, then each view and its form as of a cut, after what it reads."""
    names, inline = as_of.travelling(folder), as_of.inlined(folder)
    relations = [Script.read(path, "relations/") for path in sorted((folder / "relations").glob("*.sql"))]
    # Two relations may read each other's file: r_now is what all others begin with.
    relations.sort(key=lambda script: script.name != "relations/r_now.sql")
    made = []
    for path in _in_order(folder / "views"):
        view = Script.read(path, "views/")
        made.append(view)
        if path.stem in names:
            statement = as_of.view_at(view.statements[0], names, inline)
            sha = hashlib.sha256(statement.encode()).hexdigest()
            made.append(Script(f"views/{path.stem}_at.sql", sha, (statement,)))
    return relations + made


def _in_order(folder: Path) -> list[Path]:
    """In the order of their names, except that a view comes after those that it reads."""
    paths = {path.stem: path for path in sorted(folder.glob("v_*.sql"))}
    reads = {name: as_of.names_in(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    ordered: dict[str, Path] = {}

    def place(name: str) -> None:
        for other in sorted(reads[name] & paths.keys() - ordered.keys() - {name}):
            place(other)
        ordered[name] = paths[name]

    for name in paths:
        if name not in ordered:
            place(name)
    return list(ordered.values())


def _done(store: Store) -> _Done:
    rows = store.query("SELECT name, statement, toString(sha256) FROM migrations FINAL").rows
    return {(name, statement): sha for name, statement, sha in rows}


def _refuse_edited(scripts: list[Script], done: _Done) -> None:
    edited = [script.name for script in scripts if _state(script, done) == "edited"]
    gone = {name for name, _ in done if _NAME.fullmatch(name)} - {script.name for script in scripts}
    if edited or gone:
        raise Stop(
            "migration_edited",
            f"applied to this database in another form: {', '.join([*edited, *sorted(gone)])}",
            "Restore the file (git checkout) and put the change into a new migration with a higher number",
        )


def _refuse_full(store: Store, free_bytes_min: int) -> None:
    rows = store.query(
        "SELECT name, free_space FROM system.disks WHERE free_space < {least:UInt64} ORDER BY free_space",
        {"least": free_bytes_min},
    ).rows
    if rows:
        name, free = rows[0]
        raise Stop(
            "no_space",
            f"ClickHouse's disk {name} has {int(free) >> 20} MB free, less than {free_bytes_min >> 20}:"
            " a table that is altered without space may be lost",
            "Free some space on ClickHouse's disk, then migrate; until then nothing was changed",
        )


def _apply(store: Store, script: Script, done: _Done, form: Cluster) -> bool:
    # Rendered even if it was done: what comes later must know which tables are sharded.
    forms = [form.render(statement) for statement in script.statements]
    if (script.name, _WHOLE) in done:
        return False
    made: list[tuple[str, int, str]] = []
    for number, statements in enumerate(forms, start=1):
        if (script.name, number) in done:
            continue
        _do(store, statements, "migrate.statement")
        made.append((script.name, number, script.sha256))
        if not _COSTS_NOTHING.match(script.statements[number - 1]):
            _record(store, made)
            made = []
    _record(store, [*made, (script.name, _WHOLE, script.sha256)])
    return True


def _do(store: Store, statements: Iterable[str], point: str) -> None:
    """One statement of a file, as it is rendered; then the point at which a test may kill."""
    for statement in statements:
        store.command(statement)
    if crash.ARMED:
        crash.at(point)


def _replace(store: Store, views: list[Script], form: Cluster) -> list[str]:
    """Views hold nothing, so they are recorded together: after a crash in between they are made again."""
    for view in views:
        for statement in view.statements:
            _do(store, form.render(statement), "migrate.view")
    _record(store, [(view.name, _WHOLE, view.sha256) for view in views])
    return [view.name for view in views]


def _fill(store: Store, references: list[reference.Reference], done: _Done) -> list[str]:
    filled = []
    for table in references:
        name, sha = f"reference/{table.name}", table.sha256()
        if done.get((name, _WHOLE)) != sha:
            table.fill(store)
            table.remember(store)
            _record(store, [(name, _WHOLE, sha)])
            filled.append(name)
    return filled


def _record(store: Store, done: list[tuple[str, int, str]]) -> None:
    if done:
        now_ms = time.time_ns() // 1_000_000
        names, types = zip(*_HISTORY_COLUMNS, strict=True)
        store.insert("migrations", names, types, list(zip(*((*one, now_ms) for one in done), strict=True)))


def _split(text: str) -> Iterator[str]:
    for part in _END.split(text):
        statement = _COMMENT_LINES.sub("", part + "\n", count=1).strip()
        if statement:
            yield statement
