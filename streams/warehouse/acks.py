"""What the gateway says that Kafka has acknowledged, kept where a loss in Kafka cannot reach it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from producers.contract.acks import Acked
from streams.warehouse.store import Store

_COLUMNS: Final = ("ward", "epoch", "seq_max", "at")
_TYPES: Final = ("String", "String", "UInt64", "DateTime64(3)")


class AckTable:
    """The gateway's `AckKeeper`. Twice changes nothing, and a lower seq hides no higher one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, acked: Sequence[Acked]) -> None:
        """Returns once it is stored.

        :raises Unavailable: ClickHouse is away, or `migrate` has not been there
        """
        self._store.insert("gateway_acks", _COLUMNS, _TYPES, list(zip(*acked, strict=True)))
