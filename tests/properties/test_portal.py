"""Goal: nothing of a person in a portal payload leaves a trace, and no body whatever raises an error of ours.

Method: payloads with random personal data in every member that the contract has no place for, sent to a real
outbox file; then events, answers, errors, logs and the bytes of every file are searched for it. And mutated
bodies, each of which must be answered, twice alike.
"""

from __future__ import annotations

import json
import logging
import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.natural import NaturalOutbox
from producers.outbox import Outbox
from producers.portal import PortalIntake
from producers.portal.errors import PROBLEMS
from tests.builders import WARD
from tests.unit.test_portal import NOW, enveloped, record

# Every member that names, numbers or describes a person or a person's case.
PERSONAL = [
    *(
        "ChuHoSo",
        "SoGiayToChuHoSo",
        "MaDoiTuong",
        "Email",
        "Fax",
        "SoDienThoai",
        "TrichYeuHoSo",
        "ThongTinKhac",
    ),
    *(
        "ThongTinTra",
        "DonViXuLy",
        "GhiChu",
        "TaiKhoanDuocXacThucVoiVNeID",
        "NoiNopHoSo",
        "TenTTHC",
        "MaLinhVuc",
    ),
    *("NguoiXuLy", "ChucDanh", "NoiDungXuLy", "PhongBanXuLy"),
]
# Members that we read, and that a careless system may fill with a person.
READ = [
    *("TenLinhVuc", "TENLINHVUC", "KenhThucHien", "LoaiDoiTuong", "MucDo", "HoSoCoThanhPhanSoHoa", "MaTTHC"),
    *("DuocThanhToanTrucTuyen", "MaHoSo", "NgayTiepNhan", "TrangThaiHoSo", "NgayHenTra", "ThoiDiemXuLy"),
    "TrangThai",
]
LISTS = {
    "DinhDanhCHS": ("LoaiDinhDanh", "SoDinhDanh"),
    "TaiLieuNop": ("TenTepDinhKem", "DuongDanTaiTepTin"),
    "DanhSachLePhi": ("TenPhiLePhi",),
    "DanhSachGiayToKetQua": ("TenGiayTo", "DuongDanTepTinKetQua"),
    "DanhSachTepDinhKemKhac": ("TenGiayTo",),
    "DanhSachHoSoBoSung": ("NguoiYeuCauBoSung", "NoiDungBoSung", "NguoiTiepNhanBoSung", "ThongTinTiepNhan"),
}


class Searched:
    """An intake whose every output is kept, to be searched."""

    def __init__(self, path: Path) -> None:
        self.folder = path
        self.outbox = Outbox(path / "o.db")
        self.intake = PortalIntake(NaturalOutbox(self.outbox), clock=NOW.timestamp)

    def send(self, body: bytes, progress: bytes) -> bytes:
        said = self.intake.take(WARD, "DongBoHoSoMC", body).body()
        return said + self.intake.take(WARD, "CapNhatTienDoHoSoMC", progress).body()

    def files(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.iterdir())


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    found = Searched(tmp_path_factory.mktemp("portal"))
    yield found
    found.outbox.close()


class People:
    """Names, numbers and addresses; each has a core of 12 random bytes that stands nowhere else by chance."""

    def __init__(self) -> None:
        self.cores: set[bytes] = set()
        self._chance = random.Random(20250701)

    def one(self) -> str:
        letters = string.ascii_letters if self._chance.random() < 0.6 else string.digits
        core = "".join(self._chance.choices(letters, k=12))
        self.cores.add(core.encode())
        return self._chance.choice((core, f"Nguyễn {core}", f"{core}@example.vn", f"ông {core} 1950"))

    def found_in(self, output: bytes) -> set[bytes]:
        return self.cores & {output[at : at + 12] for at in range(len(output) - 11)}


def test_personal_data_in_every_member_leaves_no_trace(
    searched: Searched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chance, people, said = random.Random(1), People(), b""
    for number in range(150):
        code = f"H26.12.34-250701-{number:05d}"
        members: dict[str, Any] = {name: people.one() for name in PERSONAL}
        members |= {name: [{key: people.one() for key in keys}] for name, keys in LISTS.items()}
        members |= {people.one(): people.one(), "MaHoSo": code}
        steps: dict[str, Any] = {name: people.one() for name in PERSONAL}
        steps |= {"MaHoSo": code, "TrangThai": 4, "ThoiDiemXuLy": "20250702080000"}
        for record_of in (members, steps):
            if chance.random() < 0.3:  # a careless system: a person where a code should stand
                record_of |= {chance.choice(READ): people.one()}
        status = chance.randint(1, 10)
        body = enveloped({**record(status), **members}, session=people.one(), madonvi=people.one())
        said += searched.send(body, json.dumps([steps]).encode())
    assert people.found_in(json.dumps(members).encode())  # the search itself finds
    outputs = said + searched.files() + caplog.text.encode() + repr(searched.intake.findings()).encode()
    assert people.found_in(outputs) == set()
    assert searched.outbox.counts().appended > 100


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES: st.SearchStrategy[Any] = PLAIN | st.just([]) | st.just({})
NAMES = st.sampled_from([*READ, *LISTS, "NgayKetThucXuLy", "NgayTra", "NgayTuChoi", "NgayNopHoSo"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_values_are_answered_and_the_same_again_gives_the_same_seqs(
    searched: Searched, members: dict[str, Any]
) -> None:
    body = enveloped(record(4, **members))
    answers = [json.loads(searched.intake.take(WARD, "DongBoHoSoMC", body).body()) for _ in range(2)]
    assert answers[0]["error_code"] == answers[1]["error_code"]
    seqs = [[one.get("seq") for one in answer["result"]] for answer in answers]
    assert seqs[0] == seqs[1]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.text(max_size=99).map(str.encode), st.integers(0, 400), st.integers(0, 400)
)
def test_any_body_is_answered(searched: Searched, noise: bytes, at: int, cut: int) -> None:
    whole = enveloped(record(4))
    for body in (noise, whole[:at] + noise + whole[at + cut :]):
        for service in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC"):
            answer = json.loads(searched.intake.take(WARD, service, body).body())
            numbers = {problem.number for problem in PROBLEMS.values()}
            assert answer["error_code"] in numbers | {"0", "00"}
