"""Goal: what one-stop systems send to the national portal becomes the right events, or a clear answer.

Method: a real outbox file; payloads in each observed form, changed in one place; events are read from it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from producers.contract.codec import decode
from producers.contract.envelope import RetractedEvent, StatusChangedEvent
from producers.contract.errors import OutboxFull
from producers.contract.events import Retracted
from producers.contract.vocabulary import FIELD_WORDS, Applicant, Channel
from producers.natural import NaturalOutbox
from producers.outbox import Draft, Outbox
from producers.portal import FINDINGS, Answer, PortalIntake, Service
from producers.portal.errors import PROBLEMS
from producers.portal.payload import HANOI
from producers.portal.words import field_of, plain
from tests.builders import WARD

CODE = "H26.12.34-250701-0001"
NOW = datetime(2025, 7, 20, 12, 0, tzinfo=HANOI)


class Portal:
    """An intake on a file of its own, with a settable clock."""

    def __init__(self, path: Path, **bounds: Any) -> None:
        self.now = NOW
        self.outbox = Outbox(path, **bounds)
        self.intake = PortalIntake(
            NaturalOutbox(self.outbox), records_max=20, clock=lambda: self.now.timestamp()
        )

    def raw(self, body: bytes, service: Service = "DongBoHoSoMC") -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.intake.take(WARD, service, body).body())
        return answer

    def dossier(self, *records: dict[str, Any], **envelope: Any) -> dict[str, Any]:
        return self.raw(enveloped(*records, **envelope))

    def progress(self, status: int, at: str, **members: Any) -> dict[str, Any]:
        record = {"MaHoSo": CODE, "TrangThai": str(status), "ThoiDiemXuLy": at} | members
        return self.raw(json.dumps([record]).encode(), "CapNhatTienDoHoSoMC")

    def events(self) -> list[StatusChangedEvent]:
        found = [decode(row.value) for row in self.outbox.pending(1_000)]
        assert all(isinstance(event, StatusChangedEvent) for event in found)
        return found  # type: ignore[return-value]  # just asserted

    def statuses(self) -> list[tuple[int, str]]:
        """Each event's status and time, in the order of its seq."""
        return [(int(e.data.status), f"{e.time.astimezone(HANOI):%d %H:%M}") for e in self.events()]


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    found = Portal(tmp_path / "o.db")
    yield found
    found.outbox.close()


def record(status: int | str | None = 2, **members: Any) -> dict[str, Any]:
    """A record of DongBoHoSoMC as the newer system writes it."""
    return {
        "MaHoSo": CODE,
        "MaTTHC": "2.000815.000.00.00.H26",
        "TenTTHC": "Chứng thực bản sao từ bản chính",
        "MaLinhVuc": "G15-TP07",
        "TenLinhVuc": "Chứng thực",
        "KenhThucHien": "2",
        "LoaiDoiTuong": "2",
        "NgayTiepNhan": "20250701081500",
        "NgayHenTra": "20250703170000",
        "TrangThaiHoSo": status,
        "HinhThuc": "0",
        "HoSoCoThanhPhanSoHoa": "1",
        "DuocThanhToanTrucTuyen": "1",
    } | members


def enveloped(*records: dict[str, Any], **members: Any) -> bytes:
    """The request of a system that sends the envelope."""
    body = {"session": "s", "madonvi": "000.00.12.H26", "service": "DongBoHoSoMC", "isUpdating": "False"}
    return json.dumps(body | {"data": list(records)} | members).encode()


def codes(answer: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in answer["findings"]]


def test_a_received_dossier_becomes_an_event_with_every_member(portal: Portal) -> None:
    answer = portal.dossier(record(MucDo="4"))
    assert (answer["error_code"], answer["result"][0]["code"], answer["findings"]) == ("00", "accepted", [])
    (event,) = portal.events()
    data = event.data
    assert event.time == data.received_at == datetime(2025, 7, 1, 8, 15, tzinfo=HANOI)
    assert (data.ward, data.dossier, data.procedure) == (WARD, CODE, "2.000815.000.00.00.H26")
    assert (data.field, data.channel, data.applicant) == ("chung-thuc", Channel.ONLINE, Applicant.BUSINESS)
    assert data.due_at == datetime(2025, 7, 3, 17, 0, tzinfo=HANOI)
    assert (data.service_level, data.paid_online, data.digitised, data.finished_at) == (4, True, True, None)


