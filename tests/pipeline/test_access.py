"""Goal: `sql/access.sql` gives a server the rules that the embedded endpoint has: who reads what, whose rows.

Method: every statement is parsed by the engine; grants and policies are compared with the guard's own lists
and with the columns of every view; then they are put in force in a real engine (`server_access`) over two
wards' rows in every table. No ClickHouse server is run here.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from ops import access_sql
from ops.settings import Settings
from ops.stack.clickhouse.accounts import Account, Role
from ops.stack.clickhouse.limits import limited
from ops.stack.clickhouse.sight import REFERENCE
from ops.stack.clickhouse.ward import SHARED
from streams.warehouse import as_of
from tests.contract.freeze_views import declared
from tests.pipeline.analysts import OTHER, OWN, SECRET, begin
from tests.pipeline.server_access import ADMINISTRATOR, Said, asked, granted, limits, policies, users_file
from tests.pipeline.warehouse import SQL

WARD_ROLE: Final = f"dongbo_ward_{OWN}"
CITY: Final = access_sql.for_city("dongbo")
WARD: Final = access_sql.for_ward("dongbo", OWN)
USER, PASSWORD = access_sql.for_user("dongbo", "lan.nguyen", OWN)
# Without rows of any ward: calendar, rules, promises.
SHARED_VIEWS: Final = {"v_office_days", "v_periods", "v_policies", "v_view_versions"}
CUT: Final = "4000000"

# All views, one after the other, also on a machine that has much else to do.
pytestmark = pytest.mark.timeout(600)


def with_forms(views: set[str]) -> set[str]:
    """Views and their forms as of a cut."""
    travelling = as_of.travelling(SQL)
    return views | {f"{name}_at" for name in views if name in travelling}


def views_with_a_ward() -> set[str]:
    return {name for name, columns in declared().items() if "ward" in dict(columns)}


class Server(NamedTuple):
    """A folder of data whose views belong to the installation's own user."""

    folder: Path
    data: Path

    def ask(self, role: str, *statements: str) -> list[Said]:
        users = users_file(CITY + WARD if role == WARD_ROLE else CITY, role)
        return asked(self.folder, self.data, users, ["USE dongbo", *statements])[1:]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("server")
    city = begin(folder)
    views = city.ask(
        "SELECT name FROM system.tables WHERE database = 'dongbo' AND engine = 'View'", "dongbo"
    ).text.split()
    city.endpoint.stop()
    server = Server(folder, folder / "clickhouse")
    # The embedded engine made them readers' own; on a server they are as their files say.
    owned = [f"ALTER TABLE dongbo.{name} MODIFY SQL SECURITY DEFINER DEFINER = owner" for name in views]
    assert all(said.well for said in asked(folder, server.data, ADMINISTRATOR, owned))
    return server


# What the file says


def test_every_statement_is_parsed_by_the_engine(server: Server) -> None:
    statements = [*CITY, *WARD, *USER, *access_sql.for_user("dongbo", "lan", None)[0]]
    quoted = [one.replace("\\", "\\\\").replace("'", "\\'") for one in statements]
    parsed = asked(
        server.folder,
        server.data,
        ADMINISTRATOR,
        [f"SELECT formatQueryOrNull('{one}') IS NULL" for one in [*quoted, "CREATE ROLE ROLE x"]],
    )
    assert [one for one, said in zip(statements, parsed, strict=False) if said.text != "0\n"] == []
    assert parsed[-1].text == "1\n"
    assert len(statements) > 30


def test_nothing_is_left_to_fill_in_and_no_statement_is_lost() -> None:
    said = [*CITY, *WARD, *USER]
    assert [one for one in said if re.search(r"\{\w+\}", one)] == []
    assert len(said) == access_sql.FILE.read_text(encoding="utf-8").count(";\n")


def test_city_roles_read_what_the_guard_lets_an_analyst_see() -> None:
    wanted = {"v_*", "r_now*", *REFERENCE, *(f"r_{name}*" for name in REFERENCE)}
    for role in ("dongbo_analyst", "dongbo_reader"):
        assert {name.removeprefix("dongbo.") for name in granted(CITY, role)} == wanted


def test_a_ward_reads_views_with_a_ward_and_what_all_wards_share() -> None:
    own = with_forms(views_with_a_ward())
    shared = with_forms(SHARED_VIEWS) | {"r_now", "r_now_at", *REFERENCE}
    shared |= {f"r_{name}{form}" for name in REFERENCE for form in ("", "_at")}
    assert {name.removeprefix("dongbo.") for name in granted(WARD, WARD_ROLE)} == own | shared
    assert set(REFERENCE) - {"wards"} <= SHARED


def test_every_view_with_a_ward_has_the_wards_policy_and_stays_open_to_others() -> None:
    own = with_forms(views_with_a_ward())
    wanted = dict.fromkeys(own, f"ward = '{OWN}'") | dict.fromkeys(
        ("wards", "r_wards", "r_wards_at"), f"code = '{OWN}'"
    )
    assert policies(WARD, WARD_ROLE) == wanted
    assert policies(CITY, "ALL") == dict.fromkeys(wanted, "1")
    ours = [one for one in WARD if one.startswith(f"CREATE ROW POLICY IF NOT EXISTS {WARD_ROLE}")]
    assert all("AS RESTRICTIVE TO" in one for one in ours)
    assert WARD.index(ours[-1]) < min(WARD.index(one) for one in WARD if one.startswith("GRANT"))


