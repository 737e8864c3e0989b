"""How far the city has a ward: which seqs arrived, the newest heartbeat, the newest arrival.

The set of seqs is the union of the ward's books, and is derived from them again whenever a worker takes a
ward over. So a record of this kind that a stopped and woken worker wrote out of turn can never make an
event look counted that no book holds.

An instant is *proven* once all that the ward's outbox had been given by then is here. Two things prove one:
- an event with every seq before it in its epoch: nothing that was put into the outbox before it is lacking,
  and it was put there no earlier than it happened. What happened in 2025 and comes today proves 2025 only;
- a heartbeat with nothing pending, once every seq is here that it says was sent: when Kafka had it, since a
  ward's clock may be wrong.
The newest instant that was ever proven is kept, and so never runs back. A hole that a later event reveals
takes nothing back either: the ward is then left out of the cut.
"""

from __future__ import annotations

import msgspec

from producers.contract.events import CITY_EPOCHS, Heartbeat
from streams.domain import intervals
from streams.domain.intervals import Intervals


class Beat(msgspec.Struct, array_like=True):
    """The newest heartbeat and when the broker had it."""

    clock_ms: int
    arrived_ms: int
    epoch: str
    last_seq: int
    outbox_pending: int

    def at_ms(self) -> int:
        """When it was sent, by the ward's clock, but not after it arrived.

        Else one heartbeat of a clock that is a day ahead would hide a day of those that come after it.
        """
        return min(self.clock_ms, self.arrived_ms)


class WardSync(msgspec.Struct, array_like=True):
    """State of one ward. Times in milliseconds since 1970, by the broker unless said otherwise.

    `rejected`: messages with this ward's key, in its own partition, that broke the contract, up to
    (`rejected_ms`, `rejected_offset`), so that a replay does not count them again. `city_ms`: newest arrival
    of what the city sent for the ward, which is no sign of the ward's life. `proven_ms`: the newest proven
    instant; `doubt_ms`: when a heartbeat first said, after the newest one that proved, that something waits.
    """

    ward: str
    generation: int = 0
    revision: int = 0
    seqs: dict[str, Intervals] = {}
    event_ms: int = 0
    arrived_ms: int = 0
    beat: Beat | None = None
    rejected: int = 0
    rejected_ms: int = 0
    rejected_offset: int = -1
    city_ms: int = 0
    proven_ms: int = 0
    doubt_ms: int = 0

    def take(self, epoch: str, seq: int, event_ms: int, arrived_ms: int) -> bool:
        """Note the arrival of a seq; False if it was here already."""
        seqs = self.seqs.get(epoch)
        if seqs is None:
            seqs = self.seqs[epoch] = []
        if not intervals.add(seqs, seq):
            return False
        self.revision += 1
        if epoch.startswith(CITY_EPOCHS):
            self.city_ms = max(self.city_ms, arrived_ms)
            return True
        if event_ms > self.event_ms:
            self.event_ms = event_ms
        if arrived_ms > self.arrived_ms:
            self.arrived_ms = arrived_ms
        if event_ms > self.proven_ms and len(seqs) == 2 and seqs[0] == 1:
            self.proven_ms = max(self.proven_ms, min(event_ms, arrived_ms))
        if seq < seqs[-1]:
            self._prove()
        return True

    def hear(self, data: Heartbeat, arrived_ms: int) -> bool:
        """Note a heartbeat; False if a newer one is known."""
        clock_ms = int(data.clock.timestamp() * 1000)
        beat = Beat(clock_ms, arrived_ms, data.epoch, data.last_seq, data.outbox_pending)
        if self.beat is not None and beat.at_ms() <= self.beat.at_ms():
            return False
        self.beat = beat
        self.revision += 1
        if beat.outbox_pending and not self.doubt_ms:
            self.doubt_ms = arrived_ms
        self._prove()
        return True

    def _prove(self) -> None:
        """By the newest heartbeat."""
        beat = self.beat
        if beat is None or beat.outbox_pending:
            return
        if intervals.contiguous(self.seqs.get(beat.epoch, [])) >= beat.last_seq:
            self.proven_ms = max(self.proven_ms, beat.arrived_ms)
            self.doubt_ms = 0

    def prove_again(self) -> None:
        """Of a record that was made anew from its seqs, its newest times and its newest heartbeat.

        Never more than is true: where seqs are lacking, only the heartbeat proves.
        """
        own = [seqs for epoch, seqs in self.seqs.items() if not epoch.startswith(CITY_EPOCHS)]
        if own and all(len(seqs) == 2 and seqs[0] == 1 for seqs in own):
            self.proven_ms = max(self.proven_ms, min(self.event_ms, self.arrived_ms))
        if self.beat is not None and self.beat.outbox_pending:
            self.doubt_ms = self.doubt_ms or self.beat.arrived_ms
        self._prove()

    def reject(self, arrived_ms: int, offset: int) -> bool:
        """Count a rejected message once."""
        if (arrived_ms, offset) <= (self.rejected_ms, self.rejected_offset):
            return False
        self.rejected_ms, self.rejected_offset = arrived_ms, offset
        self.rejected += 1
        self.revision += 1
        return True

    def events(self) -> int:
        """How many sequenced events of the ward have arrived."""
        return sum(intervals.size(seqs) for seqs in self.seqs.values())

    def known_ms(self) -> int:
        """When the broker had the newest message behind this record; 0 if there is none."""
        heard_ms = self.beat.arrived_ms if self.beat else 0
        return max(self.arrived_ms, heard_ms, self.rejected_ms, self.city_ms)
