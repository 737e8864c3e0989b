"""The oracle: what stands in every table, view and cut, against the ledger.

It knows no rule of the code under test. Everything is compared ward by ward, event by event and cell by
cell. A finding is a sentence; none is success.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from streams.warehouse.as_of import rewrite, travelling
from streams.warehouse.store import Row, Store
from tests.faults import views
from tests.faults.city import City
from tests.faults.cuts import SQL_FOLDER, Asked, differing
from tests.faults.events import CONTENT_SQL, Fact
from tests.faults.ledger import Ledger

_SHOWN: Final = 3
_TOGETHER: Final = 21
Cells = dict[tuple[str, str], list[int]]


@dataclass
class Verdict:
    """What was compared, and what is wrong. `lost` and `counted_twice` are events."""

    events: int = 0
    lost: int = 0
    counted_twice: int = 0
    cells: int = 0
    books: int = 0
    rejects: int = 0
    conflicts: int = 0
    views: int = 0
    cuts: int = 0
    cuts_in_losses: int = 0
    cuts_by_ledger: int = 0
    incidents: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings and not self.lost and not self.counted_twice

    def find(self, what: str, wrong: Iterable[object]) -> None:
        """A finding if anything is wrong, with the first few."""
        found = list(wrong)
        if found:
            shown = ", ".join(str(one) for one in found[:_SHOWN])
            self.findings.append(f"{what}: {len(found)}, e.g. {shown}")


def judge(city: City, asked: list[Asked], losing: Callable[[int], bool] = lambda _: False) -> Verdict:
    """Compare everything; call it at rest. `losing`: as in `cuts.differing`."""
    ledger, verdict, store = Ledger.read(city.ledgers), Verdict(), city.store
    verdict.events = ledger.events
    conflicts = _conflicts(city, verdict)
    wards = sorted(ledger.facts)
    for first in range(0, len(wards), _TOGETHER):
        some = wards[first : first + _TOGETHER]
        rows, cells, days = _event_rows(store, some), _cells(store, some), _day_rows(store, some)
        for ward in some:
            _events(ledger, ward, rows.get(ward, []), conflicts, verdict)
            _books(known(ledger, ward), ward, cells.get(ward, {}), days.get(ward, {}), verdict)
    _whole(city, ledger, verdict)
    _rejects(city, verdict)
    _views(store, ledger, verdict)
    _cuts(store, ledger, asked, losing, verdict)
    return verdict


def known(ledger: Ledger, ward: str) -> dict[int, Fact]:
    """What the ward was promised."""
    until = ledger.acknowledged.get(ward, 0)
    return {seq: fact for seq, fact in ledger.facts[ward].items() if seq <= until}


def _event_rows(store: Store, wards: list[str]) -> dict[str, list[Row]]:
    """The contents that count: epoch, seq, content, timeliness, minutes."""
    rows = store.query(
        f"SELECT ward, epoch, seq, {CONTENT_SQL} AS content, timeliness, minutes FROM r_events"
        " WHERE ward IN {w:Array(String)}"
        " AND (ward, epoch, seq, content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_losers)",
        {"w": wards},
    ).rows
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1:])
    return found


def _day_rows(store: Store, wards: list[str]) -> dict[str, dict[str, int]]:
    rows = store.query(
        "SELECT ward, toString(day), events FROM v_ward_day WHERE ward IN {w:Array(String)}", {"w": wards}
    ).rows
    found: dict[str, dict[str, int]] = {}
    for ward, day, events in rows:
        found.setdefault(ward, {})[day] = int(events)
    return found


def _events(
    ledger: Ledger, ward: str, rows: list[Row], conflicts: set[tuple[str, int]], verdict: Verdict
) -> None:
    """Every promised event is there once, as it was written down; nothing else is."""
    epoch, intended = ledger.epochs[ward], ledger.facts[ward]
    seqs = Counter(seq for own, seq, *_ in rows if own == epoch)
    missing = known(ledger, ward).keys() - seqs.keys()
    verdict.lost += len(missing)
    verdict.find(f"{ward}: promised and not in events", sorted(missing))
    twice = [seq for seq, count in seqs.items() if count > 1]
    verdict.counted_twice += len(twice)
    verdict.find(f"{ward}: more than once in events", twice)
    verdict.find(f"{ward}: in events and never sent", [row[:2] for row in rows if row[0] != epoch])
    verdict.find(f"{ward}: in events and never written down", sorted(seqs.keys() - intended.keys()))
    own = [row[1:] for row in rows if row[0] == epoch]
    other = [seq for seq, content, *_ in own if _content(intended.get(seq)) != content]
    verdict.find(f"{ward}: another content than was sent", other)
    wrong = [seq for seq, _, words, minutes in own if _differs(intended.get(seq), words, minutes)]
    verdict.find(f"{ward}: another timeliness or minutes", wrong)
    reused = {seq for code, seq in conflicts if code == ward}
    verdict.find(f"{ward}: a conflict of a seq that is not there", reused - seqs.keys())


def _content(fact: Fact | None) -> str:
    return "" if fact is None else fact.content


def _differs(fact: Fact | None, timeliness: str, minutes: int) -> bool:
    if fact is None or fact.cell == "-":
        return False
    return fact.cell.rsplit("|", 1)[1] != timeliness or fact.minutes != minutes


def cells_of(facts: Iterable[Fact]) -> Cells:
    """(day, cell) to [count, minutes], by plain addition: retracted events are left out."""
    known = {fact.seq: fact for fact in facts}
    gone = {fact.of_seq for fact in known.values() if fact.of_seq}
    found: Cells = defaultdict(lambda: [0, 0])
    for fact in known.values():
        if fact.cell != "-" and fact.seq not in gone:
            cell = found[fact.day, fact.cell]
            cell[0] += 1
            cell[1] += fact.minutes
    return dict(found)


def _books(facts: dict[int, Fact], ward: str, found: Cells, books: dict[str, int], verdict: Verdict) -> None:
    """Every cell and every day's number of events, as the ledger adds them up."""
    wanted = cells_of(facts.values())
    verdict.cells += len(wanted)
    verdict.books += len(books)
    wrong = [
        f"{key}: {found.get(key)} not {wanted.get(key)}"
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]
    verdict.find(f"{ward}: cells of the books differ from the ledger", wrong)
    days = Counter(fact.day for fact in facts.values())
    verdict.counted_twice += sum(max(0, count - days.get(day, 0)) for day, count in books.items())
    verdict.lost += sum(max(0, count - books.get(day, 0)) for day, count in days.items())
    verdict.find(
        f"{ward}: days with another number of events", sorted(set(days.items()) ^ set(books.items()))
    )


