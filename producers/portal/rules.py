"""What a portal record says of a dossier, and which status change follows. Pure: no file, no clock.

Time of the event, by status, in DongBoHoSoMC (our choice; the portal has no member "since when"):

| status | time |
|---|---|
| 1 | NgayNopHoSo, else NgayTiepNhan |
| 2 | NgayTiepNhan |
| 3 | NgayTuChoi |
| 4 | the newest NgayTiepNhanBoSung: when it went on after a supplement |
| 5 | the newest NgayBoSung of an open supplement request |
| 7, 8 | NgayKetThucXuLy |
| 9 | NgayKetThucXuLy, else NgayTra |
| 10 | NgayTra, else NgayKetThucXuLy |
| otherwise | arrival; the same record again is then a repetition, whenever it comes |

CapNhatTienDoHoSoMC: ThoiDiemXuLy. Systems send one for each step of the work, so several with one status
follow each other: a status that stands next to the same status, in the order of time, is no change and
makes no event.

Known limit: a status change that is told after both its neighbours (4, 4, and only then the 5 between them)
makes its event, but the second 4 that was no change when it came makes none later.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from producers.contract.events import StatusChanged
from producers.contract.vocabulary import Applicant, Channel, Status
from producers.portal import words
from producers.portal.errors import Refused
from producers.portal.payload import Dossier, Loose, Supplement, moment, number, text

TOLD_MAX: Final = 64
# As the contract's ProcedureCode: what is kept of a dossier is checked also when no event is made of it.
_PROCEDURE: Final = re.compile(r"[0-9]\.[0-9]{6}(\.[0-9A-Z]{2,3}){0,4}", re.ASCII)
_OPEN: Final = frozenset({1, 2, 4, 5, 6})
_WAITING: Final = frozenset({5, 6, 8})
_DONE: Final = frozenset({9, 10})
_WITH_END: Final = frozenset({3, 7, 8, 9, 10})


class Told(NamedTuple):
    """A status that was told and became the event `seq`."""

    time_s: float
    status: int
    seq: int


class Known(msgspec.Struct, kw_only=True):
    """What is kept of a dossier, so that a progress message can become an event. Nothing of a person."""

    procedure: str
    field: str
    channel: Channel
    received_at: datetime
    due_at: datetime | None = None
    finished_at: datetime | None = None
    applicant: Applicant | None = None
    service_level: int | None = None
    paid_online: bool | None = None
    digitised: bool | None = None
    told: list[Told] = []

    def tell(self, told: Told) -> None:
        """Remember a status, in the order of time; a dossier that goes on after its end has no proved end."""
        self.told = sorted({*self.told, told})[-TOLD_MAX:]
        if self.finished_at is not None:
            end, self.finished_at = self.finished_at, None
            self.prove(end)

    def prove(self, end: datetime) -> None:
        """Take an end as proved, unless the dossier was told to go on after it."""
        end_s = end.timestamp()
        if not any(told.status in _OPEN and told.time_s > end_s for told in self.told):
            self.finished_at = end

    def forget(self, retracted: list[Told]) -> None:
        """Statuses that the ward took back; with an end goes its proof."""
        self.told = [told for told in self.told if told not in retracted]
        if any(told.status in _DONE for told in retracted):
            self.finished_at = None

    def neighbours(self, time_s: float) -> tuple[Told | None, Told | None]:
        """The statuses before (or at) and after a time."""
        at = bisect_right(self.told, time_s, key=lambda told: told.time_s)
        return (self.told[at - 1] if at else None), (self.told[at] if at < len(self.told) else None)

    def same_as(self, status: int, time_s: float) -> Told | None:
        """The neighbour in time that has this status already."""
        return next((one for one in self.neighbours(time_s) if one and one.status == status), None)


class Claim(NamedTuple):
    """A status that a record claims. `time` None: it does not say since when. `doubt` withholds it.

    `end` is the end of processing that goes with it.
    """

    status: Status
    time: datetime | None
    doubt: str = ""
    end: datetime | None = None


def status_of(value: Loose, member: str) -> Status:
    """The claimed status.

    :raises Refused: missing_member, unknown_status
    """
    if not text(value):
        raise Refused("missing_member", member)
    found = number(value)
    if found is None or not 1 <= found <= 10:
        raise Refused("unknown_status", member)
    return Status(found)


def facts_of(record: Dossier, place: str, before: Known | None) -> tuple[Known, list[str]]:
    """What a record of DongBoHoSoMC says, beside its status; what it leaves out stays as it was known.

    :raises Refused: missing_member, bad_time
    """
    procedure = text(record.MaTTHC).upper()
    field = words.field_of(text(record.TenLinhVuc) or text(record.TENLINHVUC), procedure)
    channel = words.channel_of(record.KenhThucHien)
    received_at = moment(record.NgayTiepNhan, f"{place}.NgayTiepNhan") or moment(
        record.NgayNopHoSo, f"{place}.NgayNopHoSo"
    )
    if received_at is None and before is None:
        raise Refused("missing_member", f"{place}.NgayTiepNhan")
    if not _PROCEDURE.fullmatch(procedure):
        raise Refused("bad_shape" if procedure else "missing_member", f"{place}.MaTTHC")
    found = Known(
        procedure=procedure,
        field=field or words.OTHER_FIELD,
        channel=channel or Channel.COUNTER,
        received_at=received_at or before.received_at,  # type: ignore[union-attr]  # one of the two is there
        due_at=moment(record.NgayHenTra, f"{place}.NgayHenTra"),
        applicant=words.applicant_of(record.LoaiDoiTuong),
        service_level=words.level_of(record.MucDo),
        paid_online=words.paid_online_of(record.DuocThanhToanTrucTuyen),
        digitised=words.yes_of(record.HoSoCoThanhPhanSoHoa),
    )
    if before is not None:
        _keep(found, before)
    findings = [] if field else ["unknown_field"]
    return found, findings if channel else [*findings, "unknown_channel"]


def _keep(found: Known, before: Known) -> None:
    """Newer members are missing in older systems' records: what was known is not forgotten."""
    for name in ("due_at", "finished_at", "applicant", "service_level", "paid_online", "digitised"):
        if getattr(found, name) is None:
            setattr(found, name, getattr(before, name))
    found.told = before.told


