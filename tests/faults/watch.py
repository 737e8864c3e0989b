"""Who notices: `dongbo status`, incidents, holes, silent wards every two seconds; and cuts are asked."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ops.watch.status import collect
from producers.contract.topics import PARTITION_OF_WARD
from streams.warehouse.store import Store
from tests.faults.catalogue.base import Wanted
from tests.faults.city import City
from tests.faults.cuts import Asked, ask, newest

_EVERY_S: Final = 1.5
_CUT_EVERY_S: Final = 10.0
# A ClickHouse that hangs must not hold up the looks that are to name it.
_ASK_S: Final = 10
_NOTHING: Final[frozenset[object]] = frozenset()
Part = tuple[str, object]


class Incident(NamedTuple):
    """A row of `incidents`."""

    topic_id: str
    kind: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True)
class Facts:
    """What ClickHouse tells of losses. `asked`: wards that were asked again, each with the request's id."""

    incidents: frozenset[Incident]
    holes: frozenset[str]
    asked: frozenset[tuple[str, str]]
    silent: frozenset[str]
    broken: int


@dataclass(frozen=True)
class Look:
    """One look, from `began` to `ended`. None: it failed, so it neither names anything nor is it well.

    `lined`: when the lines of the status were there, before ClickHouse was asked for facts; None: at the end.
    """

    began: float
    ended: float
    unwell: dict[str, str] | None
    facts: Facts | None
    lined: float | None = None

    @property
    def well(self) -> bool:
        """Everything was seen, and nothing is wrong."""
        return self.unwell == {} and self.facts is not None


@dataclass
class Watch:
    """A thread beside the campaign."""

    city: City
    cuts_max: int = 40
    looks: list[Look] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    _cut_every_s: float = _CUT_EVERY_S
    _cut_at: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        store = self.city.fresh_store(_ASK_S)
        while not self._stop.wait(_EVERY_S):
            began = time.monotonic()
            unwell, lined = self._unwell(), time.monotonic()
            facts = self._facts(store)
            self.looks.append(Look(began, time.monotonic(), unwell, facts, lined))
            self._ask(store)
        store.close()

    def _unwell(self) -> dict[str, str] | None:
        try:
            lines = collect(self.city.settings)
        except Exception as error:  # whatever it is, the next look comes
            note_error(error)
            return None
        return {
            line.process: f"{line.state} {line.detail}"
            for line in lines
            if not line.ok and line.process != "dashboard"
        }

    def _facts(self, store: Store) -> Facts | None:
        try:
            return facts(store)
        except Exception as error:
            note_error(error)
            return None

    def _ask(self, store: Store) -> None:
        """The newest cut now and then; when they are too many, every other one is forgotten."""
        if time.monotonic() < self._cut_at:
            return
        try:
            number = newest(store)
            if number and number not in {one.number for one in self.asked}:
                self.asked.append(ask(store, number))
                self._cut_at = time.monotonic() + self._cut_every_s
        except Exception as error:
            note_error(error)
        if len(self.asked) > self.cuts_max:
            self.asked, self._cut_every_s = self.asked[::2], self._cut_every_s * 2

    def well(self, since: float) -> bool:
        """Whether the newest look, begun after a moment, found everything well."""
        return bool(self.looks) and self.looks[-1].began >= since and self.looks[-1].well

    def unwell(self) -> dict[str, str] | None:
        """What the newest look found."""
        return self.looks[-1].unwell if self.looks else None


def facts(store: Store) -> Facts:
    """Asked as one who writes; raises while ClickHouse is away."""
    told = store.query(
        "SELECT topic_id, kind, partition, first_offset, last_offset FROM incidents FINAL"
    ).rows
    holes = store.query("SELECT ward FROM ward_sync FINAL WHERE missing > 0").rows
    asked = store.query("SELECT ward, id FROM repairs WHERE kind = 'request' AND at > now() - 600").rows
    silent = store.query("SELECT ward FROM v_ward_status WHERE alive = 'silent'").rows
    broken = store.value("SELECT sum(broken) FROM v_conservation")
    return Facts(
        frozenset(Incident(str(i), str(k), int(p), int(f), int(t)) for i, k, p, f, t in told),
        frozenset(str(ward) for (ward,) in holes),
        frozenset((str(ward), str(key)) for ward, key in asked),
        frozenset(str(ward) for (ward,) in silent),
        int(broken or 0),
    )


def named(looks: Sequence[Look], wanted: Wanted, since: float, until: float) -> float | None:
    """Seconds until all that is wanted was told, in looks begun and ended between two moments."""
    known = _before(looks, since)
    left, last = set(_parts(wanted)), since
    for look in (one for one in looks if since <= one.began):
        for part in [one for one in left if _tells(look, one, wanted, known)]:
            moment = _moment(look, part)
            if moment <= until:
                left.remove(part)
                last = max(last, moment)
        if not left:
            return last - since
    return None


def _moment(look: Look, part: Part) -> float:
    """When a look told of a part."""
    lined = look.lined if part[0] == "lines" else None
    return look.ended if lined is None else lined


def _before(looks: Sequence[Look], moment: float) -> frozenset[object]:
    """What had been told before: incidents and requests of the last look that succeeded."""
    found = (look.facts for look in reversed(looks) if look.ended <= moment and look.facts)
    return next((facts.incidents | facts.asked for facts in found), _NOTHING)


def _parts(wanted: Wanted) -> Iterator[Part]:
    """What must each be told once."""
    if wanted.lines:
        yield "lines", None
    if wanted.silent:
        yield "silent", None
    yield from (("range", partition) for partition in wanted.ranges)
    yield from (("partition", partition) for partition in wanted.partitions)
    for kind, partitions in wanted.kinds.items():
        yield from (("kind", (kind, partition)) for partition in partitions)


def _tells(look: Look, part: Part, wanted: Wanted, known: frozenset[object]) -> bool:
    """Whether a look tells of one part."""
    what, which = part
    if what == "lines":
        return bool((look.unwell or {}).keys() & set(wanted.lines))
    if look.facts is None:
        return False
    if what == "silent":
        return look.facts.silent == wanted.silent
    new = look.facts.incidents - known
    if what == "kind":
        return any((one.kind, one.partition) == which for one in new)
    own = [one for one in new if one.partition == which]
    if what == "range":
        first, last = wanted.ranges[which]  # type: ignore[index]
        return any(one.first <= last and first <= one.last for one in own)
    lacking = look.facts.holes | {ward for ward, _ in look.facts.asked - known}
    return bool(own) or any(PARTITION_OF_WARD[ward] == which for ward in lacking)


def note_error(error: Exception) -> None:
    """A look that failed, for whoever reads the log of a run."""
    sys.stderr.write(f"faults: a look failed: {' '.join(str(error).split())[:150]}\n")
