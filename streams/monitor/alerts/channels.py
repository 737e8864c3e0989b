"""The ways out: a webhook and e-mail. `send` returns when the other side has the message.

Each message has an id that is the same at every attempt (`Idempotency-Key`, `Message-ID`): should a
confirmation be lost, the receiver knows the second copy by it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import smtplib
import socket
import ssl
import time
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from streams.domain.days import HANOI
from streams.monitor.alerts.config import AlertsConfig, MailConfig, WebhookConfig
from streams.monitor.alerts.message import as_json, as_text, subject
from streams.monitor.alerts.outbox import Message

SIGNATURE: Final = "X-Dongbo-Signature"
_ANSWER_BYTES_MAX: Final = 2_000


class NotDelivered(Exception):
    """The other side did not take it. `refused`: it did not take this one message; others may pass."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        self.refused = refused
        super().__init__(why)


class Channel(Protocol):
    """One way out."""

    name: str

    def send(self, message: Message) -> None:
        """Deliver it.

        :raises NotDelivered: it did not arrive; try again later
        """


def channels(config: AlertsConfig) -> list[Channel]:
    """The channels that are set up."""
    made: list[Channel] = []
    if config.webhook is not None:
        made.append(Webhook(config.webhook))
    if config.mail is not None:
        made.append(Mail(config.mail))
    return made


def signature(secret: str, at_s: int, body: bytes) -> str:
    """`t=...,v1=...`: HMAC-SHA256 over the second, a full stop and the body: old copies are known."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={mac.hexdigest()}"


class Webhook:
    """POST of JSON to the one configured address: no redirect is followed, no proxy is asked."""

    name = "webhook"

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._parts = urlsplit(config.url)

    def send(self, message: Message) -> None:
        """Any 2xx is a delivery; 4xx other than 408, 425 and 429 refuses this message."""
        body = json.dumps(as_json(message), ensure_ascii=False).encode()
        connection = self._connection()
        try:
            connection.request("POST", self._target(), body, self._headers(message, body))
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise NotDelivered(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            refused = 300 <= answer.status < 500 and answer.status not in (408, 425, 429)
            raise NotDelivered(f"HTTP {answer.status}", refused=refused)

    def _connection(self) -> http.client.HTTPConnection:
        host, port, timeout_s = self._parts.hostname or "", self._parts.port, self._config.timeout_s
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def _target(self) -> str:
        query = f"?{self._parts.query}" if self._parts.query else ""
        return (self._parts.path or "/") + query

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "dongbo-alerts",
            "Idempotency-Key": message.id,
            "X-Dongbo-Event": message.kind,
        }
        if self._config.secret:
            headers[SIGNATURE] = signature(self._config.secret, int(time.time()), body)
        return headers


class Mail:
    """One mail to all receivers: a part in Vietnamese, then one in English."""

    name = "mail"

    def __init__(self, config: MailConfig) -> None:
        self._config = config

    def send(self, message: Message) -> None:
        """Delivered when the server took it for at least one receiver."""
        try:
            with smtplib.SMTP(self._config.host, self._config.port, timeout=self._config.timeout_s) as server:
                self._greet(server)
                server.send_message(self._mail(message), self._config.sender, list(self._config.to))
        except smtplib.SMTPResponseException as error:
            refused = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
            raise NotDelivered(_plain(error), refused=refused) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotDelivered(_plain(error)) from error

    def _greet(self, server: smtplib.SMTP) -> None:
        if self._config.starttls:
            server.starttls(context=ssl.create_default_context())
        if self._config.user:
            server.login(self._config.user, self._config.password)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = subject(message)
        mail["From"] = self._config.sender
        mail["To"] = ", ".join(self._config.to)
        mail["Date"] = format_datetime(datetime.now(HANOI))
        mail["Message-ID"] = f"<{message.id}@{socket.gethostname() or 'dongbo'}>"
        # No holiday notice is wanted in answer.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(as_text(message, "vi"), subtype="plain", charset="utf-8")
        mail["Content-Language"] = "vi"
        mail.make_mixed()
        mail.add_attachment(as_text(message, "en"), subtype="plain", charset="utf-8", disposition="inline")
        parts: list[Any] = list(mail.iter_parts())
        parts[1]["Content-Language"] = "en"
        return mail


def _plain(error: Exception) -> str:
    """Never what we said: a refused login repeats no password."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"SMTP {error.smtp_code}: {' '.join(text.split())[:200]}"
    return f"{type(error).__name__}: {error}"
