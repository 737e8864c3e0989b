"""The catalogue: every fault of the list F1-F56 as a class, or the reason why it is not injected here."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.faults.catalogue import data, gateway, network, points, processes, stores
from tests.faults.catalogue.base import Fault

FAULTS: Final[dict[str, type[Fault]]] = {
    fault.name: fault
    for module in (processes, points, network, data, gateway, stores)
    for fault in module.FAULTS
}
# A campaign of three minutes: something of every group.
SHORT: Final = (
    "worker-killed",
    "loader-killed",
    "outbox-killed",
    "gateway-wards-killed",
    "direct-client-killed",
    "gateway-killed",
    "monitor-killed",
    "clickhouse-killed",
    "kafka-killed",
    "worker-stopped",
    "loader-term-storm",
    "worker-dies-after-changelog",
    "loader-dies-before-commit",
    "publisher-dies-after-ack",
    "workers-cut-off",
    "clickhouse-half-open",
    "wards-connections-reset",
    "duplicates",
    "duplicates-backwards",
    "seq-reused-with-other-content",
    "poison",
    "null-values-and-keys",
    "members-of-a-later-version",
    "aborted-transaction",
    "table-missing",
)


class Elsewhere(NamedTuple):
    """A fault that no campaign injects: why, and the test that shows it, if any."""

    id: str
    what: str
    reason: str
    shown_by: str = ""


# In every campaign without being scheduled: what the generator itself sends.
ALWAYS: Final = (
    Elsewhere("F36", "out of order within a ward", "the direct client shuffles each window of 400 events"),
    Elsewhere(
        "F37", "late events of closed days", "one of fifty events belongs to a day of 1-15 blocks before"
    ),
    Elsewhere(
        "F38", "a retraction before its original", "every fiftieth event takes back one that comes later"
    ),
    Elsewhere("F34", "the same event twice", "one of twenty events of the direct client"),
)
NOT_HERE: Final = (
    Elsewhere("F7", "an agent that raises", "needs a bug in the code", "tests/pipeline/test_worker.py"),
    Elsewhere("F9", "acknowledged out of order", "inside Faust", "tests/pipeline/test_faust_hazards.py"),
    Elsewhere(
        "F11",
        "more workers than partitions",
        "24 partitions, two cores: 25 workers do not fit; the setting that keeps an idle one is held",
        "tests/pipeline/test_faust_hazards.py",
    ),
    Elsewhere("F20", "read-only table, memory limit", "the embedded engine has no read-only replica state"),
    Elsewhere("F23", "a leader that changes", "one broker; a second does not fit beside the rest here"),
    Elsewhere("F30", "partitions increased", "refused for good", "tests/pipeline/test_loader.py"),
    Elsewhere(
        "F31",
        "an empty changelog",
        "takes a hand: the books are rebuilt",
        "tests/pipeline/test_rebuild.py",
    ),
    Elsewhere("F39", "a host's clock that jumps", "no faketime here; events' and heartbeats' clocks do jump"),
    Elsewhere("F49", "unsigned writes to Kafka", "signatures are off", "tests/pipeline/test_signatures.py"),
    Elsewhere("F50", "SQL injection", "no process dies of it", "tests/pipeline/test_views.py"),
    Elsewhere(
        "F56",
        "raw rows removed by age",
        "a campaign is younger than any bound",
        "tests/pipeline/test_retention.py",
    ),
)

__all__ = ["ALWAYS", "FAULTS", "NOT_HERE", "SHORT", "Elsewhere", "Fault"]