def test_the_older_systems_record_is_enough(portal: Portal) -> None:
    """Upper-case names, numbers as numbers, and none of the newer members."""
    old = {
        "MaHoSo": CODE,
        "MaTTHC": "1.001193",
        "TENTTHC": "Đăng ký khai sinh",
        "MALINHVUC": "HT",
        "TENLINHVUC": unicodedata.normalize("NFD", "HỘ TỊCH"),
        "LoaiDoiTuong": 1,
        "NgayTiepNhan": 20250701081500,
        "NgayHenTra": "",
        "NgayTra": None,
        "TrangThaiHoSo": 2,
        "TaiLieuNop": [],
    }
    assert portal.dossier(old)["error_code"] == "00"
    (event,) = portal.events()
    assert (event.data.field, event.data.channel, event.data.due_at) == ("ho-tich", Channel.COUNTER, None)
    assert (event.data.paid_online, event.data.digitised, event.data.service_level) == (None, None, None)


def test_the_bare_array_is_answered_as_its_senders_read_it(portal: Portal) -> None:
    answer = portal.raw(json.dumps([record()]).encode())
    assert answer["error_code"] == "0"
    assert "thành công" in answer["message"].lower()


def test_a_single_object_as_data_is_taken(portal: Portal) -> None:
    assert portal.dossier(data=record())["error_code"] == "00"
    assert len(portal.events()) == 1


TIMES = [
    (1, {"NgayNopHoSo": "20250630200000"}, "30 20:00"),
    (1, {}, "01 08:15"),
    (2, {}, "01 08:15"),
    (3, {"NgayTuChoi": "20250702090000"}, "02 09:00"),
    (4, {}, "20 12:00"),
    (
        4,
        {"DanhSachHoSoBoSung": [{"NgayBoSung": "20250702080000", "NgayTiepNhanBoSung": "20250704093000"}]},
        "04 09:30",
    ),
    (
        5,
        {"DanhSachHoSoBoSung": [{"NgayBoSung": "2025-07-02T08:00:00", "NgayTiepNhanBoSung": None}]},
        "02 08:00",
    ),
    (6, {}, "20 12:00"),
    (7, {"NgayKetThucXuLy": "20250705100000"}, "05 10:00"),
    (8, {"NgayKetThucXuLy": "20250705100000"}, "05 10:00"),
    (9, {"NgayKetThucXuLy": "20250705100000", "NgayTra": "20250706100000"}, "05 10:00"),
    (9, {"NgayTra": "20250706100000"}, "06 10:00"),
    (10, {"NgayKetThucXuLy": "20250705100000", "NgayTra": "20250706100000"}, "06 10:00"),
    (10, {"NgayKetThucXuLy": "20250705100000"}, "05 10:00"),
]


@pytest.mark.parametrize(("status", "members", "time"), TIMES)
def test_each_status_happened_when_the_record_says(
    portal: Portal, status: int, members: dict[str, Any], time: str
) -> None:
    assert portal.dossier(record(status, **members))["error_code"] == "00"
    assert portal.statuses() == [(status, time)]


@pytest.mark.parametrize(("status", "members", "time"), TIMES)
def test_the_same_request_again_gives_the_same_seqs(
    portal: Portal, status: int, members: dict[str, Any], time: str
) -> None:
    first = portal.dossier(record(status, **members))
    portal.now = NOW.replace(hour=18)
    again = portal.dossier(record(status, **members))
    assert [one["seq"] for one in again["result"]] == [one["seq"] for one in first["result"]] == [1]
    assert again["error_code"] == "00"
    assert len(portal.events()) == 1


def test_an_old_request_without_times_sent_again_after_a_change_makes_no_event(portal: Portal) -> None:
    portal.dossier(record(4))
    portal.now = NOW.replace(hour=13)
    portal.dossier(record(6))
    portal.now = NOW.replace(hour=14)
    answer = portal.dossier(record(4))
    assert (answer["result"][0]["code"], answer["result"][0]["seq"]) == ("duplicate", 1)
    assert [status for status, _ in portal.statuses()] == [4, 6]


def test_progress_of_a_known_dossier_becomes_events_of_changes_only(portal: Portal) -> None:
    portal.dossier(record(2))
    for at in ("20250701090000", "20250701100000", "20250701110000"):
        assert portal.progress(4, at)["error_code"] == "0"
    portal.progress(5, "20250702090000")
    portal.progress(4, "20250703090000")
    wanted = [(2, "01 08:15"), (4, "01 09:00"), (5, "02 09:00"), (4, "03 09:00")]
    assert portal.statuses() == wanted
    again = portal.progress(4, "20250701100000")
    assert (again["result"][0]["code"], again["result"][0]["seq"]) == ("unchanged", 2)
    assert portal.statuses() == wanted
    assert portal.events()[1].data.due_at == datetime(2025, 7, 3, 17, 0, tzinfo=HANOI)


