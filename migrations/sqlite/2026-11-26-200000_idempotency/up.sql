-- Not derived: the answers of requests with an Idempotency-Key, each written in the transaction of its effect and removed after seven days.
CREATE TABLE idempotency (
  id INTEGER NOT NULL PRIMARY KEY,  -- in the order of writing, which is the order of time
  scope BLOB NOT NULL UNIQUE,       -- the key, then 16 bytes of a hash of account and route
  request BLOB NOT NULL,            -- SHA-256 of what was asked
  status BIGINT NOT NULL,           -- HTTP status of the answer
  answer BLOB NOT NULL,             -- its exact bytes
  at BIGINT NOT NULL                -- when it was given, milliseconds since 1970
);
