CREATE OR REPLACE VIEW v_corrections
(
    day Date32 COMMENT 'vi: ngày bị thay đổi sau khi đã hết | en: the day that changed after its end',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    cause String COMMENT 'vi: late (đến muộn), retraction (rút lại), repair (gửi lại theo yêu cầu), rebuild (dựng lại sổ), recount (sổ thay đổi mà không có sự kiện mới), backfill (dữ liệu cũ khi mới kết nối) | en: late, retraction, repair (sent again when asked), rebuild (of the books), recount (the book changed without a new event), backfill (history, loaded when the ward joined)',
    status UInt8 COMMENT 'vi: trạng thái có số liệu thay đổi | en: status whose count changed',
    change Int64 COMMENT 'vi: thay đổi: +1 hoặc -1 với một sự kiện; 0 nếu lần dựng lại chỉ đổi lĩnh vực, kênh, hạn hoặc phút | en: the change: +1 or -1 for an event; 0 where a rebuild changed only field, channel, timeliness or minutes',
    old_count Int64 COMMENT 'vi: số bước của trạng thái đó trong ngày, trước thay đổi | en: steps of that status on that day before',
    new_count Int64 COMMENT 'vi: và sau thay đổi | en: and after',
    event String COMMENT 'vi: mã sự kiện: phường, xã/đời hộp gửi/số thứ tự; rỗng nếu cả sổ thay đổi | en: id of the event: ward/epoch/seq; empty where the book changed as a whole',
    dossier String COMMENT 'vi: mã hồ sơ | en: dossier code',
    arrived_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc Kafka nhận, hoặc lúc dựng lại xong | en: when Kafka had it, or when the rebuild was done',
    cut UInt64 COMMENT 'vi: số của mốc đầu tiên có thay đổi này | en: number of the first cut that has it',
    run String COMMENT 'vi: mã lượt gửi lại hoặc dựng lại, nếu cả sổ thay đổi | en: code of the repair or rebuild, where the book changed as a whole'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    CAST((0, 0, 0, 0, '', 0, []), 'Tuple(UInt64, UInt32, DateTime64(3, \'Asia/Ho_Chi_Minh\'), DateTime64(3, \'Asia/Ho_Chi_Minh\'), String, UInt64, Array(Int64))') AS nothing,
    (SELECT at - toIntervalSecond(if(cut = 0, 10, 0)) FROM r_now) AS settled,
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
    -- The books themselves: how each stood at the end of its day, and what was shown afterwards. What a rebuild wrote
    -- is shown from its end on, whenever its events arrived; of what is shown at one instant only the newest counts.
    revisions AS
    (
        SELECT
            b.ward AS ward, b.day AS day, b.version AS version, b.generation AS generation, r.run AS run, r.cut AS cut,
            max(b.arrived_at) OVER (PARTITION BY b.ward, b.day ORDER BY b.version) AS seen_at,
            greatest(b.arrived_at, r.at) AS at,
            arrayMap(k -> arraySum((s, c) -> if(s = k, c, 0), b.status, b.count), range(1, 11)) AS counts
        FROM r_late_books AS b
        LEFT JOIN r_rebuilds AS r ON r.generation = b.generation
        WHERE (b.ward, b.day) NOT IN (SELECT ward, day FROM r_sealed)
    ),
    shown AS
    (
        SELECT ward, day, all_shown, arrayCount(v -> toDate32(v.3) <= day, all_shown) AS of_day
        FROM
        (
            SELECT
                ward, day,
                arrayFilter((v, next) -> (v.2, v.3) != (next.2, next.3),
                    in_order, arrayPushBack(arrayPopFront(in_order), nothing)) AS all_shown
            FROM
            (
                SELECT ward, day, arraySort(v -> v.1, groupArray((version, generation, at, seen_at, run, cut, counts))) AS in_order
                FROM revisions
                GROUP BY ward, day
            )
        )
        WHERE length(all_shown) > of_day
    ),
    -- By how much each of them changed a status, from the one before it: (first, rebuilt, at, from, to, run, cut, change).
    moves AS
    (
        SELECT
            ward, day, toUInt8(status) AS status,
            arrayMap((v, old) -> (old.1 = 0, v.2 > old.2, v.3, old.4, v.4, v.5, v.6, v.7[status] - old.7[status]),
                arraySlice(all_shown, of_day + 1), arraySlice(arrayPushFront(all_shown, nothing), of_day + 1, length(all_shown) - of_day)) AS moves
        FROM shown
        ARRAY JOIN range(1, 11) AS status
    ),
    -- Which statuses of a book a rebuild changed, their number or only what is behind it.
    rebuilt AS
    (
        SELECT ward, assumeNotNull(c.day) AS day, status, groupUniqArray(run) AS runs
        FROM rebuild_changes AS c
        WHERE isNotNull(c.day) AND version > 0 AND status > 0 AND run IN (SELECT run FROM r_rebuilds)
        GROUP BY ward, day, status
    ),
    -- What was sent again for a book, and what was asked of a ward because it was counted and not stored.
    resent AS
    (
        SELECT ward, assumeNotNull(r.day) AS day, arraySort(groupArray((r.at, r.id))) AS repairs
        FROM r_repairs AS r WHERE isNotNull(r.day) GROUP BY ward, day
    ),
    restored AS
    (
        SELECT ward, groupArray((epoch, first_seq, last_seq, at)) AS ranges
        FROM r_repairs WHERE kind = 'request' AND reason = 'difference' GROUP BY ward
    ),
    sides AS
    (
        SELECT ward, day, status, groupArrayArray(event) AS events, groupArrayArray(move) AS moves, groupArrayArray(run) AS runs
        FROM
        (
            SELECT ward, day, status, [(rank, sign, epoch, seq, dossier, arrived_at)] AS event, [] AS move, [] AS run
            FROM changes
            UNION ALL
            SELECT ward, day, status, [], moves, [] FROM moves
            UNION ALL
            SELECT ward, day, status, [], [], runs FROM rebuilt
        )
        GROUP BY ward, day, status
    ),
    -- Of the events those that the book has counted; and what was sent again of it.
    known AS
    (
        SELECT
            s.ward AS ward, s.day AS day, s.status AS status, b.counts[s.status] AS count, s.moves AS moves, s.runs AS runs,
            arrayFilter(e -> e.6 <= b.arrived_at
                AND NOT arrayExists(r -> r.1 = e.3 AND e.4 BETWEEN r.2 AND r.3 AND r.4 <= e.6, g.ranges), s.events) AS events,
            d.repairs AS repairs
        FROM sides AS s
        LEFT JOIN
        (
            -- By status, from 1 on.
            SELECT
                ward, day, arrived_at,
                [registered, received, refused, processing, supplements, payments, withdrawn, stopped, resolved, returned] AS counts
            FROM r_day
        ) AS b ON b.ward = s.ward AND b.day = s.day
        LEFT JOIN resent AS d ON d.ward = s.ward AND d.day = s.day
        LEFT JOIN restored AS g ON g.ward = s.ward
    ),
    -- What the book changed by without them, and the code of the rebuild or repair that did it.
    weighed AS
    (
        SELECT
            ward, day, status, count, moves, runs, events,
            arrayMap(m -> (
                m.8 - arraySum(e -> if(e.6 > m.4 AND e.6 <= m.5, e.2, 0), events),
                if(m.2, m.6, arrayFilter(r -> r.1 <= m.3, repairs)[-1].2)), moves) AS left
        FROM known
    ),
    -- Both as lines. Of a book that was not there before the first change of it nothing is said, unless it is known to have
    -- been repaired or rebuilt; and nothing for ten seconds, since events and books are stored side by side.
    lines AS
    (
        SELECT
            ward, day, status, count,
            arrayConcat(
                arrayMap(e -> (e.1, toInt64(0), toInt64(e.2), e.3, e.4, e.5, e.6, '', '', toUInt64(0)), events),
                arrayMap((m, l, n) -> (
                    toUInt64(9223372036854775807 - (toUInt64(toUnixTimestamp64Milli(m.3)) * 1048576 + 1048575)), -toInt64(n),
                    l.1, '', toUInt64(0), '', m.3, multiIf(m.2, 'rebuild', l.2 != '', 'repair', 'recount'), l.2, m.7),
                    arrayFilter((m, told) -> told, moves, tells), arrayFilter((l, told) -> told, left, tells),
                    arrayFilter((n, told) -> told, arrayEnumerate(moves), tells))) AS all_lines
        FROM
        (
            SELECT
                *,
                arrayMap((m, l) -> (l.1 != 0 OR (m.2 AND has(runs, l.2))) AND (NOT m.1 OR l.2 != '')
                    AND (m.2 OR l.2 != '' OR m.3 <= settled), moves, left) AS tells
            FROM weighed
        )
        WHERE notEmpty(all_lines)
    ),
    -- Newest first, and how much has changed since before each of them.
    counted AS
    (
        SELECT ward, day, status, count, latest_first, arrayCumSum(c -> c.3, latest_first) AS undone
        FROM (SELECT ward, day, status, count, arraySort(all_lines) AS latest_first FROM lines)
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
        tupleElement(one, 8) != '', tupleElement(one, 8),
        change < 0, 'retraction',
        toDate32(j.first_arrived_at) > c.day, 'backfill',
        arrayExists(r -> tupleElement(one, 5) BETWEEN r.1 AND r.2 AND r.3 <= tupleElement(one, 7), a.ranges), 'repair',
        'late') AS cause,
    c.status AS status,
    tupleElement(one, 3) AS change,
    new_count - change AS old_count,
    c.count - before + change AS new_count,
    if(tupleElement(one, 8) = '', concat(c.ward, '/', tupleElement(one, 4), '/', toString(tupleElement(one, 5))), '') AS event,
    tupleElement(one, 6) AS dossier,
    tupleElement(one, 7) AS arrived_at,
    if(tupleElement(one, 10) > 0, tupleElement(one, 10),
        toUInt64(intDiv(toUnixTimestamp64Milli(arrived_at) + 9999, 10000) - 173566440)) AS cut,
    tupleElement(one, 9) AS run
FROM counted AS c
ARRAY JOIN latest_first AS one, undone AS before
LEFT JOIN asked AS a ON a.ward = c.ward AND a.epoch = tupleElement(one, 4)
LEFT JOIN joined AS j ON j.ward = c.ward
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = c.ward
COMMENT 'vi: mỗi thay đổi của một ngày sau khi ngày đó đã hết; tại sao số liệu hôm qua thay đổi | en: every change of a day after its end: why yesterday changed'
