"""Goal: the published files say what the code does.

Method: other libraries (jsonschema, PyYAML) read them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from producers.contract import schemas
from producers.contract.asyncapi import to_yaml
from producers.contract.codec import admit, decode, encode
from producers.contract.envelope import EVENT_TYPES, DayClosedEvent, Event, type_of
from producers.contract.errors import Reject
from producers.contract.examples import EXAMPLES
from producers.contract.reasons import REASONS
from producers.contract.topics import EVENTS_TOPIC, PARTITION_OF_WARD, PARTITIONS, requests_topic
from producers.contract.vocabulary import Status
from producers.repair import new_request

ARRIVED_S = 1_760_000_000.0
NAMES = [f"{type_of(event)}-{place}" for place, event in enumerate(EXAMPLES)]


def published(name: str) -> str:
    return (schemas.PUBLISHED / name).read_text(encoding="utf-8")


def schema_of(tag: str) -> dict[str, Any]:
    found = json.loads(published(schemas.schema_file(tag)))
    assert isinstance(found, dict)
    return found


def validator(tag: str) -> jsonschema.Draft202012Validator:
    schema = schema_of(tag)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def wire(event: Event) -> dict[str, Any]:
    found = json.loads(encode(event))
    assert isinstance(found, dict)
    return found


def reject_code(message: dict[str, Any]) -> str | None:
    ward = message["data"]["ward"]
    try:
        admit(json.dumps(message).encode(), ward.encode(), PARTITION_OF_WARD[ward], ARRIVED_S)
    except Reject as error:
        return error.code
    return None


def test_published_files_are_what_the_code_generates() -> None:
    assert schemas.stale(schemas.PUBLISHED) == [], "run: python -m producers.contract.schemas"


def test_stale_of_changed_missing_and_unknown_files_names_them(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert schemas.stale(tmp_path) == []
    (tmp_path / "reasons.md").write_text("other")
    (tmp_path / "asyncapi.yaml").unlink()
    (tmp_path / "old.v1.schema.json").write_text("{}")
    assert schemas.stale(tmp_path) == ["asyncapi.yaml", "old.v1.schema.json", "reasons.md"]
    schemas.write(tmp_path)
    assert schemas.stale(tmp_path) == []


def test_check_exits_1_when_stale_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schemas, "PUBLISHED", tmp_path / "published")
    assert schemas.main(["--check"]) == 1
    assert "asyncapi.yaml" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert (schemas.main([]), schemas.main(["--check"]), schemas.main(["--what"])) == (0, 0, 2)


@pytest.mark.parametrize("tag", EVENT_TYPES)
def test_schema_of_every_type_is_valid_and_has_an_example(tag: str) -> None:
    checker = validator(tag)
    examples = schema_of(tag)["examples"]
    assert examples
    for example in examples:
        checker.validate(example)
        assert example["type"] == tag


@pytest.mark.parametrize("event", EXAMPLES, ids=NAMES)
def test_example_is_admitted_and_comes_back_the_same(event: Event) -> None:
    assert decode(encode(event)) == event
    assert reject_code(wire(event)) is None


@pytest.mark.parametrize("event", EXAMPLES, ids=NAMES)
def test_example_with_unknown_members_loses_them(event: Event) -> None:
    message = wire(event)
    message["ChuHoSo"] = "Nguyễn Văn A"
    message["data"] |= {"SoDienThoai": "0900000000", "Email": {"a": [1]}}
    validator(type_of(event)).validate(message)
    assert decode(json.dumps(message).encode()) == event
    assert b"0900000000" not in encode(decode(json.dumps(message).encode()))


@pytest.mark.parametrize("event", EXAMPLES, ids=NAMES)
def test_example_without_a_required_member_fails_schema_and_codec_alike(event: Event) -> None:
    checker = validator(type_of(event))
    for member in wire(event)["data"].keys() - {"ward"}:
        message = wire(event)
        del message["data"][member]
        assert checker.is_valid(message) == (reject_code(message) is None), member


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 11},
        {"status": "2"},
        {"channel": "fax"},
        {"dossier": "Nguyễn Văn A"},
        {"seq": 0},
        {"seq": 2**53 + 1},
        {"field": "Hộ tịch"},
        {"procedure": "2.000815x"},
        {"service_level": 5},
        {"paid_online": 1},
        {"applicant": "person"},
        {"epoch": "a/b"},
    ],
    ids=str,
)
def test_status_event_out_of_shape_fails_schema_and_codec_alike(changes: dict[str, Any]) -> None:
    message = wire(EXAMPLES[1])
    message["data"] |= changes
    message["id"] = "/".join(str(message["data"][member]) for member in ("ward", "epoch", "seq"))
    assert not validator(type_of(EXAMPLES[1])).is_valid(message)
    assert reject_code(message) == "bad_shape"


@pytest.mark.parametrize("key", ["0", "11", "x", "02", ""])
def test_control_totals_of_an_unknown_status_fail_schema_and_codec_alike(key: str) -> None:
    closed = next(event for event in EXAMPLES if isinstance(event, DayClosedEvent))
    message = wire(closed)
    message["data"]["counts"] = {key: 1}
    assert not validator(type_of(closed)).is_valid(message)
    assert reject_code(message) == "bad_shape"


def test_schema_names_each_status_in_both_languages() -> None:
    described = schema_of("dongbo.dossier.status-changed.v1")["$defs"]["Status"]["description"]
    assert all(f"{status.value} = " in described for status in Status)


def test_asyncapi_reads_as_yaml_and_equals_its_document() -> None:
    document = yaml.safe_load(published("asyncapi.yaml"))
    channel = document["channels"]["dossierEvents"]
    assert (document["asyncapi"], channel["address"]) == ("3.0.0", EVENTS_TOPIC)
    assert channel["bindings"]["kafka"]["partitions"] == PARTITIONS
    assert set(channel["messages"]) == {schemas.suffix_of(tag) for tag in EVENT_TYPES}
    for message in (document["components"]["messages"][name] for name in channel["messages"]):
        assert (schemas.PUBLISHED / message["payload"]["$ref"]).is_file()
        for example in message["examples"]:
            assert msgspec.convert(example["payload"], EVENT_TYPES[example["payload"]["type"]], strict=False)


def test_asyncapi_says_what_the_city_asks_for_again() -> None:
    document = yaml.safe_load(published("asyncapi.yaml"))
    assert document["channels"]["dossierRequests"]["address"] == requests_topic()
    schema = document["components"]["messages"]["ward.request.v1"]["payload"]
    request = json.loads(msgspec.json.encode(new_request("00070", "e", 17, 19)))
    jsonschema.Draft202012Validator(schema).validate(request)
    assert set(schema["required"]) == set(request)


def test_asyncapi_references_all_lead_somewhere() -> None:
    document = yaml.safe_load(published("asyncapi.yaml"))
    for reference in references(document):
        if reference.startswith("#/"):
            found = document
            for part in reference[2:].split("/"):
                found = found[part]


def references(value: Any) -> list[str]:
    """Every `$ref` below a value."""
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


def test_reasons_document_has_every_code_with_its_remedies() -> None:
    text = published("reasons.md")
    for reason in REASONS.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{reason.code}` |"))
        assert all(part in row for part in (reason.vi, reason.en, reason.remedy_vi, reason.remedy_en))
        assert row.count("|") == 4


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"a": []},
        {"yes": "no", "a b": None, "null": [True, 1.5]},
        [[1, [2]], {"x": {"y": "ế: # 'quoted' \"twice\"\n"}}],
        {"$ref": "#/x", "1": "2020-01-01", "cleanup.policy": ["-", "- a"]},
    ],
    ids=str,
)
def test_yaml_of_any_value_reads_back_the_same(value: Any) -> None:
    assert yaml.safe_load(to_yaml(value)) == value
