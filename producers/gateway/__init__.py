"""The HTTP door for ward systems without a Kafka client: `run_gateway`."""

from producers.gateway.config import GatewayConfig
from producers.gateway.ports import Authority, CityView, Numberer
from producers.gateway.serve import run_gateway, serving

__all__ = ["Authority", "CityView", "GatewayConfig", "Numberer", "run_gateway", "serving"]
