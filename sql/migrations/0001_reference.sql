-- Reference data, filled from producers.contract by `migrate`: wards, procedures, words, reasons.
-- ReplacingMergeTree(version): a changed row replaces the old one, running twice changes nothing.

CREATE TABLE IF NOT EXISTS wards
(
    code String COMMENT 'vi: mã 5 chữ số của phường, xã | en: 5-digit code of the ward or commune',
    name String COMMENT 'vi: tên | en: name',
    kind LowCardinality(String) COMMENT 'vi: phuong hoặc xa | en: phuong (ward) or xa (commune)',
    full_name String COMMENT 'vi: tên đầy đủ | en: full name',
    slug String COMMENT 'vi: tên không dấu | en: name without marks',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition of its events',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY code
COMMENT 'vi: 126 phường, xã của Hà Nội | en: the 126 wards and communes of Hanoi';

CREATE TABLE IF NOT EXISTS procedures
(
    code String COMMENT 'vi: mã thủ tục quốc gia | en: national procedure code',
    name String COMMENT 'vi: tên thủ tục | en: name',
    field LowCardinality(String) COMMENT 'vi: lĩnh vực | en: field',
    time_limit UInt32 COMMENT 'vi: thời hạn, tính theo đơn vị | en: time limit, in units',
    unit LowCardinality(String) COMMENT 'vi: cutoff15h, workday hoặc day | en: cutoff15h, workday or day',
    rule String COMMENT 'vi: cách tính hạn | en: how the limit is counted',
    code_status LowCardinality(String) COMMENT 'vi: mã đã kiểm chứng chưa | en: whether a source of the code was read',
    limit_status LowCardinality(String) COMMENT 'vi: thời hạn đã kiểm chứng chưa | en: whether a source of the limit was read',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY code
COMMENT 'vi: thủ tục cấp xã thường gặp | en: frequent commune-level procedures';

CREATE TABLE IF NOT EXISTS words
(
    kind LowCardinality(String) COMMENT 'vi: loại từ: status, channel, field, timeliness, applicant | en: kind of word: status, channel, field, timeliness, applicant',
    code String COMMENT 'vi: mã | en: code',
    vi String COMMENT 'vi: tiếng Việt | en: in Vietnamese',
    en String COMMENT 'vi: tiếng Anh | en: in English',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (kind, code)
COMMENT 'vi: từ ngữ của các mã | en: what the codes are called';

CREATE TABLE IF NOT EXISTS reasons
(
    code String COMMENT 'vi: mã lý do từ chối | en: code of the reason for rejection',
    vi String COMMENT 'vi: lý do bằng tiếng Việt | en: the reason in Vietnamese',
    en String COMMENT 'vi: lý do bằng tiếng Anh | en: the reason in English',
    remedy_vi String COMMENT 'vi: cần gửi gì thay thế, tiếng Việt | en: what to send instead, in Vietnamese',
    remedy_en String COMMENT 'vi: cần gửi gì thay thế, tiếng Anh | en: what to send instead, in English',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY code
COMMENT 'vi: lý do từ chối và cách sửa | en: reasons for rejection and their remedies';
