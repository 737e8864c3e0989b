"""Goal: whatever is appended, acknowledged, purged and reopened in whatever order, the outbox equals a list.

Method: hypothesis draws the calls; beside a real SQLite file runs a model of a few lines.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from producers.contract.codec import decode
from producers.contract.envelope import StatusChangedEvent
from producers.contract.errors import OutboxFull, Reject
from producers.outbox import Draft, Outbox, Stored
from tests.builders import START, status

WARDS = ("00004", "00008", "00070")
PENDING_MAX = 12
KEEP_MAX = 6
wards = st.sampled_from(WARDS)
PAYLOADS = {ward: status(1, ward=ward).data for ward in WARDS}


def draft(ward: str) -> Draft:
    return Draft(StatusChangedEvent, PAYLOADS[ward], START)


class OutboxMachine(RuleBasedStateMachine):
    """`appended` is the model: every event there ever was, in order; `sent` how far each ward is."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.appended: list[tuple[str, int]] = []
        self.sent = dict.fromkeys(WARDS, 0)
        self.outbox = self.open()
        self.epoch = self.outbox.epoch

    def open(self) -> Outbox:
        path = Path(self.folder.name) / "o.db"
        return Outbox(path, pending_max=PENDING_MAX, keep_max=KEEP_MAX)

    def teardown(self) -> None:
        self.outbox.close()
        self.folder.cleanup()

    def last(self, ward: str) -> int:
        return sum(1 for one, _ in self.appended if one == ward)

    def pending(self) -> list[tuple[str, int]]:
        return [(ward, seq) for ward, seq in self.appended if seq > self.sent[ward]]

    @rule(chosen=st.lists(wards, max_size=6))
    def append_mixed(self, chosen: list[str]) -> None:
        if len(self.pending()) + len(chosen) > PENDING_MAX:
            with pytest.raises(OutboxFull):
                self.outbox.append_mixed([draft(ward) for ward in chosen])
            return
        given = self.outbox.append_mixed([draft(ward) for ward in chosen])
        before = {ward: self.last(ward) for ward in WARDS}
        for ward in chosen:
            self.appended.append((ward, self.last(ward) + 1))
        assert given == {ward: range(before[ward] + 1, self.last(ward) + 1) for ward in set(chosen)}

    @rule(ward=wards, count=st.integers(0, 3))
    def append_with_a_wrong_one_adds_nothing(self, ward: str, count: int) -> None:
        if len(self.pending()) + count + 1 > PENDING_MAX:
            return
        other = WARDS[WARDS.index(ward) - 1]
        with pytest.raises(Reject):
            self.outbox.append(ward, [draft(ward)] * count + [draft(other)])

    @rule(ward=wards, share=st.floats(0, 1))
    def acknowledge(self, ward: str, share: float) -> None:
        up_to = round(self.last(ward) * share)
        self.outbox.acknowledge({ward: up_to})
        self.sent[ward] = max(self.sent[ward], up_to)

    @rule()
    def reopen(self) -> None:
        self.outbox.close()
        self.outbox = self.open()
        assert self.outbox.epoch == self.epoch

    @rule(limit=st.integers(1, 4))
    def read_on_in_steps(self, limit: int) -> None:
        rows: list[Stored] = []
        while step := self.outbox.pending(limit, rows[-1].position if rows else 0):
            rows += step
        assert [(row.ward, row.seq) for row in rows] == self.pending()

    @invariant()
    def positions_equal_the_model(self) -> None:
        for ward in WARDS:
            at = self.outbox.ward(ward)
            assert (at.last_seq, at.sent_seq) == (self.last(ward), self.sent[ward])
        counts = self.outbox.counts()
        assert (counts.appended, counts.pending) == (len(self.appended), len(self.pending()))

    @invariant()
    def pending_events_are_whole_and_in_order(self) -> None:
        rows = self.outbox.pending(100)
        assert [(row.ward, row.seq) for row in rows] == self.pending()
        for row in rows:
            assert decode(row.value).id == f"{row.ward}/{self.epoch}/{row.seq}"

    @invariant()
    def kept_events_are_sent_ones_within_the_bound(self) -> None:
        kept = [(row.ward, row.seq) for ward in WARDS for row in self.outbox.sent(ward, range(1, 10**6))]
        assert len(kept) == self.outbox.counts().kept <= KEEP_MAX
        assert all(seq <= self.sent[ward] for ward, seq in kept)


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
