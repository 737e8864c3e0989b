"""Goal: whatever bytes come, codec, gateway and endpoint answer in bounded time and memory, and go on.

Here a small number each; `./dev fuzz` takes 100,000 (docs/reliability.md has its figures).
"""

from __future__ import annotations

import time

import pytest

from producers.contract.errors import Reject
from tests.conftest import free_port
from tests.fuzz.mutate import Mutator
from tests.fuzz.run import fuzz
from tests.fuzz.targets import _lives

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize(
    ("target", "inputs", "kinds"), [("codec", 20_000, 40), ("gateway", 2_000, 5), ("endpoint", 1_500, 8)]
)
def test_damaged_inputs_are_answered_and_nothing_falls(target: str, inputs: int, kinds: int) -> None:
    found = fuzz(target, inputs, seed=7)
    assert found.wrong == []
    assert found.inputs == inputs
    assert len(found.did) >= kinds, found.did


def test_same_seed_gives_the_same_damage() -> None:
    known = [b'{"a": 1}', b"SELECT 1"]
    first, again, other = Mutator(known, 3), Mutator(known, 3), Mutator(known, 4)
    drawn = [first.next() for _ in range(200)]
    assert drawn == [again.next() for _ in range(200)]
    assert drawn != [other.next() for _ in range(200)]
    assert len(set(drawn)) > 100


def test_what_must_not_happen_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(value: bytes, *_: object) -> None:
        raise MemoryError(len(value))

    monkeypatch.setattr("tests.fuzz.targets.admit", broken)
    assert len(fuzz("codec", 50, seed=1).wrong) == 50


def test_input_that_takes_too_long_or_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []

    def hungry(value: bytes, *_: object) -> None:
        kept.append(b"x" * 200_000_000)
        while time.process_time() - began < 2.5 * len(kept):
            pass
        raise Reject("not_json", "")

    began = time.process_time()
    monkeypatch.setattr("tests.fuzz.targets.admit", hungry)
    told = [what for _, what in fuzz("codec", 2, seed=1).wrong]
    assert any("processor time" in one for one in told)
    assert any("MB" in one for one in told)


def test_server_that_closes_and_is_gone_is_found() -> None:
    with pytest.raises(ConnectionRefusedError):
        _lives(free_port(), "/ping")
