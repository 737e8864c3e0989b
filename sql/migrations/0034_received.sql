-- Which dossiers were received within a period: their steps lie together, so the least and the greatest time of a few
-- thousand rows leave out nearly all of ten years. It only leaves out; what is asked is judged from the steps themselves.
ALTER TABLE dossiers ADD INDEX IF NOT EXISTS received_minmax received_at TYPE minmax GRANULARITY 1;

ALTER TABLE dossiers MATERIALIZE INDEX received_minmax;
