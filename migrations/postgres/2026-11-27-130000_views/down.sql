DROP INDEX assets_by_category;
DROP INDEX assets_by_holder;
DROP INDEX assets_by_site;
DROP TABLE views;
