"""Which rules the books are counted by, as a name that changes when a rule does.

`LOGIC` is raised by hand when the meaning of a book changes. Behind it stands a fingerprint of what the rules
answer: the working minutes of every day of the calendar and of every minute of a day, and the timeliness by
days. So a rule that changed without a word (hours, a holiday that was announced) shows all the same.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Final

from streams.domain.days import DAY_S, OFFSET_S, number_of
from streams.domain.lifecycle import entry

LOGIC: Final = 1
_FIRST_DAY: Final = number_of(date(2019, 1, 1))
_DAYS: Final = 22 * 366
_WEEK_OF_MINUTES: Final = 7 * 1440
_OFFICE_DAY: Final = number_of(date(2025, 6, 2))


def logic() -> str:
    """The name of the rules as they are, e.g. `1-9f2c61aa`."""
    answers = hashlib.sha256()
    for day in range(_FIRST_DAY, _FIRST_DAY + _DAYS):
        begin = day * DAY_S - OFFSET_S
        answers.update(entry("", begin, None, begin + DAY_S).minutes.to_bytes(4, "big"))
    begin = _OFFICE_DAY * DAY_S - OFFSET_S
    for minute in range(_WEEK_OF_MINUTES):
        answers.update(entry("", begin, None, begin + minute * 60).minutes.to_bytes(4, "big"))
    for due in (None, begin - 1, begin, begin + DAY_S - 1, begin + DAY_S):
        answers.update(entry("", begin, due, begin + 60).cell.encode())
    return f"{LOGIC}-{answers.hexdigest()[:8]}"