def test_history_that_comes_after_the_end_gets_its_own_times(portal: Portal) -> None:
    """The provincial system sends the present status first, and then the steps that led to it."""
    portal.dossier(record(9, NgayKetThucXuLy="20250702160000"))
    for status, at in ((2, "20250701081500"), (4, "20250701090000"), (9, "20250702160000")):
        assert portal.progress(status, at)["findings"] == []
    assert portal.statuses() == [(9, "02 16:00"), (2, "01 08:15"), (4, "01 09:00")]


def test_progress_of_an_unknown_dossier_is_refused_and_stored_nowhere(portal: Portal, tmp_path: Path) -> None:
    answer = portal.progress(4, "20250701090000")
    assert (answer["error_code"], answer["code"]) == ("15", "unknown_dossier")
    assert answer["member"] == "$[0].MaHoSo"
    assert "DongBoHoSoMC" in answer["message"]
    assert portal.events() == []
    assert CODE.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_progress_without_its_time_is_refused(portal: Portal) -> None:
    portal.dossier(record(2))
    answer = portal.progress(4, "")
    assert (answer["code"], answer["member"]) == ("missing_member", "$[0].ThoiDiemXuLy")


OPEN = {"DanhSachHoSoBoSung": [{"NgayBoSung": "20250702080000", "NgayTiepNhanBoSung": ""}]}
SETTLED = {"DanhSachHoSoBoSung": [{"NgayBoSung": "20250702080000", "NgayTiepNhanBoSung": "20250703080000"}]}
TRAPS = [
    ({}, "done_unproven"),
    ({"NgayKetThucXuLy": "", "NgayTra": None}, "done_unproven"),
    ({"NgayKetThucXuLy": "0001-01-01T00:00:00"}, "done_unproven"),
    ({"NgayKetThucXuLy": "20250705100000"} | OPEN, "done_while_supplement_open"),
    ({"NgayKetThucXuLy": "20250630100000"}, "done_contradicted"),
]


@pytest.mark.parametrize(("members", "code"), TRAPS)
def test_a_9_without_proof_is_withheld_and_reported(
    portal: Portal, members: dict[str, Any], code: str
) -> None:
    portal.dossier(record(2))
    answer = portal.dossier(record(9, **members))
    assert (answer["error_code"], answer["result"][0]["code"], codes(answer)) == ("00", "withheld", [code])
    assert answer["result"][0]["seq"] is None
    assert portal.statuses() == [(2, "01 08:15")]
    portal.dossier(record(9, **members))
    (stored,) = portal.intake.findings(WARD)
    assert (stored.ward, stored.code, stored.dossier, stored.times) == (WARD, code, CODE, 2)


def test_a_9_before_a_known_waiting_is_withheld(portal: Portal) -> None:
    portal.dossier(record(2))
    portal.progress(5, "20250703090000")
    answer = portal.dossier(record(9, NgayKetThucXuLy="20250702160000"))
    assert codes(answer) == ["done_contradicted"]
    assert [status for status, _ in portal.statuses()] == [2, 5]


def test_the_known_trap_as_that_system_sends_it_counts_no_end(portal: Portal) -> None:
    """A dossier in 5 is sent as 9, followed by its history and a progress 9 at the time of the request."""
    portal.dossier(record(9))
    for status, at in ((2, "20250701081500"), (4, "20250701090000"), (9, "20250702090000")):
        portal.progress(status, at)
    assert portal.statuses() == [(2, "01 08:15"), (4, "01 09:00")]
    (stored,) = portal.intake.findings()
    assert (stored.code, stored.times) == ("done_unproven", 2)


def test_a_withheld_9_is_healed_by_the_next_record_with_proof(portal: Portal) -> None:
    portal.dossier(record(2))
    portal.dossier(record(9))
    answer = portal.dossier(record(9, NgayKetThucXuLy="20250703090000") | SETTLED)
    assert (answer["result"][0]["code"], codes(answer)) == ("accepted", [])
    assert portal.statuses() == [(2, "01 08:15"), (9, "03 09:00")]
    assert portal.events()[1].data.finished_at == datetime(2025, 7, 3, 9, 0, tzinfo=HANOI)
    assert portal.progress(9, "20250703090001")["result"][0]["code"] == "unchanged"


