-- The fleet and how it should be: tenants, their computers, and the software, tasks and deployments that apply to them.
--
-- What people write in fleet files is kept as one JSON body a thing, in the form of the types in `src/domain`: workers
-- load all of it at once, by version, and never search inside. Only what is searched for or counted has a column.
-- Names, not ids, are how bodies refer to each other, as they do in the files; so nothing here cascades.

-- One row. Every change to the policy raises `policy_version` in the transaction that makes it.
CREATE TABLE installation (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    id             uuid NOT NULL DEFAULT gen_random_uuid(),
    policy_version bigint NOT NULL DEFAULT 0 CHECK (policy_version >= 0)
);

COMMENT ON TABLE installation IS 'This installation: one row, made here.';
COMMENT ON COLUMN installation.policy_version IS 'Rises with every change to what workers cache; an entry of another version is not used.';
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE tenant (
    id              bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name            text NOT NULL UNIQUE CHECK (name <> ''),
    parent_id       bigint REFERENCES tenant,
    max_running     int CHECK (max_running >= 0),
    weight          int NOT NULL DEFAULT 1 CHECK (weight > 0),
    rate_per_second real CHECK (rate_per_second > 0),
    stopped_at      timestamptz,
    CONSTRAINT not_its_own_parent CHECK (parent_id <> id)
);

COMMENT ON TABLE tenant IS 'The customers to whom computers belong.';
COMMENT ON COLUMN tenant.max_running IS 'The most sessions that hold a computer at once; null means no limit.';
COMMENT ON COLUMN tenant.weight IS 'The share of turns it gets beside other tenants with due work.';
COMMENT ON COLUMN tenant.rate_per_second IS 'The most sessions that are admitted in a second; null means no limit.';
COMMENT ON COLUMN tenant.stopped_at IS 'Since when nothing of it may run; null while it may.';
CREATE INDEX tenant_children ON tenant (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE computer (
    id               bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant_id        bigint NOT NULL REFERENCES tenant,
    name             text NOT NULL CHECK (name <> ''),
    os               text NOT NULL CHECK (os IN ('linux', 'macos', 'windows')),
    arch             text NOT NULL CHECK (arch <> ''),
    tags             text[] NOT NULL DEFAULT '{}',
    connection       jsonb NOT NULL CHECK (connection ->> 'via' IN ('agent', 'local', 'noop')),
    agent_token_hash bytea UNIQUE CHECK (octet_length(agent_token_hash) = 32),
    excluded         boolean NOT NULL DEFAULT false,
    facts            jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(facts) = 'object'),
    UNIQUE (tenant_id, name)
);

COMMENT ON TABLE computer IS 'What is kept in its desired state.';
COMMENT ON COLUMN computer.agent_token_hash IS 'SHA-256 of the token by which its agent is known; null if it has none.';
COMMENT ON COLUMN computer.excluded IS 'Left out of all maintenance.';
CREATE INDEX computer_tags ON computer USING gin (tags);

CREATE TABLE script (
    hash bytea PRIMARY KEY CHECK (hash = sha256(convert_to(body, 'UTF8'))),
    body text NOT NULL
);

COMMENT ON TABLE script IS 'Texts of scripts under their SHA-256; never changed, so stored runs stay readable.';

CREATE TABLE software (
    name text PRIMARY KEY CHECK (name <> ''),
    body jsonb NOT NULL CHECK (body ->> 'name' = name)
);

COMMENT ON TABLE software IS 'What can be installed, by name; scripts inside are SHA-256 hashes.';

CREATE TABLE task (
    name text PRIMARY KEY CHECK (name <> ''),
    body jsonb NOT NULL CHECK (body ->> 'name' = name)
);

COMMENT ON TABLE task IS 'What can be tested and set, by name; scripts inside are SHA-256 hashes.';

CREATE TABLE deployment (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name     text NOT NULL UNIQUE CHECK (name <> ''),
    item     text NOT NULL CHECK (item ~ '^(software|task)/.'),
    body     jsonb NOT NULL,
    disabled boolean NOT NULL DEFAULT false
);

COMMENT ON TABLE deployment IS 'Which item should be how on which computers. Of two that are equal, the lower id wins.';
COMMENT ON COLUMN deployment.disabled IS 'Takes part only in sessions that name it.';
CREATE INDEX deployment_item ON deployment (item);
