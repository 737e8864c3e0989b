"""The ledger: what each sender was about to say, written before it was said, and what was acknowledged.

One text file a sender, appended only, so that kill -9 leaves at most a torn last line:
`E epoch`, `I ward seq day cell minutes of_seq content`, `A ward seq` (acknowledged up to seq), `F` (refused).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

from tests.faults.events import Fact, Made

REFUSED: Final = "F\n"


class Writer:
    """Appends to a sender's file."""

    def __init__(self, path: Path, epoch: str) -> None:
        # Through a process of its own: a bound on file sizes, set on the sender, is not for its ledger.
        with path.open("ab") as file:
            self._cat = subprocess.Popen(
                ["cat"], stdin=subprocess.PIPE, stdout=file, text=True, start_new_session=True
            )
        assert self._cat.stdin is not None
        self._file: IO[str] = self._cat.stdin
        # The line before may be torn.
        self._file.write(f"\nE {epoch}\n")
        self._file.flush()

    def intend(self, made: Iterable[Made]) -> None:
        """These are about to be sent. Returns when it will outlive a kill -9."""
        for one, event in made:
            ward = event.data.ward
            self._file.write(
                f"I {ward} {one.seq} {one.day} {one.cell} {one.minutes} {one.of_seq} {one.content}\n"
            )
        self._file.flush()

    def acknowledge(self, up_to: dict[str, int]) -> None:
        """The sender was promised these."""
        self._file.writelines(f"A {ward} {seq}\n" for ward, seq in up_to.items())
        self._file.flush()

    def refused(self) -> None:
        """The sender was told that nothing was kept."""
        self._file.write(REFUSED)
        self._file.flush()


@dataclass
class Ledger:
    """All senders' files, read."""

    epochs: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[int, Fact]] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, name: str = "*") -> Self:
        """Every `*.ledger` of a folder, or one sender's."""
        found = cls()
        for path in sorted(folder.glob(f"{name}.ledger")):
            found._take(path)
        return found

    def _take(self, path: Path) -> None:
        epoch = ""
        with path.open(encoding="ascii") as lines:
            for line in lines:
                words = line.split()
                if not line.endswith("\n") or not words:
                    continue
                if words[0] == "E" and len(words) == 2:
                    epoch = words[1]
                elif words[0] == "I" and len(words) == 8:
                    self._intended(epoch, words)
                elif words[0] == "A" and len(words) == 3:
                    known = self.acknowledged.get(words[1], 0)
                    self.acknowledged[words[1]] = max(known, int(words[2]))

    def _intended(self, epoch: str, words: list[str]) -> None:
        _, ward, seq, day, cell, minutes, of_seq, content = words
        self.epochs[ward] = epoch
        fact = Fact(int(seq), day, cell, int(minutes), int(of_seq), content)
        self.facts.setdefault(ward, {})[fact.seq] = fact

    @property
    def events(self) -> int:
        """How many different events were acknowledged."""
        return sum(self.acknowledged.values())


def marks(folder: Path) -> dict[str, int]:
    """The newest acknowledgement of each ward, cheaply: from the files' ends."""
    found: dict[str, int] = {}
    for path in folder.glob("*.ledger"):
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 400_000))
            for line in file.read().split(b"\n")[1:-1]:
                words = line.split()
                if len(words) == 3 and words[0] == b"A":
                    found[words[1].decode()] = max(int(words[2]), found.get(words[1].decode(), 0))
    return found
