-- What the views in business words depend on: rules with their basis, the office calendar in numbers, the parts of the
-- index, and which version each public view has. All filled by `migrate`.

-- The calendar in numbers, so that SQL counts working minutes and working days as `streams/domain` does.
ALTER TABLE office_days ADD COLUMN IF NOT EXISTS workday_number UInt32 COMMENT 'vi: số ngày làm việc từ đầu lịch đến hết ngày này | en: working days from the beginning of the calendar to the end of this day' AFTER working;
ALTER TABLE office_days ADD COLUMN IF NOT EXISTS minutes_before UInt32 COMMENT 'vi: số phút làm việc từ đầu lịch đến trước ngày này | en: working minutes from the beginning of the calendar to before this day' AFTER workday_number;
ALTER TABLE office_days ADD COLUMN IF NOT EXISTS opens Array(UInt16) COMMENT 'vi: giờ mở cửa, phút trong ngày; rỗng là nghỉ | en: opening times, minutes of the day; empty when off' AFTER minutes_before;
ALTER TABLE office_days ADD COLUMN IF NOT EXISTS closes Array(UInt16) COMMENT 'vi: giờ đóng cửa, phút trong ngày | en: closing times, minutes of the day' AFTER opens;

CREATE TABLE IF NOT EXISTS policies
(
    policy String COMMENT 'vi: tên và phiên bản, như supplement.pause@1 | en: name and version, such as supplement.pause@1',
    name String COMMENT 'vi: tên quy tắc | en: name of the rule',
    edition UInt16 COMMENT 'vi: phiên bản của quy tắc; một phiên bản không bao giờ đổi | en: version of the rule; one version never changes',
    since Date32 COMMENT 'vi: có trong hệ thống từ ngày | en: in the system since',
    vi String COMMENT 'vi: quy tắc, tiếng Việt | en: the rule in Vietnamese',
    en String COMMENT 'vi: quy tắc, tiếng Anh | en: the rule in English',
    basis_vi String COMMENT 'vi: căn cứ, tiếng Việt | en: its basis in Vietnamese',
    basis_en String COMMENT 'vi: căn cứ, tiếng Anh | en: its basis in English',
    status LowCardinality(String) COMMENT 'vi: VERIFIED, RECALLED hoặc ASSUMED | en: VERIFIED, RECALLED or ASSUMED',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY policy
COMMENT 'vi: các quy tắc mà số liệu dựa vào | en: the rules that figures depend on';

CREATE TABLE IF NOT EXISTS index766
(
    part String COMMENT 'vi: chỉ số thành phần | en: part of the index',
    grp LowCardinality(String) COMMENT 'vi: nhóm chỉ số | en: group of the index',
    vi String COMMENT 'vi: tên bằng tiếng Việt | en: its name in Vietnamese',
    en String COMMENT 'vi: tên bằng tiếng Anh | en: its name in English',
    max_score Float64 COMMENT 'vi: điểm tối đa | en: maximal score',
    measure LowCardinality(String) COMMENT 'vi: đo bằng gì, rỗng nếu sự kiện không có | en: by what it is measured, empty if not in the events',
    basis LowCardinality(String) COMMENT 'vi: measured, ratio_only hoặc not_in_events | en: measured, ratio_only or not_in_events',
    policy LowCardinality(String) COMMENT 'vi: quy tắc hạn trả, rỗng nếu không liên quan | en: rule of the due date, empty where none matters',
    formula String COMMENT 'vi: công thức đã dùng | en: the formula that is used',
    formula_status LowCardinality(String) COMMENT 'vi: FITTED (suy ra từ số đã công bố) hoặc UNKNOWN | en: FITTED (found from published figures) or UNKNOWN',
    basis_vi String COMMENT 'vi: căn cứ, tiếng Việt | en: the basis in Vietnamese',
    basis_en String COMMENT 'vi: căn cứ, tiếng Anh | en: the basis in English',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY part
COMMENT 'vi: các phần của Bộ chỉ số 766 và phần nào đo được từ sự kiện | en: the parts of the Decision 766 index and which of them events can give';

CREATE TABLE IF NOT EXISTS view_versions
(
    view String COMMENT 'vi: tên khung nhìn | en: name of the view',
    edition UInt16 COMMENT 'vi: phiên bản; tăng khi một cột bị bỏ, đổi tên hoặc đổi kiểu | en: version; raised when a column is removed, renamed or retyped',
    columns Array(String) COMMENT 'vi: các cột đã cam kết: tên và kiểu | en: the columns that are promised: name and type',
    version UInt64 COMMENT 'vi: phiên bản của dòng | en: version of the row'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY view
COMMENT 'vi: phiên bản của từng khung nhìn công khai | en: the version of each public view';