def _cells(
    store: Store, wards: list[str], view: str = "v_ward_day_detail", as_of: str = ""
) -> dict[str, Cells]:
    statement = (
        "SELECT ward, toString(day), concat(field, '|', channel, '|', toString(status), '|', timeliness),"
        f" count, minutes FROM {view} WHERE ward IN {{w:Array(String)}} AND (count != 0 OR minutes != 0)"
    )
    parameters: dict[str, Any] = {"w": wards} | ({"as_of": as_of} if as_of else {})
    found: dict[str, Cells] = {}
    for ward, day, cell, count, minutes in store.query(statement, parameters).rows:
        found.setdefault(ward, {})[day, cell] = [int(count), int(minutes)]
    return found


def _conflicts(city: City, verdict: Verdict) -> set[tuple[str, int]]:
    """Exactly the seqs that faults used again are conflicts, and each has one content that counts."""
    rows = city.store.query("SELECT ward, seq, countIf(counted) FROM v_conflicts GROUP BY ward, seq").rows
    found = {(str(ward), int(seq)) for ward, seq, _ in rows}
    verdict.conflicts = len(found)
    verdict.find("seqs used again that v_conflicts does not show", sorted(city.extra.conflicts - found))
    verdict.find("conflicts that nobody made", sorted(found - city.extra.conflicts))
    verdict.find("conflicts of which not one content counts", [row for row in rows if row[2] != 1])
    return found


def _whole(city: City, ledger: Ledger, verdict: Verdict) -> None:
    """Sums over the city, the wards' sets, conservation, coverage."""
    store, each = city.store, city.plan.each
    short = {ward: seq for ward, seq in ledger.acknowledged.items() if seq != each}
    verdict.find("wards that did not finish", sorted(short.items()))
    counted = city.counted()
    verdict.find(
        "wards whose books lack promised events",
        [
            (ward, counted.get(ward, 0), seq)
            for ward, seq in ledger.acknowledged.items()
            if counted.get(ward, 0) < seq
        ],
    )
    verdict.find(
        "wards with a hole", store.query("SELECT ward, missing FROM v_ward_sync WHERE missing > 0").rows
    )
    verdict.find("conservation is broken", store.query("SELECT * FROM v_conservation WHERE broken > 0").rows)
    verdict.find("books and raw rows disagree", store.query("SELECT * FROM v_reconcile").rows)
    incidents = store.query("SELECT kind, count() FROM v_incidents GROUP BY kind").rows
    verdict.incidents = {str(kind): int(count) for kind, count in incidents}
    untold = store.query(
        "SELECT topic_id, partition, first_offset, last_offset FROM v_coverage_holes AS h"
        " WHERE (topic_id, partition, first_offset) NOT IN"
        " (SELECT topic_id, partition, first_offset FROM incidents FINAL)"
    ).rows
    verdict.find("stretches of Kafka that were not loaded, and no incident says so", untold)


