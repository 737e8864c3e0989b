"""Goal: a token says one ward and nothing else, can be replaced without a gap, and leaves a complete record.

Method: the real registry in a real file, an injected clock where time matters, other processes where they do.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.contract.errors import Refused, Reject, Stop
from producers.identity.registry import os_user
from producers.identity.tokens import FORMAT, Tokens, key_id_of
from tests.conftest import eventually

WARD, OTHER = "00070", "00004"
DAY_S = 86_400.0


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "identity" / "wards.sqlite"


@pytest.fixture
def tokens(path: Path, clock: Clock) -> Iterator[Tokens]:
    found = Tokens(path, clock=clock)
    yield found
    found.close()


def test_issue_gives_a_token_that_speaks_for_its_ward_only(tokens: Tokens) -> None:
    ours, theirs = tokens.issue(WARD), tokens.issue(OTHER)
    assert FORMAT.fullmatch(ours)
    assert (tokens.ward_of(ours), tokens.ward_of(theirs)) == (WARD, OTHER)
    # The key id of one with the secret of the other is nobody's.
    assert tokens.ward_of(f"dbt_{key_id_of(theirs)}_{ours[17:]}") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token + "\n",
        lambda token: "\n" + token,
        lambda token: " " + token,
        lambda token: token + " ",
        lambda token: token + "\r\n",
        lambda token: token + "\x00",
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.upper(),
        lambda token: token + token,
        lambda token: "Bearer " + token,
        lambda token: "",
        lambda token: token[:20] + "ế" + token[21:],
    ],
)
def test_ward_of_a_spoilt_token_is_none(tokens: Tokens, spoil: object) -> None:
    assert callable(spoil)
    assert tokens.ward_of(spoil(tokens.issue(WARD))) is None


def test_file_holds_hashes_and_no_secret(tokens: Tokens, path: Path) -> None:
    secrets = [tokens.issue(WARD)[17:], tokens.rotate(WARD)[17:]]
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert len(content) > 4096
    for secret in secrets:
        assert secret.encode() not in content


def test_rotate_keeps_the_old_token_until_the_end_of_the_overlap(tokens: Tokens, clock: Clock) -> None:
    """F46: the old token is refused after its grace, to the second."""
    old = tokens.issue(WARD)
    new = tokens.rotate(WARD, overlap_s=DAY_S)
    assert (tokens.ward_of(old), tokens.ward_of(new)) == (WARD, WARD)
    clock.now_s += DAY_S - 0.001
    assert tokens.ward_of(old) == WARD
    clock.now_s += 0.001
    assert (tokens.ward_of(old), tokens.ward_of(new)) == (None, WARD)
    assert [info.state for info in sorted(tokens.list(WARD), key=lambda info: info.created_ms)].count(
        "ended"
    ) == 1


def test_rotate_twice_never_prolongs_an_ending_token(tokens: Tokens, clock: Clock) -> None:
    old = tokens.issue(WARD)
    tokens.rotate(WARD, overlap_s=60)
    tokens.rotate(WARD, overlap_s=DAY_S)
    clock.now_s += 60
    assert tokens.ward_of(old) is None


def test_rotate_leaves_other_wards_alone(tokens: Tokens, clock: Clock) -> None:
    theirs = tokens.issue(OTHER)
    tokens.issue(WARD)
    tokens.rotate(WARD, overlap_s=0)
    clock.now_s += 1
    assert tokens.ward_of(theirs) == OTHER


def test_rotate_that_cannot_be_done_changes_nothing(tokens: Tokens, clock: Clock) -> None:
    with pytest.raises(Refused, match="no_valid_token"):
        tokens.rotate(WARD)
    old = tokens.issue(WARD)
    for overlap_s in (-1.0, 91 * DAY_S, float("nan")):
        with pytest.raises(Refused, match="bad_overlap"):
            tokens.rotate(WARD, overlap_s=overlap_s)
    clock.now_s += 1000 * DAY_S
    assert tokens.ward_of(old) == WARD


def test_revoke_of_a_token_in_use_is_noticed_by_others_within_a_second(path: Path) -> None:
    gateway, office = Tokens(path), Tokens(path)
    token, kept = office.issue(WARD), office.issue(WARD)
    assert gateway.ward_of(token) == WARD
    info = office.revoke(key_id_of(token))
    revoked_s = time.monotonic()
    assert info.state == "revoked"
    assert office.ward_of(token) is None
    eventually(lambda: gateway.ward_of(token) is None, timeout=5, interval=0.01)
    assert time.monotonic() - revoked_s < 1.0
    assert gateway.ward_of(kept) == WARD
    with pytest.raises(Refused, match="no_such_token"):
        office.revoke(key_id_of(token))
    gateway.close()
    office.close()


def test_ward_of_made_up_tokens_grows_no_memory(tokens: Tokens) -> None:
    real = tokens.issue(WARD)
    for number in range(3000):
        assert tokens.ward_of(f"dbt_{number:012x}_{'A' * 43}") is None
    assert tokens.ward_of(real) == WARD
    assert len(tokens._cache) == 1


@pytest.mark.parametrize("ward", ["99999", "", "70", "00070\n", "gateway", "'; DROP TABLE tokens; --"])
def test_issue_for_an_unknown_ward_is_rejected(tokens: Tokens, ward: str) -> None:
    with pytest.raises(Reject, match="unknown_ward"):
        tokens.issue(ward)
    assert tokens.list() == []


def test_log_tells_every_use_and_no_secret(tokens: Tokens, path: Path) -> None:
    first = tokens.issue(WARD)
    second = tokens.rotate(WARD)
    tokens.list(WARD)
    tokens.revoke(key_id_of(first))
    for pasted in (second, "nothing"):
        with pytest.raises(Refused):
            tokens.revoke(pasted)
    with pytest.raises(Reject):
        tokens.issue("Nguyễn Văn A")
    entries = tokens.log()
    assert [(entry.action, entry.ward, entry.key_id, entry.outcome) for entry in entries] == [
        ("token issue", WARD, key_id_of(first), "ok"),
        ("token rotate", WARD, key_id_of(second), "ok"),
        ("token list", WARD, "", "ok"),
        ("token revoke", WARD, key_id_of(first), "ok"),
        ("token revoke", "", "?", "refused: no_such_token"),
        ("token revoke", "", "?", "refused: no_such_token"),
        ("token issue", "?", "", "refused: unknown_ward"),
        ("token log", "", "", "ok"),
    ]
    assert {(entry.actor, entry.at_ms) for entry in entries} == {(os_user(), 1_800_000_000_000)}
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert second[17:].encode() not in content
    assert "Nguyễn".encode() not in content


@pytest.mark.parametrize("statement", ["DELETE FROM log", "UPDATE log SET actor = 'nobody'"])
def test_log_refuses_to_be_changed(tokens: Tokens, path: Path, statement: str) -> None:
    tokens.issue(WARD)
    with sqlite3.connect(path) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)
    other.close()
    assert len(tokens.log()) == 2


def test_actor_is_the_user_of_the_system_whatever_the_environment_says(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    tokens.issue(WARD)
    assert tokens.log()[0].actor == os_user() != "somebody-else"


def test_files_are_their_owners_only(tokens: Tokens, path: Path) -> None:
    tokens.issue(WARD)
    files = list(path.parent.iterdir())
    assert {file.suffix for file in files} >= {".sqlite", ".sqlite-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_file_that_others_can_read_is_refused(tokens: Tokens, path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(Stop, match="identity_rights"):
        Tokens(path)


def test_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "wards.sqlite"
    path.write_bytes(b"no database" * 1000)
    path.chmod(0o600)
    with pytest.raises(Stop, match="identity_damaged"):
        Tokens(path)


_ISSUE = """
import sys
from pathlib import Path
from producers.identity.tokens import Tokens
tokens = Tokens(Path(sys.argv[1]))
for _ in range(20):
    print(tokens.issue("00070"))
"""


def test_several_processes_at_once_lose_nothing(path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _ISSUE, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for _ in range(4)
    ]
    issued = [line for process in running for line in process.communicate(timeout=60)[0].split()]
    tokens = Tokens(path)
    assert len(set(issued)) == 80
    assert all(tokens.ward_of(token) == WARD for token in issued)
    assert {entry.key_id for entry in tokens.log()} - {""} == {key_id_of(token) for token in issued}
    tokens.close()
