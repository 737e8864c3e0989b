"""What logging in needs to know, and what must not start: a page that others can reach and nobody guards."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from producers.contract.errors import Stop

TOKEN_CHARACTERS_MIN: Final = 16


@dataclass(frozen=True, kw_only=True)
class OidcConfig:
    """An OpenID provider. The values of `claim` give the role: `city`, or `ward_prefix` and a ward's code."""

    issuer: str
    client_id: str
    client_secret: str = ""
    claim: str = "groups"
    city: str = "dongbo-city"
    ward_prefix: str = "dongbo-ward-"


@dataclass(frozen=True, kw_only=True)
class AccessConfig:
    """How viewers come in. Without `token` and `oidc` there is no log-in, and only this machine may look."""

    token: str = ""
    oidc: OidcConfig | None = None
    # Viewers with tokens of their own (`dongbo viewer add`); None: there are none.
    viewers_path: Path | None = None
    # The secret that sessions are signed with, made at first use; None: a new one at each start.
    key_path: Path | None = None
    # As browsers reach the page: needed for OIDC, and https makes the cookie Secure.
    public_url: str = ""
    # How many proxies of our own stand before the server; their X-Forwarded-For is believed.
    proxies: int = 0
    session_s: float = 12 * 3600.0
    requests_s: float = 50.0
    requests_burst: int = 500
    streams_client_max: int = 200
    # Attempts to log in from one address.
    logins_minute: float = 10.0

    @property
    def needed(self) -> bool:
        """Whether viewers must log in."""
        return bool(self.token or self.oidc)

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.public_url.startswith("https://")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address, or a name of it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check(host: str, access: AccessConfig) -> None:
    """Raises `Stop`, before anything listens, if what is set would leave the page open or cannot work."""
    if not access.needed and not is_loopback(host):
        raise Stop(
            "login_missing",
            f"trang nghe ở {host} phải có đăng nhập / a page that listens on {host} needs a log-in",
            "Set DONGBO_DASHBOARD_TOKEN or DONGBO_DASHBOARD_OIDC_ISSUER; or DONGBO_DASHBOARD_HOST=127.0.0.1",
        )
    if access.token and len(access.token) < TOKEN_CHARACTERS_MIN:
        raise Stop(
            "token_weak",
            f"mã truy cập ngắn hơn {TOKEN_CHARACTERS_MIN} ký tự / the access token is too short",
            "Set DONGBO_DASHBOARD_TOKEN to the output of: openssl rand -base64 32",
        )
    if access.oidc:
        _check_oidc(access.oidc, access.public_url)


def _check_oidc(oidc: OidcConfig, public_url: str) -> None:
    issuer, page = urlsplit(oidc.issuer), urlsplit(public_url)
    if not page.hostname or page.scheme not in ("http", "https"):
        raise _bad_oidc("DONGBO_DASHBOARD_PUBLIC_URL must be the page's address as browsers reach it")
    if not oidc.client_id:
        raise _bad_oidc("DONGBO_DASHBOARD_OIDC_CLIENT_ID is not set")
    for name, url in (("DONGBO_DASHBOARD_OIDC_ISSUER", issuer), ("DONGBO_DASHBOARD_PUBLIC_URL", page)):
        # A token in the clear on a network is everybody's.
        if url.scheme != "https" and not is_loopback(url.hostname or ""):
            raise _bad_oidc(f"{name} must begin with https://")


def _bad_oidc(detail: str) -> Stop:
    return Stop("oidc_settings", detail, "Correct it, or unset DONGBO_DASHBOARD_OIDC_ISSUER")
