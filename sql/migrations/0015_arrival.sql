-- Questions by day of arrival: seqs arrive nearly in order, so the bounds of a granule are narrow.
ALTER TABLE events ADD INDEX IF NOT EXISTS arrived_minmax arrived_at TYPE minmax GRANULARITY 1;

ALTER TABLE events MATERIALIZE INDEX arrived_minmax;
