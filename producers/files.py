"""Events in a file, one JSON object a line: checked as the city will check them, every line reported."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from producers.contract.codec import admit, decode
from producers.contract.envelope import Event
from producers.contract.errors import Reject
from producers.contract.topics import PARTITION_OF_WARD


class Line(NamedTuple):
    """One line of a file: its number from 1, and the event or the reason why not."""

    number: int
    event: Event | None
    value: bytes
    reject: Reject | None


def read(lines: Iterable[bytes]) -> Iterator[Line]:
    """Check every line that is not blank; a bad line stops nothing."""
    now_s = time.time()
    for number, line in enumerate(lines, start=1):
        value = line.strip()
        if value:
            yield _checked(number, value, now_s)


def _checked(number: int, value: bytes, now_s: float) -> Line:
    """Exactly the city's own check, as if the message came with the right key and partition now."""
    try:
        ward = decode(value).data.ward
        event, _ = admit(value, ward.encode(), PARTITION_OF_WARD.get(ward, 0), now_s)
    except Reject as reject:
        return Line(number, None, value, reject)
    return Line(number, event, value, None)
