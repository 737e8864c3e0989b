"""Goal: the commands say what they did, end with the promised codes, and show a secret once and never again.

Method: the command line in a process of its own, on a data folder of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.identity import gateway_sign, keyring_path, registry_path, verifier
from ops.settings import REPOSITORY, Settings
from producers.contract.errors import Stop
from producers.identity import keyring
from producers.identity.tokens import FORMAT, Tokens


class Cli:
    """Runs `dongbo ward …`."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = Settings(data_dir=data_dir / "var")
        self.folder = data_dir

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ops", "ward", *arguments],
            env=os.environ | self.settings.environment() | {"PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_token_commands_from_issue_to_log(cli: Cli) -> None:
    shown = cli.run("token", "issue", "00070")
    first = shown.stdout.strip()
    assert FORMAT.fullmatch(first)
    assert first not in shown.stderr
    second = cli.json("token", "rotate", "00070", "--overlap-hours", "1")
    assert cli.json("token", "revoke", first[4:16])[0]["state"] == "revoked"
    listed = cli.json("token", "list")
    assert {line["key_id"]: line["state"] for line in listed} == {
        first[4:16]: "revoked",
        second["key_id"]: "valid",
    }
    log = cli.run("token", "log", "--json")
    assert [line["action"] for line in json.loads(log.stdout)] == [
        "token issue",
        "token rotate",
        "token revoke",
        "token list",
        "token log",
    ]
    for secret in (first[17:], second["token"][17:]):
        assert secret not in json.dumps(listed) + log.stdout + log.stderr
    tokens = Tokens(registry_path(cli.settings))
    assert (tokens.ward_of(first), tokens.ward_of(second["token"])) == (None, "00070")
    tokens.close()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("token", "issue", "99999"), 4, "unknown_ward"),
        (("token", "rotate", "00070"), 2, "no_valid_token"),
        (("token", "revoke", "0123456789ab"), 2, "no_such_token"),
        (("token", "rotate", "00070", "--overlap-hours", "-1"), 2, "overlap-hours"),
        (("token", "issue"), 2, "argument"),
        (("key", "new", "../99999"), 4, "unknown_ward"),
        (("key", "revoke", "0123456789abcdef"), 2, "no_such_key"),
        (("key", "new", "00070", "--public", "missing.pem"), 2, "missing.pem"),
    ],
)
def test_command_that_cannot_be_done_ends_with_its_code_and_says_why(
    cli: Cli, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = cli.run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(cli.folder.glob("**/*.pem"))


def test_key_commands_write_the_keyring_that_processes_read(cli: Cli) -> None:
    """With a policy and no keyring nothing starts; the first look at the keys makes one."""
    settings = cli.settings.model_copy(update={"signature_policy": "require"})
    assert verifier(cli.settings) is None
    with pytest.raises(Stop, match="keyring_missing"):
        verifier(settings)
    assert cli.json("key", "list") == []
    assert verifier(settings) is not None
    (made,) = cli.json("key", "new", "gateway", "--out", "gateway.pem")
    (ended,) = cli.json("key", "revoke", made["key_id"])
    assert (made["state"], ended["state"], ended["ward"]) == ("waiting", "ending", "gateway")
    assert [key.id for key in keyring.read(keyring_path(settings)).keys] == [made["key_id"]]
    signing = settings.model_copy(update={"gateway_key_path": cli.folder / "gateway.pem"})
    sign = gateway_sign(signing)
    assert sign is not None
    assert sign("00070", b"value")[0][1][:8].hex() == made["key_id"]
    assert gateway_sign(settings) is None
