"""`dongbo export` and `dongbo import`: the data as Parquet files, and back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ops import console
from ops.audit import day_of, known
from ops.city.prepare import SQL_FOLDER, store
from ops.settings import load
from producers.contract.errors import Refused
from streams.warehouse import as_of, importing, parcel
from streams.warehouse.export import WHATS, export
from streams.warehouse.parcel import Request
from streams.warehouse.store import Store

OK, FINDING = 0, 1
_COLUMNS = ("path", "rows", "bytes", "fingerprint")


def write(
    out: Path,
    *,
    what: str,
    first: str | None,
    last: str | None,
    ward: str | None,
    at: str | None,
    as_json: bool,
) -> int:
    """Export; exit 0 when every file is there."""
    if what not in WHATS:
        raise Refused(
            "bad_what", f"--what là một trong: {', '.join(WHATS)}", f"--what is one of {', '.join(WHATS)}"
        )
    known(ward)
    days = _day(first, "1900-01-01"), _day(last, "2299-12-31")
    if days[0] > days[1]:
        raise Refused("bad_period", "--from sau --to", "--from lies after --to")
    with store(load()) as writer:
        wish = Request(what, _cut(writer, at), ward or "", *days)
        console.note(f"as of cut {wish.cut or '-'} / tại mốc {wish.cut or '-'}")
        made = export(writer, out, wish, as_of.travelling(SQL_FOLDER))
    rows = [(one.path, one.rows, one.bytes, one.fingerprint) for one in made.files]
    console.emit_rows(_COLUMNS, rows, as_json=as_json)
    console.note(f"{len(rows)} files in {out}; check: dongbo export --check {out}")
    return OK


def _day(given: str | None, default: str) -> str:
    day = day_of(given)
    return default if day is None else date.isoformat(day)


def _cut(writer: Store, at: str | None) -> int:
    """The cut that is asked for, or the newest: then all files say the same while events flow on."""
    return (
        int(as_of.resolved(writer, at)) if at else int(writer.value("SELECT max(number) FROM city_cut") or 0)
    )


def check(folder: Path, *, as_json: bool) -> int:
    """Without a database: 1 if a file is not as the manifest says."""
    manifest = parcel.read(folder)
    found = list(parcel.flaws(folder, manifest))
    console.emit_rows(
        ("path", "code", "vi", "en"), [(f.path, f.code, f.vi, f.en) for f in found], as_json=as_json
    )
    console.note(f"{len(manifest.files)} files, {len(found)} not sound / {len(found)} tệp hỏng")
    return FINDING if found else OK


def bring(folder: Path, *, only_check: bool, as_json: bool) -> int:
    """Import, or only compare; 1 if the database differs from the files afterwards."""
    manifest = parcel.read(folder)
    with store(load()) as writer:
        found = list(importing.bring(writer, folder, manifest, only_check=only_check))
    console.emit_rows(importing.Found._fields, found, as_json=as_json)
    off = sum(one.state == "differs" for one in found)
    console.note(f"{len(found)} files, {off} differ from the database / {off} tệp khác cơ sở dữ liệu")
    return FINDING if off else OK
