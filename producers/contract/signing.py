"""How an event is signed: one Kafka header beside the value, and what checks it.

The header `dongbo-signature` is 72 bytes: the key's id (8 bytes, the beginning of the SHA-256 of the
public key), then the Ed25519 signature (64 bytes, RFC 8032) of the message's value, byte by byte as sent.
Exactly one such header; others are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

SIGNATURE_HEADER: Final = "dongbo-signature"
KEY_ID_BYTES: Final = 8
SIGNATURE_BYTES: Final = 64

# As both Kafka clients give them; a header may have no value.
Headers = Sequence[tuple[str, bytes | None]]
# From the ward's code and the value to the headers to send with it.
Sign = Callable[[str, bytes], list[tuple[str, bytes]]]


class Verifier(Protocol):
    """Decides by value, headers and broker time only, so that every process and every replay agree."""

    def __call__(self, ward: str, value: bytes, headers: Headers, arrived_ms: int, /) -> None:
        """Return if the message may speak for the ward.

        :raises Reject: unsigned, bad_signature
        :raises Unavailable: the keys cannot be read, so nothing may be judged; it must not be caught for one
            message
        """
