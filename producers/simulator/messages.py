"""From a step of a dossier to the payload that the ward sends."""

from __future__ import annotations

from typing import Final

from producers.contract.envelope import RetractedEvent, SequencedEvent, StatusChangedEvent
from producers.contract.events import Retracted, StatusChanged
from producers.contract.vocabulary import Status
from producers.simulator.lifecycle import Dossier, Kind, Step
from producers.simulator.times import DAY_S, moment

WRONG_STATUS: Final = "wrong-status"
WRONG_DUE: Final = "wrong-due-date"
_ENDS: Final = frozenset({Status.DONE, Status.STOPPED, Status.WITHDRAWN, Status.RETURNED})
_UNRECEIVED: Final = frozenset({Status.REGISTERED, Status.NOT_ACCEPTED})


def type_of_step(step: Step) -> type[SequencedEvent]:
    """The envelope a step travels in."""
    return RetractedEvent if step.kind is Kind.TAKEN_BACK else StatusChangedEvent


def payload_of(dossier: Dossier, ward: str, step: Step, epoch: str, seq: int) -> StatusChanged | Retracted:
    """What the ward says of this step. A mistake is remembered in the dossier until it is taken back."""
    if step.kind is Kind.TAKEN_BACK:
        return _taken_back(dossier, ward, step, epoch, seq)
    said = _status_changed(dossier, ward, step, epoch, seq)
    if step.kind is Kind.WRONG:
        dossier.mistake = (said, step.at)
    return said


def _status_changed(dossier: Dossier, ward: str, step: Step, epoch: str, seq: int) -> StatusChanged:
    status, kind = step.status, step.kind
    application = dossier.application
    received = dossier.submitted if status in _UNRECEIVED else dossier.received
    due = None if status in _UNRECEIVED else dossier.due
    if kind is Kind.WRONG and due is not None and status is not Status.STOPPED:
        due += DAY_S
    assert received is not None
    return StatusChanged(
        ward=ward,
        epoch=epoch,
        seq=seq,
        dossier=dossier.code,
        procedure=application.procedure.code,
        field=application.procedure.field,
        channel=application.channel,
        status=status,
        received_at=moment(received),
        due_at=None if due is None else moment(due),
        finished_at=moment(_finished(dossier, step)) if status in _ENDS else None,
        applicant=application.applicant,
        service_level=application.service_level,
        paid_online=application.paid_online,
        digitised=application.digitised,
    )


def _finished(dossier: Dossier, step: Step) -> int:
    """The end of processing: for 10 that of 9 before it, else the step itself."""
    finished = dossier.finished if step.status is Status.RETURNED else step.at
    assert finished is not None
    return finished


def _taken_back(dossier: Dossier, ward: str, step: Step, epoch: str, seq: int) -> Retracted:
    assert dossier.mistake is not None
    wrong, wrong_at = dossier.mistake
    reason = WRONG_STATUS if step.status is Status.STOPPED else WRONG_DUE
    return Retracted(ward=ward, epoch=epoch, seq=seq, of=wrong, of_time=moment(wrong_at), reason=reason)
