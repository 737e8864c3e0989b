"""Goal: what Kafka acknowledged is kept, whatever the keeper does, in bounded memory.

Method: a keeper that fails.
"""

from __future__ import annotations

from collections.abc import Sequence

from producers.contract.acks import Acked
from producers.contract.errors import Unavailable
from producers.gateway.acks import EPOCHS_MAX, Acks
from tests.conftest import eventually

NEVER_S, SOON_S = 3_600.0, 0.01


class Keeper:
    """Keeps what it is told, when it is there."""

    def __init__(self) -> None:
        self.away, self.tried = False, 0
        self.found: dict[tuple[str, str], list[int]] = {}

    def keep(self, acked: Sequence[Acked]) -> None:
        self.tried += 1
        if self.away:
            raise Unavailable("clickhouse", "away", "wait")
        for one in acked:
            self.found.setdefault((one.ward, one.epoch), []).append(one.seq)


def test_the_highest_of_each_ward_and_epoch_is_written_at_the_end() -> None:
    keeper = Keeper()
    acks = Acks(keeper, NEVER_S)
    acks.start()
    for ward, epoch, seq in (("a", "x", 3), ("a", "x", 5), ("a", "x", 4), ("a", "y", 1), ("b", "x", 9)):
        acks.note(ward, epoch, seq)
    assert keeper.found == {}
    acks.close()
    assert keeper.found == {("a", "x"): [5], ("a", "y"): [1], ("b", "x"): [9]}


def test_only_what_changed_is_written() -> None:
    keeper = Keeper()
    acks = Acks(keeper, SOON_S)
    acks.start()
    acks.note("a", "x", 1)
    eventually(lambda: keeper.found == {("a", "x"): [1]})
    acks.note("b", "x", 2)
    eventually(lambda: ("b", "x") in keeper.found)
    acks.close()
    assert (keeper.found, keeper.tried) == ({("a", "x"): [1], ("b", "x"): [2]}, 2)


def test_what_could_not_be_written_is_written_later_and_hides_nothing_newer() -> None:
    keeper = Keeper()
    keeper.away = True
    acks = Acks(keeper, SOON_S)
    acks.start()
    acks.note("a", "x", 5)
    acks.note("a", "y", 7)
    eventually(lambda: keeper.tried >= 3)
    acks.note("a", "x", 6)
    keeper.away = False
    eventually(lambda: len(keeper.found) == 2)
    acks.close()
    assert (keeper.found["a", "x"][-1], keeper.found["a", "y"]) == (6, [7])


def test_a_ward_of_many_epochs_keeps_its_newest_and_takes_no_others_place() -> None:
    keeper = Keeper()
    acks = Acks(keeper, NEVER_S)
    acks.start()
    acks.note("other", "x", 1)
    for number in range(10 * EPOCHS_MAX):
        acks.note("a", f"e{number}", 1)
    acks.close()
    newest = {("a", f"e{number}") for number in range(9 * EPOCHS_MAX, 10 * EPOCHS_MAX)}
    assert set(keeper.found) == newest | {("other", "x")}
