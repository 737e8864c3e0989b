"""What is read less often than once a second, remembered until it is due again."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")

# A view that was not there is looked for again so often.
ABSENT_S: Final = 20.0
_KEPT_MAX: Final = 200


class Memo:
    """Values by key, each good for a time of its own. Of one thread only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable, seconds: float, read: Callable[[], T]) -> T:
        """The value of a key, read anew if it is older than `seconds` (None: `ABSENT_S`)."""
        now = self._clock()
        due, value = self._kept.get(key, (now, None))
        if now < due:
            kept: T = value
            return kept
        found = read()
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[key] = (now + (ABSENT_S if found is None else seconds), found)
        return found

    def forget(self) -> None:
        """Read everything anew."""
        self._kept.clear()
