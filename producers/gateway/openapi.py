"""The gateway's OpenAPI 3.1 document, from the table of routes and the contract's types.

`python -m producers.gateway` writes it beside the other published files; with `--check` it writes nothing and
exits 1 if it is stale.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from producers.contract.envelope import EVENT_TYPES
from producers.contract.reasons import EVERY_REASON
from producers.contract.schemas import PUBLISHED, describe, examples_of
from producers.gateway.problem import PROBLEMS
from producers.gateway.routes import BODY_EXAMPLES, BODY_TYPES, PUBLISHED_ROUTES, SMALLEST_EVENT, Route

FILE: Final = PUBLISHED / "openapi.json"
_PROSE: Final = {"/metrics": "text/plain", "/docs": "text/html"}
_REFS: Final = "#/components/schemas/{name}"
_NUMBERLESS: Final = (
    "Sự kiện của hệ thống không có số thứ tự: bỏ id, epoch, seq; cổng đánh số và trả về id. / "
    "An event of a system without sequence numbers: leave out id, epoch and seq; the gateway gives them."
)
_ABOUT: Final = (
    "Cổng HTTP để hệ thống một cửa của phường, xã gửi sự kiện hồ sơ mà không cần Kafka.\n"
    "The HTTP gateway by which a ward's one-stop system sends dossier events without a Kafka client."
)


def document() -> dict[str, Any]:
    """The whole document; equal contracts give equal documents."""
    types: list[Any] = list(EVENT_TYPES.values())
    types += [kind for kind in BODY_TYPES.values() if kind is not None]
    types += [kind for route in PUBLISHED_ROUTES for kinds in route.answers.values() for kind in kinds]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFS)
    describe(components)
    named = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in PUBLISHED_ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Đồng Bộ: cổng của phường, xã / the wards' gateway",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components | {"Event": _event(named), "NumberlessEvent": _numberless()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "x-codes": _codes(),
    }


def _event(named: dict[str, Any]) -> dict[str, Any]:
    variants = [named[repr(kind)] for kind in EVENT_TYPES.values()]
    mapping = {tag: named[repr(kind)]["$ref"] for tag, kind in EVENT_TYPES.items()}
    return {"oneOf": variants, "discriminator": {"propertyName": "type", "mapping": mapping}}


def _numberless() -> dict[str, Any]:
    """An event without id, epoch and seq; the rest is as in the type's own schema."""
    none = {"not": {"anyOf": [{"required": ["epoch"]}, {"required": ["seq"]}]}, "type": "object"}
    return {
        "description": _NUMBERLESS,
        "type": "object",
        "required": ["type", "time", "data"],
        "properties": {
            "type": {"enum": [tag for tag in EVENT_TYPES if "heartbeat" not in tag]},
            "time": {"type": "string", "format": "date-time"},
            "data": none,
        },
        "not": {"required": ["id"]},
    }


def _operation(route: Route, named: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.words.vi,
        "description": route.words.en,
        "responses": {
            str(status): _response(route, status, [named[repr(kind)] for kind in kinds])
            for status, kinds in route.answers.items()
        },
    }
    if route.token:
        operation["security"] = [{"token": []}]
    if route.body != "none":
        operation["requestBody"] = _request(route, named)
    return operation


def _response(route: Route, status: int, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    media = _PROSE.get(route.path, "application/json")
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {media: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}},
    }
    if status in (429, 503) and route.token:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "giây / seconds"}}
    return answer


def _request(route: Route, named: dict[str, Any]) -> dict[str, Any]:
    kind = BODY_TYPES[route.body]
    if kind is not None:
        content = {"application/json": {"schema": named[repr(kind)], "example": BODY_EXAMPLES[route.body]}}
        return {"required": route.body != "heartbeat", "content": content}
    event = {"anyOf": [{"$ref": _REFS.format(name="Event")}, {"$ref": _REFS.format(name="NumberlessEvent")}]}
    one: dict[str, Any] = {"numberless": {"summary": _NUMBERLESS, "value": SMALLEST_EVENT}}
    one |= {tag: {"value": examples_of(tag)[0]} for tag in EVENT_TYPES}
    many = {"schema": {"anyOf": [event, {"type": "array", "items": event, "minItems": 1}]}, "examples": one}
    lines = {"schema": {"type": "string", "description": "một sự kiện mỗi dòng / one event a line"}}
    return {"required": True, "content": {"application/json": many, "application/x-ndjson": lines}}


def _codes() -> dict[str, Any]:
    """Every code of an error, with its status and words."""
    names = ("vi", "en", "remedy_vi", "remedy_en")
    found = {code: (words.status, words) for code, words in PROBLEMS.items()}
    every = found | {code: (422, words) for code, words in EVERY_REASON.items()}
    return {
        code: {"status": status, **{name: getattr(words, name) for name in names}}
        for code, (status, words) in every.items()
    }


def render_json() -> str:
    """The document as it is published."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def stale() -> bool:
    """Whether the published file is not what the code says."""
    return not FILE.is_file() or FILE.read_text(encoding="utf-8") != render_json()


def main(arguments: Sequence[str]) -> int:
    """Write, or with `--check` compare; return the exit code."""
    if list(arguments) == ["--check"]:
        if stale():
            print("stale: openapi.json; run: python -m producers.gateway")
        return int(stale())
    FILE.write_text(render_json(), encoding="utf-8")
    return 0
