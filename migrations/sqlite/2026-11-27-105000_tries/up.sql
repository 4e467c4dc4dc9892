-- How often an item of a job was tried while the service was at fault, and how many items were given up for it.
ALTER TABLE bulk_items ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bulk_jobs ADD COLUMN failed BIGINT NOT NULL DEFAULT 0;
DROP INDEX bulk_items_by_state;
CREATE INDEX bulk_items_by_state ON bulk_items (job, state, tries, number);
