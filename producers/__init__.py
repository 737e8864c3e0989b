"""The ward's side: from a ward's system to the city. `from producers import Ward` is where to begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from producers.sdk import Ward

__all__ = ["Ward"]


def __getattr__(name: str) -> Any:
    """`Ward` when it is first asked for: importing a part of this package must stay cheap."""
    if name == "Ward":
        from producers.sdk import Ward

        return Ward
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
