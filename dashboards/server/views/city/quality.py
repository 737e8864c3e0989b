"""The four figures of the data's quality, by the names of the state's guidance: đúng, đủ, sạch, sống."""

from __future__ import annotations

from datetime import date
from typing import Any

from dashboards.server.source import Source


def quality(source: Source, day: date) -> dict[str, Any] | None:
    """Not computed by the database yet."""
    _ = source, day
    return None
