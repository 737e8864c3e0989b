"""Brings an export back: into an empty database or the same one, as often as one likes, and compares it.

Files go in by row groups, so memory is bounded by one of them. A file whose rows are there already (by their
fingerprint) is passed over: an import that was cut short goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from producers.contract.errors import Refused
from streams.warehouse.export import Table, figures, schema, tables
from streams.warehouse.parcel import File, Manifest, refuse_flaws
from streams.warehouse.store import Store

# Rows of one insert: some tens of megabytes.
BATCH_ROWS: Final = 100_000
# What a database must have before the rest is asked as of its cut.
_FIRST: Final = ("city_cut", "removals", "seals")


class Found(NamedTuple):
    """One file against the database: `there`, `imported` or `differs`."""

    path: str
    table: str
    rows: int
    found: int
    state: str


def bring(store: Store, folder: Path, manifest: Manifest, *, only_check: bool = False) -> Iterator[Found]:
    """Import the files of an export, or only compare; each with how it stands afterwards.

    :raises Refused: `export_broken`, `schema_newer`, `export_unknown`: nothing was written
    :raises Unavailable: ClickHouse is away; run again
    """
    refuse_flaws(folder, manifest)
    known = _known(store, manifest)
    ordered = sorted(
        (file for file in manifest.files if file.restores),
        key=lambda file: (file.table not in _FIRST, file.table, file.month),
    )
    for file in ordered:
        before = _stands(store, known[file.table], file, manifest)
        if before.state == "differs" and not only_check:
            _insert(store, folder / file.path, file)
    if not only_check:
        store.command(_REMEMBER)
    for file in ordered:
        after = _stands(store, known[file.table], file, manifest)
        yield after


def _known(store: Store, manifest: Manifest) -> dict[str, Table]:
    newer = sorted(set(manifest.schema) - set(schema(store)))
    if newer:
        raise Refused(
            "schema_newer",
            f"bản xuất có cấu trúc mới hơn: {', '.join(newer)}; hãy nâng cấp và dongbo migrate",
            f"the export has a newer schema: {', '.join(newer)}; upgrade, then dongbo migrate",
        )
    wish = manifest.request
    known = {table.name: table for table in tables(store, wish, frozenset()) if table.restores}
    for file in manifest.files:
        if file.restores and (file.table not in known or set(file.columns) - set(known[file.table].columns)):
            raise Refused(
                "export_unknown",
                f"bảng hoặc cột không có ở đây: {file.table}",
                f"a table or a column that is not here: {file.table}",
            )
    return known


def _stands(store: Store, table: Table, file: File, manifest: Manifest) -> Found:
    wish = manifest.request
    cut = store.value("SELECT count() FROM city_cut WHERE number = {cut:UInt64}", {"cut": wish.cut})
    asked = table._replace(columns=tuple(file.columns), at=table.at and bool(cut))
    rows, fingerprint = figures(store, asked, file.month, wish)
    same = (rows, fingerprint) == (file.rows, file.fingerprint)
    return Found(file.path, file.table, file.rows, rows, "there" if same else "differs")


def _insert(store: Store, path: Path, file: File) -> None:
    try:
        source = pq.ParquetFile(path)
        for batch in source.iter_batches(BATCH_ROWS):
            out = pa.BufferOutputStream()
            pq.write_table(pa.Table.from_batches([batch]), out, compression="zstd")
            store.put(file.table, file.columns, "Parquet", out.getvalue().to_pybytes())
    except pa.ArrowInvalid:
        raise Refused(
            "export_broken", f"{file.path}: không phải Parquet đọc được", f"{file.path}: no readable Parquet"
        ) from None


# Rows that came before the sets of what landed were kept are taken as landed, as the migration did.
_REMEMBER: Final = """
INSERT INTO landed_offsets
SELECT topic_id, partition, intDiv(place, 65536) AS bucket, 'before' AS kind,
    groupBitmapState(place) AS offsets
FROM
(
    SELECT topic_id, partition, arrayJoin(range(first_offset, last_offset + 1)) AS place
    FROM coverage FINAL
)
GROUP BY topic_id, partition, bucket
"""