def _rejects(city: City, verdict: Verdict) -> None:
    """Every bad message is kept with its reason and its bytes; nothing else is rejected, of no topic."""
    rows = city.store.query(
        "SELECT topic, partition, `offset`, reason, lower(hex(MD5(value))), has_value, lower(hex(key))"
        " FROM rejects FINAL"
    ).rows
    verdict.rejects = len(rows)
    found = Counter(tuple(row) for row in rows)
    wanted = Counter(
        (
            one.topic or city.settings.events_topic,
            one.partition,
            one.offset,
            one.reason,
            _md5(one.value),
            one.value is not None,
            (one.key or b"").hex(),
        )
        for one in city.extra.poison
    )
    verdict.find("messages that were rejected otherwise or not at all", (wanted - found).elements())
    verdict.find("rejects of messages that were good", (found - wanted).elements())


def _md5(value: bytes | None) -> str:
    return hashlib.md5(value or b"", usedforsecurity=False).hexdigest()


def _views(store: Store, ledger: Ledger, verdict: Verdict) -> None:
    """Each ward's days and the city's sums in the views that people read."""
    by_ward = {ward: cells_of(known(ledger, ward).values()) for ward in ledger.facts}
    for name, wrong in views.differing(store, by_ward):
        verdict.views += 1
        verdict.find(f"days of {name} that are not the ledger's", wrong)
    cells = [(cell, count) for own in by_ward.values() for (_, cell), (count, _) in own.items()]
    by_status: Counter[int] = Counter()
    for cell, count in cells:
        by_status[int(cell.split("|")[2])] += count
    (row,) = store.query("SELECT sum(received), sum(resolved), sum(returned) FROM v_city_day").rows
    wanted = (by_status[2], by_status[9], by_status[10])
    if tuple(map(int, row)) != wanted:
        verdict.findings.append(f"v_city_day says received, resolved, returned {row}, the ledger {wanted}")
    steps = int(store.value("SELECT sum(steps) FROM v_dossiers") or 0)
    if steps != sum(by_status.values()):
        verdict.findings.append(f"v_dossiers has {steps} steps, the ledger {sum(by_status.values())}")


def _cuts(
    store: Store, ledger: Ledger, asked: list[Asked], losing: Callable[[int], bool], verdict: Verdict
) -> None:
    """A cut that was asked while it was new answers the same now, and what had arrived adds up to it."""
    verdict.cuts = len(asked)
    verdict.find("cuts that answer otherwise than when they were published", differing(store, asked, losing))
    whole = [one for one in asked if not losing(one.number)]
    verdict.cuts_in_losses = len(asked) - len(whole)
    for one in whole[:: max(1, len(whole) // 3)][:4]:
        _cut_by_ledger(store, ledger, one.number, verdict)


def _cut_by_ledger(store: Store, ledger: Ledger, number: int, verdict: Verdict) -> None:
    view = rewrite("SELECT * FROM v_ward_day_detail", travelling(SQL_FOLDER)).removeprefix("SELECT * FROM ")
    wards = sorted(ledger.facts)[::9]
    rows = store.query(
        "SELECT ward, groupUniqArray(seq) FROM events WHERE ward IN {w:Array(String)} AND arrived_at <="
        " (SELECT max(at) FROM city_cut WHERE number = {n:UInt64}) GROUP BY ward",
        {"w": wards, "n": number},
    ).rows
    arrived = {ward: [ledger.facts[ward][seq] for seq in seqs] for ward, seqs in rows}
    found = _cells(store, wards, view, str(number))
    wrong = [ward for ward in wards if cells_of(arrived.get(ward, [])) != found.get(ward, {})]
    verdict.cuts_by_ledger += 1
    verdict.find(f"cut {number}: wards whose cells are not those of what had arrived", wrong)


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """For the report."""
    return {name: getattr(verdict, name) for name in verdict.__dataclass_fields__} | {"ok": verdict.ok}
