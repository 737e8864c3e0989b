"""A process that takes portal requests until it is killed, and tells each answer's dossiers and seqs."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from producers.natural import NaturalOutbox
from producers.outbox import Outbox
from producers.portal import PortalIntake
from tests.builders import WARD
from tests.unit.test_portal import NOW, enveloped, record


def request(number: int) -> bytes:
    """The request of this number: three dossiers, one of them with a doubtful end."""
    records: list[dict[str, Any]] = [record(2 + at, MaHoSo=code(3 * number + at)) for at in range(2)]
    return enveloped(*records, record(9, MaHoSo=code(3 * number + 2)))


def code(number: int) -> str:
    """A dossier's code."""
    return f"H26.12.34-250701-{number:07d}"


def main(path: Path, seed: int, first: int) -> None:
    """Never returns."""
    chance = random.Random(seed)
    intake = PortalIntake(NaturalOutbox(Outbox(path)), clock=NOW.timestamp)
    print("ready", flush=True)
    while True:
        number = first if chance.random() < 0.7 else chance.randint(0, first)
        answer = json.loads(intake.take(WARD, "DongBoHoSoMC", request(number)).body())
        print(number, *(one["seq"] or 0 for one in answer["result"]), flush=True)
        first = max(first, number + 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
