-- The number of an entry is the number of its row: one tree is written where there were two. The rows are copied as they are.
CREATE TABLE entries_by_number (
  seq INTEGER NOT NULL PRIMARY KEY, -- index of the leaf
  bytes BLOB NOT NULL,              -- the exact bytes that were signed and hashed
  nodes BLOB NOT NULL               -- the leaf's hash and the tree nodes it completes, level by level, 32 bytes each
);
INSERT INTO entries_by_number (seq, bytes, nodes) SELECT seq, bytes, nodes FROM entries ORDER BY seq;
DROP TABLE entries;
ALTER TABLE entries_by_number RENAME TO entries;
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_are_never_removed BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
-- REPLACE would remove the old row without asking the trigger above.
CREATE TRIGGER entries_are_never_replaced BEFORE INSERT ON entries WHEN EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint: entries are never replaced'); END;
