"""The page's own files, read once and compressed once; a browser keeps them as long as they are the same."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

WEB: Final = Path(__file__).resolve().parent.parent / "web"
_TYPES: Final = {".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml"}
_TEXT: Final = frozenset({".js", ".json", ".svg", ".css", ".html"})


class Asset(NamedTuple):
    """A file as it travels."""

    body: bytes
    packed: bytes
    kind: str
    tag: str


def load(root: Path = WEB) -> dict[str, Asset]:
    """Every file below a folder, by its path there."""
    return dict(_load(root))


def response(request: web.Request, asset: Asset) -> web.Response:
    """A file, or 304 for a browser that has it. Checked at every use: an update is seen at once."""
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if asset.tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    body = asset.body
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body, headers["Content-Encoding"] = asset.packed, "gzip"
    return web.Response(body=body, headers=headers | {"Content-Type": asset.kind})


def _load(root: Path) -> Iterator[tuple[str, Asset]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            body = path.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            packed = gzip.compress(body, 9, mtime=0)
            yield path.relative_to(root).as_posix(), Asset(body, packed, _kind(path), tag)


def _kind(path: Path) -> str:
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if path.suffix in _TEXT else kind
