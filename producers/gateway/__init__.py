"""The HTTP door for ward systems without a Kafka client: `run_gateway`."""

from producers.gateway.config import GatewayConfig
from producers.gateway.ports import AckKeeper, Authority, CityView, Numberer
from producers.gateway.serve import run_gateway, serving

__all__ = [
    "AckKeeper",
    "Authority",
    "CityView",
    "GatewayConfig",
    "Numberer",
    "run_gateway",
    "serving",
]
