"""Seeded damage: new inputs out of known ones, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

_TOKENS: Final = (
    *(b"\x00", b"\xff", b"\xc3", b'"', b"'", b"{", b"}", b"[", b"]", b"\\", b"\\ud800", b"\r\n", b"\n", b";"),
    *(b"1e999", b"-1", b"0", b"99999999999999999999999999", b"NaN", b"null", b"true", b"", b" " * 300),
    *(b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+14:00", b"00004", b"\xe1\xba\xbf", b"%00", b"%0d%0a"),
    *(
        b"[" * 200,
        b'{"a":' * 200,
        b"(" * 300,
        b"A" * 5_000,
        b"/*",
        b"--",
        b"UNION ALL",
        b"FORMAT",
        b"SETTINGS",
    ),
)
_STEPS_MAX: Final = 6


class Mutator:
    """Draws an input of the corpus and damages it in some places; sometimes two are spliced."""

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self.corpus = list(corpus)
        self._random = random.Random(seed)

    def next(self) -> bytes:
        """One more input."""
        chosen = bytearray(self._random.choice(self.corpus))
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3, _STEPS_MAX))):
            self._damage(chosen)
        return bytes(chosen)

    def _damage(self, data: bytearray) -> None:
        draw, at = self._random, self._random.randrange(len(data) + 1)
        kind = draw.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at:at] = draw.choice(_TOKENS)
        elif kind == 2:
            data[at : at + draw.choice((1, 2, 8, 64))] = draw.choice(_TOKENS)
        elif kind == 3:
            del data[at : at + draw.choice((1, 4, 32))]
        elif kind == 4:
            data[at:at] = data[at : at + draw.choice((4, 32, 256))] * draw.choice((1, 2, 20))
        elif kind == 5:
            other = draw.choice(self.corpus)
            data[at:] = other[draw.randrange(len(other) + 1) :]
        else:
            del data[at:]
