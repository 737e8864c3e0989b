"""See conftest: one real program for each driver, one expectation for all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from ops.stack.clickhouse import Endpoint
from ops.stack.clickhouse.sight import REFERENCE
from tests.clients.conftest import EXPECTED, HERE, need, output, printed
from tests.contract.freeze_views import declared
from tests.pipeline.analysts import OTHER, OWN, City, begin

# The driver reports that the result was broken off, and drops what the server said about it.
BROKEN_OFF = EXPECTED | {"late": -1}
JDBC = "com.clickhouse:clickhouse-jdbc:0.9.6"
WARDS = "SELECT DISTINCT ward FROM v_ward_day ORDER BY ward"
# Who asks, and the wards whose rows they are to see.
ANALYSTS = [("city", [OTHER, OWN]), ("ward", [OWN])]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """An endpoint with two wards' rows and two analysts, one of the city and one of a ward."""
    city = begin(tmp_path_factory.mktemp("analysts"), clickhouse_analyst_seconds_max=60)
    yield city
    city.endpoint.stop()


def asked_by(city: City, name: str, command: Sequence[str | Path], folder: Path, **more: str) -> Any:
    """What a program prints, run as an analyst who asks which wards there are."""
    who = {"CH_USER": name, "CH_PASSWORD": city.passwords[name], "CH_DATABASE": "dongbo", "CH_QUERY": WARDS}
    return printed(command, folder, city.endpoint, **who | more)


def test_curl_reads_and_is_told_errors(clickhouse: Endpoint) -> None:
    need("curl", "bash")
    assert printed(["bash", HERE / "client.sh"], HERE, clickhouse) == EXPECTED


@pytest.mark.parametrize(("name", "wards"), ANALYSTS)
def test_curl_as_an_analyst_sees_its_wards(city: City, name: str, wards: list[str]) -> None:
    need("curl", "bash")
    assert asked_by(city, name, ["bash", HERE / "client.sh"], HERE) == EXPECTED | {"rows": wards}


@pytest.mark.parametrize(("name", "wards"), ANALYSTS)
def test_clickhouse_connect_as_an_analyst_sees_its_wards(city: City, name: str, wards: list[str]) -> None:
    client = clickhouse_connect.get_client(
        host=city.endpoint.host,
        port=city.endpoint.port,
        username=name,
        password=city.passwords[name],
        database="dongbo",
    )
    assert [row[0] for row in client.query(WARDS).result_rows] == wards
    bound = client.query("SELECT count() FROM v_ward_day WHERE ward = {w:String}", {"w": OTHER})
    assert (bound.result_rows[0][0] > 0) == (OTHER in wards)
    assert list(client.query_df(WARDS)["ward"]) == wards
    with pytest.raises(DatabaseError, match="Not enough privileges"):
        client.query("SELECT value FROM rejects")
    client.close()


@pytest.mark.parametrize("compression", ["no", "gzip"])
def test_node_client_reads_and_is_told_errors(clickhouse: Endpoint, caches: Path, compression: str) -> None:
    found = printed(["node", "client.mjs"], _node(caches), clickhouse, CH_COMPRESSION=compression)
    assert found == (EXPECTED if compression == "no" else BROKEN_OFF)


@pytest.mark.parametrize(("name", "wards"), ANALYSTS)
def test_node_client_as_an_analyst_sees_its_wards(
    city: City, caches: Path, name: str, wards: list[str]
) -> None:
    found = asked_by(city, name, ["node", "client.mjs"], _node(caches), CH_COMPRESSION="no")
    assert found == EXPECTED | {"rows": wards}


@pytest.mark.parametrize("compression", ["no", "gzip", "lz4"])
def test_go_client_reads_and_is_told_errors(clickhouse: Endpoint, caches: Path, compression: str) -> None:
    built = _go(caches)
    assert printed([built], built.parent, clickhouse, CH_COMPRESSION=compression) == EXPECTED


@pytest.mark.parametrize(("name", "wards"), ANALYSTS)
def test_go_client_as_an_analyst_sees_its_wards(
    city: City, caches: Path, name: str, wards: list[str]
) -> None:
    built = _go(caches)
    found = asked_by(city, name, [built], built.parent, CH_COMPRESSION="lz4")
    assert found == EXPECTED | {"rows": wards}


@pytest.mark.parametrize("compression", ["true", "false"])
def test_jdbc_driver_reads_and_is_told_errors(clickhouse: Endpoint, compression: str) -> None:
    """With compress=true, the driver's default, answers are ClickHouse's native LZ4 blocks."""
    found = printed(_java(), HERE, clickhouse, CH_COMPRESSION=compression)
    assert (found.pop("tables"), found.pop("columns")) == ([], [])
    assert found == BROKEN_OFF


@pytest.mark.parametrize(("name", "wards"), ANALYSTS)
def test_jdbc_driver_as_an_analyst_sees_its_wards_and_what_it_may_read(
    city: City, name: str, wards: list[str]
) -> None:
    found = asked_by(city, name, _java(), HERE, CH_COMPRESSION="true")
    tables, columns = found.pop("tables"), found.pop("columns")
    assert found == BROKEN_OFF | {"rows": wards}
    assert {"v_ward_day", "v_conflicts", *REFERENCE} <= set(tables)
    assert not {"book", "events", "rejects", "r_book"} & set(tables)
    assert columns == sorted(column for column, _ in declared()["v_conflicts"])


def _java() -> list[str | Path]:
    """The command that runs the program with the driver's jars."""
    need("java", "javac")
    import jgo

    jars = os.pathsep.join(str(jar) for jar in jgo.build(JDBC).all_jars)
    return [
        "java",
        "-Xshare:auto",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        jars,
        HERE / "Client.java",
    ]


def _go(caches: Path) -> Path:
    """The program, built."""
    need("go")
    folder = _copied(caches / "go", "client.go", "go.mod", "go.sum")
    built = folder / "client"
    if not built.exists() or built.stat().st_mtime < (folder / "client.go").stat().st_mtime:
        output(["go", "build", "-o", built, "."], folder, GOFLAGS="-mod=mod")
    return built


def _node(caches: Path) -> Path:
    """The folder with the program and its packages."""
    need("node", "npm")
    folder = _copied(caches / "node", "client.mjs", "package.json")
    if not (folder / "node_modules" / "@clickhouse" / "client").is_dir():
        output(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    return folder


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
