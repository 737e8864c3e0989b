"""The alerts' configuration from the settings."""

from __future__ import annotations

from ops.city.prepare import SQL_FOLDER
from ops.settings import Settings
from streams.monitor.alerts.config import AlertsConfig, MailConfig, WebhookConfig

RULES = SQL_FOLDER / "alerts"


def alerts_config(settings: Settings) -> AlertsConfig:
    """:raises Stop: `bad_webhook` or `bad_mail`: a channel is set up by half"""
    return AlertsConfig(RULES, _webhook(settings), _mail(settings), settings.alert_digest_over)


def _webhook(settings: Settings) -> WebhookConfig | None:
    url = settings.alert_webhook_url.get_secret_value()
    return WebhookConfig(url, settings.alert_webhook_secret.get_secret_value()) if url else None


def _mail(settings: Settings) -> MailConfig | None:
    if not settings.alert_smtp_host:
        return None
    return MailConfig(
        host=settings.alert_smtp_host,
        port=settings.alert_smtp_port,
        sender=settings.alert_mail_from,
        to=tuple(part.strip() for part in settings.alert_mail_to.split(",") if part.strip()),
        user=settings.alert_smtp_user,
        password=settings.alert_smtp_password.get_secret_value(),
        starttls=settings.alert_smtp_starttls,
    )
