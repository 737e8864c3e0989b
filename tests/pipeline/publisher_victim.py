"""A process that appends to an outbox and publishes it until it is killed."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from producers.contract.envelope import StatusChangedEvent
from producers.outbox import Draft, Outbox
from producers.publisher import Publisher
from tests.builders import START, WARD, status

WARDS = (WARD, "00004", "00008")


def main(path: Path, bootstrap: str, topic: str) -> None:
    """Never returns; prints `ready` when Kafka took the first events."""
    outbox = Outbox(path)
    publisher = Publisher(outbox, bootstrap, topic)
    threading.Thread(target=publisher.run, args=(threading.Event(),), daemon=True).start()
    drafts = [
        Draft(StatusChangedEvent, status(1, ward=ward).data, START) for ward in WARDS for _ in range(50)
    ]
    told = False
    while True:
        outbox.append_mixed(drafts)
        if not told and publisher.health().delivered:
            told = True
            print("ready", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
