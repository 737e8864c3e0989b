-- Steps that arrived after the end of their day, and all retractions.
CREATE OR REPLACE VIEW r_late_events
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM late_events FINAL
COMMENT 'vi: các bước đến sau khi hết ngày, và mọi lần rút lại | en: steps that arrived after the end of their day, and all retractions';

CREATE OR REPLACE VIEW r_late_events_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM late_events FINAL WHERE arrived_at <= instant
COMMENT 'vi: các bước đến sau khi hết ngày, và mọi lần rút lại, tại một mốc | en: steps that had arrived after the end of their day at a cut, and all retractions';

-- Each book at the end of its day, and every revision after it. A cut within the day has none after it, so the first
-- does not matter then.
CREATE OR REPLACE VIEW r_late_books
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM late_books FINAL
-- A day has one partition only.
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'vi: sổ lúc hết ngày và mọi lần sửa sau đó | en: each book at the end of its day, and every revision after it';

CREATE OR REPLACE VIEW r_late_books_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant,
    (SELECT generation FROM r_now_at(as_of = {as_of:String})) AS newest
SELECT * FROM late_books FINAL WHERE arrived_at <= instant AND generation <= newest
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'vi: sổ lúc hết ngày và mọi lần sửa sau đó đến một mốc | en: each book at the end of its day, and every revision after it up to a cut';

-- Rebuilds that wrote: one a generation. `cut` is the first that holds its books, 0 while there is none.
CREATE OR REPLACE VIEW r_rebuilds
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT groupArray((held, first)) FROM (SELECT c.generation AS held, min(c.number) AS first FROM city_cut AS c WHERE held > 0 GROUP BY held)) AS cuts
SELECT run, generation, at, arrayMin(arrayMap(c -> c.2, arrayFilter(c -> c.1 >= generation, cuts))) AS cut
FROM rebuilds FINAL
WHERE generation > 0
COMMENT 'vi: các lượt dựng lại đã ghi sổ | en: rebuilds that wrote books';

CREATE OR REPLACE VIEW r_rebuilds_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT generation FROM r_now_at(as_of = {as_of:String})) AS newest
SELECT * FROM r_rebuilds WHERE generation <= newest
COMMENT 'vi: các lượt dựng lại đã ghi sổ đến một mốc | en: rebuilds that had written books at a cut';
