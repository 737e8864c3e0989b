-- Events that may have come more than once: those of full blocks, or all of them where such blocks are many. Each content of a
-- seq is here once, by its first arrival, and `counted` of the contents of a seq is the one that came first.
--
-- Few rows are put together without FINAL, which would read every row that one of them could stand behind.
CREATE OR REPLACE VIEW r_full_block_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT full FROM r_full_blocks_once) AS full,
    (SELECT groupArray(month) FROM r_full_block_months) AS months
SELECT
    *, rank, content_hash,
    content_hash = first_value(content_hash) OVER (PARTITION BY ward, epoch, seq ORDER BY rank DESC, content_hash ASC) AS counted
FROM events
WHERE toYYYYMM(occurred_at) IN months
    AND intDiv(seq, 128) IN full.numbers
    AND (ward, epoch, intDiv(seq, 128)) IN full.blocks
ORDER BY rank DESC
LIMIT 1 BY ward, epoch, seq, content_hash
COMMENT 'vi: sự kiện trong các khối đó, mỗi nội dung một dòng | en: events of those blocks, each content once';

CREATE OR REPLACE VIEW r_full_block_events_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT full FROM r_full_blocks_once) AS full,
    (SELECT groupArray(month) FROM r_full_block_months) AS months,
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT
    *, rank, content_hash,
    content_hash = first_value(content_hash) OVER (PARTITION BY ward, epoch, seq ORDER BY rank DESC, content_hash ASC) AS counted
FROM events
WHERE arrived_at <= instant
    AND toYYYYMM(occurred_at) IN months
    AND intDiv(seq, 128) IN full.numbers
    AND (ward, epoch, intDiv(seq, 128)) IN full.blocks
ORDER BY rank DESC
LIMIT 1 BY ward, epoch, seq, content_hash
COMMENT 'vi: sự kiện trong các khối đó, mỗi nội dung một dòng, tại một mốc | en: events of those blocks, each content once, at a cut';

CREATE OR REPLACE VIEW r_many_losers
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT full FROM r_full_blocks_once) AS full
SELECT ward, epoch, seq, arrayJoin(arrayFilter(hash -> hash != first_hash, hashes)) AS content_hash, dossiers
FROM
(
    SELECT
        ward, epoch, seq,
        groupUniqArray(e.content_hash) AS hashes,
        argMax(e.content_hash, e.rank) AS first_hash,
        groupUniqArray(e.dossier) AS dossiers
    FROM events AS e
    WHERE full.many
        AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM r_full_blocks)
    GROUP BY ward, epoch, seq
    HAVING min(e.content_hash) != max(e.content_hash)
)
COMMENT 'vi: nội dung đến sau của số thứ tự dùng lại, khi có nhiều khối | en: later contents of a seq that was used again, where blocks are many';

CREATE OR REPLACE VIEW r_many_losers_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT full FROM r_full_blocks_once) AS full,
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT ward, epoch, seq, arrayJoin(arrayFilter(hash -> hash != first_hash, hashes)) AS content_hash, dossiers
FROM
(
    SELECT
        ward, epoch, seq,
        groupUniqArray(e.content_hash) AS hashes,
        argMax(e.content_hash, e.rank) AS first_hash,
        groupUniqArray(e.dossier) AS dossiers
    FROM events AS e
    WHERE arrived_at <= instant
        AND full.many
        AND (ward, epoch, intDiv(seq, 128)) IN (SELECT ward, epoch, block FROM r_full_blocks)
    GROUP BY ward, epoch, seq
    HAVING min(e.content_hash) != max(e.content_hash)
)
COMMENT 'vi: nội dung đến sau của số thứ tự dùng lại, khi có nhiều khối, tại một mốc | en: later contents of a seq that was used again, where blocks are many, at a cut';

CREATE OR REPLACE VIEW r_doubtful_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT full FROM r_full_blocks_once) AS full
SELECT * FROM r_full_block_events
UNION ALL
SELECT
    *, rank, content_hash,
    (ward, epoch, seq, content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_many_losers) AS counted
FROM events FINAL
WHERE full.many
COMMENT 'vi: sự kiện có thể đã đến nhiều lần, mỗi nội dung một dòng | en: events that may have come more than once, each content once';

CREATE OR REPLACE VIEW r_doubtful_events_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT full FROM r_full_blocks_once) AS full,
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM r_full_block_events_at(as_of = {as_of:String})
UNION ALL
SELECT
    *, rank, content_hash,
    (ward, epoch, seq, content_hash) NOT IN (SELECT ward, epoch, seq, content_hash FROM r_many_losers_at(as_of = {as_of:String})) AS counted
FROM events FINAL
WHERE arrived_at <= instant AND full.many
COMMENT 'vi: sự kiện có thể đã đến nhiều lần, mỗi nội dung một dòng, tại một mốc | en: events that may have come more than once, each content once, at a cut';
