"""Who may look at the page: log-in by token or OIDC, roles, limits. See `viewer` for how handlers use it."""

from dashboards.server.access.config import AccessConfig, OidcConfig, check

__all__ = ["AccessConfig", "OidcConfig", "check"]
