"""What the city tells a ward of the ward's own events, read from the views that people read, too.

The seqs are as new as the books; what was rejected is as new as the loader.
"""

from __future__ import annotations

from typing import Any, Final

from producers.contract.errors import Stop, Unavailable
from producers.contract.receipt import EpochReceipt, Receipt, Rejected, SeqRange
from streams.warehouse.store import Rows, Store

REJECTS_MAX: Final = 100
# Newest life of the outbox last in the view's arrays; a ward has few, a faulty one is cut off here.
EPOCHS_MAX: Final = 100
_SYNC: Final = """
SELECT complete, events, missing, rejected, heard_at, epochs, epoch_events, epoch_contiguous,
       epoch_highest, hole_epoch, hole_first, hole_last
FROM v_ward_sync WHERE ward = {ward:String}"""
_REJECTS: Final = """
SELECT reason, member, arrived_at, reason_vi, reason_en, remedy_vi, remedy_en
FROM v_rejects WHERE ward = {ward:String} ORDER BY arrived_at DESC LIMIT {rows:UInt32}"""


class Receipts:
    """The gateway's `CityView`. Threads may share one; every method blocks, and raises `Unavailable`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def receipt(self, ward: str) -> Receipt:
        """What arrived from the ward, what is missing, what was refused."""
        sync = self._sync(ward)
        rejects = self._query(_REJECTS, {"ward": ward, "rows": REJECTS_MAX}).rows
        holes = _holes(sync)
        return Receipt(
            ward=ward,
            complete=bool(sync.get("complete")),
            received=int(sync.get("events", 0)),
            missing=int(sync.get("missing", 0)),
            rejected=int(sync.get("rejected", 0)),
            heard_at=sync.get("heard_at"),
            epochs=_epochs(sync, holes),
            rejects=[
                Rejected(
                    code=code,
                    member=member,
                    arrived_at=arrived_at,
                    vi=vi,
                    en=en,
                    remedy_vi=remedy_vi,
                    remedy_en=remedy_en,
                )
                for code, member, arrived_at, vi, en, remedy_vi, remedy_en in rejects
            ],
        )

    def requests(self, ward: str) -> list[SeqRange]:
        """The seqs that the city lacks, announced ones that have not come included."""
        return _holes(self._sync(ward))

    def _sync(self, ward: str) -> dict[str, Any]:
        found = self._query(_SYNC, {"ward": ward}).dicts()
        return found[0] if found else {}

    def _query(self, sql: str, parameters: dict[str, Any]) -> Rows:
        """A ward can do nothing about our fault: it is told to ask later, the log says what it is."""
        try:
            return self._store.query(sql, parameters)
        except Stop as error:
            raise Unavailable("clickhouse", error.detail, error.remedy) from error


def _holes(sync: dict[str, Any]) -> list[SeqRange]:
    columns = (sync.get(name, ()) for name in ("hole_epoch", "hole_first", "hole_last"))
    return [SeqRange(epoch, int(first), int(last)) for epoch, first, last in zip(*columns, strict=True)]


def _epochs(sync: dict[str, Any], holes: list[SeqRange]) -> list[EpochReceipt]:
    names = ("epochs", "epoch_events", "epoch_contiguous", "epoch_highest")
    columns = [list(sync.get(name, ()))[-EPOCHS_MAX:] for name in names]
    return [
        EpochReceipt(
            epoch=epoch,
            received=int(received),
            contiguous=int(contiguous),
            highest=int(highest),
            missing=[hole for hole in holes if hole.epoch == epoch],
        )
        for epoch, received, contiguous, highest in zip(*columns, strict=True)
    ]
