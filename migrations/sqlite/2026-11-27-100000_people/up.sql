-- The directory: where a person is reached. Empty where nobody said; otherwise one person's alone.
ALTER TABLE people ADD COLUMN email TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX people_by_email ON people (email) WHERE email <> '';
