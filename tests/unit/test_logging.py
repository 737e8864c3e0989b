"""Goal: what a ward sent never comes into a log by way of a traceback, and a failure says itself once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from ops.logging import configure

PERSONAL = "Nguyen Van A 001099012345"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def _judge(sent: str) -> None:
    raise ValueError(f"{len(sent)} characters are too many")


@pytest.mark.parametrize("as_json", [True, False])
def test_traceback_says_where_and_why_and_no_value(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure(as_json=as_json)
    try:
        _judge(PERSONAL)
    except ValueError:
        logging.getLogger("gateway").exception("a message could not be judged")
    said = capsys.readouterr().err
    assert "a message could not be judged" in said
    assert "in _judge" in said
    assert "25 characters are too many" in said
    assert PERSONAL not in said
    if as_json:
        assert "_judge" in json.loads(said)["exception"]
