"""A browser's HTTP without a browser: it keeps cookies, follows nothing, and shows every header."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode

PERSON: Final = {"Accept": "text/html,application/xhtml+xml"}


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str:
        """The error's code."""
        return str(json.loads(self.body)["code"])

    def json(self) -> Any:
        return json.loads(self.body)

    def cookie(self, name: str) -> str:
        """The whole Set-Cookie line of a cookie."""
        return next(line for line in self.headers.get_all("Set-Cookie", []) if line.split("=", 1)[0] == name)


class Visitor:
    """One client of the page at a port of this machine."""

    def __init__(self, port: int, **headers: str) -> None:
        self.port, self.headers = port, headers
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def open(self, path: str, **headers: str) -> Answer:
        """As a person opens an address."""
        return self.ask("GET", path, headers={**PERSON, **headers})

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        body = urlencode(form)
        return self.ask(
            "POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **PERSON, **headers}
        )

    def ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request; a header's `_` stands for `-`."""
        said = {name.replace("_", "-"): text for name, text in {**self.headers, **(headers or {})}.items()}
        if self.cookies:
            said["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, said)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        self._keep(answer)
        return answer

    @contextmanager
    def stream(self, path: str = "/events") -> Iterator[http.client.HTTPResponse]:
        """A stream with its head read."""
        said = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=said if self.cookies else {})
            with connection.getresponse() as response:
                yield response
        finally:
            connection.close()

    def log_in(self, token: str, next_: str = "/") -> Answer:
        """The form, filled in and sent."""
        page = self.open("/login")
        return self.post("/login", {"token": token, "form": form_of(page), "next": next_})

    def _keep(self, answer: Answer) -> None:
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


def form_of(page: Answer) -> str:
    """The sealed value of a log-in page."""
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)
