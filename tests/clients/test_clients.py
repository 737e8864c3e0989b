"""See conftest: one real program for each driver, one expectation for all."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from ops.stack.clickhouse import Endpoint
from tests.clients.conftest import EXPECTED, HERE, need, output, printed

# The driver reports that the result was broken off, and drops what the server said about it.
BROKEN_OFF = EXPECTED | {"late": -1}
JDBC = "com.clickhouse:clickhouse-jdbc:0.9.6"


def test_curl_reads_and_is_told_errors(clickhouse: Endpoint) -> None:
    need("curl", "bash")
    assert printed(["bash", HERE / "client.sh"], HERE, clickhouse) == EXPECTED


@pytest.mark.parametrize("compression", ["no", "gzip"])
def test_node_client_reads_and_is_told_errors(clickhouse: Endpoint, caches: Path, compression: str) -> None:
    need("node", "npm")
    folder = _copied(caches / "node", "client.mjs", "package.json")
    if not (folder / "node_modules" / "@clickhouse" / "client").is_dir():
        output(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    found = printed(["node", "client.mjs"], folder, clickhouse, CH_COMPRESSION=compression)
    assert found == (EXPECTED if compression == "no" else BROKEN_OFF)


@pytest.mark.parametrize("compression", ["no", "gzip", "lz4"])
def test_go_client_reads_and_is_told_errors(clickhouse: Endpoint, caches: Path, compression: str) -> None:
    need("go")
    folder = _copied(caches / "go", "client.go", "go.mod", "go.sum")
    built = folder / "client"
    if not built.exists() or built.stat().st_mtime < (folder / "client.go").stat().st_mtime:
        output(["go", "build", "-o", built, "."], folder, GOFLAGS="-mod=mod")
    assert printed([built], folder, clickhouse, CH_COMPRESSION=compression) == EXPECTED


@pytest.mark.parametrize("compression", ["true", "false"])
def test_jdbc_driver_reads_and_is_told_errors(clickhouse: Endpoint, compression: str) -> None:
    """With compress=true, the driver's default, answers are ClickHouse's native LZ4 blocks."""
    need("java", "javac")
    import jgo

    jars = os.pathsep.join(str(jar) for jar in jgo.build(JDBC).all_jars)
    command: list[str | Path] = [
        "java",
        "-Xshare:auto",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        jars,
        HERE / "Client.java",
    ]
    assert printed(command, HERE, clickhouse, CH_COMPRESSION=compression) == BROKEN_OFF


def _copied(folder: Path, *names: str) -> Path:
    """The program's files in a folder of the caches; written only when they differ."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            source, copy = HERE / name, folder / name
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                shutil.copy(source, copy)
    return folder
