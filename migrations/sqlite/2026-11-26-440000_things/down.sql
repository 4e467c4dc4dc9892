DROP INDEX assets_by_place;
DROP TABLE last_seen;
DROP TABLE people_erased;
ALTER TABLE people DROP COLUMN phone;
DROP TABLE bulk_items;
DROP TABLE bulk_jobs;
