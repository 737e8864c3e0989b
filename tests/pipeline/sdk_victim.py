"""A ward's program that goes on until it is killed."""

from __future__ import annotations

import sys
from typing import Any

from producers import Ward
from tests.builders import START, WARD


def main(path: str, way: dict[str, Any]) -> None:
    """Never returns; prints `ready` when the city has the first events."""
    with Ward(WARD, outbox=path, close_days=False, beat_every_s=0.2, **way) as ward:
        for number in range(10_000_000):
            ward.status(
                dossier=f"H26.{WARD}-250701-{number % 10_000:04d}",
                procedure="2.000815",
                channel="counter",
                status=2,
                received_at=START,
                at=START,
            )
            if number % 50 == 49 and ward.flush(20):
                print("ready", flush=True)


if __name__ == "__main__":
    pairs = [argument.partition("=") for argument in sys.argv[2:]]
    main(sys.argv[1], {name: value for name, _, value in pairs})
