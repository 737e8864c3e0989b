"""An export on disk: a folder of Parquet files, one a table and month, and `manifest.json`, their proof.

The manifest names every file with its rows, its SHA-256 and an order-free fingerprint of its rows (for events
the one that seals have: the sums of files and of seals agree). It carries a fingerprint of itself. Until all
files are there it is called `manifest.part.json`, from which an export that was cut short goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from producers.contract.errors import Refused

FORMAT: Final = 1
MANIFEST, PART = "manifest.json", "manifest.part.json"
# Nothing a manifest says may lead out of its folder.
_PATH: Final = re.compile(r"[a-z][a-z0-9_]{0,63}/(?:all|\d{6})\.parquet")
_TABLE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BYTES: Final = 1 << 20
MANIFEST_BYTES_MAX: Final = 64 << 20


class Request(msgspec.Struct, frozen=True):
    """What was asked for. `cut` is that of the figures, 0 where none was published; days are inclusive."""

    what: str
    cut: int
    ward: str = ""
    first: str = "1900-01-01"
    last: str = "2299-12-31"


class File(msgspec.Struct, frozen=True):
    """One file and what it holds; `month` 0: all of the table. Only files with `restores` are imported."""

    path: str
    table: str
    month: int
    columns: list[str]
    rows: int
    bytes: int
    sha256: str
    fingerprint: str
    restores: bool


class Manifest(msgspec.Struct):
    """The whole export."""

    format: int
    schema: list[str]
    request: Request
    files: list[File]
    sha256: str = ""


class Flaw(msgspec.Struct, frozen=True):
    """A file that is not as the manifest says."""

    path: str
    code: str
    vi: str
    en: str


def write(folder: Path, manifest: Manifest, name: str) -> None:
    """Put a manifest in its place, whole or not at all."""
    manifest.sha256 = _own_sha256(manifest)
    path = folder / f".{name}.tmp"
    with path.open("wb") as out:
        out.write(json.dumps(msgspec.to_builtins(manifest), indent=1, ensure_ascii=False).encode())
        out.flush()
        os.fsync(out.fileno())
    path.replace(folder / name)


def read(folder: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of an export.

    :raises Refused: `export_missing`, `export_unfinished`, `manifest_broken`, `format_newer`
    """
    path = folder / name
    if not path.is_file():
        unfinished = (folder / PART).is_file()
        raise _refused(
            "export_unfinished" if unfinished else "export_missing",
            f"{folder}: "
            + ("bản xuất chưa xong, chạy lại dongbo export" if unfinished else f"không có {name}"),
            f"{folder}: "
            + ("not finished, run dongbo export again" if unfinished else f"there is no {name}"),
        )
    try:
        if path.stat().st_size > MANIFEST_BYTES_MAX:
            raise ValueError("too large")
        data = json.loads(path.read_bytes())
        newer = isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT
        manifest = None if newer else msgspec.convert(data, Manifest)
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise _broken(path, "không đọc được", "cannot be read") from None
    if manifest is None:
        raise _refused(
            "format_newer",
            f"{path}: dạng {data['format']}, bản này chỉ đọc đến {FORMAT}; hãy nâng cấp",
            f"{path}: format {data['format']}, this version reads up to {FORMAT}; upgrade it",
        )
    _believe(path, manifest)
    return manifest


def _believe(path: Path, manifest: Manifest) -> None:
    if manifest.sha256 != _own_sha256(manifest):
        raise _broken(
            path, "đã bị sửa: dấu vân tay không khớp", "was changed: its fingerprint does not match"
        )
    for file in manifest.files:
        placed = _PATH.fullmatch(file.path) and file.path == path_of(file.table, file.month)
        if not placed or not all(_TABLE.fullmatch(name) for name in (file.table, *file.columns)):
            raise _broken(path, "có tên tệp lạ", "names a file or a column that no export has")


def path_of(table: str, month: int) -> str:
    """Where a table's month lies."""
    return f"{table}/{month or 'all'}.parquet"


def flaws(folder: Path, manifest: Manifest) -> Iterator[Flaw]:
    """Files that are missing, cut short or changed; reads every byte."""
    for file in manifest.files:
        path = folder / file.path
        if path.is_symlink() or not path.is_file():
            yield Flaw(file.path, "file_missing", "thiếu tệp", "the file is missing")
        elif path.stat().st_size != file.bytes:
            yield Flaw(file.path, "file_size", "sai độ dài: tệp bị cắt", "another length: the file was cut")
        elif sha256_of(path) != file.sha256:
            yield Flaw(file.path, "file_changed", "nội dung đã đổi", "its content has changed")


def refuse_flaws(folder: Path, manifest: Manifest) -> None:
    """:raises Refused: `export_broken`: some file is not as the manifest says; names the first few"""
    found = list(flaws(folder, manifest))
    if found:
        raise _refused(
            "export_broken",
            f"{len(found)} tệp hỏng: " + ", ".join(f"{one.path} ({one.vi})" for one in found[:5]),
            f"{len(found)} files are not sound: " + ", ".join(f"{one.path} ({one.en})" for one in found[:5]),
        )


def sha256_of(path: Path) -> str:
    """Fingerprint of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _own_sha256(manifest: Manifest) -> str:
    bare = {**msgspec.to_builtins(manifest), "sha256": ""}
    return hashlib.sha256(json.dumps(bare, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _broken(path: Path, vi: str, en: str) -> Refused:
    return _refused("manifest_broken", f"{path}: {vi}", f"{path}: {en}")


def _refused(code: str, vi: str, en: str) -> Refused:
    return Refused(code, vi, en)
