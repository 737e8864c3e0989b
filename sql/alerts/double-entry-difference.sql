-- vi: Sổ khác với sự kiện thô
-- en: A book differs from the raw events
-- severity: critical
-- what-vi: Sổ ngày {on_day} của {ward_name} ({ward}) khác sự kiện thô ở {cells} ô: sổ {book_steps} bước, sự kiện {raw_steps} bước
-- what-en: The book of {on_day} of {ward_name} ({ward}) differs from the raw events in {cells} cells: {book_steps} steps in the book, {raw_steps} in the events
-- impact-vi: Một trong hai con số của ngày đó sai; báo cáo lấy từ sổ
-- impact-en: One of that day's two figures is wrong; reports take the book's
-- next-vi: Chạy: dongbo reconcile --ward {ward} --day {day}; nếu vẫn khác: dongbo reconcile --ward {ward} --day {day} --repair
-- next-en: Run: dongbo reconcile --ward {ward} --day {day}; if it still differs: dongbo reconcile --ward {ward} --day {day} --repair
SELECT concat(ward, '/', toString(day)) AS key, ward, since, day, formatDateTime(day, '%d/%m/%Y') AS on_day, cells, book_steps, raw_steps
FROM v_double_entry
WHERE open
ORDER BY key
