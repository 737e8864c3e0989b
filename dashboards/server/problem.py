"""One shape for every error, {code, vi, en}, and the headers that every answer carries."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from dashboards.server.words import ERROR_WORDS

log = logging.getLogger(__name__)

_STATUS: Final = {
    "bad_day": HTTPStatus.BAD_REQUEST,
    "bad_view": HTTPStatus.BAD_REQUEST,
    "bad_ward": HTTPStatus.BAD_REQUEST,
    "bad_cut": HTTPStatus.BAD_REQUEST,
    "past_has_no_stream": HTTPStatus.BAD_REQUEST,
    "bad_request": HTTPStatus.BAD_REQUEST,
    "city_only": HTTPStatus.FORBIDDEN,
    "no_such_cut": HTTPStatus.NOT_FOUND,
    "not_found": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "clickhouse_away": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_clients": HTTPStatus.SERVICE_UNAVAILABLE,
    "login_needed": HTTPStatus.UNAUTHORIZED,
    "login_wrong": HTTPStatus.UNAUTHORIZED,
    "login_stale": HTTPStatus.FORBIDDEN,
    "login_away": HTTPStatus.BAD_GATEWAY,
    "no_role": HTTPStatus.FORBIDDEN,
    "other_ward": HTTPStatus.FORBIDDEN,
    "only_here": HTTPStatus.FORBIDDEN,
    "too_fast": HTTPStatus.TOO_MANY_REQUESTS,
    "no_cut_yet": HTTPStatus.SERVICE_UNAVAILABLE,
    "bad_as_of": HTTPStatus.BAD_REQUEST,
    "bad_days": HTTPStatus.BAD_REQUEST,
    "bad_group": HTTPStatus.BAD_REQUEST,
    "bad_owner": HTTPStatus.BAD_REQUEST,
    "bad_state": HTTPStatus.BAD_REQUEST,
    "bad_lang": HTTPStatus.BAD_REQUEST,
    "bad_info": HTTPStatus.BAD_REQUEST,
    "twice": HTTPStatus.BAD_REQUEST,
    "unknown_parameter": HTTPStatus.BAD_REQUEST,
    "too_many_rows": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_available_yet": HTTPStatus.SERVICE_UNAVAILABLE,
    "no_such_question": HTTPStatus.NOT_FOUND,
    "bad_value": HTTPStatus.BAD_REQUEST,
    "not_as_of": HTTPStatus.BAD_REQUEST,
    "not_for_wards": HTTPStatus.FORBIDDEN,
    "question_slow": HTTPStatus.GATEWAY_TIMEOUT,
    "question_heavy": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "question_fails": HTTPStatus.INTERNAL_SERVER_ERROR,
    "questions_busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_questions": HTTPStatus.TOO_MANY_REQUESTS,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}
_CODE_OF_HTTP: Final = {404: "not_found", 403: "not_found", 405: "method_not_allowed"}

# Nothing inline and nothing from outside: the page works on a network without the internet, and text that
# a ward sends can never become script.
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a form would then send `Origin: null`, and we could not tell our log-in from another.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Problem(Exception):
    """An error that the client is told: `code` is one of `ERROR_WORDS`; it may try again after a while.

    `parts` stand in the words where these say {name}.
    """

    def __init__(self, code: str, *, retry_after_s: float = 0.0, **parts: str) -> None:
        self.code, self.retry_after_s, self.parts = code, retry_after_s, parts
        super().__init__(code)


def words_of(code: str, **parts: str) -> dict[str, str]:
    """The error as it travels."""
    words = ERROR_WORDS[code]
    return {"code": code, "vi": words.vi.format(**parts), "en": words.en.format(**parts)}


def json_response(value: Any, status: int = 200) -> web.Response:
    """JSON that no cache keeps."""
    return bytes_response(msgspec.json.encode(value), status)


def bytes_response(body: bytes, status: int = 200) -> web.Response:
    """JSON that is encoded already."""
    headers = {"Cache-Control": "no-store"}
    response = web.Response(body=body, status=status, content_type="application/json", headers=headers)
    response.enable_compression()
    return response


def response_of(code: str, **parts: str) -> web.Response:
    """The error as an answer."""
    return json_response(words_of(code, **parts), _STATUS[code])


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that goes wrong into the one shape."""
    try:
        return await handler(request)
    except Problem as problem:
        response = response_of(problem.code, **problem.parts)
        if problem.retry_after_s:
            response.headers["Retry-After"] = str(math.ceil(problem.retry_after_s))
        return response
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return response_of(_CODE_OF_HTTP.get(error.status, "bad_request"))
    except Exception:
        log.exception("%s failed", request.path)
        return response_of("internal")


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: streams get the headers as well."""
    response.headers.update(SECURITY_HEADERS)
    response.headers["Server"] = "dongbo"
