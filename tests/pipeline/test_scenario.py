"""Goal: a day on which much goes wrong gives exactly the rows, alerts, statuses and ledger that it must.

Method: a whole city with its simulated wards runs; the scripted day is played on it by the command line, as
an operator in training does, and its own comparison must find nothing different.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.pipeline.city import Cli

pytestmark = pytest.mark.timeout(600)


def test_troubled_day_on_a_running_city_is_found_exactly_and_leaves_nothing_behind(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.settings = cli.settings.model_copy(update={"wards_every_s": 1.0})
    with cli.up():
        before = cli.pid_of("city")
        results = cli.json("scenario", "troubled-day", timeout_s=300)
        assert not [result for result in results if not result["ok"]]
        assert len(results) >= 25
        after = eventually(lambda: cli.pid_of("city"), 30)
        assert after != before, "the simulated city was held"
        left = cli.json("sql", "SELECT count() AS n FROM v_office_overrides")
        assert left == [{"n": 0}]
