CREATE OR REPLACE VIEW v_service
(
    day Date32 COMMENT 'vi: ngày xảy ra tại Hà Nội | en: day in Hanoi on which it happened',
    week Date32 COMMENT 'vi: thứ hai đầu tuần (ISO) của ngày đó | en: Monday of its ISO week',
    month Date32 COMMENT 'vi: ngày đầu tháng của ngày đó | en: first day of its month',
    ward String COMMENT 'vi: mã phường, xã | en: ward code',
    ward_name String COMMENT 'vi: tên phường, xã | en: name of the ward',
    field String COMMENT 'vi: lĩnh vực | en: field',
    procedure String COMMENT 'vi: mã thủ tục | en: procedure code',
    procedure_name String COMMENT 'vi: tên thủ tục, rỗng nếu không có trong danh mục | en: name of the procedure, empty if the list does not have it',
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
    complete Bool COMMENT 'vi: ngày đã hết vào lúc hỏi | en: the day was over at the instant asked for'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    o.day AS day,
    toDate32(toMonday(o.day)) AS week,
    toDate32(toStartOfMonth(o.day)) AS month,
    o.ward AS ward,
    w.name AS ward_name,
    o.field AS field,
    o.procedure AS procedure,
    p.name AS procedure_name,
    o.counter + o.online + o.post AS received,
    o.counter AS counter,
    o.online AS online,
    o.post AS post,
    if(received > 0, o.online / received, NULL) AS online_share,
    o.finished AS finished,
    o.paid_yes AS paid_online,
    o.paid_no AS paid_otherwise,
    o.finished - o.paid_yes - o.paid_no AS paid_unknown,
    if(o.paid_yes + o.paid_no > 0, o.paid_yes / (o.paid_yes + o.paid_no), NULL) AS paid_online_share,
    o.digitised_yes AS digitised,
    o.digitised_no AS not_digitised,
    o.finished - o.digitised_yes - o.digitised_no AS digitised_unknown,
    if(o.digitised_yes + o.digitised_no > 0, o.digitised_yes / (o.digitised_yes + o.digitised_no), NULL) AS digitised_share,
    assumeNotNull(o.day < (SELECT toDate32(at) FROM r_now)) AS complete
FROM
(
    SELECT
        s.day AS day,
        s.ward AS ward,
        s.field AS field,
        s.procedure AS procedure,
        countIf(s.status = 2 AND s.channel = 'counter') AS counter,
        countIf(s.status = 2 AND s.channel = 'online') AS online,
        countIf(s.status = 2 AND s.channel = 'post') AS post,
        countIf(s.status = 9) AS finished,
        countIf(s.status = 9 AND s.paid_online = 1) AS paid_yes,
        countIf(s.status = 9 AND s.paid_online = 0) AS paid_no,
        countIf(s.status = 9 AND s.digitised = 1) AS digitised_yes,
        countIf(s.status = 9 AND s.digitised = 0) AS digitised_no
    FROM v_steps AS s
    WHERE s.status IN (2, 9)
    GROUP BY day, ward, field, procedure
) AS o
LEFT JOIN (SELECT code, name FROM r_wards) AS w ON w.code = o.ward
LEFT JOIN (SELECT code, name FROM r_procedures) AS p ON p.code = o.procedure
COMMENT 'vi: kênh nộp, số hóa và nộp phí trực tuyến theo ngày, phường, xã, lĩnh vực và thủ tục; cộng các số đếm theo ngày, tuần, tháng | en: channels, digitised and paid online by day, ward, field and procedure; add up the counts by day, week or month';
