"""The wards' gateway, put together: whose tokens, which outbox, what it may ask of the city."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ops.city.prepare import address, reader_address
from ops.identity import gateway_sign, registry_path
from ops.settings import Settings
from producers.gateway import GatewayConfig, portal_routes, run_gateway
from producers.identity.tokens import Tokens
from producers.natural.outbox import NaturalOutbox
from producers.outbox import Outbox
from producers.portal import PortalIntake
from streams.warehouse.acks import AckTable
from streams.warehouse.receipts import Receipts
from streams.warehouse.store import Address, Store

_CITY_CONNECT_S: Final = 2
_CITY_ANSWER_S: Final = 5


def run(settings: Settings) -> None:
    """Serve until SIGTERM.

    :raises Stop: the port is taken, or the outbox is damaged
    """
    found = config(settings)
    found.data_dir.mkdir(parents=True, exist_ok=True)
    with (
        Outbox(found.data_dir / "outbox.sqlite") as outbox,
        Store(_hurried(reader_address(settings))) as reader,
        # For one small table: what a ward asks of the city goes by the user who can only read.
        Store(_hurried(address(settings))) as writer,
    ):
        natural = NaturalOutbox(outbox)
        run_gateway(
            found,
            Tokens(registry_path(settings)),
            Receipts(reader),
            natural,
            sign=gateway_sign(settings),
            registrars=[portal_routes.registrar(PortalIntake(natural))],
            keeper=AckTable(writer),
        )


def _hurried(city: Address) -> Address:
    """A city that is away must not hold up the gateway."""
    return replace(city, connect_timeout_s=_CITY_CONNECT_S, request_timeout_s=_CITY_ANSWER_S)


def config(settings: Settings) -> GatewayConfig:
    """The gateway's limits as they are set."""
    return GatewayConfig(
        bootstrap=settings.kafka_bootstrap,
        data_dir=settings.data_dir / "gateway",
        topic=settings.events_topic,
        host=settings.gateway_host,
        port=settings.gateway_port,
        body_bytes_max=settings.gateway_body_bytes_max,
        batch_events_max=settings.gateway_batch_events_max,
        json_depth_max=settings.gateway_json_depth_max,
        in_flight_bytes_max=settings.gateway_in_flight_bytes_max,
        connections_max=settings.gateway_connections_max,
        rate_events_s=settings.gateway_rate_events_s,
        burst_events=settings.gateway_burst_events,
        idle_timeout_s=settings.gateway_idle_timeout_s,
        body_timeout_s=settings.gateway_body_timeout_s,
        send_timeout_s=settings.gateway_send_timeout_s,
    )
