"""The page at /docs: the OpenAPI document for people, one file, no script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any, Final

from producers.gateway.openapi import document
from producers.gateway.routes import SMALLEST_EVENT

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;
color:#1a1a1a;background:#fff}
h1,h2{line-height:1.25}h2{margin-top:2.5rem;border-top:1px solid #ccc;padding-top:1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{background:#f3f3f3;padding:.75rem;overflow-x:auto}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.35rem .5rem;text-align:left;
vertical-align:top}
.en{color:#555}nav a{margin-right:1rem;display:inline-block}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FIRST: Final = """\
curl -sS "$GATEWAY/v1/events" \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d @event.json"""


def render_page() -> str:
    """The page's HTML."""
    found = document()
    paths = [(path, method, what) for path, ways in found["paths"].items() for method, what in ways.items()]
    parts = [
        "<!doctype html><html lang=vi><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>{escape(found['info']['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{escape(found['info']['title'])}</h1>",
        *(f"<p>{escape(line)}</p>" for line in found["info"]["description"].splitlines()),
        "<nav>",
        *(f"<a href=#{what['operationId']}>{escape(path)}</a>" for path, _, what in paths),
        "<a href=#types>Kiểu dữ liệu</a><a href=#codes>Mã lỗi</a>",
        "<a href=/openapi.json>openapi.json</a></nav>",
        "<h2>Sự kiện đầu tiên <span class=en>Your first event</span></h2>",
        f"<pre>{escape(_FIRST)}</pre><p><code>event.json</code>:</p>",
        f"<pre>{escape(json.dumps(SMALLEST_EVENT, ensure_ascii=False, indent=2))}</pre>",
        *(_operation(path, method, what) for path, method, what in paths),
        _types(found["components"]["schemas"]),
        _codes(found["x-codes"]),
        "</html>",
    ]
    return "\n".join(parts)


def _operation(path: str, method: str, what: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td>{status}<td>{escape(answer['description'])}<td>{_shape(answer)}"
        for status, answer in sorted(what["responses"].items())
    )
    return (
        f"<h2 id={what['operationId']}><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(what['summary'])}</p><p class=en>{escape(what['description'])}</p>"
        f"{_examples(what.get('requestBody'))}"
        f"<table><tr><th>HTTP<th><th>JSON{answers}</table>"
    )


def _shape(schema: Any) -> str:
    """The names of the types in a schema, linked; else the plain JSON types in it."""
    text = json.dumps(schema)
    names = [part.split('"')[0] for part in text.split("#/components/schemas/")[1:]]
    return " | ".join(f"<a href=#type-{escape(name)}>{escape(name)}</a>" for name in names)


def _types(schemas: dict[str, Any]) -> str:
    """Each type with its members: what they are and which must be there."""
    parts = ["<h2 id=types>Kiểu dữ liệu <span class=en>Types</span></h2>"]
    for name, schema in schemas.items():
        parts.append(f"<h3 id=type-{escape(name)}>{escape(name)}</h3>")
        parts.append(f"<p class=en>{escape(schema.get('description', ''))}</p>")
        rows = "".join(_member(schema, *member) for member in schema.get("properties", {}).items())
        parts.append(f"<table>{rows}</table>" if rows else f"<p>{_shape(schema) or _plain(schema)}</p>")
    return "\n".join(parts)


def _member(schema: dict[str, Any], name: str, what: dict[str, Any]) -> str:
    must = "bắt buộc" if name in schema.get("required", ()) else ""
    return (
        f"<tr><td><code>{escape(name)}</code><td>{_shape(what) or _plain(what)}<td>{must}"
        f"<td class=en>{escape(what.get('description', ''))}"
    )


def _plain(schema: dict[str, Any]) -> str:
    ways = schema.get("anyOf", [schema])
    words = [str(way.get("format") or way.get("type") or "") for way in ways]
    values = [str(value) for way in ways for value in way.get("enum", ())]
    return escape(" | ".join(word for word in [*words, *values] if word))


def _examples(request: dict[str, Any] | None) -> str:
    content = request["content"]["application/json"] if request else {}
    examples = content.get("examples") or (
        {"JSON": {"value": content["example"]}} if "example" in content else {}
    )
    return "".join(
        f"<details><summary>{escape(name)}</summary>"
        f"<pre>{escape(json.dumps(example['value'], ensure_ascii=False, indent=2))}</pre></details>"
        for name, example in examples.items()
    )


def _codes(codes: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{words['status']}<td><code>{escape(code)}</code>"
        f"<td>{escape(words['vi'])}. {escape(words['remedy_vi'])}."
        f"<br><span class=en>{escape(words['en'])}. {escape(words['remedy_en'])}.</span>"
        for code, words in codes.items()
    )
    return f"<h2 id=codes>Mã lỗi <span class=en>Error codes</span></h2><table>{rows}</table>"
