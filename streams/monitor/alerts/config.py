"""Everything that the alerts are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from producers.contract.errors import Stop


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where alerts are posted. The address may itself be a secret, so it never shows."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Stop("bad_webhook", "alert_webhook_url is no http or https address", "Correct the setting")


@dataclass(frozen=True, slots=True)
class MailConfig:
    """How alerts are mailed. Without STARTTLS nothing on the way is secret: only inside one's own network."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = True
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.sender or not self.to:
            raise Stop(
                "bad_mail", "alert_smtp_host is set, alert_mail_from or alert_mail_to is not", "Set both"
            )


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """The rules' folder and the channels. More than `digest_over` news at once go out as one message."""

    rules: Path
    webhook: WebhookConfig | None = None
    mail: MailConfig | None = None
    digest_over: int = 20
    every_s: float = 5.0
    first_wait_ms: int = 5_000
