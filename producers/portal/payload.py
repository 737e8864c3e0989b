"""The portal's two payloads, as tolerant structs that have no place for a person.

A member that is not named here is skipped by the decoder and never becomes a value of ours: ChuHoSo,
SoGiayToChuHoSo, DinhDanhCHS, Email, SoDienThoai, NguoiXuLy, NoiDungXuLy, attachments and all the rest.

Observed variations (VERIFIED): TENLINHVUC in upper case, newer members missing, numbers as text, empty
text, null, the bare array instead of the envelope. Taken besides (our choice): a single object as `data`,
numbers as numbers, `true`/`false`, times in ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Final, TypeVar

import msgspec

from producers.contract.codec import PAYLOAD_YEARS
from producers.portal.errors import Refused

T = TypeVar("T")
Loose = str | int | float | bool | None

HANOI: Final = timezone(timedelta(hours=7))
_DIGITS: Final = re.compile(r"\d{8}(\d{6})?", re.ASCII)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_PATH: Final = re.compile(r" - at `\$((?:\.[A-Za-z]+|\[(?:\d+|\.\.\.)\])*)`$")
# What .NET sends for "no date".
_NO_DATE: Final = ("0001", "00010101")


class Supplement(msgspec.Struct):
    """One request for more papers: open until they were taken in."""

    NgayBoSung: Loose = None
    NgayTiepNhanBoSung: Loose = None
    TrangThaiBoSung: Loose = None


class Dossier(msgspec.Struct):
    """One item of DongBoHoSoMC."""

    MaHoSo: Loose = None
    MaTTHC: Loose = None
    TenLinhVuc: Loose = None
    TENLINHVUC: Loose = None
    KenhThucHien: Loose = None
    LoaiDoiTuong: Loose = None
    NgayNopHoSo: Loose = None
    NgayTiepNhan: Loose = None
    NgayHenTra: Loose = None
    TrangThaiHoSo: Loose = None
    NgayTra: Loose = None
    NgayKetThucXuLy: Loose = None
    NgayTuChoi: Loose = None
    MucDo: Loose = None
    HoSoCoThanhPhanSoHoa: Loose = None
    DuocThanhToanTrucTuyen: Loose = None
    DanhSachHoSoBoSung: list[Supplement] | str | None = None


class Progress(msgspec.Struct):
    """One item of CapNhatTienDoHoSoMC."""

    MaHoSo: Loose = None
    TrangThai: Loose = None
    ThoiDiemXuLy: Loose = None


class Envelope(msgspec.Struct):
    """Around the items. `session` is a secret and has no place here; `isUpdating` decides nothing."""

    data: msgspec.Raw
    service: Loose = None
    madonvi: Loose = None


class Body(msgspec.Struct):
    """A request: its items still as bytes, and whether it came without an envelope."""

    items: list[msgspec.Raw]
    service: str
    unit: str
    bare: bool


_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_envelope: Final = msgspec.json.Decoder(Envelope)
_dossier: Final = msgspec.json.Decoder(Dossier)
_progress: Final = msgspec.json.Decoder(Progress)


def is_bare(body: bytes) -> bool:
    """Whether a request is the bare array, without an envelope."""
    return body[:64].lstrip()[:1] == b"["


def read_body(body: bytes) -> Body:
    """Split a request into its items.

    :raises Refused: not_json, bad_shape
    """
    bare = is_bare(body)
    try:
        if bare:
            return Body(_array.decode(body), "", "", bare)
        envelope = _envelope.decode(body)
        is_array = memoryview(envelope.data)[:1].tobytes() == b"["
        data = _array.decode(envelope.data) if is_array else [envelope.data]
    except msgspec.ValidationError:
        raise Refused("bad_shape", "$.data") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("not_json") from None
    return Body(data, text(envelope.service), text(envelope.madonvi), bare)


def read_dossier(item: msgspec.Raw, place: str) -> Dossier:
    """Decode one item of DongBoHoSoMC.

    :raises Refused: bad_shape, not_json
    """
    return _read(_dossier, item, place)


def read_progress(item: msgspec.Raw, place: str) -> Progress:
    """Decode one item of CapNhatTienDoHoSoMC.

    :raises Refused: bad_shape, not_json
    """
    return _read(_progress, item, place)


def _read(decoder: msgspec.json.Decoder[T], item: msgspec.Raw, place: str) -> T:
    try:
        return decoder.decode(item)
    except msgspec.ValidationError as error:
        # Only the path is taken from the message: it names members of ours, never a value or a foreign key.
        found = _PATH.search(str(error))
        raise Refused("bad_shape", place + (found.group(1) if found else "")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("not_json", place) from None


def text(value: Loose) -> str:
    """A loose value as text; nothing is the empty text."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def number(value: Loose) -> int | None:
    """A loose value as a small number: `"1"`, `1`, `1.0`, `"True"`; None if it is none."""
    word = text(value).lower()
    if word in ("true", "false"):
        return int(word == "true")
    return int(word) if re.fullmatch(r"\d{1,3}", word, re.ASCII) else None


def moment(value: Loose, member: str) -> datetime | None:
    """A loose value as a time; a date alone is its midnight, a time without offset is Vietnam's.

    :raises Refused: bad_time
    """
    word = text(value)
    if not word or word.startswith(_NO_DATE):
        return None
    try:
        found = _moment(word)
    except ValueError:
        raise Refused("bad_time", member) from None
    if found.year not in PAYLOAD_YEARS:
        raise Refused("time_out_of_range", member)
    return found


def _moment(word: str) -> datetime:
    if _DIGITS.fullmatch(word):
        return datetime.strptime(word.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=HANOI)
    if not _ISO.fullmatch(word):
        raise ValueError
    found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d", r"\1", word))
    return found if found.tzinfo else found.replace(tzinfo=HANOI)
