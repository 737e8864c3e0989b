"""Every table as a file: goal: what is taken away is right, typed, harmless, and the same for ever.

Method: a real server and engine, a ward's month of simulated events, files read as people's programs do.
"""

from __future__ import annotations

import csv
import io
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from typing import NamedTuple

import msgspec
import openpyxl
import pytest

from dashboards.server.access.viewers import Viewers
from dashboards.server.exports import csv_file, job, xlsx_file
from dashboards.server.exports.cells import FileColumn, columns_of, harmless
from dashboards.server.problem import Problem
from dashboards.server.tables import TABLES
from dashboards.server.tables.words import Lang
from ops.stack.clickhouse import Endpoint
from tests.browser.city import City
from tests.browser.dashboard import Dashboard
from tests.browser.gate import Gate
from tests.browser.story import HANOI, WARD, Story
from tests.builders import status
from tests.conftest import unique_name

OTHER = "00004"
# Tables whose present form changes when events arrive.
CHANGING = (
    "ward-days",
    "ward-fields",
    "ward-overdue",
    "ward-control",
    "ward-corrections",
    "city-wards",
    "quality",
)


class File(NamedTuple):
    """An answer: status, headers, body, and the address that gave it in the end."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str

    @property
    def rows(self) -> list[list[str]]:
        """The lines of a CSV."""
        return list(csv.reader(io.StringIO(self.body.decode("utf-8-sig"), newline="")))

    @property
    def code(self) -> str:
        """The code of an error, which must be told in both languages."""
        found = msgspec.json.decode(self.body, type=dict[str, str])
        assert found["vi"]
        assert found["en"]
        assert set(found) == {"code", "vi", "en"}
        return found["code"]


class Taker:
    """Fetches files, with a session if one was opened."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str, **query: str) -> File:
        text = urllib.parse.urlencode(query)
        return self._open(f"{self.url}{path}{'?' if text else ''}{text}")

    def enter(self, token: str) -> None:
        """Log in as a browser does."""
        form = re.search(rb'name="form" value="([^"]*)"', self._open(f"{self.url}/login").body)
        assert form is not None
        data = urllib.parse.urlencode({"token": token, "form": form[1].decode(), "next": "/web/icon.svg"})
        answer = self._open(urllib.request.Request(f"{self.url}/login", data.encode(), {"Origin": self.url}))
        assert answer.status == 200, answer.body

    def _open(self, request: str | urllib.request.Request) -> File:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return File(answer.status, dict(answer.headers), answer.read(), answer.url)
        except urllib.error.HTTPError as error:
            with error:
                return File(error.code, dict(error.headers), error.read(), error.url or "")


@pytest.fixture(scope="module")
def city(clickhouse: Endpoint) -> Iterator[City]:
    made = City(clickhouse)
    yield made
    made.close()


@pytest.fixture(scope="module")
def story(city: City) -> Story:
    made = Story(city.store)
    made.tell((WARD, OTHER), dossiers=150)
    return made


@pytest.fixture(scope="module")
def taker(city: City, story: Story) -> Iterator[Taker]:
    server = Dashboard(city.reader)
    yield Taker(server.url)
    server.close()


def table_of(file: File) -> list[list[str]]:
    """The table in a CSV: what stands below the empty line."""
    return file.rows[file.rows.index([]) + 1 :]


def test_csv_is_utf8_with_a_mark_and_says_what_it_is(taker: Taker, story: Story) -> None:
    file = taker.get("/export/ward-days.csv", ward=WARD, days="7")
    assert file.status == 200
    assert file.body.startswith(b"\xef\xbb\xbf")
    assert b"\n" not in file.body.replace(b"\r\n", b"")
    assert file.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert re.search(
        rf'filename="dongbo_ward-days_{WARD}_{story.cut}_vi.csv"', file.headers["Content-Disposition"]
    )
    about = dict(file.rows[: file.rows.index([])])
    at = f"{story.at.astimezone(HANOI):%d/%m/%Y %H:%M:%S} (+07)"
    assert (about["Bảng"], about["Phường, xã"]) == ("Đồng Bộ · Từng ngày", f"{WARD} Phường Hoàn Kiếm")
    assert (about["Mốc đồng bộ"], about["Gồm mọi điều nhận được đến"]) == (str(story.cut), at)
    assert (about["Ngôn ngữ"], about["Phường, xã đủ số liệu"]) == ("Tiếng Việt", "124/126")
    head, *rows = table_of(file)
    assert head[:4] == ["Mã phường, xã", "Phường, xã", "Ngày", "Tiếp nhận"]
    assert rows[0][:3] == [WARD, "Hoàn Kiếm", story.last_day.isoformat()]


