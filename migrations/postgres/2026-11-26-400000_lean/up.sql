-- What SQLite stores in another way, PostgreSQL keeps as it was.
SELECT 1;
