-- now-only: vi: là của bản đang cài, không phải số liệu | en: it is about the installed edition, not about figures
CREATE OR REPLACE VIEW v_view_versions
(
    view String COMMENT 'vi: tên khung nhìn | en: name of the view',
    version UInt16 COMMENT 'vi: phiên bản; tăng khi một cột bị bỏ, đổi tên hoặc đổi kiểu | en: version; raised when a column is removed, renamed or retyped',
    columns Array(String) COMMENT 'vi: các cột đã cam kết: tên và kiểu | en: the columns that are promised: name and type'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT v.view AS view, v.edition AS version, v.columns AS columns
FROM (SELECT * FROM view_versions FINAL) AS v
COMMENT 'vi: phiên bản của từng khung nhìn công khai và các cột mà nó cam kết | en: the version of each public view and the columns that it promises';