def claim_of(record: Dossier, place: str, known: Known) -> tuple[Claim, list[str]]:
    """The status that a record of DongBoHoSoMC claims, and since when; sets `known.finished_at` if proved.

    :raises Refused: missing_member, unknown_status, bad_time
    """
    status = status_of(record.TrangThaiHoSo, f"{place}.TrangThaiHoSo")
    finished = moment(record.NgayKetThucXuLy, f"{place}.NgayKetThucXuLy")
    returned = moment(record.NgayTra, f"{place}.NgayTra")
    end = finished or returned
    supplements = record.DanhSachHoSoBoSung if isinstance(record.DanhSachHoSoBoSung, list) else []
    if status == Status.DONE:
        doubt = _doubt_of(end, supplements, known)
        if end is not None and not doubt:
            known.prove(end)
        return Claim(status, end, doubt, end), []
    if status not in _WITH_END:
        return Claim(status, _since(status, record, place, supplements, finished, known)), []
    if end is not None:
        # Without NgayKetThucXuLy the handing over is the latest that the end can be: never a flattery.
        known.prove(end)
    if status == Status.RETURNED:
        return Claim(status, returned or finished, end=end), [] if returned else ["returned_undated"]
    return Claim(status, _since(status, record, place, supplements, finished, known), end=end), []


def _since(
    status: Status,
    record: Dossier,
    place: str,
    supplements: list[Supplement],
    finished: datetime | None,
    known: Known,
) -> datetime | None:
    at = f"{place}.DanhSachHoSoBoSung"
    if status == Status.REGISTERED:
        return moment(record.NgayNopHoSo, f"{place}.NgayNopHoSo") or known.received_at
    if status == Status.RECEIVED:
        return known.received_at
    if status == Status.NOT_ACCEPTED:
        return moment(record.NgayTuChoi, f"{place}.NgayTuChoi")
    if status == Status.PROCESSING:
        return _newest([moment(one.NgayTiepNhanBoSung, at) for one in supplements])
    if status == Status.SUPPLEMENT:
        return _newest([moment(one.NgayBoSung, at) for one in supplements if _is_open(one)])
    return finished if status in (Status.WITHDRAWN, Status.STOPPED) else None


def _newest(times: list[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _is_open(one: Supplement) -> bool:
    """Asked for and not taken in (TrangThaiBoSung true is read as settled: our choice)."""
    return not text(one.NgayTiepNhanBoSung) and number(one.TrangThaiBoSung) != 1


def _doubt_of(end: datetime | None, supplements: list[Supplement], known: Known) -> str:
    """Why a 9 of DongBoHoSoMC is not believed; empty if it is."""
    if any(_is_open(one) for one in supplements):
        return "done_while_supplement_open"
    if end is None:
        return "done_unproven"
    if end < known.received_at:
        return "done_contradicted"
    end_s = end.timestamp()
    waited = any(told.status in _WAITING and told.time_s > end_s for told in known.told)
    return "done_contradicted" if waited else ""


def progress_claim(status: Status, time: datetime, known: Known) -> Claim:
    """The status that a progress message claims; a 9 needs an end that DongBoHoSoMC has proved."""
    if status == Status.DONE and known.finished_at is None:
        return Claim(status, time, "done_unproven")
    if status == Status.RETURNED and known.finished_at is None:
        known.prove(time)
    return Claim(status, time, end=known.finished_at)


def doubts_of(status: int, time_s: float, known: Known) -> list[str]:
    """Findings that withhold nothing: the dossier goes on after its end."""
    before, after = known.neighbours(time_s)
    reopened = status in _OPEN and before is not None and before.status in _DONE
    ended = status in _DONE and after is not None and after.status in _OPEN
    return ["done_then_open"] if reopened or ended else []


def change_of(ward: str, dossier: str, claim: Claim, known: Known) -> StatusChanged:
    """The payload; epoch and seq are placeholders that the outbox replaces."""
    return StatusChanged(
        ward=ward,
        epoch="portal",
        seq=1,
        dossier=dossier,
        procedure=known.procedure,
        field=known.field,
        channel=known.channel,
        status=claim.status,
        received_at=known.received_at,
        due_at=known.due_at,
        finished_at=claim.end if claim.status in _WITH_END else None,
        applicant=known.applicant,
        service_level=known.service_level,
        paid_online=known.paid_online,
        digitised=known.digitised,
    )