def test_a_file_has_the_figures_of_the_views(taker: Taker, city: City, story: Story) -> None:
    file = taker.get("/export/ward-days.csv", ward=WARD, days="24", info="no", lang="en")
    head, *rows = file.rows
    received = sum(int(row[head.index("Received")]) for row in rows)
    wanted = city.store.value(
        "SELECT sum(received) FROM v_ward_day WHERE ward = {ward:String}", {"ward": WARD}
    )
    assert received == wanted > 100


def test_link_without_a_cut_leads_to_the_one_that_has_it(taker: Taker, story: Story) -> None:
    at = story.at.astimezone(HANOI).strftime("%Y-%m-%dT%H:%M:%S")
    links: tuple[dict[str, str], ...] = ({}, {"as_of": at}, {"as_of": f"{at}+07:00"}, {"cut": str(story.cut)})
    urls = [taker.get("/export/city-wards.csv", **link).url for link in links]
    assert urls == [f"{taker.url}/export/city-wards.csv?as_of={story.cut}"] * 4


@pytest.fixture(scope="module")
def files(taker: Taker, story: Story) -> dict[str, File]:
    """Every table as CSV, as of the story's cut."""
    with ThreadPoolExecutor(2) as threads:
        taken = threads.map(lambda name: taker.get(f"/export/{name}.csv", **asked(name, story)), TABLES)
        return dict(zip(TABLES, taken, strict=True))


def test_every_table_can_be_taken_away_and_has_its_columns(files: dict[str, File]) -> None:
    for name, table in TABLES.items():
        assert files[name].status == 200, (name, files[name].body[:300])
        assert table_of(files[name])[0] == [column.title for column in columns_of(table, "vi")], name
    assert len(table_of(files["ward-statuses"])) == 11


# One of every kind of column between them.
@pytest.mark.parametrize("name", ["ward-overdue", "ward-control", "city-wards", "difficulties", "alerts"])
def test_sheet_has_the_rows_of_the_csv(taker: Taker, story: Story, files: dict[str, File], name: str) -> None:
    file = taker.get(f"/export/{name}.xlsx", **asked(name, story))
    assert file.status == 200, file.body[:300]
    _, sheet = openpyxl.load_workbook(io.BytesIO(file.body)).worksheets
    first, *lines = sheet.iter_rows(values_only=True)
    head, *rows = table_of(files[name])
    assert list(first) == head
    assert len(lines) == len(rows)


def test_columns_have_titles_of_their_own_in_both_languages() -> None:
    langs: tuple[Lang, ...] = ("vi", "en")
    for table in TABLES.values():
        for lang in langs:
            titles = [column.title for column in columns_of(table, lang)]
            assert len(set(titles)) == len(titles), (table.name, titles)


def test_same_link_gives_the_same_bytes_after_more_has_arrived(
    taker: Taker, city: City, story: Story, files: dict[str, File]
) -> None:
    sheet = taker.get("/export/ward-days.xlsx", **asked("ward-days", story))
    total = "SELECT sum(received) FROM v_ward_day"
    received = city.store.value(total)
    now = datetime.now(UTC) - timedelta(seconds=3)
    epoch = unique_name("late").replace("_", "-")
    late = [
        status(seq, at=now, ward=WARD, epoch=epoch, dossier=f"H26.{WARD}-261101-{seq:04d}")
        for seq in range(1, 30)
    ]
    Story(city.store, at=story.at).put(late, offset=1_000_000)
    assert city.store.value(total) == received + len(late)
    after = {name: taker.get(f"/export/{name}.csv", **asked(name, story)) for name in CHANGING}
    assert [name for name in CHANGING if files[name].body != after[name].body] == []
    assert taker.get("/export/ward-days.xlsx", **asked("ward-days", story)).body == sheet.body


