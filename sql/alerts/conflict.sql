-- vi: Số thứ tự bị dùng lại với nội dung khác
-- en: A seq was used again with other content
-- severity: warning
-- what-vi: {ward_name} ({ward}) đã gửi {conflicts} số thứ tự hai lần với nội dung khác nhau trong những ngày qua
-- what-en: {ward_name} ({ward}) has sent {conflicts} seqs twice with different content in the last days
-- impact-vi: Chỉ nội dung đến trước được tính; nội dung sau có thể là một sự kiện thật bị mất
-- impact-en: Only what came first counts; what came later may be a real event that is lost
-- next-vi: Xem: dongbo sql "SELECT * FROM v_conflicts WHERE ward = '{ward}'"; phường, xã khôi phục hộp gửi từ bản sao thì phải dùng đời hộp gửi mới
-- next-en: See: dongbo sql "SELECT * FROM v_conflicts WHERE ward = '{ward}'"; a ward that restored its outbox from a copy must begin a new epoch
SELECT ward AS key, ward, if(reason = 'conflict', since, at) AS since, conflicts
FROM v_ward_status
WHERE conflicts > 0
ORDER BY ward
