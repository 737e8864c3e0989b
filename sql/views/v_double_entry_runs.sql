CREATE OR REPLACE VIEW v_double_entry_runs
(
    kind String COMMENT 'vi: changed (các ngày có thay đổi) hoặc full (mọi ngày) | en: changed (days that changed) or full (all days)',
    day Date32 COMMENT 'vi: ngày chạy | en: day of the run',
    checked_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lượt cuối của ngày lúc | en: when the last run of the day was',
    cut UInt64 COMMENT 'vi: so tại mốc | en: compared as of this cut',
    checked UInt64 COMMENT 'vi: số sổ đã so trong lượt đó | en: books that it compared',
    cells UInt64 COMMENT 'vi: số ô khác nhau | en: cells that differed',
    took_ms UInt64 COMMENT 'vi: mất bao nhiêu mili giây | en: how many milliseconds it took'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT d.kind AS kind, d.day AS day, d.checked_at AS checked_at, d.cut AS cut, d.checked AS checked, d.cells AS cells, d.took_ms AS took_ms
FROM (SELECT * FROM r_double_entry WHERE kind != 'finding') AS d
COMMENT 'vi: bút toán kép được chạy lúc nào, lượt cuối của mỗi ngày | en: when double entry was run, the last run of each day'