def test_xlsx_has_typed_cells_and_a_sheet_about_itself(taker: Taker, story: Story) -> None:
    file = taker.get("/export/ward-days.xlsx", ward=WARD, lang="en", as_of=str(story.cut))
    book = openpyxl.load_workbook(io.BytesIO(file.body))
    assert book.sheetnames == ["About", "Data"]
    about = {row[0].value: row[1].value for row in book["About"]}
    assert (about["Cut"], about["Language"], about["Table"]) == (
        str(story.cut),
        "English",
        "Đồng Bộ · Day by day",
    )
    cells = dict(zip((cell.value for cell in book["Data"][1]), book["Data"][2], strict=True))
    assert (cells["Day"].value.date(), cells["Day"].number_format) == (story.last_day, "dd/mm/yyyy")
    assert (type(cells["Received"].value), cells["Received"].number_format) == (int, "#,##0")
    assert cells["Online"].number_format == "0.0%"
    assert 0 <= cells["Online"].value <= 1
    assert (cells["Changed at"].is_date, cells["Ward code"].value) == (True, WARD)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("//x")', "=cmd|' /C calc'!A0"]
)
def test_text_that_looks_like_a_formula_is_only_text(text: str) -> None:
    column = FileColumn(text, "text", lambda row: row["text"])
    made, sheet = io.BytesIO(), io.BytesIO()
    csv_file.write(made, [("a", text)], [column], [{"text": text}])
    for line in csv.reader(io.StringIO(made.getvalue().decode("utf-8-sig"), newline="")):
        assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for cell in line)
    at = datetime(2025, 7, 21, tzinfo=UTC)
    xlsx_file.write(sheet, [("a", text)], [column], [{"text": text}], titles=("A", "B"), made_at=at)
    for found in openpyxl.load_workbook(sheet):
        assert {cell.data_type for row in found for cell in row} == {"s"}


def test_harmless_keeps_what_is_harmless() -> None:
    kept = ["H26.00070-250701-0001", "Bộ A (tên tạm)", "3-4", "", "a=b", "x\u0301"]
    assert [harmless(text) for text in kept] == kept
    assert harmless("a\x00b\ud800") == "a\ufffdb\ufffd"


BAD = [
    ("ward-days", "bad_ward", {}),
    ("ward-days", "bad_ward", {"ward": "' OR 1=1 --"}),
    ("ward-days", "bad_ward", {"ward": "99999"}),
    ("ward-days", "bad_day", {"ward": WARD, "day": "2025-07-21'); DROP TABLE book --"}),
    ("ward-days", "bad_day", {"ward": WARD, "day": "20250721"}),
    ("ward-days", "bad_day", {"ward": WARD, "day": "2025-02-30"}),
    ("ward-days", "bad_days", {"ward": WARD, "days": "31 OR 1"}),
    ("ward-days", "bad_days", {"ward": WARD, "days": "99999"}),
    ("ward-days", "bad_days", {"ward": WARD, "days": "٣"}),
    ("ward-days", "bad_as_of", {"ward": WARD, "as_of": "1) UNION ALL SELECT 1"}),
    ("ward-days", "bad_as_of", {"ward": WARD, "as_of": "2025-13-01T00:00:00"}),
    ("ward-days", "no_such_cut", {"ward": WARD, "as_of": "1"}),
    ("ward-days", "no_such_cut", {"ward": WARD, "as_of": "2099-01-01T00:00:00"}),
    ("ward-days", "no_such_cut", {"ward": WARD, "as_of": "2025-01-02T00:00:00"}),
    ("ward-days", "bad_lang", {"ward": WARD, "lang": "fr"}),
    ("ward-days", "bad_info", {"ward": WARD, "info": "maybe"}),
    ("ward-days", "unknown_parameter", {"ward": WARD, "group": "3"}),
    ("ward-days", "unknown_parameter", {"ward": WARD, "FORMAT": "Native"}),
    ("difficulties", "bad_group", {"group": "26"}),
    ("difficulties", "bad_group", {"group": "0x1"}),
    ("difficulties", "bad_owner", {"owner": '<script>"'}),
    ("difficulties", "bad_owner", {"owner": "a" * 121}),
    ("difficulties", "bad_state", {"state": "open' OR '1'='1"}),
    ("no-such-table", "not_found", {}),
]


