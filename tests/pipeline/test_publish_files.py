"""Goal: a ward's export, CSV or XLSX, published twice, or killed in the middle and run again, is there once.

Method: the command line, a real broker; the topic is read back whole.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from typer.testing import CliRunner

from ops.cli import app
from ops.settings import REPOSITORY, Settings
from ops.stack.kafka import Broker
from producers.contract.codec import decode
from producers.contract.events import StatusChanged
from producers.outbox import Outbox
from producers.sheets import EXAMPLE
from tests.conftest import eventually, free_port
from tests.pipeline.test_publisher import Read, make_topic, read_all
from tests.unit.test_sheets import GOOD, HEADER, csv_file, xlsx_file

pytestmark = pytest.mark.timeout(120)


class Desk:
    """A ward's folder and the command line."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.mapping = folder / "mapping.toml"
        self.mapping.write_text(EXAMPLE, encoding="utf-8")

    def publish(self, file: Path, *arguments: str, code: int = 0) -> Any:
        """`dongbo publish FILE --mapping … --json`."""
        command = ["publish", str(file), "--mapping", str(self.mapping), "--json", *arguments]
        done = CliRunner().invoke(app, command, env=self.settings.environment())
        assert done.exit_code == code, f"{done.exit_code} {done.output} {done.exception!r}"
        return json.loads(done.stdout)

    def sent(self) -> list[StatusChanged]:
        """What is in the topic."""
        events = [decode(one.value).data for one in eventually(self._read)[0]]
        return [data for data in events if isinstance(data, StatusChanged)]

    def _read(self) -> tuple[list[Read]]:
        try:
            return (read_all(self.settings.kafka_bootstrap, self.settings.events_topic),)
        except KafkaException as error:  # a new topic's partitions have no leader for a moment
            raise AssertionError(error) from error


@pytest.fixture
def desk(kafka: Broker, stack_settings: Settings, tmp_path: Path) -> Desk:
    update = {"events_topic": make_topic(kafka.bootstrap), "data_dir": tmp_path / "data"}
    return Desk(stack_settings.model_copy(update=update), tmp_path)


def rows(count: int, first: int = 1) -> list[list[str]]:
    return [[f"H26.00070-250701-{n:05d}", *GOOD[1:]] for n in range(first, first + count)]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_file_published_twice_is_there_once(desk: Desk, suffix: str) -> None:
    write = csv_file if suffix == "csv" else xlsx_file
    file = write(desk.folder / f"export.{suffix}", [HEADER, *rows(40)])
    first, second = desk.publish(file), desk.publish(file)
    assert (first["new"], first["duplicates"], first["pending"]) == (40, 0, 0)
    assert (second["new"], second["duplicates"], second["pending"]) == (0, 40, 0)
    # The next day's export has the old rows, too.
    write(file, [HEADER, *rows(60)])
    assert desk.publish(file)["new"] == 20
    sent = desk.sent()
    assert [data.seq for data in sent] == list(range(1, 61))
    assert Counter(data.dossier for data in sent) == {row[0]: 1 for row in rows(60)}


def test_file_with_a_bad_row_sends_nothing_and_names_every_bad_cell(desk: Desk) -> None:
    bad = rows(5)
    bad[1][4], bad[3][3] = "hôm qua", "xong rồi"
    report = desk.publish(csv_file(desk.folder / "a.csv", [HEADER, *bad]), code=4)
    assert report["rows"] == 5
    assert [(one["line"], one["column"], one["code"]) for one in report["bad"]] == [
        (3, "Ngày tiếp nhận", "bad_date"),
        (5, "Trạng thái", "unknown_word"),
    ]
    assert all(one["vi"] and one["en"] for one in report["bad"])
    assert desk.sent() == []


def test_dry_run_sends_nothing(desk: Desk) -> None:
    report = desk.publish(csv_file(desk.folder / "a.csv", [HEADER, *rows(5)]), "--dry-run")
    assert report == {"rows": 5, "bad": []}
    assert desk.sent() == []
    assert not (desk.settings.data_dir / "outbox").exists()


def test_row_that_says_otherwise_than_before_is_a_finding_and_the_first_counts(desk: Desk) -> None:
    file = desk.folder / "a.csv"
    desk.publish(csv_file(file, [HEADER, *rows(3)]))
    changed = rows(3)
    changed[1][5] = "09/07/2025"
    report = desk.publish(csv_file(file, [HEADER, *changed]), code=1)
    assert (report["conflicts"], report["conflict_lines"], report["new"]) == (1, [3], 0)
    assert len(desk.sent()) == 3


def test_killed_in_the_middle_and_run_again_is_exactly_once(desk: Desk) -> None:
    count = 12_000
    file = csv_file(desk.folder / "a.csv", [HEADER, *rows(count)])
    outbox = desk.settings.data_dir / "outbox" / "files.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "publish", str(file), "--mapping", str(desk.mapping)],
        env=os.environ | desk.settings.environment(),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: outbox.exists() and _appended(outbox) >= 2_000, 40, 0.01)
    process.kill()
    process.wait(10)
    assert _appended(outbox) > 0
    report = desk.publish(file)
    assert report["new"] + report["duplicates"] == count
    assert report["duplicates"] >= 2_000
    assert sorted({data.seq for data in desk.sent()}) == list(range(1, count + 1))
    assert len({data.dossier for data in desk.sent()}) == count


def _appended(path: Path) -> int:
    with Outbox(path) as outbox:
        return outbox.counts().appended


def test_kafka_away_keeps_the_file_in_the_outbox_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.sheet_publish._PATIENCE_S", 0.0)
    monkeypatch.setattr("ops.sheet_publish._SLICE_S", 0.3)
    file = csv_file(desk.folder / "a.csv", [HEADER, *rows(3)])
    away = desk.settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{free_port()}"})
    command = ["publish", str(file), "--mapping", str(desk.mapping)]
    begun = time.monotonic()
    done = CliRunner().invoke(app, command, env=away.environment())
    assert "3 events wait" in str(done.exception)
    assert time.monotonic() - begun < 15
    assert desk.publish(file)["duplicates"] == 3
    assert len(desk.sent()) == 3


def test_words_before_any_file_is_read(desk: Desk) -> None:
    file = csv_file(desk.folder / "a.csv", [HEADER])
    assert CliRunner().invoke(app, ["publish", "--example-mapping"]).stdout == EXAMPLE
    for arguments, word in (([], "no_file"), ([str(file)], "no_mapping")):
        done = CliRunner().invoke(app, ["publish", *arguments])
        assert word in str(done.exception)
