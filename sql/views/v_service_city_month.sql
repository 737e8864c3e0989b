CREATE OR REPLACE VIEW v_service_city_month
(
    period Date32 COMMENT 'vi: ngày đầu tháng | en: the first day of the month',
    received UInt64 COMMENT 'vi: được tiếp nhận (trạng thái 2) = counter + online + post | en: received (status 2) = counter + online + post',
    counter UInt64 COMMENT 'vi: tiếp nhận trực tiếp | en: received at the counter',
    online UInt64 COMMENT 'vi: tiếp nhận trực tuyến | en: received online',
    post UInt64 COMMENT 'vi: tiếp nhận qua bưu chính | en: received by post',
    online_share Nullable(Float64) COMMENT 'vi: tỷ lệ trực tuyến = online / received | en: online share = online / received',
    finished UInt64 COMMENT 'vi: số hồ sơ xử lý xong (trạng thái 9) | en: dossiers processed to the end (status 9)',
    paid_online UInt64 COMMENT 'vi: xử lý xong, đã nộp phí trực tuyến | en: resolved, fee paid online',
    paid_otherwise UInt64 COMMENT 'vi: xử lý xong, nộp phí cách khác | en: resolved, fee paid in another way',
    paid_unknown UInt64 COMMENT 'vi: xử lý xong, không nói hoặc không có phí; không tính là không | en: resolved, not said or no fee; never counted as no',
    paid_online_share Nullable(Float64) COMMENT 'vi: tỷ lệ nộp trực tuyến = paid_online / (paid_online + paid_otherwise) | en: share paid online = paid_online / (paid_online + paid_otherwise)',
    digitised UInt64 COMMENT 'vi: xử lý xong, hồ sơ đã số hóa | en: resolved, digitised',
    not_digitised UInt64 COMMENT 'vi: xử lý xong, hồ sơ chưa số hóa | en: resolved, not digitised',
    digitised_unknown UInt64 COMMENT 'vi: xử lý xong, không nói; không tính là chưa | en: resolved, not said; never counted as no',
    digitised_share Nullable(Float64) COMMENT 'vi: tỷ lệ số hóa = digitised / (digitised + not_digitised) | en: digitised share = digitised / (digitised + not_digitised)',
    complete Bool COMMENT 'vi: tháng đã hết vào lúc hỏi; nếu chưa, số liệu còn tăng | en: the month was over at the instant asked for; if not, the figures still grow'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    o.month AS period,
    sum(o.received) AS received,
    sum(o.counter) AS counter,
    sum(o.online) AS online,
    sum(o.post) AS post,
    if(received > 0, online / received, NULL) AS online_share,
    sum(o.finished) AS finished,
    sum(o.paid_online) AS paid_online,
    sum(o.paid_otherwise) AS paid_otherwise,
    sum(o.paid_unknown) AS paid_unknown,
    if(paid_online + paid_otherwise > 0, paid_online / (paid_online + paid_otherwise), NULL) AS paid_online_share,
    sum(o.digitised) AS digitised,
    sum(o.not_digitised) AS not_digitised,
    sum(o.digitised_unknown) AS digitised_unknown,
    if(digitised + not_digitised > 0, digitised / (digitised + not_digitised), NULL) AS digitised_share,
    assumeNotNull(toDate32(toLastDayOfMonth(period)) < (SELECT toDate32(at) FROM r_now)) AS complete
FROM v_service AS o
GROUP BY period
COMMENT 'vi: kênh nộp, số hóa và nộp phí trực tuyến toàn thành phố theo tháng | en: channels, digitised and paid online of the whole city by month';