@pytest.mark.parametrize(("name", "code", "query"), BAD)
def test_bad_parameter_is_refused_with_words(
    taker: Taker, name: str, code: str, query: dict[str, str]
) -> None:
    file = taker.get(f"/export/{name}.csv", **query)
    assert (file.code, file.status) == (code, 404 if code in ("not_found", "no_such_cut") else 400)


def test_parameter_given_twice_or_in_the_path_is_refused(taker: Taker) -> None:
    assert taker.get(f"/export/ward-days.csv?ward={WARD}&ward={OTHER}").code == "twice"
    for path in (
        "/export/ward-days.pdf",
        "/export/..%2f..%2fetc.csv",
        "/export/ward-days.csv.xlsx",
        "/export/",
    ):
        assert taker.get(path).status == 404


def test_quotes_of_an_owner_are_bound_not_pasted(taker: Taker) -> None:
    file = taker.get("/export/difficulties.csv", owner="x' OR '1'='1".replace("=", "-"), info="no")
    assert (file.status, len(file.rows)) == (200, 1)


def test_difficulties_are_filtered_by_group_owner_and_state(taker: Taker) -> None:
    def codes(**query: str) -> set[str]:
        head, *rows = taker.get("/export/difficulties.csv", info="no", lang="en", **query).rows
        return {row[head.index("Code")] for row in rows}

    assert codes(ward=WARD, state="all") == {f"VM-{WARD}-{number:03d}" for number in range(1, 5)}
    assert codes(ward=WARD, state="overdue") == {f"VM-{WARD}-001"}
    assert codes(group="11") == {f"VM-{WARD}-003", f"VM-{OTHER}-003"}
    assert codes(owner="so-thu-a", state="open") == {f"VM-{WARD}-001", f"VM-{OTHER}-001"}


def test_ward_viewer_takes_its_own_ward_only(city: City, story: Story, tmp_path: Path) -> None:
    token = Viewers(tmp_path / "viewers.json").add("ward", WARD)
    access = {"token": "a-token-of-the-city", "viewers_path": str(tmp_path / "viewers.json")}
    server = Dashboard(city.reader, access=access)
    try:
        taker = Taker(server.url)
        assert taker.get("/export/city-wards.csv").status == 401
        taker.enter(token)
        assert taker.get("/export/ward-days.csv", ward=WARD).status == 200
        assert taker.get("/export/ward-days.csv", ward=OTHER).code == "other_ward"
        assert taker.get("/export/city-days.csv").code == "city_only"
        for name in ("city-wards", "difficulties"):
            file = taker.get(f"/export/{name}.csv", info="no")
            assert {row[0] for row in file.rows[1:]} == {WARD}, name
            assert OTHER.encode() not in file.body
    finally:
        server.close()


def test_too_many_rows_are_refused_not_cut_off() -> None:
    rows = ({"row": number} for number in range(job.ROWS_MAX + 1))
    with pytest.raises(Problem, match="too_many_rows"):
        list(job.limited(rows))
    assert len(list(job.limited(iter([{}] * job.ROWS_MAX)))) == job.ROWS_MAX


def test_absent_clickhouse_is_said_and_nothing_half_is_sent(city: City, story: Story) -> None:
    with Gate(city.reader.port) as gate:
        server = Dashboard(replace(city.reader, port=gate.port))
        try:
            taker = Taker(server.url)
            assert taker.get("/export/city-wards.csv", as_of=str(story.cut)).status == 200
            gate.close()
            assert taker.get("/export/city-wards.csv", as_of=str(story.cut)).code == "clickhouse_away"
            gate.open()
            assert taker.get("/export/city-wards.csv", as_of=str(story.cut)).status == 200
        finally:
            server.close()


def asked(name: str, story: Story) -> dict[str, str]:
    """What every table takes."""
    ward = {"ward": WARD} if TABLES[name].scope == "ward" else {}
    return ward | {"as_of": str(story.cut)}
