"""Goal: each driver of ClickHouse that people use over HTTP works against the endpoint as against a server.

Method: for each, a small real program beside this file. It connects with user and password and prints one
JSON object; the same object is expected of every one (`expected`). Packages come from the ordinary registries
into the user's caches.

A toolchain that is not on a person's machine is a skip with its reason; in CI (CI=true) its lack is a
failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from ops.stack.clickhouse import Endpoint

HERE: Final = Path(__file__).parent
# What every program must print. `late` is an error in the middle of a result, `many` the rows of a large one.
EXPECTED: Final[dict[str, Any]] = {
    "parameters": "7 it's 'ộ'",
    "nullable": None,
    "instant": "2026-01-02T03:04:05.678",
    "array": [1, 2, 3],
    "decimal": "1234.56",
    "low": "tư pháp",
    "many": 300000,
    "total": 44999850000,
    "unknown_table": 60,
    "refused_write": 164,
    "wrong_password": 516,
    "late": 395,
    "rows": ["a", "b"],
}


def need(*programs: str) -> None:
    """Skip, or fail in CI, unless the programs are on this machine."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {', '.join(missing)}")
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")


def output(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """What a program prints; its errors are the failure's text."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def printed(command: Sequence[str | Path], folder: Path, endpoint: Endpoint, **environment: str) -> Any:
    """The JSON object that a program prints, run against an endpoint as its reader, or as who is named."""
    told = {
        "CH_HOST": endpoint.host,
        "CH_PORT": str(endpoint.port),
        "CH_USER": "reader",
        "CH_PASSWORD": "reader",
        "CH_DATABASE": "default",
        "CH_QUERY": "SELECT arrayJoin(['a', 'b'])",
    }
    return json.loads(output(command, folder, **told | environment).splitlines()[-1])


@pytest.fixture
def caches() -> Path:
    """A folder in the user's caches for what the programs are built of."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dongbo" / "clients"
    home.mkdir(parents=True, exist_ok=True)
    return home
