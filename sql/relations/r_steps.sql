-- Steps of dossiers and of difficulties. They carry no arrival of their own, but a rank that is made of it: `rank` is above
-- the bound exactly if the arrival is not after the instant.
CREATE OR REPLACE VIEW r_dossiers
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM dossiers
COMMENT 'vi: các bước của hồ sơ, có thể lặp | en: the steps of dossiers, may repeat';

CREATE OR REPLACE VIEW r_dossiers_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM dossiers
WHERE rank > 9223372036854775807 - (toUInt64(toUnixTimestamp64Milli(instant)) + 1) * 1048576
COMMENT 'vi: các bước của hồ sơ tại một mốc, có thể lặp | en: the steps of dossiers at a cut, may repeat';

CREATE OR REPLACE VIEW r_difficulties
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM difficulties FINAL
COMMENT 'vi: các bước của vướng mắc | en: the steps of difficulties';

CREATE OR REPLACE VIEW r_difficulties_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM difficulties FINAL
WHERE rank > 9223372036854775807 - (toUInt64(toUnixTimestamp64Milli(instant)) + 1) * 1048576
COMMENT 'vi: các bước của vướng mắc tại một mốc | en: the steps of difficulties at a cut';
