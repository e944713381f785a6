-- Rows such as V4 leaves behind, for trying later migrations on.

UPDATE tenant SET tags = '{gold}' WHERE name = 'umbrella';
INSERT INTO person (tenant_id, name, email, tags)
SELECT id, 'ann', 'ann@acme.example', '{vip}' FROM tenant WHERE name = 'acme';
INSERT INTO person (tenant_id, name) SELECT id, 'bob' FROM tenant WHERE name = 'umbrella';
UPDATE computer c
SET device = 'workstation', person_id = p.id,
    approvals = '{"editor-for-all":{"approved":true,"by":"ann","at":"2026-01-05T08:00:00Z","reason":"asked for it"}}'
FROM person p WHERE p.name = 'ann' AND c.name = 'reception';
INSERT INTO computer_inventory (computer_id, session_id, taken_at, facts, software)
SELECT id, 3, '2026-01-05 08:00Z', '{"os.family":"debian","memory_gb":7.6}', '{"7-zip":["22.01"],"openssh":["9.2","9.6"]}'
FROM computer WHERE name = 'reception';
INSERT INTO computer_group (name, body) VALUES
    ('front', '{"name":"front","members":{"listed":{"computers":["acme/reception"]}}}'),
    ('old-zip', '{"name":"old-zip","members":{"query":"software(\"7-zip\") < \"23.0\""}}');
UPDATE installation SET asked_software = '{7-zip}';
