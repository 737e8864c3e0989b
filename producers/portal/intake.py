"""A portal request into the natural outbox: records, events, what is known of dossiers, findings: one
transaction.

Invariants: all of a request that is answered is durable; a record that is refused leaves nothing behind;
the same request again gives the same seqs. Nothing of a person is stored, answered or logged: it never
becomes a value (see `payload`), and a dossier's code is repeated only if it has the contract's form."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, Literal, NamedTuple, cast

import msgspec

from producers.contract.codec import TIME_AHEAD_MAX_S, TIME_MIN_S
from producers.contract.envelope import StatusChangedEvent
from producers.contract.errors import Reject
from producers.contract.events import DOSSIER_PATTERN
from producers.contract.vocabulary import Status
from producers.natural import Given, NaturalOutbox, Step
from producers.natural.identity import UNKNOWN_PLACE, digest, retraction_key
from producers.outbox import Draft
from producers.portal import rules, state
from producers.portal.answer import Answer, Kind, Outcome
from producers.portal.errors import Refused, refusal_of
from producers.portal.findings import Finding
from producers.portal.payload import (
    HANOI,
    Body,
    Dossier,
    Progress,
    is_bare,
    moment,
    read_body,
    read_dossier,
    read_progress,
    text,
)
from producers.portal.rules import Claim, Known, Told
from producers.portal.state import StoredFinding

Service = Literal["DongBoHoSoMC", "CapNhatTienDoHoSoMC"]

RECORDS_MAX: Final = 500
_COMMAS_A_RECORD: Final = 200
# As the contract's DossierCode, which is checked again when the event is made.
_CODE: Final = re.compile(DOSSIER_PATTERN, re.ASCII)


class _Record(NamedTuple):
    """One item of a request, not decoded yet, and its place in it."""

    item: msgspec.Raw
    place: str


class PortalIntake:
    """Takes the portal's requests for any ward; any thread may call."""

    def __init__(
        self,
        natural: NaturalOutbox,
        *,
        records_max: int = RECORDS_MAX,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create the portal's tables in the outbox's file, if they are not there.

        :raises Unavailable: disk full, or the file is held by another process
        """
        self.natural = natural
        self._records_max, self._clock = records_max, clock
        natural.run(lambda step: [step.db.execute(table) for table in state.TABLES])

    def take(self, ward: str, service: Service, request: bytes) -> Answer:
        """Take one request of the token's ward; what it says is durable when this returns.

        :raises OutboxFull: the outbox's bound; `Unavailable`: disk full, or the file is held too long. Then
            nothing was stored, and the same request may be sent again
        """
        try:
            body = self.read(service, request)
        except Refused as refused:
            return Answer([], [], bare=is_bare(request), refused=refused)
        return self.take_body(ward, service, body)

    def read(self, service: Service, request: bytes) -> Body:
        """Split a request into its records, each still as bytes.

        :raises Refused: not_json, bad_shape, wrong_service, missing_member, too_many
        """
        # Far more commas than records can have would be far too many records: never split, for memory's sake.
        if request.count(b",") > self._records_max * _COMMAS_A_RECORD:
            raise Refused("too_many", "$.data")
        body = read_body(request)
        if body.service and body.service.casefold() != service.casefold():
            raise Refused("wrong_service", "$.service")
        if not body.items:
            raise Refused("missing_member", "$.data")
        if len(body.items) > self._records_max:
            raise Refused("too_many", "$.data")
        return body

    def take_body(self, ward: str, service: Service, body: Body) -> Answer:
        """Take what `read` returned, as `take`."""
        return self.natural.run(lambda step: _Taking(step, ward, service, self._clock()).take(body))

    def findings(self, ward: str | None = None, limit: int = 1_000) -> list[StoredFinding]:
        """The newest findings of a ward, or of all.

        :raises Unavailable: the file is held too long
        """
        return self.natural.run(lambda step: state.findings(step.db, ward, limit))


class _Taking:
    """One request in its transaction."""

    def __init__(self, step: Step, ward: str, service: Service, now_s: float) -> None:
        self._step, self._ward, self._service, self._now_s = step, ward, service, now_s
        self._findings: list[Finding] = []

    def take(self, body: Body) -> Answer:
        """Every record by itself: a refused one stops no other."""
        if body.unit and state.is_other_unit(self._step.db, self._ward, body.unit):
            self._find("other_unit")
        outcomes = [self._one(record) for record in _records(body)]
        found = [(finding.code, finding.dossier) for finding in self._findings]
        state.record(self._step.db, self._ward, found, self._now_s)
        return Answer(outcomes, self._findings, body.bare)

    def _one(self, record: _Record) -> Outcome:
        code, before = "", len(self._findings)
        try:
            if self._service == "DongBoHoSoMC":
                dossier = read_dossier(record.item, record.place)
                code = _code_of(dossier.MaHoSo, record.place)
                known, claim = self._dossier_claim(code, dossier, record.place)
            else:
                progress = read_progress(record.item, record.place)
                code = _code_of(progress.MaHoSo, record.place)
                known, claim = self._progress_claim(code, progress, record.place)
            return self._settle(code, known, claim, record.place)
        except Refused as refused:
            del self._findings[before:]
            return Outcome(code, refused=refused)

    def _dossier_claim(self, code: str, record: Dossier, place: str) -> tuple[Known, Claim]:
        known, doubts = rules.facts_of(record, place, self._known(code))
        claim, more = rules.claim_of(record, place, known)
        self._find(*doubts, *more, dossier=code)
        return known, claim

    def _progress_claim(self, code: str, record: Progress, place: str) -> tuple[Known, Claim]:
        known = self._known(code)
        if known is None:
            raise Refused("unknown_dossier", f"{place}.MaHoSo")
        status = rules.status_of(record.TrangThai, f"{place}.TrangThai")
        at = moment(record.ThoiDiemXuLy, f"{place}.ThoiDiemXuLy")
        if at is None:
            raise Refused("missing_member", f"{place}.ThoiDiemXuLy")
        return known, rules.progress_claim(status, at, known)

    def _known(self, code: str) -> Known | None:
        """What is known of a dossier, without what was retracted through the same outbox."""
        known = state.load(self._step.db, self._ward, code)
        if known is not None:
            known.forget([told for told in known.told if self._is_retracted(code, told)])
        return known

    def _is_retracted(self, code: str, told: Told) -> bool:
        places = ((self._step.epoch, told.seq), UNKNOWN_PLACE)
        keys = (retraction_key(self._ward, place, code, told.status, told.time_s) for place in places)
        return any(self._step.find(key) for key in keys)

    def _settle(self, code: str, known: Known, claim: Claim, place: str) -> Outcome:
        """Make the event, or say why there is none; keep what is known of the dossier."""
        kind, seq = self._event(code, known, claim, place)
        state.save(self._step.db, self._ward, code, known)
        return Outcome(code, kind, seq)

    def _event(self, code: str, known: Known, claim: Claim, place: str) -> tuple[Kind, int]:
        time_s = claim.time.timestamp() if claim.time else self._now_s
        same = known.same_as(claim.status, time_s)
        if same is not None:
            return ("duplicate" if same.time_s == time_s else "unchanged"), same.seq
        if claim.doubt:
            self._find(claim.doubt, dossier=code)
            return "withheld", 0
        given = self._give(code, known, claim, time_s, place)
        if given.conflict:
            self._find("content_differs", dossier=code)
        if given.duplicate:
            return "duplicate", given.seq
        self._find(*rules.doubts_of(claim.status, time_s, known), dossier=code)
        known.tell(Told(time_s, int(claim.status), given.seq))
        return "accepted", given.seq

    def _give(self, code: str, known: Known, claim: Claim, time_s: float, place: str) -> Given:
        if not TIME_MIN_S <= time_s <= self._now_s + TIME_AHEAD_MAX_S:
            raise Refused("time_out_of_range", place)
        at = claim.time or datetime.fromtimestamp(time_s, HANOI)
        change = rules.change_of(self._ward, code, claim, known)
        # A record that does not say since when is known by its content, so that its repetition is none.
        key = None if claim.time else _undated(self._ward, code, claim.status, known)
        try:
            return self._step.give(self._ward, Draft(StatusChangedEvent, change, at), key)
        except Reject as reject:
            raise refusal_of(reject, place) from None

    def _find(self, *codes: str, dossier: str = "") -> None:
        self._findings += [Finding(code, dossier) for code in codes]


def _records(body: Body) -> Iterator[_Record]:
    for at, item in enumerate(body.items):
        yield _Record(item, f"$[{at}]" if body.bare else f"$.data[{at}]")


def _code_of(value: object, place: str) -> str:
    """The dossier's code, if it has the contract's form; anything else is not repeated.

    :raises Refused: missing_member, bad_shape
    """
    found = text(cast(str | None, value))
    if not found:
        raise Refused("missing_member", f"{place}.MaHoSo")
    if not _CODE.fullmatch(found):
        raise Refused("bad_shape", f"{place}.MaHoSo")
    return found


def _undated(ward: str, code: str, status: Status, known: Known) -> bytes:
    facts = msgspec.structs.asdict(known) | {"told": None, "finished_at": None}
    return digest(int(known.received_at.timestamp() // 86_400), "undated", ward, code, int(status), facts)
