"""Goal: what is taken along comes back whole, or it is said that it does not.

Method: a small city in a real engine is exported, read by pyarrow, verified without a database, imported into
a new database and into the same one; every view and question is asked on both sides. Then files and manifests
are broken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from ops.keeping_cli import export_files, import_files
from ops.stack.clickhouse import Endpoint
from producers.contract.errors import Refused
from streams.warehouse import as_of, export, importing, parcel, questions, retention
from streams.warehouse.parcel import Manifest, Request
from streams.warehouse.store import Store
from tests.builders import HANOI
from tests.pipeline.small_city import CODES, SmallCity, cut_of
from tests.pipeline.warehouse import SQL, database, insert_cut

CUT: Final = cut_of(datetime(2025, 11, 10, 12, tzinfo=HANOI))
NAMES: Final = as_of.travelling(SQL)
ALL: Final = Request("all", CUT)
# Blocks that were loaded are measurements of a machine, not taken along.
HERE_ONLY: Final = {"v_loads"}
# Its description says so: how often a row comes depends on what has been merged.
MAY_REPEAT: Final = {"v_receptions"}


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[Store]:
    """A city at rest: two months, a rejected message, a cut after all of it."""
    with database(clickhouse) as store:
        SmallCity(store).work(days=40)
        names = ("topic_id", "topic", "partition", "offset", "arrived_at", "ward", "reason", "key", "value")
        kinds = (*["String"] * 2, "UInt16", "UInt64", "DateTime64(3)", *["String"] * 4)
        row = (
            "t1",
            "dossier.events",
            1,
            7,
            1_751_340_000_000,
            CODES[0],
            "malformed_json",
            "00004",
            "Nguyen Van A",
        )
        store.insert("rejects", names, kinds, [[member] for member in row])
        insert_cut(store, CUT)
        yield store


@pytest.fixture(scope="module")
def parcels(city: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of everything."""
    folder = tmp_path_factory.mktemp("export") / "all"
    export.export(city, folder, ALL, NAMES)
    return folder


@pytest.fixture
def broken(parcels: Path, tmp_path: Path) -> Path:
    """A copy of the export's manifest and of its books, to be broken."""
    manifest = parcel.read(parcels)
    manifest.files = [one for one in manifest.files if one.table == "book"]
    (tmp_path / "book").mkdir()
    for one in manifest.files:
        (tmp_path / one.path).write_bytes((parcels / one.path).read_bytes())
    parcel.write(tmp_path, manifest, parcel.MANIFEST)
    return tmp_path


def answers(store: Store) -> dict[str, Any]:
    """Every view and every question: as of the cut where it can be asked so, else now."""
    names = [name for (name,) in store.query(_VIEWS).rows if name not in HERE_ONLY]
    found = {
        name: store.query(
            as_of.rewrite(f"SELECT {_distinct(name)} * FROM {name} ORDER BY ALL", NAMES), _bound(name)
        ).rows
        for name in names
    }
    asked = questions.AsOf(str(CUT), NAMES)
    for name, question in questions.load(SQL / "questions").items():
        if as_of.names_in(question.sql) <= NAMES:
            rows = questions.run(store, question, at=asked).rows
            found[f"question {name}"] = [(text,) for text in sorted(repr(row) for row in rows)]
    return found


def _distinct(name: str) -> str:
    return "DISTINCT" if name in MAY_REPEAT else ""


def _bound(name: str) -> dict[str, Any]:
    return dict(as_of.bound(str(CUT))) if name in NAMES else {}


_VIEWS: Final = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine = 'View'
    AND startsWith(name, 'v_') AND NOT endsWith(name, '_at')
