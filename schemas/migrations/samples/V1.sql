-- Rows such as V1 leaves behind, for trying later migrations on: one of each kind, and each optional column once.

INSERT INTO tenant (name) VALUES ('umbrella');
INSERT INTO tenant (name, parent_id, max_running, weight, rate_per_second)
SELECT 'acme', id, 20, 2, 5 FROM tenant WHERE name = 'umbrella';

INSERT INTO computer (tenant_id, name, os, arch, tags, connection, agent_token_hash)
SELECT id, 'reception', 'linux', 'x86_64', '{front-desk}', '{"via":"agent"}', sha256('sample-token') FROM tenant WHERE name = 'acme';
INSERT INTO computer (tenant_id, name, os, arch, connection, excluded, facts)
SELECT id, 'bench', 'linux', 'aarch64', '{"via":"local","state":"/var/lib/pitcrew/bench","sandbox":"/srv/bench"}', true,
       '{"memory_mib": 4096}'
FROM tenant WHERE name = 'acme';

INSERT INTO script (hash, body)
SELECT sha256(convert_to(body, 'UTF8')), body
FROM (VALUES ('cat "$PITCREW_SANDBOX/opt/editor/VERSION" 2>/dev/null || true'), ('echo true')) AS text (body);

INSERT INTO software (name, body)
SELECT 'editor', jsonb_build_object('name', 'editor', 'detect', jsonb_build_object('hash', encode(hash, 'hex'), 'interpreter', 'sh'))
FROM script WHERE body LIKE 'cat %';

INSERT INTO task (name, body)
SELECT 'time-server', jsonb_build_object('name', 'time-server', 'test', jsonb_build_object('hash', encode(hash, 'hex'), 'interpreter', 'sh'))
FROM script WHERE body = 'echo true';

INSERT INTO deployment (name, item, body) VALUES
    ('editor-for-all', 'software/editor', '{"target":"everyone","state":"any"}');
INSERT INTO deployment (name, item, body, disabled) VALUES
    ('time-at-acme', 'task/time-server', '{"target":{"tenant":{"name":"acme","propagate":true}},"state":"any","mode":"audit"}', true);
