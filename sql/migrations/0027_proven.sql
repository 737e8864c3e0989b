-- Up to which instant a ward is proven complete: kept in its record, so that it never runs back.
ALTER TABLE ward_sync ADD COLUMN IF NOT EXISTS proven_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: chắc chắn đủ mọi sự kiện đến lúc này, không bao giờ lùi | en: proven complete up to here, never runs back' AFTER rejected;
ALTER TABLE ward_sync ADD COLUMN IF NOT EXISTS doubted_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: từ lúc này nhịp tim nói còn sự kiện chờ gửi | en: since then heartbeats say that something waits' AFTER proven_at;
ALTER TABLE ward_sync_recent ADD COLUMN IF NOT EXISTS proven_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: chắc chắn đủ mọi sự kiện đến lúc này | en: proven complete up to here' AFTER rejected;
ALTER TABLE ward_sync_recent ADD COLUMN IF NOT EXISTS doubted_at Nullable(DateTime64(3, 'Asia/Ho_Chi_Minh')) COMMENT 'vi: từ lúc này nhịp tim nói còn sự kiện chờ gửi | en: since then heartbeats say that something waits' AFTER proven_at;

-- A view keeps the columns that its table had when it was made.
DROP VIEW IF EXISTS ward_sync_recent_feed;
CREATE MATERIALIZED VIEW IF NOT EXISTS ward_sync_recent_feed TO ward_sync_recent AS SELECT * FROM ward_sync;
