-- The cuts, and what was asked for again.
CREATE OR REPLACE VIEW r_city_cut
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM city_cut FINAL
COMMENT 'vi: các mốc | en: the cuts';

CREATE OR REPLACE VIEW r_city_cut_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT cut FROM r_now_at(as_of = {as_of:String})) AS newest
SELECT * FROM city_cut FINAL WHERE number <= newest
COMMENT 'vi: các mốc đến một mốc | en: the cuts up to one';

CREATE OR REPLACE VIEW r_repairs
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM repairs FINAL
COMMENT 'vi: các lần yêu cầu gửi lại và sửa chữa | en: re-requests and repairs';

CREATE OR REPLACE VIEW r_repairs_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH (SELECT at FROM r_now_at(as_of = {as_of:String})) AS instant
SELECT * FROM repairs FINAL WHERE repairs.at <= instant
COMMENT 'vi: các lần yêu cầu gửi lại và sửa chữa đến một mốc | en: re-requests and repairs up to a cut';

CREATE OR REPLACE VIEW r_office_overrides
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT * FROM office_overrides FINAL WHERE NOT deleted
COMMENT 'vi: giờ làm việc riêng | en: office hours that a ward has for itself';
