-- What steps say of when their dossier was received, those that do not count among them: what leaves out of ten years all
-- but a period's dossiers, whose steps the question then looks at. Reads no step that an index can leave out.
-- How often a row comes depends on merges, which IN does not mind: each once (DISTINCT) would cost the two questions of
-- receptions 670 ms of 970 and of 1,650 more over 14 months.
CREATE OR REPLACE VIEW v_receptions
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    dossier String COMMENT 'vi: mã hồ sơ, có thể lặp | en: dossier code, may repeat',
    received_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc tiếp nhận theo một bước | en: when the desk took it, as one step says'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT s.ward AS ward, s.dossier AS dossier, assumeNotNull(s.received_at) AS received_at
FROM r_dossiers AS s
WHERE s.received_at IS NOT NULL
COMMENT 'vi: các bước nói hồ sơ được tiếp nhận lúc nào, kể cả bước không được tính: để thu hẹp câu hỏi về một kỳ bằng IN, không để đếm (dòng có thể lặp) | en: what steps say of when their dossier was received, those that do not count too: to narrow a question to a period by IN, not to count (a row may come more than once)';
