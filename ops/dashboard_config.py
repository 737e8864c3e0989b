"""The live page's configuration, from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dashboards.server.access import AccessConfig, OidcConfig
from dashboards.server.config import DashboardConfig
from ops.city.prepare import reader_address
from ops.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr


def dashboard_config(settings: Settings) -> DashboardConfig:
    """All that the page's server needs."""
    return DashboardConfig(
        host=settings.dashboard_host,
        port=settings.dashboard_port,
        clickhouse=reader_address(settings),
        clients_max=settings.dashboard_streams_max,
        processes=_processes(settings),
        access=access_config(settings),
    )


def access_config(settings: Settings) -> AccessConfig:
    """Who may look at the page."""
    return AccessConfig(
        token=_plain(settings.dashboard_token),
        oidc=_oidc(settings),
        viewers_path=viewers_path(settings),
        key_path=settings.data_dir / "identity" / "page.key",
        public_url=settings.dashboard_public_url,
        proxies=settings.dashboard_proxies,
        session_s=settings.dashboard_session_hours * 3600,
        requests_s=settings.dashboard_rate_requests_s,
        requests_burst=settings.dashboard_burst_requests,
        streams_client_max=settings.dashboard_streams_client_max,
    )


def viewers_path(settings: Settings) -> Path:
    """The file of viewers with tokens of their own; the page reads it."""
    return settings.data_dir / "identity" / "viewers.json"


def _oidc(settings: Settings) -> OidcConfig | None:
    if not settings.dashboard_oidc_issuer:
        return None
    return OidcConfig(
        issuer=settings.dashboard_oidc_issuer,
        client_id=settings.dashboard_oidc_client_id,
        client_secret=_plain(settings.dashboard_oidc_client_secret),
        claim=settings.dashboard_oidc_claim,
        city=settings.dashboard_oidc_city,
        ward_prefix=settings.dashboard_oidc_ward_prefix,
    )


def _processes(settings: Settings) -> dict[str, int]:
    """Name and health port of each process of this machine."""
    workers = {f"worker-{i}": settings.worker_health_port + i for i in range(settings.worker_count)}
    others = {"loader": settings.loader_health_port, "monitor": settings.monitor_health_port}
    return workers | others | {"gateway": settings.gateway_port}


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
