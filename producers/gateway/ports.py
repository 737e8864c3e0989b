"""What the gateway needs of others, as protocols: whoever composes the processes hands them over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from producers.contract.acks import Acked
from producers.contract.receipt import Receipt, SeqRange
from producers.outbox import Draft, Outbox


class Authority(Protocol):
    """Says whose a token is."""

    def ward_of(self, token: str) -> str | None:
        """The ward of a valid token, else None. May block.

        :raises Unavailable: the tokens cannot be read now
        """


class CityView(Protocol):
    """What the city knows of a ward. Its methods may block; they raise `Unavailable` while it is away."""

    def receipt(self, ward: str) -> Receipt:
        """What arrived, what is missing, what was refused."""

    def requests(self, ward: str) -> Sequence[SeqRange]:
        """The seqs that the city asks for again."""


class AckKeeper(Protocol):
    """Keeps what Kafka has acknowledged, also when the gateway and Kafka are gone."""

    def keep(self, acked: Sequence[Acked]) -> None:
        """Keep durably; of each ward and epoch the highest seq stays. May block.

        :raises Unavailable: it is away now
        :raises Stop: it refuses
        """


class GivenSeq(Protocol):
    """The seq that an event was given; `duplicate`: before; `conflict`: with other content."""

    @property
    def seq(self) -> int: ...

    @property
    def duplicate(self) -> bool: ...

    @property
    def conflict(self) -> bool: ...


class Numberer(Protocol):
    """A durable outbox that gives seqs, and the same seq again to an event that it has already."""

    @property
    def outbox(self) -> Outbox:
        """Where the numbered events wait to be published."""

    def append(self, ward: str, drafts: Sequence[Draft]) -> Sequence[GivenSeq]:
        """Keep one ward's events durably, all or none; one answer for each.

        :raises Reject: an event breaks the contract
        :raises OutboxFull: too many wait
        :raises Unavailable: disk full
        """
