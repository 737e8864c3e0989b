"""The command line on a running city: what each command prints, its exit code, bad input of every kind."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ops.city.prepare import store
from producers.contract.codec import encode
from producers.contract.reasons import REASONS
from tests.builders import WARD, status
from tests.conftest import eventually
from tests.pipeline.city import Cli

pytestmark = pytest.mark.timeout(500)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A running city."""
    city = Cli(tmp_path_factory.mktemp("city"))
    with city.up():
        yield city


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Settings of a city that does not run."""
    return Cli(tmp_path_factory.mktemp("nobody"))


def _write(path: Path, lines: list[bytes]) -> str:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def _count(cli: Cli, query: str) -> int:
    return int(next(iter(cli.json("sql", query)[0].values())))


def test_status_of_a_running_city_is_all_well(cli: Cli) -> None:
    programs = ["kafka", "clickhouse", "worker-0", "loader", "monitor", "dashboard", "gateway", "city"]

    def all_well() -> dict[str, dict[str, Any]]:
        lines = {line["process"]: line for line in json.loads(cli.run("status", "--json").stdout)}
        assert list(lines) == [*programs, "conservation"]
        assert all(line["ok"] for line in lines.values()), lines
        return lines

    # The monitor looks at conservation for the first time a few seconds after its start.
    lines = eventually(all_well, timeout=180, interval=1.0)
    assert all(lines[name]["pid"] for name in programs)


def test_conservation_of_a_running_city_is_not_broken(cli: Cli) -> None:
    rows = eventually(lambda: json.loads(cli.run("conservation", "--json").stdout), timeout=90)
    assert len(rows) == 4 * 24
    assert {row["hop"] for row in rows if row["broken"]} == set()
    assert all(row["expected"] == row["found"] + row["in_flight"] for row in rows)
    assert cli.run("conservation").returncode == 0


def _receipt(url: str, headers: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Of each epoch: how many events the city has, and up to which seq they are complete."""
    request = urllib.request.Request(f"{url}/v1/receipt", None, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return {one["epoch"]: (one["received"], one["contiguous"]) for one in json.load(answer)["epochs"]}


def test_event_posted_with_an_issued_token_is_in_the_wards_receipt(cli: Cli) -> None:
    """From nothing to a verified event, as an integrator does it; the epoch is the gateway's own."""
    ward, url = "00004", f"http://127.0.0.1:{cli.settings.gateway_port}"
    authorized = {"Authorization": f"Bearer {cli.json('ward', 'token', 'issue', ward)['token']}"}
    event = json.loads(encode(status(1, ward=ward)))
    del event["id"], event["data"]["epoch"], event["data"]["seq"]

    def post() -> Any:
        request = urllib.request.Request(f"{url}/v1/events", json.dumps(event).encode(), authorized)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 202
            return json.load(answer)["events"][0]

    first, again = post(), post()
    assert (first["outcome"], again["outcome"], first["id"]) == ("accepted", "duplicate", again["id"])
    epoch = first["id"].split("/")[1]
    eventually(lambda: _receipt(url, authorized).get(epoch) == (1, 1), timeout=90)


def test_gateway_killed_while_a_ward_sends_gives_each_event_one_seq(cli: Cli) -> None:
    """kill -9; the supervisor starts it again, the vendor's program blindly repeats what was not answered."""
    ward, url = "00008", f"http://127.0.0.1:{cli.settings.gateway_port}"
    authorized = {"Authorization": f"Bearer {cli.json('ward', 'token', 'issue', ward)['token']}"}
    killed, ids = cli.pid_of("gateway"), []

    def sent(body: bytes) -> str:
        try:
            request = urllib.request.Request(f"{url}/v1/events", body, authorized)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return str(json.load(answer)["events"][0]["id"])
        except (OSError, http.client.HTTPException):
            return ""

    for number in range(1, 41):
        event = json.loads(encode(status(number, ward=ward)))
        del event["id"], event["data"]["epoch"], event["data"]["seq"]
        body = json.dumps(event).encode()
        if number == 20:
            threading.Timer(0.01, os.kill, (killed, signal.SIGKILL)).start()
        ids.append(eventually(partial(sent, body), timeout=90))
    epoch = ids[0].split("/")[1]
    assert ids == [f"{ward}/{epoch}/{seq}" for seq in range(1, 41)]
    assert cli.pid_of("gateway") not in (0, killed)
    eventually(lambda: _receipt(url, authorized).get(epoch) == (40, 40), timeout=90)


def test_status_of_no_city_is_unreachable(nobody: Cli) -> None:
    lines = nobody.json("status", code=3)
    assert not any(line["ok"] for line in lines)


@pytest.mark.parametrize("command", [("lag",), ("tap",), ("sql", "SELECT 1"), ("reconcile",)])
def test_command_without_a_city_exits_3_and_says_what_to_do(nobody: Cli, command: tuple[str, ...]) -> None:
    done = nobody.run(*command)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "Start" in done.stderr or "running" in done.stderr


def test_doctor_names_a_command_for_everything_that_is_not_as_wanted(cli: Cli, nobody: Cli) -> None:
    assert all(check["ok"] for check in cli.json("doctor"))
    checks = nobody.json("doctor", code=1)
    bad = {check["name"] for check in checks if not check["ok"]}
    assert bad >= {"kafka", "clickhouse", "loader", "monitor"}
    assert all(check["mend"] for check in checks if not check["ok"])


def test_up_a_second_time_is_refused_and_names_the_first(cli: Cli) -> None:
    done = cli.run("up")
    assert done.returncode == 1
    assert "already_running" in done.stderr


def test_publish_of_a_good_file_is_counted_once_however_often(cli: Cli, tmp_path: Path) -> None:
    file = _write(tmp_path / "good.ndjson", [encode(status(seq)) for seq in range(1, 51)])
    for _ in range(2):
        assert cli.json("publish", file) == {"lines": 50, "delivered": 50}
    query = f"SELECT sum(received) FROM v_ward_day WHERE ward = '{WARD}' AND day = '2025-07-01'"
    eventually(lambda: _count(cli, query) == 50, timeout=90, interval=0.5)
    assert cli.json("reconcile", "--ward", WARD) == []


def test_publish_with_one_bad_line_sends_nothing(cli: Cli, tmp_path: Path) -> None:
    good = encode(status(1, ward="00004"))
    file = _write(tmp_path / "mixed.ndjson", [good, b"{}", good.replace(b'"status":2', b'"status":99')])
    report = cli.json("publish", file, code=4)
    assert [(bad["line"], bad["code"]) for bad in report["bad"]] == [(2, "unknown_type"), (3, "bad_shape")]
    assert report["bad"][1]["member"] == "$.data.status"
    assert all(bad["vi"] and bad["en"] for bad in report["bad"])
    assert _count(cli, "SELECT count() FROM events WHERE ward = '00004' AND epoch = 'test'") == 0


def test_validate_of_a_good_file_is_ok(cli: Cli, tmp_path: Path) -> None:
    file = _write(tmp_path / "good.ndjson", [encode(status(1)), b"", encode(status(2))])
    assert cli.json("validate", file) == {"lines": 2, "bad": []}


def test_simulate_malformed_stores_every_kind_with_its_bytes_and_stops_nothing(cli: Cli) -> None:
    cli.json("simulate", "--seconds", "3", "--malformed", timeout_s=120)
    wanted = set(REASONS)
    eventually(lambda: wanted <= _codes(cli), timeout=90, interval=0.5)
    with store(cli.settings) as writer:
        kept: dict[str, int] = dict(
            writer.query("SELECT reason, max(length(value)) FROM rejects GROUP BY reason").rows
        )
    assert kept["too_large"] > 2_000_000
    assert kept["null_value"] == 0
    assert all(kept[code] > 0 for code in wanted - {"null_value"})
    # 0: every process is well. On busy cores the page may wait for ClickHouse for a moment.
    eventually(lambda: cli.run("status").returncode == 0, timeout=180, interval=1)


def _codes(cli: Cli) -> set[str]:
    return {row["reason"] for row in cli.json("sql", "SELECT DISTINCT reason FROM v_rejects")}


def test_tap_shows_events_from_the_beginning(cli: Cli, tmp_path: Path) -> None:
    file = _write(tmp_path / "one.ndjson", [encode(status(1, ward="00008"))])
    cli.json("publish", file)
    done = cli.run("tap", "--ward", "00008", "--from-beginning", "--json", "--seconds", "3")
    seen: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert any("00008/test/1" in one["value"] for one in seen)
    assert {one["key"] for one in seen} == {"00008"}


def test_tap_of_an_unknown_ward_is_rejected(cli: Cli) -> None:
    done = cli.run("tap", "--ward", "99999")
    assert done.returncode == 4
    assert "unknown_ward" in done.stderr


def test_lag_goes_to_nothing(cli: Cli) -> None:
    def idle() -> bool:
        return sum(int(row["behind"]) for row in cli.json("lag")) < 20

    eventually(idle, timeout=90, interval=0.5)


def test_sql_is_read_only_and_a_wrong_statement_is_usage(cli: Cli) -> None:
    for statement in (
        "DROP TABLE book",
        "INSERT INTO wards VALUES ('x')",
        "SELECT * FROM file('/etc/passwd')",
    ):
        done = cli.run("sql", statement)
        assert done.returncode == 2
        assert "ClickHouse:" in done.stderr


def test_ask_lists_questions_and_refuses_unknown_ones(cli: Cli) -> None:
    assert "city-by-day" in {row["question"] for row in cli.json("ask")}
    assert cli.json("ask", "city-by-day") is not None
    done = cli.run("ask", "city-by-dya")
    assert done.returncode == 2
    assert "did you mean city-by-day" in done.stderr


def test_misspelt_setting_is_refused_with_the_nearest_name(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONGBO_KAFKA_BOOTSTRP", "x")
    done = cli.run("settings")
    assert done.returncode == 1
    assert "DONGBO_KAFKA_BOOTSTRAP" in done.stderr


def test_settings_mask_secrets(cli: Cli) -> None:
    shown = {row["setting"]: row["value"] for row in cli.json("settings")}
    assert set(shown["DONGBO_CLICKHOUSE_PASSWORD"]) == {"*"}


def test_page_is_served(cli: Cli) -> None:
    url = f"http://127.0.0.1:{cli.settings.dashboard_port}/"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.status == 200


def test_ward_request_is_answered_by_the_live_city_without_a_hand(cli: Cli) -> None:
    query = "SELECT ward, epoch FROM v_ward_sync WHERE heartbeat_at IS NOT NULL AND highest > 0 LIMIT 1"
    (found,) = eventually(lambda: cli.json("sql", query), 30, 1.0)
    (asked,) = cli.json("ward", "request", found["ward"], "1", "--epoch", found["epoch"])
    log = cli.settings.data_dir / "logs" / "city.log"
    eventually(lambda: f"request {asked['request']}: 1 sent again" in log.read_text(), 20)
