"""Bench: from a ward's outbox to the live page while twenty analysts ask at once for what never ends.

    python -m tests.bench.analysts [--quiet 30] [--under 120] [--rate 100] [--json]

Method: the whole stack runs as for `up`, with the limits as they are shipped, without the simulated city.
Events flow at an even pace from an outbox through the real publisher; the page is its stream. Then twenty
accounts ask, each in turn, a cross join, 10^12 rows, an endless sleep, all memory and an endless download in
native blocks (`compress=1`). The baseline is the quiet span of the same run. An analyst with a small question
asks as well: it should wait for one statement's end at most.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench.report import report, show
from tests.pipeline.crowd import KINDS, TURNED_AWAY
from tests.pipeline.flowing import city
from tests.pipeline.siege import ANALYSTS, RATE, Found, besiege, share

TARGET_P99_S: Final = 1.5


def _notes(found: Found, rate: float) -> dict[str, float | str]:
    spans = {"quiet": found.quiet, "under": found.under, "small_question": found.answered_s}
    notes: dict[str, float | str] = {
        f"{name}_p{int(part * 100)}_s": round(share(values, part), 3)
        for name, values in spans.items()
        for part in (0.5, 0.99)
    }
    notes |= {f"ended_{kind}": str(found.crowd.codes(kind)) for kind in KINDS}
    downloaded = sum(each.size for each in found.crowd.answers if each.kind == "download")
    return notes | {
        "analysts": ANALYSTS,
        "events_a_second": rate,
        "events": found.counted["appended"],
        "all_counted": str(_all_counted(found)).lower(),
        "small_questions": len(found.small),
        "small_questions_refused": len(found.small) - len(found.answered_s),
        "downloaded_mb": round(downloaded / 2**20),
        "target_p99_s": TARGET_P99_S,
    }


def _all_counted(found: Found) -> bool:
    return set(found.counted.values()) == {found.counted["appended"]}


def _stopped(found: Found) -> bool:
    return all(set(found.crowd.codes(name)) <= kind.codes | {TURNED_AWAY} for name, kind in KINDS.items())


def main() -> int:
    """Print the delays; 1 when a target is missed, an event is not counted or a question was not stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet", type=float, default=30.0, help="seconds without the crowd")
    parser.add_argument("--under", type=float, default=120.0, help="seconds with it")
    parser.add_argument("--rate", type=float, default=RATE, help="events a second")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, city(Path(folder)) as settings:
        found = besiege(settings, given.quiet, given.under, given.rate)
    p99 = share(found.under, 0.99)
    quiet_p99 = share(found.quiet, 0.99)
    notes = _notes(found, given.rate)
    show([report("analysts", "s (p99)", [p99], [quiet_p99], notes=notes)], as_json=given.json)
    return 0 if p99 <= TARGET_P99_S and _all_counted(found) and _stopped(found) else 1


if __name__ == "__main__":
    sys.exit(main())
