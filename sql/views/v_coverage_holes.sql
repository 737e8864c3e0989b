-- now-only: vi: chuyện Kafka và bộ nạp lúc này; phần bảo toàn tại một mốc ở v_conservation | en: it is about Kafka and the loader now; v_conservation has what a cut knew of them
CREATE OR REPLACE VIEW v_coverage_holes
(
    topic String COMMENT 'vi: chủ đề Kafka | en: Kafka topic',
    topic_id String COMMENT 'vi: định danh chủ đề | en: id of the topic',
    partition UInt16 COMMENT 'vi: phân vùng Kafka | en: Kafka partition',
    first_offset UInt64 COMMENT 'vi: từ vị trí | en: first offset',
    last_offset UInt64 COMMENT 'vi: đến vị trí | en: last offset'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    topic,
    topic_id,
    partition,
    expected AS first_offset,
    begun - 1 AS last_offset
FROM
(
    SELECT
        topic,
        topic_id,
        partition,
        first_offset AS begun,
        if(row_number() OVER earlier = 1, 0, 1 + max(last_offset) OVER before) AS expected
    FROM coverage FINAL
    WINDOW
        earlier AS (PARTITION BY topic_id, partition ORDER BY first_offset ASC),
        before AS (PARTITION BY topic_id, partition ORDER BY first_offset ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
WHERE begun > expected
COMMENT 'vi: những đoạn Kafka chưa từng được nạp; rỗng là không sót | en: stretches of Kafka that were never loaded; empty means that nothing was skipped';
