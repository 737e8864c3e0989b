-- The totals of each book: as they are now, and as they were at a cut. A book that has not changed since the cut has the
-- same totals in both; of the few others they are counted from the newest revision up to the cut.
CREATE OR REPLACE VIEW r_day
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM day_totals FINAL
-- A day has one partition only.
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'vi: tổng của từng sổ hiện tại | en: the totals of each book now';

CREATE OR REPLACE VIEW r_day_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant,
    (SELECT generation FROM r_now_at(as_of = {as_of:String})) AS newest
SELECT *
FROM
(
    SELECT * FROM day_totals FINAL WHERE arrived_at <= instant AND generation <= newest
    UNION ALL
    SELECT
        b.day AS day,
        b.ward AS ward,
        arraySum((s, c) -> if(s = 1, c, 0), b.status, b.count) AS registered,
        arraySum((s, c) -> if(s = 2, c, 0), b.status, b.count) AS received,
        arraySum((s, k, c) -> if(s = 2 AND k = 'online', c, 0), b.status, b.channel, b.count) AS online,
        arraySum((s, c) -> if(s = 3, c, 0), b.status, b.count) AS refused,
        arraySum((s, c) -> if(s = 4, c, 0), b.status, b.count) AS processing,
        arraySum((s, c) -> if(s = 5, c, 0), b.status, b.count) AS supplements,
        arraySum((s, c) -> if(s = 6, c, 0), b.status, b.count) AS payments,
        arraySum((s, c) -> if(s = 7, c, 0), b.status, b.count) AS withdrawn,
        arraySum((s, c) -> if(s = 8, c, 0), b.status, b.count) AS stopped,
        arraySum((s, c) -> if(s = 9, c, 0), b.status, b.count) AS resolved,
        arraySum((s, c) -> if(s = 10, c, 0), b.status, b.count) AS returned,
        arraySum((s, t, c) -> if(s = 9 AND t = 'early', c, 0), b.status, b.timeliness, b.count) AS early,
        arraySum((s, t, c) -> if(s = 9 AND t = 'on_time', c, 0), b.status, b.timeliness, b.count) AS on_time,
        arraySum((s, t, c) -> if(s = 9 AND t = 'overdue', c, 0), b.status, b.timeliness, b.count) AS overdue,
        arraySum((s, m) -> if(s = 9, m, 0), b.status, b.minutes) AS minutes,
        b.events AS events,
        b.retracted AS retracted,
        b.declared AS declared,
        if(b.declared, toInt64(arraySum((s, c) -> if(s = 2, c, 0), b.declared_status, b.declared_count)), -1)
            AS declared_received,
        if(b.declared, toInt64(arraySum((s, c) -> if(s = 9, c, 0), b.declared_status, b.declared_count)), -1)
            AS declared_resolved,
        toInt64(arraySum(b.count)) AS counted,
        toInt64(arraySum(b.declared_count)) AS declared_steps,
        if(b.declared, toUInt64(arraySum(n -> greatest(-n, 0), arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count)
            - arraySum((s, c) -> if(s = k, toInt64(c), 0), b.declared_status, b.declared_count), range(1, 11)))), 0) AS short_by,
        if(b.declared, toUInt64(arraySum(n -> greatest(n, 0), arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count)
            - arraySum((s, c) -> if(s = k, toInt64(c), 0), b.declared_status, b.declared_count), range(1, 11)))), 0) AS over_by,
        b.declared_epoch AS declared_epoch,
        b.declared_first_seq AS declared_first_seq,
        b.declared_last_seq AS declared_last_seq,
        b.revision AS revision,
        b.version AS version,
        b.generation AS generation,
        b.arrived_at AS arrived_at
    FROM book_history AS b
    WHERE (b.day, b.ward, b.version) IN
    (
        SELECT day, ward, max(h.version)
        FROM book_history AS h
        WHERE h.arrived_at <= instant AND h.generation <= newest
            AND (day, ward) IN (SELECT day, ward FROM day_totals FINAL WHERE arrived_at > instant OR generation > newest)
        GROUP BY day, ward
    )
)
-- A book that changes while it is asked for is found in both.
LIMIT 1 BY day, ward
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'vi: tổng của từng sổ tại một mốc | en: the totals of each book at a cut';
