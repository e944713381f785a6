-- Secrets are sealed: whoever reads this table, a backup of it or a disk that held it reads no value. A value is sealed with
-- AES-256-GCM under a key that the programs are told and the database is not, and for its own id, so that it cannot be put
-- in another's place. The key is named beside it, so that keys can take turns.
--
-- What was stored before stays readable as it is until `pitcrew secret rotate` seals it.

ALTER TABLE secret
    ALTER COLUMN value DROP NOT NULL,
    ADD COLUMN key_id text CHECK (key_id <> ''),
    ADD COLUMN sealed bytea,
    ADD CONSTRAINT sealed_under_a_key CHECK ((sealed IS NULL) = (key_id IS NULL)),
    ADD CONSTRAINT sealed_or_from_before CHECK ((value IS NULL) <> (sealed IS NULL));

COMMENT ON COLUMN secret.value IS 'A value from before secrets were sealed.';
COMMENT ON COLUMN secret.key_id IS 'Names the key under which it is sealed; not the key itself.';
COMMENT ON COLUMN secret.sealed IS 'Nonce, sealed value and tag.';
