"""Values and names as they stand in SQL."""

from __future__ import annotations

from collections.abc import Mapping


def literal(value: str) -> str:
    """A string."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def identifier(name: str) -> str:
    """A name of a database or table."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def mapping(pairs: Mapping[str, str]) -> str:
    """A map of strings."""
    return "{" + ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs.items()) + "}"
