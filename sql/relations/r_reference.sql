-- Reference data: as it is now, and at a cut the rows that held then. A new row holds from a minute after it was loaded,
-- so that no cut that is published already, or is being published, can see it come. The instant of a cut is computed from
-- its number, not looked up: these are read several times in one view, and whether there is such a cut is asked by the
-- relations beside them.
CREATE OR REPLACE VIEW r_wards
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM wards FINAL
COMMENT 'vi: phường, xã | en: the wards and communes';

CREATE OR REPLACE VIEW r_wards_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM wards_history
WHERE version <= instant_ms
ORDER BY code, version DESC
LIMIT 1 BY code
COMMENT 'vi: phường, xã tại một mốc | en: the wards and communes, at a cut';

CREATE OR REPLACE VIEW r_procedures
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM procedures FINAL
COMMENT 'vi: thủ tục | en: the procedures';

CREATE OR REPLACE VIEW r_procedures_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM procedures_history
WHERE version <= instant_ms
ORDER BY code, version DESC
LIMIT 1 BY code
COMMENT 'vi: thủ tục tại một mốc | en: the procedures, at a cut';

CREATE OR REPLACE VIEW r_words
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM words FINAL
COMMENT 'vi: từ ngữ của các mã | en: what the codes are called';

CREATE OR REPLACE VIEW r_words_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM words_history
WHERE version <= instant_ms
ORDER BY kind, code, version DESC
LIMIT 1 BY kind, code
COMMENT 'vi: từ ngữ của các mã tại một mốc | en: what the codes are called, at a cut';

CREATE OR REPLACE VIEW r_reasons
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM reasons FINAL
COMMENT 'vi: lý do từ chối | en: reasons for rejection';

CREATE OR REPLACE VIEW r_reasons_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM reasons_history
WHERE version <= instant_ms
ORDER BY code, version DESC
LIMIT 1 BY code
COMMENT 'vi: lý do từ chối tại một mốc | en: reasons for rejection, at a cut';

CREATE OR REPLACE VIEW r_difficulty_groups
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM difficulty_groups FINAL
COMMENT 'vi: các nhóm vướng mắc | en: the groups of difficulties';

CREATE OR REPLACE VIEW r_difficulty_groups_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM difficulty_groups_history
WHERE version <= instant_ms
ORDER BY number, version DESC
LIMIT 1 BY number
COMMENT 'vi: các nhóm vướng mắc tại một mốc | en: the groups of difficulties, at a cut';

CREATE OR REPLACE VIEW r_office_days
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM office_days FINAL
COMMENT 'vi: lịch làm việc | en: the calendar of working days';

CREATE OR REPLACE VIEW r_office_days_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM office_days_history
WHERE version <= instant_ms
ORDER BY day, version DESC
LIMIT 1 BY day
COMMENT 'vi: lịch làm việc tại một mốc | en: the calendar of working days, at a cut';

CREATE OR REPLACE VIEW r_policies
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM policies FINAL
COMMENT 'vi: các quy tắc | en: the rules that figures depend on';

CREATE OR REPLACE VIEW r_policies_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM policies_history
WHERE version <= instant_ms
ORDER BY policy, version DESC
LIMIT 1 BY policy
COMMENT 'vi: các quy tắc tại một mốc | en: the rules that figures depend on, at a cut';

CREATE OR REPLACE VIEW r_index766
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM index766 FINAL
COMMENT 'vi: các phần của Bộ chỉ số 766 | en: the parts of the Decision 766 index';

CREATE OR REPLACE VIEW r_index766_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH if(
    match({as_of:String}, '^[0-9]{1,18}$'),
    least(toUInt64OrZero({as_of:String}), 1000000000000) * 10000 + 1735664400000,
    toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero({as_of:String}, 3, 'Asia/Ho_Chi_Minh'))) AS instant_ms
SELECT * FROM index766_history
WHERE version <= instant_ms
ORDER BY part, version DESC
LIMIT 1 BY part
COMMENT 'vi: các phần của Bộ chỉ số 766 tại một mốc | en: the parts of the Decision 766 index, at a cut';
