-- What the order of items and the licences of software take: the order is one for the whole installation, so it is a
-- column of its one row; a licence is a thing of its own. What a licence says is a text among the scripts, under its
-- SHA-256, so that plans and stored runs name it and never contain it.

ALTER TABLE installation
    ADD COLUMN item_order jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(item_order) = 'object');

COMMENT ON COLUMN installation.item_order IS 'Which items are worked on first and last.';

CREATE TABLE licence (
    name text PRIMARY KEY CHECK (name <> ''),
    body jsonb NOT NULL CHECK (body ->> 'name' = name)
);

COMMENT ON TABLE licence IS 'Who may use which software, by name; what it says is a text in script.';
