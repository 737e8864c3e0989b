CREATE OR REPLACE VIEW v_quality
(
    day Date32 COMMENT 'vi: ngày Kafka nhận, tại Hà Nội | en: day of arrival in Hanoi',
    ward String COMMENT 'vi: mã phường, xã; rỗng là thông điệp bị từ chối không rõ của ai | en: ward code; empty: rejected messages of nobody that is known',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    accurate Nullable(Float64) COMMENT 'vi: đúng: tỷ lệ thông điệp không bị từ chối = 1 - rejected / messages | en: accurate: share of messages that were not rejected = 1 - rejected / messages',
    complete Nullable(Float64) COMMENT 'vi: đủ: tỷ lệ sự kiện đã biết mà đã đến = 1 - missing / known | en: complete: share of known events that are here = 1 - missing / known',
    clean Nullable(Float64) COMMENT 'vi: sạch: 1 - (conflicts + mismatches) / events, không dưới 0 | en: clean: 1 - (conflicts + mismatches) / events, not below 0',
    live Nullable(Float64) COMMENT 'vi: sống: tỷ lệ sự kiện đến trong vòng 15 phút = timely / timely_of | en: live: share of events that arrived within 15 minutes = timely / timely_of',
    messages UInt64 COMMENT 'vi: sự kiện và thông điệp bị từ chối, không kể nhịp tim và lặp lại | en: events and rejected messages, without heartbeats and repeats',
    rejected UInt64 COMMENT 'vi: thông điệp bị từ chối | en: rejected messages',
    known UInt64 COMMENT 'vi: sự kiện đến trong ngày, và số còn thiếu mà trong ngày mới lộ ra | en: events that arrived on the day, and those missing that became known on it',
    missing UInt64 COMMENT 'vi: trong đó còn thiếu tính đến lúc hỏi | en: of these missing as of the instant asked for',
    events UInt64 COMMENT 'vi: sự kiện hợp lệ đến trong ngày | en: admitted events that arrived on the day',
    conflicts UInt64 COMMENT 'vi: trong đó dùng lại số thứ tự với nội dung khác | en: of these with a seq that was used already for other content',
    mismatches UInt64 COMMENT 'vi: số sự kiện lệch giữa kê khai và sổ của chính ngày này | en: events by which the declared totals of this very day differ from the book',
    timely_of UInt64 COMMENT 'vi: sự kiện đến trong ngày, trừ dữ liệu nạp bù | en: events that arrived on the day, without backfill',
    timely UInt64 COMMENT 'vi: trong đó đến trong vòng 15 phút từ lúc xảy ra | en: of these within 15 minutes of happening',
    backfill UInt64 COMMENT 'vi: dữ liệu nạp bù: xảy ra trước ngày phường, xã gửi lần đầu | en: backfill: happened before the day on which the ward was first heard',
    basis_vi String COMMENT 'vi: bốn tỷ lệ tính trên gì | en: what the four shares are made of, in Vietnamese',
    basis_en String COMMENT 'vi: bằng tiếng Anh | en: the same in English'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    q.day AS day,
    q.ward AS ward,
    w.name AS ward_name,
    if(messages > 0, 1 - rejected / messages, NULL) AS accurate,
    if(known > 0, 1 - missing / known, NULL) AS complete,
    if(events > 0, greatest(0, 1 - (conflicts + mismatches) / events), NULL) AS clean,
    if(timely_of > 0, timely / timely_of, NULL) AS live,
    q.events + q.rejected AS messages,
    q.rejected AS rejected,
    q.events - q.conflicts + q.missing AS known,
    q.missing AS missing,
    q.events AS events,
    q.conflicts AS conflicts,
    q.mismatches AS mismatches,
    q.events - q.backfill AS timely_of,
    q.timely AS timely,
    q.backfill AS backfill,
    format(
        'đúng: {} bị từ chối trong {} thông điệp; đủ: thiếu {} trong {} sự kiện đã biết; sạch: {} trùng số và {} lệch kê khai trên {} sự kiện; sống: {} trong {} đến trong 15 phút, không kể {} nạp bù',
        toString(rejected), toString(messages), toString(missing), toString(known), toString(conflicts),
        toString(mismatches), toString(events), toString(timely), toString(timely_of), toString(backfill)) AS basis_vi,
    format(
        'accurate: {} rejected of {} messages; complete: {} missing of {} known events; clean: {} reused seqs and {} off the declared totals of {} events; live: {} of {} within 15 minutes, {} of backfill left out',
        toString(rejected), toString(messages), toString(missing), toString(known), toString(conflicts),
        toString(mismatches), toString(events), toString(timely), toString(timely_of), toString(backfill)) AS basis_en
FROM
(
    SELECT
        ward,
        day,
        sum(p.n_events) AS events,
        sum(p.n_timely) AS timely,
        sum(p.n_backfill) AS backfill,
        sum(p.n_rejected) AS rejected,
        sum(p.n_conflicts) AS conflicts,
        sum(p.n_missing) AS missing,
        sum(p.n_mismatches) AS mismatches
    FROM
    (
        SELECT
            toString(e.ward) AS ward,
            toDate32(e.arrived_at) AS day,
            count() AS n_events,
            countIf(toDate32(e.occurred_at) >= toDate32(j.joined_at) AND e.arrived_at <= e.occurred_at + toIntervalMinute(15))
                AS n_timely,
            countIf(toDate32(e.occurred_at) < toDate32(j.joined_at)) AS n_backfill,
            toUInt64(0) AS n_rejected,
            toUInt64(0) AS n_conflicts,
            toUInt64(0) AS n_missing,
            toUInt64(0) AS n_mismatches
        FROM r_events AS e
        -- When a ward was first heard never changes, whichever cut is asked for.
        INNER JOIN (SELECT ward, min(first_arrived_at) AS joined_at FROM landed_seqs GROUP BY ward) AS j ON j.ward = e.ward
        GROUP BY ward, day
        UNION ALL
        SELECT toString(r.ward), toDate32(r.arrived_at), 0, 0, 0, count(), 0, 0, 0
        FROM r_rejects AS r
        -- Records of the changelog that cannot be read are ours, not a ward's.
        WHERE NOT endsWith(r.topic, '-changelog')
        GROUP BY 1, 2
        UNION ALL
        SELECT toString(c.ward), toDate32(c.arrived_at), 0, 0, 0, 0, count(), 0, 0
        FROM v_conflicts AS c
        WHERE NOT c.counted
        GROUP BY 1, 2
        UNION ALL
        SELECT ward, hole.2, 0, 0, 0, 0, 0, toUInt64(sum(hole.1)), 0
        FROM
        (
            SELECT
                toString(s.ward) AS ward,
                arrayZip(
                    arrayMap((first, last) -> last - first + 1, s.hole_first, s.hole_last),
                    arrayMap(since -> toDate32(since), s.hole_since)) AS listed,
                -- More holes than a row lists count for the day of the judgement.
                s.missing - least(s.missing, arraySum(l -> l.1, listed)) AS rest,
                arrayJoin(arrayPushBack(listed, (rest, toDate32(s.at)))) AS hole
            FROM r_ward_state AS s
            WHERE s.missing > 0
        )
        WHERE hole.1 > 0
        GROUP BY 1, 2
        UNION ALL
        SELECT toString(b.ward), b.day, 0, 0, 0, 0, 0, 0, sum(b.short_by + b.over_by)
        FROM r_day AS b
        WHERE b.short_by + b.over_by > 0
        GROUP BY 1, 2
    ) AS p
    GROUP BY ward, day
) AS q
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = q.ward
-- Nothing that arrived from here on was removed; before, shares would be of a part only.
WHERE q.day >= (SELECT raw_from FROM r_kept)
-- A seq's contents all lie in the month in which they happened, so no merge crosses it.
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'vi: chất lượng dữ liệu theo phường, xã và ngày đến: đúng, đủ, sạch, sống, kèm tử số và mẫu số | en: data quality by ward and day of arrival: accurate, complete, clean, live, with their numerators and denominators';
