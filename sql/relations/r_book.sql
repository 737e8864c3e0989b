-- The books: as they are now, and as they were at a cut. A book that has not changed since the cut is the same in
-- both; of the others the newest revision up to the cut is taken from the history.
CREATE OR REPLACE VIEW r_book
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM book FINAL
COMMENT 'vi: sổ hiện tại | en: the books now';

CREATE OR REPLACE VIEW r_book_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant,
    (SELECT generation FROM r_now_at(as_of = {as_of:String})) AS newest
SELECT *
FROM
(
    SELECT * FROM book FINAL WHERE arrived_at <= instant AND generation <= newest
    UNION ALL
    SELECT * FROM book_history
    WHERE (day, ward, version) IN
    (
        SELECT day, ward, max(version)
        FROM book_history
        WHERE arrived_at <= instant AND generation <= newest
            AND (day, ward) IN (SELECT day, ward FROM book FINAL WHERE arrived_at > instant OR generation > newest)
        GROUP BY day, ward
    )
)
-- A book that changes while it is asked for is found in both.
LIMIT 1 BY day, ward
COMMENT 'vi: sổ tại một mốc | en: the books at a cut';

CREATE OR REPLACE VIEW r_book_history
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM book_history FINAL
COMMENT 'vi: mọi lần sửa sổ | en: every revision of the books';

CREATE OR REPLACE VIEW r_book_history_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant,
    (SELECT generation FROM r_now_at(as_of = {as_of:String})) AS newest
SELECT * FROM book_history FINAL WHERE arrived_at <= instant AND generation <= newest
COMMENT 'vi: mọi lần sửa sổ đến một mốc | en: every revision of the books up to a cut';
