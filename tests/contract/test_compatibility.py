"""Contract v1 only grows. `v1/` holds the schemas as they were first published, and is never edited; what we
publish now must still accept every event that those accept, and must not drop a member that a reader knows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops.settings import REPOSITORY

FIRST = Path(__file__).parent / "v1"
NOW = REPOSITORY / "producers" / "contract" / "published"
# A change of one of these in an existing member can refuse what was accepted, or mean something else.
FIXED = ("type", "pattern", "format", "const", "additionalProperties", "$ref", "propertyNames")
UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems")
LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems")
Schema = dict[str, Any]


def breaks(old: Any, new: Any, path: str = "$") -> list[str]:
    """Every way in which `new` refuses or loses what `old` had."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [f"{path}: {old!r} became {new!r}"]
    found = [f"{path}: {key} changed" for key in FIXED if key in old and old[key] != new.get(key)]
    found += [f"{path}: {key} was added" for key in FIXED if key not in old and key in new]
    found += _bounds(old, new, path)
    if "enum" in new and not set(map(str, old.get("enum", [None]))) <= set(map(str, new["enum"])):
        found.append(f"{path}: a value is no longer allowed")
    added = set(new.get("required", [])) - set(old.get("required", []))
    found += [f"{path}: {name} became required" for name in sorted(added)]
    return found + _members(old, new, path)


def _bounds(old: Schema, new: Schema, path: str) -> list[str]:
    narrower = [key for key in UPPER if key in new and new[key] < old.get(key, float("inf"))]
    narrower += [key for key in LOWER if key in new and new[key] > old.get(key, float("-inf"))]
    return [f"{path}: {key} became narrower" for key in narrower]


def _members(old: Schema, new: Schema, path: str) -> list[str]:
    found = []
    for group in ("properties", "$defs"):
        for name, schema in old.get(group, {}).items():
            if name not in new.get(group, {}):
                found.append(f"{path}.{name} is gone")
            else:
                found += breaks(schema, new[group][name], f"{path}.{name}")
    for group in ("anyOf", "oneOf", "allOf"):
        olds, news = old.get(group, []), new.get(group, [])
        if len(news) < len(olds):
            found.append(f"{path}: {group} lost a choice")
        for number, (one, other) in enumerate(zip(olds, news, strict=False)):
            found += breaks(one, other, f"{path}.{group}[{number}]")
    return found


def _read(path: Path) -> Schema:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("first", sorted(FIRST.glob("*.json")), ids=lambda path: path.name)
def test_published_schema_still_accepts_what_v1_accepted(first: Path) -> None:
    assert (NOW / first.name).exists(), "an event type is gone"
    assert breaks(_read(first), _read(NOW / first.name)) == []


def _without_member(schema: Schema) -> None:
    next(iter(schema["$defs"].values()))["properties"].popitem()


def _more_required(schema: Schema) -> None:
    definition = next(one for one in schema["$defs"].values() if "properties" in one)
    definition["required"] = [*definition.get("required", []), "something_new"]


def _other_pattern(schema: Schema) -> None:
    _first_with(schema, "pattern")["pattern"] = "^never$"


def _narrower(schema: Schema) -> None:
    _first_with(schema, "maxLength")["maxLength"] = 1


def _fewer_values(schema: Schema) -> None:
    _first_with(schema, "enum")["enum"].pop()


def _first_with(schema: Any, key: str) -> Schema:
    found: list[Schema] = []

    def look(node: Any) -> None:
        if isinstance(node, dict):
            if key in node and not isinstance(node[key], dict):
                found.append(node)
            for value in node.values():
                look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)

    look(schema)
    return found[0]


@pytest.mark.parametrize(
    "damage", [_without_member, _more_required, _other_pattern, _narrower, _fewer_values]
)
def test_a_breaking_change_is_found(damage: Callable[[Schema], None]) -> None:
    first = _read(FIRST / "dossier.status-changed.v1.schema.json")
    changed = copy.deepcopy(first)
    damage(changed)
    assert breaks(first, changed)


def test_an_added_optional_member_is_no_breaking_change() -> None:
    first = _read(FIRST / "dossier.status-changed.v1.schema.json")
    grown = copy.deepcopy(first)
    definition = next(one for one in grown["$defs"].values() if "properties" in one)
    definition["properties"]["something_new"] = {"type": "string"}
    assert breaks(first, grown) == []
