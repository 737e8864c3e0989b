"""Where outboxes are kept: of the simulated wards, and of the city's own desk."""

from __future__ import annotations

import secrets
from pathlib import Path

from ops.settings import Settings
from producers.contract.events import CITY_EPOCHS
from producers.outbox import Outbox
from producers.simulator.profile import Profile


def _path(settings: Settings, name: str) -> Path:
    folder = settings.data_dir / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.sqlite"


def replay_outbox(settings: Settings, profile: Profile) -> Outbox:
    """The outbox of a profile; its epoch is the profile's, so that a second run counts nothing twice."""
    return Outbox(_path(settings, profile.epoch), profile.epoch)


def live_outbox(settings: Settings) -> Outbox:
    """The outbox of the live city; a lost file begins a new epoch."""
    return Outbox(_path(settings, "live"))


def desk_outbox(settings: Settings) -> Outbox:
    """What the city's desk says of wards' affairs, with an epoch of its own: the wards' seqs are the wards'.

    A lost file begins a new epoch.
    """
    path = _path(settings, "city-desk")
    return Outbox(path, None if path.exists() else f"{CITY_EPOCHS}desk-{secrets.token_hex(4)}")
