-- Files that computers fetch from the server itself: installers that lie beside the fleet files and at no address.
--
-- Any server may take a file in and any may give it out, so it lies in the database and not in a folder of one of them: in
-- pieces of a megabyte, so that neither needs room for all of it. A file is named by its SHA-256 and has that name only once
-- it is whole; what was begun and never ended has none and is removed. Pieces are not compressed: installers are already.
--
-- Computers have no right to ask the API for anything. They are told an address that ends by itself and was signed with the
-- installation's key.

CREATE TABLE stored_file (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sha256    bytea UNIQUE CHECK (octet_length(sha256) = 32),
    size      bigint CHECK (size > 0),
    begun_at  timestamptz NOT NULL DEFAULT now(),
    stored_at timestamptz,
    CONSTRAINT named_once_whole CHECK ((sha256 IS NULL) = (size IS NULL) AND (sha256 IS NULL) = (stored_at IS NULL))
);

CREATE TABLE stored_file_piece (
    file_id uuid NOT NULL REFERENCES stored_file ON DELETE CASCADE,
    place   int NOT NULL CHECK (place >= 0),
    bytes   bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 1048576),
    PRIMARY KEY (file_id, place)
);
ALTER TABLE stored_file_piece ALTER COLUMN bytes SET STORAGE EXTERNAL;

ALTER TABLE installation
    ADD COLUMN file_key bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());

COMMENT ON TABLE stored_file IS 'Files that computers fetch from the server, by SHA-256; one that has none is being taken in.';
COMMENT ON TABLE stored_file_piece IS 'What is in them, in order: every piece but the last has a megabyte.';
COMMENT ON COLUMN installation.file_key IS 'Signs the addresses of stored files.';
