"""The path of one dossier: which statuses it reaches, and when.

1 ─▶ 2 ─▶ 4 ─▶ 9 ─▶ 10     1 only online and by post; at the counter a dossier begins with 2
│    │    ├▶ 5 ─▶ 4          supplement: the appointment does not move
│    │    ├▶ 6 ─▶ 4          payment
│    │    ├▶ 8, 7            stopped, withdrawn
│    └▶ 7                    withdrawn at once
└▶ 3                         refused: never received, so beside the profile's total

Each status comes at most once, but 4 again after 5 and after 6. Officers act in office hours only;
submissions come at any hour. Now and then an officer sends a wrong event, and takes it back on the same day.
"""

from __future__ import annotations

from enum import IntEnum
from random import Random
from typing import Final, NamedTuple

import msgspec

from producers.contract.events import StatusChanged
from producers.contract.vocabulary import Channel, Status
from producers.simulator.mix import FIELDS_WITH_FEE, Application, Traits, draw_application
from producers.simulator.office import MORNING_S, WORKDAY_S, Office
from producers.simulator.times import DAY_S

# The longest way from submission to reception, in days before the day of reception.
LOOKBACK_DAYS: Final = 3
# Shares of the simulation's own choice, as all delays below.
REFUSED_SHARE: Final = 0.02
_WITHDRAWN_AT_ONCE: Final = 0.006
_STOPPED: Final = 0.008
_WITHDRAWN: Final = 0.008
_SUPPLEMENT, _SUPPLEMENT_SAME_DAY = 0.1, 0.015
_PAYMENT: Final = 0.1
_NEVER_COLLECTED: Final = 0.03
_WRONG: Final = 0.003

_HOUR_S: Final = 3600
_SUBMISSION_GAP_S: Final = 300
_RECEPTIONS_PER_HOUR: Final = (10, 17, 18, 14, 12, 13, 11, 5)
_SUBMISSIONS_PER_HOUR: Final = (
    3,
    2,
    1,
    1,
    1,
    2,
    4,
    8,
    14,
    16,
    14,
    10,
    7,
    8,
    12,
    13,
    11,
    8,
    7,
    9,
    12,
    12,
    9,
    6,
)
# Never 2: what the city has received is a total that nobody should have to correct. For 9 the mistake is
# an 8, for the others a wrong appointment.
_MISTAKEN: Final = frozenset(
    {Status.PROCESSING, Status.SUPPLEMENT, Status.PAYMENT, Status.DONE, Status.RETURNED}
)


class Kind(IntEnum):
    """Whether a step is as it was, a mistake, or the taking back of that mistake."""

    TRUE = 0
    WRONG = 1
    TAKEN_BACK = 2


class Step(NamedTuple):
    """A status, when it was reached in local seconds, and whether to believe it."""

    at: int
    status: Status
    kind: Kind = Kind.TRUE


class Dossier(msgspec.Struct):
    """One dossier with its whole future; `code` is given on the day of submission.

    `received` is None for a refused one. `mistake` is the wrong event, once sent, and its time.
    """

    application: Application
    submitted: int
    received: int | None
    due: int | None
    steps: list[Step]
    code: str = ""
    mistake: tuple[StatusChanged, int] | None = None

    @property
    def finished(self) -> int | None:
        """When processing ends: at 9, 8 or 7."""
        ends = (Status.DONE, Status.STOPPED, Status.WITHDRAWN)
        return next((at for at, status, kind in self.steps if status in ends and kind is Kind.TRUE), None)


def draw_reception(rng: Random, office: Office, day: int) -> int:
    """A second of office hours; on a day off, when one officer is on duty, of its morning."""
    (hour,) = rng.choices(range(8), weights=_RECEPTIONS_PER_HOUR)
    second = int((hour + rng.random()) * _HOUR_S)
    if office.works_on(day):
        return office.from_work(office.index(day) * WORKDAY_S + second)
    return day * DAY_S + 8 * _HOUR_S + second % (MORNING_S - _HOUR_S)


def draw_received(
    rng: Random, office: Office, traits: Traits, channel: Channel, received: int, earliest: int
) -> Dossier:
    """A dossier received at this second, and submitted at `earliest` or later."""
    application = draw_application(rng, channel)
    due = office.due(application.procedure, received)
    submitted = received
    steps = [Step(received, Status.RECEIVED)]
    if channel is not Channel.COUNTER:
        submitted = _submission(rng, channel, received, earliest)
        steps.insert(0, Step(submitted, Status.REGISTERED))
    for work_s, status in _processing(rng, office, traits, application, received):
        steps.append(Step(office.from_work(work_s), status))
    _err(rng, office, steps)
    return Dossier(application, submitted, received, due, steps)


