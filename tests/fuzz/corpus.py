"""The inputs that are kept: the seeds of a target, and later finds that did something new."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("corpus")


def kept(target: str) -> list[bytes]:
    """The kept inputs of a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((FOLDER / target).glob("*.bin"))]


def keep(target: str, found: bytes) -> Path:
    """Keep an input; its name is its fingerprint, so keeping twice changes nothing."""
    path = FOLDER / target / f"{hashlib.sha256(found).hexdigest()[:16]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found)
    return path
