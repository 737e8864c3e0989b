-- Reference data as it was: an answer as of a cut keeps the names, the groups, the procedures' limits and the calendar that
-- held then, whatever is loaded later. `version` says since when (ms since 1970) a row holds; what was there first has
-- always held. Only rows that changed are written (streams/warehouse/reference.py).

CREATE TABLE IF NOT EXISTS wards_history AS wards
ENGINE = ReplacingMergeTree
ORDER BY (code, version)
COMMENT 'vi: phường, xã qua các lần nạp | en: the wards and communes as they were loaded';

INSERT INTO wards_history SELECT * REPLACE (toUInt64(0) AS version) FROM wards FINAL;

CREATE TABLE IF NOT EXISTS procedures_history AS procedures
ENGINE = ReplacingMergeTree
ORDER BY (code, version)
COMMENT 'vi: thủ tục qua các lần nạp | en: the procedures as they were loaded';

INSERT INTO procedures_history SELECT * REPLACE (toUInt64(0) AS version) FROM procedures FINAL;

CREATE TABLE IF NOT EXISTS words_history AS words
ENGINE = ReplacingMergeTree
ORDER BY (kind, code, version)
COMMENT 'vi: từ ngữ của các mã qua các lần nạp | en: what the codes are called, as it was loaded';

INSERT INTO words_history SELECT * REPLACE (toUInt64(0) AS version) FROM words FINAL;

CREATE TABLE IF NOT EXISTS reasons_history AS reasons
ENGINE = ReplacingMergeTree
ORDER BY (code, version)
COMMENT 'vi: lý do từ chối qua các lần nạp | en: reasons for rejection as they were loaded';

INSERT INTO reasons_history SELECT * REPLACE (toUInt64(0) AS version) FROM reasons FINAL;

CREATE TABLE IF NOT EXISTS difficulty_groups_history AS difficulty_groups
ENGINE = ReplacingMergeTree
ORDER BY (number, version)
COMMENT 'vi: 25 nhóm vướng mắc qua các lần nạp | en: the 25 groups of difficulties as they were loaded';

INSERT INTO difficulty_groups_history SELECT * REPLACE (toUInt64(0) AS version) FROM difficulty_groups FINAL;

CREATE TABLE IF NOT EXISTS office_days_history AS office_days
ENGINE = ReplacingMergeTree
ORDER BY (day, version)
COMMENT 'vi: lịch làm việc qua các lần nạp | en: the calendar of working days as it was loaded';

INSERT INTO office_days_history SELECT * REPLACE (toUInt64(0) AS version) FROM office_days FINAL;

CREATE TABLE IF NOT EXISTS policies_history AS policies
ENGINE = ReplacingMergeTree
ORDER BY (policy, version)
COMMENT 'vi: các quy tắc qua các lần nạp | en: the rules as they were loaded';

INSERT INTO policies_history SELECT * REPLACE (toUInt64(0) AS version) FROM policies FINAL;

CREATE TABLE IF NOT EXISTS index766_history AS index766
ENGINE = ReplacingMergeTree
ORDER BY (part, version)
COMMENT 'vi: các phần của Bộ chỉ số 766 qua các lần nạp | en: the parts of the Decision 766 index as they were loaded';

INSERT INTO index766_history SELECT * REPLACE (toUInt64(0) AS version) FROM index766 FINAL;
