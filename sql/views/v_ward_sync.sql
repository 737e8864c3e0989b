CREATE OR REPLACE VIEW v_ward_sync
(
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    kind String COMMENT 'vi: phuong hoặc xa | en: phuong (ward) or xa (commune)',
    events UInt64 COMMENT 'vi: số sự kiện đã đến | en: events that arrived',
    missing UInt64 COMMENT 'vi: số sự kiện còn thiếu, kể cả phần đã báo mà chưa đến | en: events missing, announced ones that have not come included',
    complete Bool COMMENT 'vi: đã nghe và đủ mọi số thứ tự đã biết | en: heard of, and every known seq is here',
    epoch String COMMENT 'vi: đời hộp gửi hiện tại: theo nhịp tim mới nhất, nếu không thì đời nhiều sự kiện nhất | en: the present epoch: of the newest heartbeat, else the one with most events',
    contiguous UInt64 COMMENT 'vi: đời hiện tại: đủ từ 1 đến số này | en: present epoch: complete from 1 up to here',
    highest UInt64 COMMENT 'vi: đời hiện tại: số cao nhất đã đến | en: present epoch: highest seq that arrived',
    pending UInt64 COMMENT 'vi: số sự kiện còn chờ gửi ở phường, xã | en: events that wait in the ward''s outbox',
    event_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc xảy ra sự kiện mới nhất | en: when the newest event happened',
    arrived_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận sự kiện mới nhất | en: when Kafka had the newest event',
    heartbeat_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: nhịp tim mới nhất, theo đồng hồ phường, xã | en: newest heartbeat, by the ward''s clock',
    heard_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: lúc Kafka nhận sự kiện hoặc nhịp tim mới nhất | en: when Kafka had the newest event or heartbeat',
    rejected UInt64 COMMENT 'vi: số thông điệp bị từ chối | en: messages rejected',
    epochs Array(String) COMMENT 'vi: mọi đời hộp gửi | en: all epochs',
    epoch_events Array(UInt64) COMMENT 'vi: từng đời: số sự kiện đã đến | en: per epoch: events that arrived',
    epoch_contiguous Array(UInt64) COMMENT 'vi: từng đời: đủ từ 1 đến số này | en: per epoch: complete from 1 up to here',
    epoch_highest Array(UInt64) COMMENT 'vi: từng đời: số cao nhất đã đến | en: per epoch: highest seq that arrived',
    hole_epoch Array(String) COMMENT 'vi: chỗ thiếu: đời hộp gửi | en: holes: epoch',
    hole_first Array(UInt64) COMMENT 'vi: chỗ thiếu: từ số | en: holes: first seq',
    hole_last Array(UInt64) COMMENT 'vi: chỗ thiếu: đến số | en: holes: last seq',
    hole_since Array(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: chỗ thiếu: biết từ lúc | en: holes: known since',
    status String COMMENT 'vi: good, waiting, attention hoặc bad, xấu nhất của ba mặt | en: good, waiting, attention or bad: the worst of the three',
    reason String COMMENT 'vi: mã lý do của status | en: code of the reason for the status',
    since DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: có lý do này từ lúc | en: this reason holds since',
    alive String COMMENT 'vi: active, quiet, closed, behind, silent hoặc never | en: active, quiet, closed, behind, silent or never',
    office_open Bool COMMENT 'vi: đang trong giờ làm việc | en: within office hours',
    skew_ms Nullable(Int64) COMMENT 'vi: đồng hồ phường, xã nhanh hơn Kafka bao nhiêu mili giây | en: how far the ward''s clock is ahead of Kafka''s, in ms',
    delay_ms_p50 Nullable(Int64) COMMENT 'vi: độ trễ đến trong 24 giờ: trung vị | en: arrival delay within 24 hours: median',
    delay_ms_p99 Nullable(Int64) COMMENT 'vi: độ trễ đến trong 24 giờ: phân vị 99 | en: arrival delay within 24 hours: 99th percentile',
    heartbeat_age_s Nullable(Int64) COMMENT 'vi: nhịp tim mới nhất đã bao nhiêu giây, theo đồng hồ Kafka | en: age of the newest heartbeat in seconds, by Kafka''s clock',
    judged_at DateTime64(3, 'Asia/Ho_Chi_Minh') COMMENT 'vi: các cột từ status đến delay xét tại lúc này | en: the columns from status to delay were judged for this instant'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    w.code AS ward,
    w.name AS ward_name,
    w.kind AS kind,
    s.events AS events,
    s.missing AS missing,
    s.events > 0 AND s.missing = 0 AS complete,
    s.epoch AS epoch,
    s.contiguous AS contiguous,
    s.highest AS highest,
    s.pending AS pending,
    s.event_at AS event_at,
    s.arrived_at AS arrived_at,
    s.heartbeat_at AS heartbeat_at,
    s.heard_at AS heard_at,
    s.rejected AS rejected,
    s.epochs AS epochs,
    s.epoch_events AS epoch_events,
    s.epoch_contiguous AS epoch_contiguous,
    s.epoch_highest AS epoch_highest,
    s.hole_epoch AS hole_epoch,
    s.hole_first AS hole_first,
    s.hole_last AS hole_last,
    -- The holes are as new as the books, the judgement is some seconds older: a hole that it does not know began just now.
    arrayMap(
        (e, f, l) -> ifNull(
            arrayReduce('minOrNull', arrayMap(x -> x.4, arrayFilter(
                x -> x.1 = e AND x.2 <= l AND f <= x.3,
                arrayZip(j.hole_epoch, j.hole_first, j.hole_last, j.hole_since)))),
            n.at),
        s.hole_epoch, s.hole_first, s.hole_last) AS hole_since,
    if(j.ward = '', 'waiting', j.status) AS status,
    if(j.ward = '', 'never', j.reason) AS reason,
    j.since AS since,
    if(j.ward = '', 'never', j.alive) AS alive,
    j.office_open AS office_open,
    j.skew_ms AS skew_ms,
    j.delay_ms_p50 AS delay_ms_p50,
    j.delay_ms_p99 AS delay_ms_p99,
    intDiv(toUnixTimestamp64Milli(n.at) - toUnixTimestamp64Milli(s.heartbeat_at) + ifNull(j.skew_ms, 0), 1000)
        AS heartbeat_age_s,
    j.at AS judged_at
FROM (SELECT code, name, kind FROM r_wards) AS w
LEFT JOIN r_ward_sync AS s ON s.ward = w.code
LEFT JOIN r_ward_state AS j ON j.ward = w.code
CROSS JOIN (SELECT at FROM r_now) AS n
COMMENT 'vi: thành phố đã có đủ dữ liệu của từng phường, xã đến đâu; phường, xã chưa gửi gì cũng có dòng | en: how far the city has each ward; wards never heard of are here as well';
