"""Who asks, and which wards they may see. The guard puts a `Viewer` on every request before a handler runs.

How a handler uses it:

    @ward_aware                            # without it a ward's viewer is refused (403): closed by default
    async def ward(request):
        code = request.query["ward"]
        require_ward(request, code)        # 403 for another ward's code
        rows = [row for row in rows if row.ward in allowed_wards(request)]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeVar

import msgspec
from aiohttp import web

from dashboards.server.problem import Problem
from producers.contract.wards import WARDS

Role = Literal["city", "ward"]
ALL_WARDS: Final = frozenset(WARDS)

Marked = TypeVar("Marked", bound=Callable[..., object])


class Viewer(msgspec.Struct, frozen=True):
    """Who looks. A `city` viewer sees all wards, a `ward` viewer only `ward`. `name` is for the log."""

    role: Role = "city"
    ward: str | None = None
    name: str = ""

    @property
    def wards(self) -> frozenset[str]:
        """The codes of the wards that this viewer may see."""
        if self.role == "city":
            return ALL_WARDS
        return frozenset({self.ward} if self.ward else ())


VIEWER: Final = web.RequestKey("viewer", Viewer)
NOBODY_ASKED: Final = Viewer()


def viewer_of(request: web.Request) -> Viewer:
    """Who asks; a city viewer where logging in is off (loopback only)."""
    viewer: Viewer = request.get(VIEWER, NOBODY_ASKED)
    return viewer


def allowed_wards(request: web.Request) -> frozenset[str]:
    """The codes of the wards whose figures the answer may have. All 126 for a city viewer."""
    return viewer_of(request).wards


def sees_city(request: web.Request) -> bool:
    """Whether the answer may have the city's figures and all wards'."""
    return viewer_of(request).role == "city"


def require_ward(request: web.Request, ward: str) -> None:
    """Raises `Problem` (403, `other_ward`) if the viewer may not see the ward, or if there is none such."""
    if ward not in allowed_wards(request):
        raise Problem("other_ward")


def ward_aware(handler: Marked) -> Marked:
    """Mark a handler that answers a ward's viewer with nothing but `allowed_wards`.

    A handler without the mark is never called for a ward's viewer.
    """
    handler.ward_aware = True  # type: ignore[attr-defined]
    return handler


def is_ward_aware(handler: object) -> bool:
    """Whether `ward_aware` marked it."""
    return bool(getattr(handler, "ward_aware", False))
