-- A ledger is never taken down.
SELECT 1;
