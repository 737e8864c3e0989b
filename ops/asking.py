"""How the monitor asks wards again: through the topic of requests, which the wards' outboxes listen to."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ops.settings import Settings
from streams.domain.asking import Hole
from streams.monitor.config import Asking


def asking(settings: Settings) -> Asking:
    """What the monitor is given to ask with."""

    def ask(wanted: Sequence[tuple[str, Hole]]) -> None:
        from producers.repair import ask, new_request

        requests = [msgspec.structs.replace(new_request(*hole[:4]), request=one) for one, hole in wanted]
        ask(settings.kafka_bootstrap, requests, settings.events_topic)

    return Asking(ask, _new_id, settings.hole_ask_after_s, settings.hole_ask_again_s)


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
