-- Raw rows. `r_events` has each content of a seq once, its first arrival, and says of each whether it is `counted`: what came
-- later for a seq that was used before is not. `r_event_rows` may have later arrivals of the same content beside it, and costs
-- less: enough for questions that repetition does not change. A seq that came more than once makes its block full
-- (`r_full_blocks`, a superset for every cut), so only rows of such blocks are put together. For all others an index by time
-- leaves out what it is for.
CREATE OR REPLACE VIEW r_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT full FROM r_full_blocks_once) AS full
SELECT *, rank, content_hash, true AS counted FROM events
WHERE NOT full.many AND (ward, epoch, intDiv(seq, 128)) NOT IN full.blocks
UNION ALL
SELECT * FROM r_doubtful_events
COMMENT 'vi: sự kiện hợp lệ | en: admitted events';

CREATE OR REPLACE VIEW r_events_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT full FROM r_full_blocks_once) AS full,
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT *, rank, content_hash, true AS counted FROM events
WHERE arrived_at <= instant AND NOT full.many AND (ward, epoch, intDiv(seq, 128)) NOT IN full.blocks
UNION ALL
SELECT * FROM r_doubtful_events_at(as_of = {as_of:String})
COMMENT 'vi: sự kiện hợp lệ đã đến tại một mốc | en: admitted events that had arrived at a cut';

-- The same as `r_events`, for questions that go through all of it: FINAL over everything costs the same however often
-- rows came again, as they do everywhere once a whole topic was read a second time.
CREATE OR REPLACE VIEW r_events_final
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT *, rank, content_hash FROM events FINAL
COMMENT 'vi: sự kiện hợp lệ, đọc toàn bộ | en: admitted events, all of them gone through';

CREATE OR REPLACE VIEW r_events_final_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT *, rank, content_hash FROM events FINAL WHERE arrived_at <= instant
COMMENT 'vi: sự kiện hợp lệ đã đến tại một mốc, đọc toàn bộ | en: admitted events that had arrived at a cut, all of them gone through';

CREATE OR REPLACE VIEW r_event_rows
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT *, rank, content_hash FROM events
COMMENT 'vi: dòng sự kiện, có thể lặp | en: rows of events, may repeat';

CREATE OR REPLACE VIEW r_event_rows_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT *, rank, content_hash FROM events WHERE arrived_at <= instant
COMMENT 'vi: dòng sự kiện đã đến tại một mốc, có thể lặp | en: rows of events that had arrived at a cut, may repeat';
