"""Who may look at the page: log-in by token or OIDC, roles, limits. See `viewer` for how handlers use it."""
