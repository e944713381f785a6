-- Who gets what: persons and their computers, tags on tenants and persons, groups of computers, kinds of device, decisions
-- about optional deployments, and what each computer was last seen to have.
--
-- A query over the inventory must not make every claim of a session read whole inventories. So it is kept apart from the
-- computer, by name, and `installation.asked_software` says which names any group asks for: only those are read.

ALTER TABLE tenant ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN tenant.tags IS 'A target may be the computers of all tenants with a tag.';

CREATE TABLE person (
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant_id bigint NOT NULL REFERENCES tenant,
    name      text NOT NULL CHECK (name <> ''),
    email     text CHECK (email <> ''),
    tags      text[] NOT NULL DEFAULT '{}',
    UNIQUE (tenant_id, name)
);

COMMENT ON TABLE person IS 'The people who use computers.';

ALTER TABLE computer
    ADD COLUMN device text
        CHECK (device IN ('workstation', 'portable', 'server', 'domain_controller', 'primary_domain_controller')),
    ADD COLUMN person_id bigint REFERENCES person,
    ADD COLUMN approvals jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(approvals) = 'object');
COMMENT ON COLUMN computer.device IS 'What kind of device it is, as declared; null: as its facts say, if they do.';
COMMENT ON COLUMN computer.person_id IS 'Its primary user.';
COMMENT ON COLUMN computer.approvals IS 'What was decided about optional deployments for it, by their names.';
COMMENT ON COLUMN computer.facts IS 'Facts as declared; they count before those of the same name that were found.';
CREATE INDEX computer_person ON computer (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX computer_decided ON computer (id) WHERE approvals <> '{}';

CREATE TABLE computer_inventory (
    computer_id bigint PRIMARY KEY,
    session_id  bigint NOT NULL,
    taken_at    timestamptz NOT NULL,
    facts       jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'object'),
    software    jsonb NOT NULL CHECK (jsonb_typeof(software) = 'object')
);

COMMENT ON TABLE computer_inventory IS 'What each computer had when its last inventory was taken; no row: never taken.';
COMMENT ON COLUMN computer_inventory.software IS 'The versions of what is installed, by name in small letters.';

CREATE TABLE computer_group (
    name text PRIMARY KEY CHECK (name <> ''),
    body jsonb NOT NULL CHECK (body ->> 'name' = name)
);

COMMENT ON TABLE computer_group IS 'Groups of computers, by list or by query; part of the policy.';

ALTER TABLE installation ADD COLUMN asked_software text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN installation.asked_software IS 'The names of software that queries of groups ask for, in small letters.';
