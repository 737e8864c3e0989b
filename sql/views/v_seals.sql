CREATE OR REPLACE VIEW v_seals
(
    day Date32 COMMENT 'vi: ngày của sổ | en: day of the book',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    events UInt64 COMMENT 'vi: số sự kiện đã niêm phong và gỡ | en: events that were sealed and removed',
    steps UInt64 COMMENT 'vi: trong đó: số bước hồ sơ | en: of these: steps of dossiers',
    retractions UInt64 COMMENT 'vi: trong đó: số lần rút lại | en: of these: retractions',
    fingerprints Array(String) COMMENT 'vi: dấu vân tay của từng niêm phong | en: fingerprint of each seal',
    book_events UInt64 COMMENT 'vi: số sự kiện trong sổ | en: events in the book',
    events_since UInt64 COMMENT 'vi: số sự kiện của ngày còn ở dữ liệu thô, chưa niêm phong | en: events of the day that are in the raw rows and under no seal',
    agrees Bool COMMENT 'vi: sổ = niêm phong + phần chưa niêm phong | en: the book is the seals and what is under none',
    cut UInt64 COMMENT 'vi: so sổ với dòng thô tại mốc này và khớp | en: books and raw rows were compared as of this cut and agreed',
    sealed_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: lúc niêm phong lần cuối | en: when it was sealed last'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    s.day AS day,
    s.ward AS ward,
    w.name AS ward_name,
    s.n_events AS events,
    s.n_steps AS steps,
    s.n_retractions AS retractions,
    s.prints AS fingerprints,
    b.events AS book_events,
    r.since AS events_since,
    book_events = events + events_since AS agrees,
    s.last_cut AS cut,
    s.last_at AS sealed_at
FROM
(
    SELECT
        day, ward, sum(p.events) AS n_events, sum(p.steps) AS n_steps, sum(p.retractions) AS n_retractions,
        arrayMap(x -> x.2, arraySort(groupArray((p.until, toString(p.fingerprint))))) AS prints,
        max(p.cut) AS last_cut, max(p.sealed_at) AS last_at
    FROM r_seals AS p
    GROUP BY day, ward
) AS s
LEFT JOIN (SELECT day, ward, events FROM r_book) AS b ON b.day = s.day AND b.ward = s.ward
LEFT JOIN
(
    -- What was removed and is sent again is no event more.
    SELECT e.book_day AS day, e.ward AS ward, uniqExactIf((e.epoch, e.seq), NOT bitmapContains(g.gone, e.seq)) AS since
    FROM r_event_rows AS e
    LEFT JOIN
    (
        SELECT ward, epoch, groupBitmapMergeState(seqs) AS gone FROM removed_seqs GROUP BY ward, epoch
    ) AS g ON g.ward = e.ward AND g.epoch = e.epoch
    WHERE (e.ward, e.book_day) IN (SELECT ward, day FROM r_sealed)
        AND (e.ward, e.epoch, e.seq, e.content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_losers)
    GROUP BY day, ward
) AS r ON r.day = s.day AND r.ward = s.ward
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = s.ward
COMMENT 'vi: niêm phong của từng phường, xã và ngày đã gỡ dữ liệu thô, so với sổ | en: the seal of each ward and day whose raw rows were removed, against its book'
