CREATE OR REPLACE VIEW v_double_entry
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    day Date32 COMMENT 'vi: ngày của sổ | en: day of the book',
    open Bool COMMENT 'vi: vẫn còn khác | en: still differs',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: thấy lần đầu lúc | en: when it was seen first',
    checked_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: so lần cuối lúc | en: when it was compared last',
    cut UInt64 COMMENT 'vi: so tại mốc | en: compared as of this cut',
    cells UInt64 COMMENT 'vi: số ô khác nhau, 0 là đã khớp | en: cells that differ, 0 once they agree',
    book_steps Int64 COMMENT 'vi: số bước trong các ô đó theo sổ | en: steps in those cells by the book',
    raw_steps Int64 COMMENT 'vi: số bước trong các ô đó theo sự kiện thô | en: steps in those cells by raw events'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    d.ward AS ward,
    w.name AS ward_name,
    d.day AS day,
    d.cells > 0 AS open,
    d.since AS since,
    d.checked_at AS checked_at,
    d.cut AS cut,
    d.cells AS cells,
    d.book_steps AS book_steps,
    d.raw_steps AS raw_steps
FROM (SELECT * FROM r_double_entry WHERE kind = 'finding') AS d
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = d.ward
COMMENT 'vi: sổ nào khác hoặc đã từng khác với sự kiện thô | en: which books differ from raw events, or once did'
