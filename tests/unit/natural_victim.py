"""A process that appends events without sequence numbers until it is killed, and tells what it was promised.

It prints `ready`, then one line for each `append` that returned: the number of the first event and its seqs.
Events are numbered by the caller; half of the batches repeat events that were appended before.
"""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from pathlib import Path

from producers.contract.envelope import StatusChangedEvent
from producers.natural import NaturalOutbox
from producers.outbox import Draft, Outbox
from tests.builders import START, WARD, status


def draft(number: int) -> Draft:
    """The event of a system without seqs that is known by its number."""
    data = status(1, dossier=f"H26.{WARD}-250701-{number:07d}").data
    return Draft(StatusChangedEvent, data, START + timedelta(seconds=number % 3600))


def main(path: Path, seed: int, first: int) -> None:
    """Never returns."""
    chance = random.Random(seed)
    natural = NaturalOutbox(Outbox(path))
    print("ready", flush=True)
    while True:
        count = chance.randint(1, 60)
        begin = first if chance.random() < 0.5 else max(0, first - chance.randint(1, 200))
        given = natural.append(WARD, [draft(begin + at) for at in range(count)])
        print(begin, *(one.seq for one in given), flush=True)
        first = max(first, begin + count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
