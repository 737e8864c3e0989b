CREATE OR REPLACE VIEW v_policies
(
    policy String COMMENT 'vi: tên và phiên bản, như supplement.pause@1 | en: name and version, such as supplement.pause@1',
    name String COMMENT 'vi: tên quy tắc | en: name of the rule',
    edition UInt16 COMMENT 'vi: phiên bản của quy tắc; một phiên bản không bao giờ đổi | en: version of the rule; one version never changes',
    since Date32 COMMENT 'vi: có trong hệ thống từ ngày | en: in the system since',
    vi String COMMENT 'vi: quy tắc, tiếng Việt | en: the rule in Vietnamese',
    en String COMMENT 'vi: quy tắc, tiếng Anh | en: the rule in English',
    basis_vi String COMMENT 'vi: căn cứ, tiếng Việt | en: its basis in Vietnamese',
    basis_en String COMMENT 'vi: căn cứ, tiếng Anh | en: its basis in English',
    status String COMMENT 'vi: VERIFIED (đã đọc nguồn), RECALLED (theo trí nhớ) hoặc ASSUMED (giả định) | en: VERIFIED (a source was read), RECALLED (from memory) or ASSUMED'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT p.policy AS policy, p.name AS name, p.edition AS edition, p.since AS since, p.vi AS vi, p.en AS en,
    p.basis_vi AS basis_vi, p.basis_en AS basis_en, p.status AS status
FROM (SELECT * FROM r_policies) AS p
-- So that a cut that was not published is refused.
WHERE (SELECT cut FROM r_now) >= 0
COMMENT 'vi: các quy tắc mà số liệu dựa vào: hạn trả và thời gian chờ bổ sung, kèm căn cứ | en: the rules that figures depend on: due dates and waiting for supplements, each with its basis';
