DROP INDEX bulk_items_by_state;
CREATE INDEX bulk_items_by_state ON bulk_items (job, state, number);
ALTER TABLE bulk_jobs DROP COLUMN failed;
ALTER TABLE bulk_items DROP COLUMN tries;