def test_limits_are_those_of_the_embedded_engine_and_fixed() -> None:
    ours = limited(Settings(), Account("lan", Role.ANALYST, OWN), {})
    server = limits(CITY)
    assert {name: ours[name] for name in server if name in ours} == {
        name: value for name, value in server.items() if name in ours
    }
    assert {"max_execution_time", "max_result_rows", "max_memory_usage", "max_threads"} <= set(server)
    assert server["readonly"] == "1"
    profiles = [one for one in CITY if one.startswith("CREATE SETTINGS PROFILE")]
    assert all(one.count(" = ") == one.count(" CONST") for one in profiles)
    assert [one.split("TO ")[-1] for one in CITY + WARD if "QUOTA" in one] == ["dongbo_analyst", WARD_ROLE]


def test_a_users_password_stands_nowhere() -> None:
    assert PASSWORD not in "".join(USER)
    assert USER[-1] == f"GRANT {WARD_ROLE} TO `lan.nguyen`"


# What it does


def leaks(text: str) -> bool:
    return SECRET in text or OTHER in text


def test_no_view_shows_a_ward_another_wards_rows(server: Server) -> None:
    """Every view as it is now, and some as of a cut: a form is only another name under the same policy."""
    views = sorted(views_with_a_ward() | SHARED_VIEWS)
    past = ("v_dossiers", "v_rejects", "v_steps", "v_ward_day", "v_ward_sync", "v_periods")
    reads = [f"SELECT * FROM {name}" for name in views]
    reads += [f"SELECT * FROM {name}_at(as_of = '{CUT}')" for name in past]
    for_ward = server.ask(WARD_ROLE, *reads)
    assert [(one, said.text) for one, said in zip(reads, for_ward, strict=True) if not said.well] == []
    assert [one for one, said in zip(reads, for_ward, strict=True) if leaks(said.text)] == []
    own = [one for one, said in zip(reads, for_ward, strict=True) if OWN in said.text]
    assert len(own) >= 12, "a ward sees its own"
    assert all(leaks(said.text) for said in server.ask("dongbo_analyst", *own[:8])), "the city both"


def test_no_expression_is_computed_of_another_wards_rows(server: Server) -> None:
    foreign = f"throwIf(ward != '{OWN}', 'foreign row')"
    tricks = [
        f"SELECT {foreign} FROM v_ward_day",
        f"SELECT * FROM v_ward_day WHERE {foreign} = 0",
        f"SELECT * FROM v_rejects WHERE {foreign} = 0",
        "SELECT * FROM v_rejects WHERE toUInt8(if(detail LIKE 'bi%', detail, '1')) = 1",
        f"SELECT ward FROM v_dossiers GROUP BY ward HAVING {foreign} = 0",
        f"SELECT * FROM v_ward_day_at(as_of = '{CUT}') WHERE {foreign} = 0",
        "SELECT 1 FROM v_ward_day AS a JOIN v_dossiers AS b ON a.ward = b.ward"
        f" WHERE throwIf(b.ward != '{OWN}') = 0",
        f"SELECT count() FROM merge('dongbo', '^v_ward_day$') WHERE {foreign} = 0",
    ]
    said = server.ask(WARD_ROLE, *tricks)
    assert [(one, each.text) for one, each in zip(tricks, said, strict=True) if not each.well] == []
    city = server.ask("dongbo_analyst", *tricks)
    assert sum("foreign row" in each.text for each in city) >= 4, "it is there for those who see all"


@pytest.mark.parametrize("role", ["dongbo_analyst", WARD_ROLE])
def test_nothing_beneath_the_views_is_read_and_no_limit_is_changed(server: Server, role: str) -> None:
    tables = ("book", "events", "rejects", "r_book", "r_rejects", "dossiers")
    tricks = [f"SELECT * FROM {name}" for name in tables]
    tricks += [
        "SELECT value FROM dongbo.rejects",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "SELECT * FROM v_ward_day SETTINGS max_threads = 8",
        "SELECT * FROM v_ward_day SETTINGS query_plan_merge_filters = 1",
        "SELECT * FROM v_ward_day SETTINGS additional_table_filters = {'dongbo.wards': '1'}",
        "SET readonly = 0",
        "INSERT INTO words VALUES ('a')",
        "DROP VIEW v_ward_day",
        "CREATE TABLE dongbo.x (a UInt8) ENGINE = Memory",
    ]
    said = server.ask(role, *tricks)
    assert [one for one, each in zip(tricks, said, strict=True) if each.well] == []
    assert all(re.search(r"ACCESS_DENIED|READONLY", each.text) for each in said)


def test_figures_of_the_whole_city_are_not_a_wards(server: Server) -> None:
    views = sorted(set(declared()) - views_with_a_ward() - SHARED_VIEWS)
    reads = [f"SELECT * FROM {name}" for name in views]
    assert all("ACCESS_DENIED" in said.text for said in server.ask(WARD_ROLE, *reads))
    assert all(said.well for said in server.ask("dongbo_analyst", *reads[:6]))


def test_a_name_of_a_grant_matches_nothing_that_holds_original_bytes() -> None:
    names = [
        name.removeprefix("dongbo.")
        for role in ("dongbo_analyst", "dongbo_reader")
        for name in granted(CITY, role)
    ]
    assert not any(fnmatch("rejects", name) for name in names)