ORDER BY name
"""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_export_into_a_new_database_answers_every_view_and_question_the_same(
    clickhouse: Endpoint, city: Store, parcels: Path
) -> None:
    manifest, before = parcel.read(parcels), answers(city)
    with database(clickhouse) as store:
        assert {one.state for one in importing.bring(store, parcels, manifest, only_check=True)} == {
            "there",
            "differs",
        }
        for _ in range(2):
            found = list(importing.bring(store, parcels, manifest))
            assert [one for one in found if one.state != "there"] == []
        after = answers(store)
        assert [name for name in before if before[name] != after[name]] == []
        assert sum(bool(rows) for rows in before.values()) > 20
        # A row that is lost afterwards is seen.
        store.command(
            f"ALTER TABLE book DELETE WHERE ward = '{CODES[1]}' AND day = '2025-07-05'"
            " SETTINGS mutations_sync = 2"
        )
        differing = [
            one.path
            for one in importing.bring(store, parcels, manifest, only_check=True)
            if one.state == "differs"
        ]
        assert "book/202507.parquet" in differing
    assert {one.state for one in importing.bring(city, parcels, manifest, only_check=True)} == {"there"}


def test_files_are_parquet_with_zstd_by_table_and_month_and_hold_nothing_personal(
    city: Store, parcels: Path
) -> None:
    manifest = parcel.read(parcels)
    paths = {one.path for one in manifest.files}
    assert {
        "events/202507.parquet",
        "events/202508.parquet",
        "book/202507.parquet",
        "v_ward_day/all.parquet",
    } <= paths
    for one in manifest.files:
        file = pq.ParquetFile(parcels / one.path)
        assert (file.metadata.num_rows, file.schema_arrow.names) == (one.rows, one.columns)
        if one.rows:
            assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    events = pq.read_table(parcels / "events/202507.parquet").to_pylist()
    asked = city.query(
        "SELECT ward, seq, occurred_at FROM r_events WHERE toYYYYMM(occurred_at) = 202507"
    ).rows
    assert sorted((row["ward"], row["seq"], row["occurred_at"]) for row in events) == sorted(asked)
    assert not {"key", "value"} & set(pq.read_table(parcels / "rejects/all.parquet").column_names)
    assert all(b"Nguyen Van A" not in (parcels / path).read_bytes() for path in paths)


def test_an_export_s_fingerprint_is_that_of_the_seals(clickhouse: Endpoint, tmp_path: Path) -> None:
    with database(clickhouse) as store:
        SmallCity(store).work(days=20)
        insert_cut(store, CUT)
        made = export.export(store, tmp_path / "july", Request("events", CUT, last="2025-07-31"), NAMES)
        (events,) = [one for one in made.files if one.table == "events"]
        (removed,) = retention.remove(store, retention.Policy(raw_days=62, history_days=0))
        seals = store.query("SELECT toString(fingerprint), events FROM r_seals").rows
        total = sum(int(value, 16) for value, _ in seals) % 2**128
        assert (f"{total:032x}", sum(count for _, count in seals)) == (events.fingerprint, removed.events)
        assert removed.events == events.rows


def test_an_export_that_was_cut_short_goes_on_as_of_its_own_cut(city: Store, tmp_path: Path) -> None:
    folder, written = tmp_path / "books", []

    def stopping(folder: Path, manifest: Manifest, name: str) -> None:
        parcel.write(folder, manifest, name)
        written.append(name)
        if len(written) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            export.export(city, folder, Request("books", CUT), NAMES)
    with pytest.raises(Refused, match="export_unfinished"):
        parcel.read(folder)
    first, second = sorted(folder.glob("*/*.parquet"))
    kept, second_bytes = first.stat().st_mtime_ns, second.read_bytes()
    second.write_bytes(second_bytes[:-9])
    with pytest.raises(Refused, match="export_other"):
        export.export(city, folder, Request("events", CUT), NAMES)
    made = export.export(city, folder, Request("books", CUT + 1), NAMES)
    assert made.request.cut == CUT
    assert first.stat().st_mtime_ns == kept
    assert second.read_bytes()[-4:] == b"PAR1"
    assert list(parcel.flaws(folder, parcel.read(folder))) == []
    with pytest.raises(Refused, match="export_there"):
        export.export(city, folder, Request("books", CUT), NAMES)


def test_a_ward_s_days_are_exported_alone_and_as_of_the_cut(city: Store, tmp_path: Path) -> None:
    wish = Request("books", CUT, ward=CODES[2], first="2025-07-03", last="2025-07-04")
    export.export(city, tmp_path / "one", wish, NAMES)
    rows = pq.read_table(tmp_path / "one" / "book" / "202507.parquet").to_pylist()
    assert [(row["ward"], str(row["day"])) for row in rows] == [
        (CODES[2], "2025-07-03"),
        (CODES[2], "2025-07-04"),
    ]


def _truncate(folder: Path) -> None:
    path = folder / "book" / "202507.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def _flip(folder: Path) -> None:
    path = folder / "book" / "202507.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _link(folder: Path) -> None:
    path = folder / "book" / "202507.parquet"
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


def _manifest(change: Callable[[dict[str, Any]], None], *, sign: bool = True) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / parcel.MANIFEST
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))
        if sign:
            parcel.write(folder, msgspec.convert(data, Manifest), parcel.MANIFEST)

    return apply


BROKEN: Final[dict[str, tuple[str, Callable[[Path], None]]]] = {
    "truncated": ("export_broken", _truncate),
    "one bit": ("export_broken", _flip),
    "gone": ("export_broken", lambda folder: (folder / "book" / "202507.parquet").unlink()),
    "symlink": ("export_broken", _link),
    "edited": ("manifest_broken", _manifest(lambda data: data["files"].pop(), sign=False)),
    "no json": ("manifest_broken", lambda folder: _text(folder, "{")),
    "deep": ("manifest_broken", lambda folder: _text(folder, "[" * 100_000)),
    "foreign": ("manifest_broken", lambda folder: _text(folder, '{"name": "other"}')),
    "list": ("manifest_broken", lambda folder: _text(folder, "[1]")),
    "newer format": ("format_newer", _manifest(lambda data: data.update(format=2), sign=False)),
    "newer schema": ("schema_newer", _manifest(lambda data: data["schema"].append("9999_later.sql"))),
    "way out": ("manifest_broken", _manifest(lambda data: data["files"][0].update(path="../../etc/passwd"))),
    "table": ("manifest_broken", _manifest(lambda data: data["files"][0].update(table="book` FINAL; DROP"))),
    "column": (
        "manifest_broken",
        _manifest(lambda data: data["files"][0].update(columns=["day`) FROM x --"])),
    ),
    "other table": (
        "export_unknown",
        _manifest(lambda data: data["files"][0].update(table="migrations", path="migrations/202507.parquet")),
    ),
    "nothing": ("export_missing", lambda folder: (folder / parcel.MANIFEST).unlink()),
}  # fmt: skip


def _text(folder: Path, text: str) -> None:
    (folder / parcel.MANIFEST).write_text(text)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_or_foreign_export_is_refused_before_anything_is_written(
    name: str, city: Store, broken: Path
) -> None:
    code, spoil = BROKEN[name]
    spoil(broken)
    if name == "other table":
        (broken / "migrations").mkdir()
        (broken / "book" / "202507.parquet").rename(broken / "migrations" / "202507.parquet")
    before = city.value("SELECT count() FROM book")
    with pytest.raises(Refused, match=code) as refused:
        list(importing.bring(city, broken, parcel.read(broken)))
    assert refused.value.vi != refused.value.en
    assert city.value("SELECT count() FROM book") == before


def test_commands_export_check_and_import(
    clickhouse: Endpoint,
    city: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in clickhouse.settings.environment().items():
        monkeypatch.setitem(os.environ, name, value)
    monkeypatch.setenv("DONGBO_CLICKHOUSE_DATABASE", city.address.database)
    folder = tmp_path / "out"

    def run(command: Callable[..., None], *given: Any, **named: Any) -> tuple[int, Any]:
        with pytest.raises(parcel_exit()) as ended:
            command(*given, as_json=True, **named)
        return ended.value.exit_code, json.loads(capsys.readouterr().out)

    code, made = run(export_files, out=folder, what="books", first="2025-07-01", last="2025-07-10")
    assert (code, {row["path"].split("/")[0] for row in made}) == (
        0,
        {"book", "book_history", "city_cut", "day_totals", "late_books"},
    )
    assert run(export_files, check=folder) == (0, [])
    code, found = run(import_files, folder, check=True)
    assert (code, {row["state"] for row in found}) == (0, {"there"})
    _flip(folder)
    code, flaws = run(export_files, check=folder)
    assert (code, [flaw["code"] for flaw in flaws]) == (1, ["file_changed"])
    with pytest.raises(Refused, match="bad_what"):
        export_files(out=tmp_path / "no", what="secrets")
    with pytest.raises(Refused, match="bad_period"):
        export_files(out=tmp_path / "no", first="2025-07-02", last="2025-07-01")
    assert not (tmp_path / "no").exists()


def parcel_exit() -> type[Any]:
    """What typer ends a command with."""
    import typer

    return typer.Exit