def test_in_process_after_an_end_is_an_event_and_a_finding(portal: Portal) -> None:
    portal.dossier(record(9, NgayKetThucXuLy="20250702160000"))
    answer = portal.progress(4, "20250704090000")
    assert codes(answer) == ["done_then_open"]
    assert portal.statuses() == [(9, "02 16:00"), (4, "04 09:00")]
    # The former end proves nothing of the next one, and a repetition of its record does not bring it back.
    portal.dossier(record(9, NgayKetThucXuLy="20250702160000"))
    assert codes(portal.progress(9, "20250705090000")) == ["done_unproven"]
    portal.dossier(record(9, NgayKetThucXuLy="20250705090000"))
    assert portal.statuses()[2:] == [(9, "05 09:00")]
    assert [event.data.finished_at for event in portal.events()] == [
        datetime(2025, 7, 2, 16, 0, tzinfo=HANOI),
        None,
        datetime(2025, 7, 5, 9, 0, tzinfo=HANOI),
    ]


@pytest.mark.parametrize("place", [None, ("gateway", 1)])
def test_an_end_that_the_ward_retracted_is_told_anew(portal: Portal, place: tuple[str, int] | None) -> None:
    """By its epoch and seq, or, by a system that does not know them, by its content alone."""
    portal.dossier(record(9, NgayKetThucXuLy="20250702160000"))
    (wrong,) = portal.events()
    epoch, seq = place or (portal.outbox.epoch, 1)
    of = replace(wrong.data, epoch=epoch, seq=seq)
    back = Retracted(ward=WARD, epoch="x", seq=1, of=of, of_time=wrong.time, reason="not-done")
    portal.intake.natural.append(WARD, [Draft(RetractedEvent, back, NOW)])
    assert codes(portal.progress(9, "20250703090000")) == ["done_unproven"]
    answer = portal.dossier(record(9, NgayKetThucXuLy="20250705160000"))
    assert (answer["result"][0]["code"], answer["result"][0]["seq"]) == ("accepted", 3)
    again = portal.dossier(record(9, NgayKetThucXuLy="20250702160000"))
    assert (again["result"][0]["code"], len(portal.outbox.pending(9))) == ("unchanged", 3)


def test_returned_without_its_date_is_counted_and_reported(portal: Portal) -> None:
    assert codes(portal.dossier(record(10))) == ["returned_undated"]
    assert portal.statuses() == [(10, "20 12:00")]


BAD = [
    (b"", "not_json", "$"),
    (b"\xff\xfe", "not_json", "$"),
    (b"[" * 50_000, "not_json", "$"),
    (b'{"data":', "not_json", "$"),
    (b"{}", "bad_shape", "$.data"),
    (b'{"data":[]}', "missing_member", "$.data"),
    (b"null", "bad_shape", "$.data"),
    (b'{"data":null}', "bad_shape", "$.data[0]"),
    (b'[1,"x"]', "bad_shape", "$[0]"),
    (b'[{"MaHoSo":["x"]}]', "bad_shape", "$[0].MaHoSo"),
    (b"[{}]", "missing_member", "$[0].MaHoSo"),
    (b"[" + b"{}," * 20 + b"{}]", "too_many", "$.data"),
    (b"[" + b"1," * 30_000 + b"1]", "too_many", "$.data"),
    (enveloped(record(), service="TraCuuHoSo"), "wrong_service", "$.service"),
    (enveloped(record(MaHoSo="Nguyễn Văn A")), "bad_shape", "$.data[0].MaHoSo"),
    (enveloped(record(MaTTHC="Nguyễn Văn A")), "bad_shape", "$.data[0].MaTTHC"),
    (enveloped(record(MaTTHC=None)), "missing_member", "$.data[0].MaTTHC"),
    (enveloped(record(NgayTiepNhan=None)), "missing_member", "$.data[0].NgayTiepNhan"),
    (enveloped(record(NgayTiepNhan="hôm qua")), "bad_time", "$.data[0].NgayTiepNhan"),
    (enveloped(record(NgayTiepNhan="20250231000000")), "bad_time", "$.data[0].NgayTiepNhan"),
    (enveloped(record(NgayHenTra="99991231000000")), "time_out_of_range", "$.data[0].NgayHenTra"),
    (enveloped(record(NgayTiepNhan="20190701081500")), "time_out_of_range", "$.data[0]"),
    (enveloped(record(NgayTiepNhan="20250801081500")), "time_out_of_range", "$.data[0]"),
    (enveloped(record(0)), "unknown_status", "$.data[0].TrangThaiHoSo"),
    (enveloped(record(11)), "unknown_status", "$.data[0].TrangThaiHoSo"),
    (enveloped(record("xong")), "unknown_status", "$.data[0].TrangThaiHoSo"),
    (enveloped(record(None)), "missing_member", "$.data[0].TrangThaiHoSo"),
    (enveloped(record(MaHoSo=9 * 10**30)), "bad_shape", "$.data[0].MaHoSo"),
]


