"""A process that appends and acknowledges until it is killed, and tells what was promised to it.

It prints `ready`, then one line for each `append` that returned: the ward and its newest seq.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from producers.contract.envelope import StatusChangedEvent
from producers.outbox import Draft, Outbox
from tests.builders import START, WARD, status

WARDS = (WARD, "00004", "00008")
KEEP_MAX = 200


def main(path: Path, seed: int) -> None:
    """Never returns."""
    chance = random.Random(seed)
    outbox = Outbox(path, keep_max=KEEP_MAX)
    payloads = {ward: status(1, ward=ward).data for ward in WARDS}
    print("ready", flush=True)
    while True:
        ward = chance.choice(WARDS)
        drafts = [Draft(StatusChangedEvent, payloads[ward], START)] * chance.randint(1, 60)
        print(ward, outbox.append(ward, drafts)[-1], flush=True)
        at = outbox.ward(ward)
        outbox.acknowledge({ward: chance.randint(at.sent_seq, at.last_seq)})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
