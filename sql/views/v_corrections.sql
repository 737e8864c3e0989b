CREATE OR REPLACE VIEW v_corrections
(
    day Date32 COMMENT 'vi: ngày bị thay đổi sau khi đã hết | en: the day that changed after its end',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    cause String COMMENT 'vi: late (đến muộn), retraction (rút lại), repair (gửi lại theo yêu cầu), backfill (dữ liệu cũ khi mới kết nối) | en: late, retraction, repair (sent again when asked), backfill (history, loaded when the ward joined)',
    status UInt8 COMMENT 'vi: trạng thái có số liệu thay đổi | en: status whose count changed',
    change Int64 COMMENT 'vi: thay đổi: +1 hoặc -1 | en: the change: +1 or -1',
    old_count Int64 COMMENT 'vi: số bước của trạng thái đó trong ngày, trước thay đổi | en: steps of that status on that day before',
    new_count Int64 COMMENT 'vi: và sau thay đổi | en: and after',
    event String COMMENT 'vi: mã sự kiện: phường, xã/đời hộp gửi/số thứ tự | en: id of the event: ward/epoch/seq',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận | en: when Kafka had it',
    cut UInt64 COMMENT 'vi: số của mốc đầu tiên có thay đổi này | en: number of the first cut that has it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    -- What arrived late or takes something back, and what it takes back; of a seq used twice only the first arrival.
    -- Grouped by the day as well, so that a question about one day reads that day only.
    firsts AS
    (
        SELECT
            ward, book_day, epoch, seq, max(e.rank) AS first_rank,
            argMax((e.status, e.dossier, e.arrived_at, e.of_epoch, e.of_seq), e.rank) AS row
        FROM r_event_rows AS e
        -- A sealed day has lost the steps that its ledger would be made of.
        WHERE (ward, book_day) NOT IN (SELECT ward, day FROM r_sealed)
            AND (ward, epoch, seq) IN
            (
                SELECT ward, epoch, seq FROM r_late_events
                UNION DISTINCT
                SELECT ward, of_epoch AS epoch, of_seq AS seq FROM r_late_events WHERE of_seq > 0
            )
            AND (ward, epoch, seq, content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_losers)
        GROUP BY ward, book_day, epoch, seq
    ),
    arrivals AS
    (
        SELECT
            ward, book_day AS day, first_rank, tupleElement(row, 5) > 0 AS takes_back,
            if(takes_back, tupleElement(row, 4), epoch) AS step_epoch,
            if(takes_back, tupleElement(row, 5), seq) AS step_seq,
            (epoch, seq, tupleElement(row, 1), tupleElement(row, 2), tupleElement(row, 3)) AS event
        FROM firsts
        WHERE tupleElement(row, 1) > 0
    ),
    -- Each step with its first retraction, as far as they are here. A step counts from its arrival until it is taken
    -- back; a retraction that came before its step leaves nothing to count.
    steps AS
    (
        SELECT
            ward,
            day,
            maxIf(first_rank, NOT takes_back) AS come,
            maxIf(first_rank, takes_back) AS gone,
            argMaxIf(event, first_rank, NOT takes_back) AS coming,
            argMaxIf(event, first_rank, takes_back) AS going
        FROM arrivals
        GROUP BY ward, day, step_epoch, step_seq
        HAVING come > gone
    ),
    changes AS
    (
        SELECT
            ward, day, sign, rank,
            tupleElement(what, 1) AS epoch, tupleElement(what, 2) AS seq,
            tupleElement(what, 3) AS status, tupleElement(what, 4) AS dossier, tupleElement(what, 5) AS arrived_at
        FROM steps
        ARRAY JOIN
            if(gone > 0, [1, -1], [1]) AS sign,
            if(gone > 0, [come, gone], [come]) AS rank,
            if(gone > 0, [coming, going], [coming]) AS what
        WHERE toDate32(arrived_at) > day
    ),
    -- Per status of a day its changes, newest first, and how much has changed since before each of them.
    counted AS
    (
        SELECT
            ward, day, status,
            arrayReverseSort(groupArray((rank, sign, epoch, seq, dossier, arrived_at))) AS earliest_first,
            arrayReverse(earliest_first) AS latest_first,
            arrayCumSum(c -> toInt64(tupleElement(c, 2)), latest_first) AS undone
        FROM changes
        GROUP BY ward, day, status
    ),
    asked AS
    (
        SELECT ward, epoch, groupArray((first_seq, last_seq, at)) AS ranges FROM r_repairs GROUP BY ward, epoch
    ),
    joined AS
    (
        -- When a ward was first heard never changes, whichever cut is asked for and whatever was removed.
        SELECT ward, min(l.first_arrived_at) AS first_arrived_at FROM landed_seqs AS l GROUP BY ward
    )
SELECT
    c.day AS day,
    c.ward AS ward,
    w.name AS ward_name,
    multiIf(
        change < 0, 'retraction',
        toDate32(j.first_arrived_at) > c.day, 'backfill',
        arrayExists(r -> tupleElement(one, 4) BETWEEN r.1 AND r.2 AND r.3 <= tupleElement(one, 6), a.ranges), 'repair',
        'late') AS cause,
    c.status AS status,
    toInt64(tupleElement(one, 2)) AS change,
    new_count - change AS old_count,
    b.counts[c.status] - before + change AS new_count,
    concat(c.ward, '/', tupleElement(one, 3), '/', toString(tupleElement(one, 4))) AS event,
    tupleElement(one, 5) AS dossier,
    tupleElement(one, 6) AS arrived_at,
    toUInt64(intDiv(toUnixTimestamp64Milli(arrived_at) + 9999, 10000) - 173566440) AS cut
FROM counted AS c
ARRAY JOIN latest_first AS one, undone AS before
LEFT JOIN
(
    -- By status, from 1 on.
    SELECT
        ward, day,
        [registered, received, refused, processing, supplements, payments, withdrawn, stopped, resolved, returned] AS counts
    FROM r_day
) AS b ON b.ward = c.ward AND b.day = c.day
LEFT JOIN asked AS a ON a.ward = c.ward AND a.epoch = tupleElement(one, 3)
LEFT JOIN joined AS j ON j.ward = c.ward
LEFT JOIN (SELECT code, name FROM wards FINAL) AS w ON w.code = c.ward
COMMENT 'vi: mỗi thay đổi của một ngày sau khi ngày đó đã hết; tại sao số liệu hôm qua thay đổi | en: every change of a day after its end: why yesterday changed'