@pytest.mark.parametrize(("body", "code", "member"), BAD)
def test_a_bad_request_is_refused_by_its_code_and_member(
    portal: Portal, body: bytes, code: str, member: str
) -> None:
    answer = portal.raw(body)
    assert (answer["code"], answer["member"]) == (code, member)
    assert answer["error_code"] == PROBLEMS[code].number
    assert portal.events() == []


def test_one_refused_record_stops_no_other_and_no_success_is_claimed(portal: Portal) -> None:
    """The provincial system looks for two phrases in the whole answer: success, and "exists already"."""
    answer = portal.intake.take(WARD, "DongBoHoSoMC", enveloped(record(), record(11), record(MaHoSo="x")))
    text = answer.body().decode().lower()
    assert "thành công" not in text
    assert "đã tồn tại" not in text
    results = json.loads(text)["result"]
    assert [one["code"] for one in results] == ["accepted", "unknown_status", "bad_shape"]
    assert [one["mahoso"] for one in results] == [CODE.lower(), CODE.lower(), ""]
    assert portal.statuses() == [(2, "01 08:15")]


def test_no_words_of_ours_claim_success_or_existence() -> None:
    words = [text for problem in PROBLEMS.values() for text in problem]
    words += [text for finding in FINDINGS.values() for text in finding]
    assert not [text for text in words if "thành công" in text.lower() or "đã tồn tại" in text.lower()]
    numbers = [problem.number for problem in PROBLEMS.values()]
    assert len(set(numbers)) == len(numbers)
    assert not {"0", "00", "3", "-3"} & set(numbers)


def test_unknown_codes_are_counted_elsewhere_and_reported(portal: Portal) -> None:
    answer = portal.dossier(record(KenhThucHien="7", TenLinhVuc="?", MaTTHC="9.999999", LoaiDoiTuong="0"))
    assert codes(answer) == ["unknown_field", "unknown_channel"]
    (event,) = portal.events()
    assert (event.data.field, event.data.channel, event.data.applicant) == ("khac", Channel.COUNTER, None)


def test_another_unit_is_a_finding_and_changes_no_ward(portal: Portal) -> None:
    assert codes(portal.dossier(record())) == []
    assert codes(portal.dossier(record(), madonvi="000.00.99.H26")) == ["other_unit"]
    assert codes(portal.dossier(record(), madonvi="Nguyễn Văn A 0912345678")) == ["other_unit"]
    assert codes(portal.dossier(record())) == []
    assert {event.data.ward for event in portal.events()} == {WARD}


def test_a_full_outbox_takes_nothing_of_the_request(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "o.db", pending_max=1)
    with pytest.raises(OutboxFull):
        portal.dossier(record(), record(MaHoSo="H26.12.34-250701-0002"))
    assert portal.events() == []
    assert portal.progress(4, "20250701090000")["code"] == "unknown_dossier"
    portal.outbox.close()


@pytest.mark.parametrize("slug", sorted(set(FIELD_WORDS) - {"khac"}))
def test_a_fields_name_is_known_in_any_spelling(slug: str) -> None:
    name = FIELD_WORDS[slug].vi
    for spelling in (
        name,
        name.upper(),
        unicodedata.normalize("NFD", name),
        f"  {name} ",
        name.split(" (")[0],
    ):
        assert field_of(spelling, "") == slug
    assert plain("Hoà") == plain("Hòa") != plain("Hoa")


def test_a_field_without_a_known_name_comes_from_the_procedure() -> None:
    assert field_of("Lĩnh vực nào đó", "1.001193.000.00.00.H26") == "ho-tich"
    assert field_of("", "9.999999") is None


def test_answers_name_what_to_wait_for() -> None:
    assert Answer([], []).highest_seq == 0
