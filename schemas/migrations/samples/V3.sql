-- Rows such as V3 leaves behind: what it changes about V2's are types and room, and a plan's text stays as it was written.
-- A planned action has a run, and so is started.

INSERT INTO stage_result (session_id, stage, dispatch, at, hash, body)
VALUES (5, 'planning', 2, '2026-01-05 08:02Z', '\x00', '{"policy_version": 1,  "actions": [], "settled": [], "compliant": 0}');
INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, status)
VALUES (3, 2, 9, 'software/viewer', 'viewer-for-all', 'install', 'missing', 'planned');
INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, plan, action_seq, attempt, purpose, start_by, body)
VALUES ('0195f0a0-0000-7000-8000-000000000003', 3, 2, 3, 42, 2, 9, 1, 'act', '2026-01-05 08:01Z', '{"steps":[]}');