def draw_refused(rng: Random, channel: Channel, refused: int, earliest: int) -> Dossier:
    """A dossier that the desk did not receive."""
    application = draw_application(rng, channel)
    submitted = _submission(rng, channel, refused, earliest)
    steps = [Step(submitted, Status.REGISTERED), Step(refused, Status.NOT_ACCEPTED)]
    return Dossier(application, submitted, None, None, steps)


def _submission(rng: Random, channel: Channel, received: int, earliest: int) -> int:
    """When it was submitted: mostly on the day itself, else up to `LOOKBACK_DAYS` before."""
    latest = received - _SUBMISSION_GAP_S
    back = int(rng.random() ** 2.5 * LOOKBACK_DAYS)
    if channel is Channel.POST:
        second = int(rng.uniform(8, 16) * _HOUR_S)
    else:
        (hour,) = rng.choices(range(24), weights=_SUBMISSIONS_PER_HOUR)
        second = int((hour + rng.random()) * _HOUR_S)
    at = (received // DAY_S - back) * DAY_S + second
    if at > latest:
        at -= DAY_S
    return at if at >= earliest else earliest + int(rng.random() * (latest - earliest))


def _processing(
    rng: Random, office: Office, traits: Traits, application: Application, received: int
) -> list[tuple[int, Status]]:
    """What officers do after reception, in work seconds."""

    def wait(least: int, mean: int) -> int:
        return least + int(rng.expovariate(1.0 / mean))

    fate = rng.random()
    at = office.to_work(received)
    if fate < _WITHDRAWN_AT_ONCE:
        return [(at + wait(300, 5400), Status.WITHDRAWN)]
    at += wait(60, 900)
    path = [(at, Status.PROCESSING)]
    for status, share, mean in _detours(application):
        if rng.random() < share:
            at += wait(300, 2400)
            path.append((at, status))
            at += wait(600, mean)
            path.append((at, Status.PROCESSING))
    if fate > 1.0 - _STOPPED - _WITHDRAWN:
        end = Status.STOPPED if fate > 1.0 - _STOPPED else Status.WITHDRAWN
        return [*path, (at + wait(600, WORKDAY_S // 2), end)]
    at = _finish(rng, traits, at, office.index(office.due_day(application.procedure, received)))
    path.append((at, Status.DONE))
    if rng.random() >= _NEVER_COLLECTED:
        quick = rng.random() < (0.9 if application.channel is Channel.ONLINE else 0.6)
        path.append((at + min(wait(60, 1200 if quick else WORKDAY_S // 2), WORKDAY_S), Status.RETURNED))
    return path


def _detours(application: Application) -> tuple[tuple[Status, float, int], ...]:
    """Supplement and payment: how often, and the mean wait for the applicant in work seconds."""
    procedure = application.procedure
    same_day = procedure.unit == "cutoff15h"
    supplement = _SUPPLEMENT_SAME_DAY if same_day else _SUPPLEMENT
    payment = _PAYMENT if procedure.field in FIELDS_WITH_FEE else 0.0
    return (
        (Status.SUPPLEMENT, supplement, WORKDAY_S // 8 if same_day else WORKDAY_S),
        (Status.PAYMENT, payment, 900 if same_day else WORKDAY_S // 4),
    )


def _finish(rng: Random, traits: Traits, at: int, due_index: int) -> int:
    """When the work is done, on a working day before, on or after the due one; always after `at`."""
    today = at // WORKDAY_S
    fate = rng.random()
    index = due_index
    if fate < traits.overdue:
        index = due_index + 1 + min(int(rng.expovariate(0.6)), 14)
    elif fate < traits.overdue + traits.early and due_index > today:
        index = rng.randrange(today, due_index)
    if index > today:
        return index * WORKDAY_S + int(rng.random() * WORKDAY_S)
    left = WORKDAY_S - at % WORKDAY_S
    return at + 1 + int((left - 1) * rng.random() ** 2)


def _err(rng: Random, office: Office, steps: list[Step]) -> None:
    """Put a mistake before a step: sent some minutes too early, wrong, and taken back at the true time.

    Mistakes are made and noticed on one day, so that the day's control totals stay true.
    """
    for i in range(len(steps) - 1, 0, -1):
        at, status, _ = steps[i]
        if status not in _MISTAKEN or rng.random() >= _WRONG:
            continue
        wrong_at = at - rng.randrange(120, 2400)
        if wrong_at > steps[i - 1].at and office.is_open(wrong_at) and wrong_at // DAY_S == at // DAY_S:
            said = Status.STOPPED if status is Status.DONE else status
            steps[i:i] = [Step(wrong_at, said, Kind.WRONG), Step(at, said, Kind.TAKEN_BACK)]
