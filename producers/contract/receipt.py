"""What the city tells a ward about the ward's own events: what it has, what it lacks, what it refused."""

from __future__ import annotations

from datetime import datetime

import msgspec


class SeqRange(msgspec.Struct, frozen=True):
    """The seqs `first` to `last`, both included, of one epoch."""

    epoch: str
    first: int
    last: int


class EpochReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """One life of the ward's outbox: complete from 1 to `contiguous`, `highest` is the highest seq here."""

    epoch: str
    received: int
    contiguous: int
    highest: int
    missing: list[SeqRange]


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the city refused within the last 30 days, and what to send instead."""

    code: str
    member: str
    arrived_at: datetime
    vi: str
    en: str
    remedy_vi: str
    remedy_en: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the city has of one ward. `complete`: every seq it knows of is here.

    `rejected` counts all; `rejects` are the newest of the last 30 days.
    """

    ward: str
    complete: bool
    received: int
    missing: int
    rejected: int
    heard_at: datetime | None
    epochs: list[EpochReceipt]
    rejects: list[Rejected]
