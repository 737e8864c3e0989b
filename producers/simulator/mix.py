"""Who applies for what, how, and where it goes slowly: the shares of the simulation.

None of these is a statistic of a real ward. That certification leads and residence follows is common
experience; the figures are chosen so that every branch of the lifecycle is met every day.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import Final

import msgspec

from producers.contract.procedures import PROCEDURES, Procedure
from producers.contract.vocabulary import Applicant, Channel

PROCEDURE_SHARES: Final[dict[str, float]] = {
    "2.000815": 36.0,
    "2.000884": 11.0,
    "2.000908": 3.0,
    "2.000635": 7.0,
    "1.001193": 5.0,
    "1.000656": 2.0,
    "1.000894": 2.5,
    "1.004873": 6.0,
    "1.004859": 1.5,
    "1.001022": 0.5,
    "1.004837": 0.2,
    "1.004845": 0.1,
    "1.004884": 0.6,
    "1.005461": 0.2,
    "1.004746": 0.2,
    "1.004222": 6.0,
    "1.004194": 7.0,
    "1.002755": 2.0,
    "1.010038": 1.0,
    "1.001612": 3.5,
    "2.000720": 1.2,
    "1.001266": 0.8,
    "1.001699": 0.4,
    "1.001776": 0.8,
    "1.011607": 0.3,
    "1.013225": 0.9,
    "1.013979": 0.3,
}
_PROCEDURES: Final = [PROCEDURES[code] for code in PROCEDURE_SHARES]
_PROCEDURES_CUM: Final = list(accumulate(PROCEDURE_SHARES.values()))

_APPLICANTS: Final = tuple(Applicant)
_APPLICANTS_CUM: Final = list(accumulate((93.0, 4.5, 1.0, 1.5)))

FIELDS_WITH_FEE: Final = frozenset({"chung-thuc", "cu-tru", "ho-kinh-doanh", "xay-dung"})
_FULL_ONLINE_FIELDS: Final = frozenset({"ho-tich", "cu-tru", "ho-kinh-doanh"})
_POST_SHARE: Final = 0.05
_ONLINE_START, _ONLINE_GROWTH = 0.44, 0.3
_STRUGGLING_SHARE: Final = 0.12


class Traits(msgspec.Struct, frozen=True):
    """How a ward works: its shares of overdue and early dossiers, and of online ones above the city's."""

    overdue: float
    early: float
    online: float


class Application(msgspec.Struct, frozen=True):
    """What is applied for, by whom and how."""

    procedure: Procedure
    channel: Channel
    applicant: Applicant
    service_level: int
    paid_online: bool | None
    digitised: bool


def traits_of(seed: int, ward: str) -> Traits:
    """A ward's own traits; about one in eight struggles with its appointments."""
    rng = Random(f"{seed}/{ward}/traits")  # noqa: S311 (a simulation, not a secret)
    struggles = rng.random() < _STRUGGLING_SHARE
    overdue = rng.uniform(0.12, 0.28) if struggles else rng.uniform(0.01, 0.05)
    return Traits(overdue, rng.uniform(0.35, 0.65), rng.uniform(-0.1, 0.1))


def online_share(traits: Traits, progress: float) -> float:
    """The ward's share of online dossiers after this part of the profile's days."""
    return _ONLINE_START + _ONLINE_GROWTH * progress + traits.online


def draw_channel(rng: Random, online: float) -> Channel:
    """One channel, given the share of online dossiers."""
    at = rng.random()
    if at < online:
        return Channel.ONLINE
    return Channel.POST if at < online + _POST_SHARE else Channel.COUNTER


def draw_application(rng: Random, channel: Channel) -> Application:
    """One application that comes in by this channel."""
    (procedure,) = rng.choices(_PROCEDURES, cum_weights=_PROCEDURES_CUM)
    (applicant,) = rng.choices(_APPLICANTS, cum_weights=_APPLICANTS_CUM)
    pays = rng.random() < (0.8 if channel is Channel.ONLINE else 0.3)
    return Application(
        procedure,
        channel,
        applicant,
        service_level=4 if procedure.field in _FULL_ONLINE_FIELDS else 3,
        paid_online=pays if procedure.field in FIELDS_WITH_FEE else None,
        digitised=rng.random() < 0.92,
    )
