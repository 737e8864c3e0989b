"""The gateway's HTTP interface as a ward calls it: standard library only, every wait and answer bounded."""

from __future__ import annotations

import gzip
import http.client
import re
import ssl
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from producers.contract.errors import Refused

TIMEOUT_S: Final = 20.0
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
_RETRY_AFTER_MAX_S: Final = 120.0
_GZIP_FROM_BYTES: Final = 2_048
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")


class Later(Exception):
    """The same request can succeed later; `after_s` is what the gateway asked for, 0 if it did not."""

    def __init__(self, detail: str, after_s: float = 0.0) -> None:
        self.after_s = after_s
        super().__init__(detail)


class Answer(NamedTuple):
    """Status and body of an answer; the body is {} if it is no JSON object or array."""

    status: int
    body: Any


class GatewayClient:
    """One connection that is kept open and made again after a failure; one thread at a time."""

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        """:raises Refused: the address is no http(s) URL, or the token cannot be one"""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(
                "gateway_url",
                "Địa chỉ cổng phải có dạng https://máy:cổng",
                "The gateway's address must look like https://host:port",
            )
        token = token.strip()
        if not _TOKEN.fullmatch(token):
            raise Refused(
                "token",
                "Mã truy cập không được có dấu cách, xuống dòng hay chữ có dấu",
                "The token must not have blanks, line ends or letters with marks",
            )
        self._parts, self._timeout_s = parts, timeout_s
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        """:raises Later: away, slow, or busy"""
        return self._exchange("GET", path, None, {})

    def post_events(self, path: str, values: list[bytes]) -> Answer:
        """Events as NDJSON.

        :raises Later: away, slow, or busy; the same events may be posted again
        """
        body, headers = b"\n".join(values), {"Content-Type": "application/x-ndjson"}
        if len(body) > _GZIP_FROM_BYTES:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        return self._exchange("POST", path, body, headers)

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        try:
            answer, retry_after = self._once_or_anew(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Later(f"{self._parts.netloc}: {type(error).__name__}") from error
        if answer.status in (408, 429) or answer.status >= 500:
            raise Later(_said(answer), _seconds(retry_after))
        return answer

    def _once_or_anew(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[Answer, str]:
        """A connection that was kept open may have been closed meanwhile: then once more on a new one."""
        kept = self._connection is not None
        try:
            return self._once(method, path, body, headers)
        except (ConnectionError, http.client.BadStatusLine):
            if not kept:
                raise
            self.close()
            return self._once(method, path, body, headers)

    def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[Answer, str]:
        connection = self._connection = self._connection or self._new()
        connection.request(method, self._parts.path.rstrip("/") + path, body, self._headers | headers)
        with connection.getresponse() as response:
            content = response.read(ANSWER_BYTES_MAX + 1)
            if len(content) > ANSWER_BYTES_MAX:
                raise http.client.HTTPException("the answer is too long")
            retry_after = response.headers.get("Retry-After", "")
            closes = response.will_close
        if closes:
            self.close()
        return Answer(response.status, _json(content)), retry_after

    def _new(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _said(answer: Answer) -> str:
    code = answer.body.get("code", "") if isinstance(answer.body, dict) else ""
    return f"HTTP {answer.status} {code}".rstrip()


def _seconds(retry_after: str) -> float:
    return min(float(retry_after), _RETRY_AFTER_MAX_S) if retry_after.isdecimal() else 0.0
