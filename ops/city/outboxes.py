"""Where the simulated wards keep their outboxes: one file for the replay, one for the live city."""

from __future__ import annotations

from pathlib import Path

from ops.settings import Settings
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
