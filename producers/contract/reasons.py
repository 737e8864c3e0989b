"""Why a record is rejected: stable codes, with what the ward should send instead (vi, en)."""

from __future__ import annotations

from typing import Final

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """One reason: what is wrong and what to send instead, for a reader in a ward."""

    code: str
    vi: str
    en: str
    remedy_vi: str
    remedy_en: str


_TABLE: Final = (
    Reason(
        "not_json",
        "Nội dung không phải JSON UTF-8 hợp lệ",
        "The value is not valid UTF-8 JSON",
        "Gửi một đối tượng JSON UTF-8 cho mỗi thông điệp",
        "Send one UTF-8 JSON object per message",
    ),
    Reason(
        "bad_shape",
        "Thiếu thành phần hoặc sai kiểu dữ liệu",
        "A member is missing or has the wrong type",
        "Sửa thành phần được nêu theo JSON Schema đã công bố",
        "Correct the named member according to the published JSON Schema",
    ),
    Reason(
        "unknown_type",
        "Loại sự kiện không có trong hợp đồng v1",
        "The event type is not in contract v1",
        "Dùng một trong các loại sự kiện đã công bố",
        "Use one of the published event types",
    ),
    Reason(
        "unknown_ward",
        "Mã phường, xã không có trong danh sách 126 đơn vị",
        "The ward code is not one of the 126",
        "Gửi mã 5 chữ số của phường, xã (có số 0 ở đầu)",
        "Send the ward's 5-digit code, leading zeros included",
    ),
    Reason(
        "identity_mismatch",
        "id, source, khóa Kafka và dữ liệu không cùng nói về một sự kiện",
        "id, source, Kafka key and data do not name the same event",
        "Đặt id = {ward}/{epoch}/{seq}, source = /wards/{ward}, khóa = mã phường, xã",
        "Set id = {ward}/{epoch}/{seq}, source = /wards/{ward}, key = the ward's code",
    ),
    Reason(
        "misrouted",
        "Thông điệp nằm sai phân vùng Kafka của phường, xã",
        "The message lies in a partition that is not the ward's",
        "Dùng bộ phân vùng murmur2 (librdkafka: partitioner=murmur2_random)",
        "Use the murmur2 partitioner (librdkafka: partitioner=murmur2_random)",
    ),
    Reason(
        "time_out_of_range",
        "Thời điểm trước 2020-01-01 hoặc sau lúc nhận quá một ngày",
        "The time is before 2020-01-01 or more than a day after arrival",
        "Kiểm tra đồng hồ và múi giờ (+07:00) của máy gửi",
        "Check the sender's clock and time zone (+07:00)",
    ),
    Reason(
        "too_large",
        "Thông điệp vượt quá 65.536 byte",
        "The message is larger than 65,536 bytes",
        "Mỗi thông điệp chỉ một sự kiện, không kèm tệp",
        "One event per message, no attachments",
    ),
    Reason(
        "null_value",
        "Thông điệp không có nội dung",
        "The message has no value",
        "Không gửi tombstone; muốn rút lại thì gửi dossier.retracted",
        "Send no tombstones; to take an event back send dossier.retracted",
    ),
)

REASONS: Final[dict[str, Reason]] = {reason.code: reason for reason in _TABLE}

# What only the gateway answers: such an event never reaches Kafka, so it is never in `rejects`.
_AT_THE_DOOR: Final = (
    Reason(
        "foreign_ward",
        "Sự kiện thuộc phường, xã khác với phường, xã của mã truy cập",
        "The event belongs to another ward than the token",
        "Gửi sự kiện của phường, xã nào bằng mã truy cập của chính phường, xã đó",
        "Send each ward's events with that ward's own token",
    ),
    Reason(
        "too_deep",
        "JSON lồng nhau quá nhiều tầng",
        "The JSON is nested too deeply",
        "Gửi sự kiện theo JSON Schema đã công bố: không quá 4 tầng",
        "Send events as in the published JSON Schema: no more than 4 levels",
    ),
    Reason(
        "id_reused",
        "Sự kiện này đã có trước đó với nội dung khác; bản đến trước được giữ",
        "This event was there before with another content; the first one counts",
        "Mỗi số thứ tự (seq) chỉ dùng cho một sự kiện; muốn sửa thì gửi dossier.retracted rồi sự kiện mới",
        "Use a seq for one event only; to correct one send dossier.retracted and then a new event",
    ),
)

DOOR_REASONS: Final[dict[str, Reason]] = {reason.code: reason for reason in _AT_THE_DOOR}

# What a city that asks for signatures rejects besides (setting `signature_policy`).
_SIGNED: Final = (
    Reason(
        "unsigned",
        "Thông điệp không có chữ ký của phường, xã",
        "The message has no signature of the ward",
        "Ký nội dung bằng khóa Ed25519 đã đăng ký, gửi trong header Kafka dongbo-signature",
        "Sign the value with the registered Ed25519 key, send it in the Kafka header dongbo-signature",
    ),
    Reason(
        "bad_signature",
        "Chữ ký không đúng, hoặc khóa không phải của phường, xã này hay không còn hiệu lực",
        "The signature is wrong, or the key is not this ward's or not valid at that time",
        "Ký đúng từng byte đã gửi, bằng khóa còn hiệu lực của chính phường, xã (72 byte: key id, chữ ký)",
        "Sign exactly the bytes that are sent, with a valid key of the ward (72 bytes: key id, signature)",
    ),
)

SIGNATURE_REASONS: Final[dict[str, Reason]] = {reason.code: reason for reason in _SIGNED}
EVERY_REASON: Final[dict[str, Reason]] = REASONS | SIGNATURE_REASONS | DOOR_REASONS
