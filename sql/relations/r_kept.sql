-- What has been removed, and from which day, which cut on everything is there. A removal is always of this moment:
-- rows that are gone are gone for every cut, so these two have no form as of one.
CREATE OR REPLACE VIEW r_kept
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    greatest(maxIf(toDate32(until), what = 'raw'), toDate32('1900-01-01')) AS raw_from,
    max(until) AS cuts_from
FROM removals
COMMENT 'vi: dữ liệu thô và các mốc còn đủ từ lúc nào | en: from when on raw rows and cuts are whole';

CREATE OR REPLACE VIEW r_sealed
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT ward, day FROM seals
COMMENT 'vi: các sổ mà dòng thô đã được gỡ, có thể lặp | en: books whose raw rows were removed, may repeat';

CREATE OR REPLACE VIEW r_seals
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM seals FINAL
COMMENT 'vi: niêm phong | en: the seals';

CREATE OR REPLACE VIEW r_seals_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM seals FINAL WHERE sealed_at <= instant
COMMENT 'vi: niêm phong đã có tại một mốc | en: the seals that were there at a cut';
