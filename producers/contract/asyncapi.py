"""The channel as an AsyncAPI 3.0 document, and the small part of YAML it is written in.

YAML is written here, not by a library: the contract imports nothing but msgspec, and equal documents must
be equal bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from producers.contract.requests import Request
from producers.contract.topics import (
    EVENTS_CONFIG,
    EVENTS_TOPIC,
    PARTITIONS,
    REQUESTS_CONFIG,
    VALUE_BYTES_MAX,
    requests_topic,
)
from producers.contract.vocabulary import Words

_KAFKA_BINDING: Final = "0.5.0"
_CHANNEL: Final = "dossierEvents"
_REQUESTS: Final = "dossierRequests"
_REQUEST: Final = "ward.request.v1"
_PLAIN_KEY: Final = re.compile(r"[A-Za-z$][A-Za-z0-9_.$-]*")
# Words that YAML would read as something other than text when they stand as a key without quotes.
_NOT_TEXT: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ABOUT: Final = (
    "Mỗi thông điệp là một sự kiện CloudEvents 1.0 (JSON), khóa là mã 5 chữ số của phường, xã; "
    f"mỗi phường, xã nằm trong một phân vùng theo murmur2; tối đa {VALUE_BYTES_MAX} byte.\n"
    "Each message is one CloudEvents 1.0 event (JSON); its key is the ward's 5-digit code; "
    f"murmur2 puts each ward into one partition; at most {VALUE_BYTES_MAX} bytes.\n"
    "Số phân vùng là một phần của hợp đồng. The number of partitions is part of the contract."
)
_KEY: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": r"^\d{5}$",
    "description": "Mã phường, xã / the ward's code",
}

# Per message: the file of its schema, its title, its examples.
Messages = Mapping[str, tuple[str, Words, list[dict[str, Any]]]]


def document(messages: Messages) -> dict[str, Any]:
    """The AsyncAPI document of the city's side, which receives what wards send."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Đồng Bộ: sự kiện hồ sơ của phường, xã / dossier events of the wards",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {_CHANNEL: _channel(messages), _REQUESTS: _requests_channel()},
        "operations": {
            "receiveEvents": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_CHANNEL}"},
                "messages": [{"$ref": f"#/channels/{_CHANNEL}/messages/{name}"} for name in messages],
            },
            "askAgain": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{_REQUESTS}"},
                "messages": [{"$ref": f"#/channels/{_REQUESTS}/messages/{_REQUEST}"}],
            },
        },
        "components": {
            "messages": {name: _message(name, *parts) for name, parts in messages.items()}
            | {_REQUEST: _request_message()}
        },
    }


def _requests_channel() -> dict[str, Any]:
    return {
        "address": requests_topic(),
        "messages": {_REQUEST: {"$ref": f"#/components/messages/{_REQUEST}"}},
        "bindings": {
            "kafka": {
                "topic": requests_topic(),
                "partitions": 1,
                "topicConfiguration": {
                    "cleanup.policy": [REQUESTS_CONFIG["cleanup.policy"]],
                    "retention.ms": int(REQUESTS_CONFIG["retention.ms"]),
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _request_message() -> dict[str, Any]:
    (_, components) = msgspec.json.schema_components([Request], ref_template="#/{name}")
    payload = components["Request"]
    payload["description"] = " ".join(payload["description"].split())
    return {
        "name": _REQUEST,
        "title": "Thành phố xin phường, xã gửi lại các số thứ tự còn thiếu",
        "summary": "The city asks a ward for seqs that it lacks; the ward sends the same bytes again",
        "contentType": "application/json",
        "payload": payload,
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": _KAFKA_BINDING}},
    }


def _channel(messages: Messages) -> dict[str, Any]:
    return {
        "address": EVENTS_TOPIC,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": EVENTS_TOPIC,
                "partitions": PARTITIONS,
                "topicConfiguration": {
                    "cleanup.policy": [EVENTS_CONFIG["cleanup.policy"]],
                    "retention.ms": int(EVENTS_CONFIG["retention.ms"]),
                    "max.message.bytes": int(EVENTS_CONFIG["max.message.bytes"]),
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _message(name: str, file: str, title: Words, examples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "title": title.vi,
        "summary": title.en,
        "payload": {"$ref": f"./{file}"},
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": _KAFKA_BINDING}},
        "examples": [{"payload": example} for example in examples],
    }


def to_yaml(value: Any) -> str:
    """A mapping as YAML: block style, text always in double quotes, members in their order."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _member(f"{_key(key)}:", item)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _item(item)]
    # A scalar, or something empty: JSON is YAML.
    return [json.dumps(value, ensure_ascii=False)]


def _member(head: str, value: Any) -> list[str]:
    lines = _lines(value)
    if not isinstance(value, dict | list) or not value:
        return [f"{head} {lines[0]}"]
    return [head, *(f"  {line}" for line in lines)]


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _key(key: str) -> str:
    plain = _PLAIN_KEY.fullmatch(key) and key.lower() not in _NOT_TEXT
    return key if plain else json.dumps(key, ensure_ascii=False)
