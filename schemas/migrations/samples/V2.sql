-- Rows such as V2 leaves behind, for trying later migrations on: sessions in each kind of state, and what belongs to them.

INSERT INTO session (tenant_id, computer_id, kind, priority, "order", status, waiting_on, stage, dispatch, attempt, losses,
                     run_after, revision, since, created_at)
VALUES (2, 1, 'full', 2, '{"reboot":"if_needed","by":"ann","origin":"api"}', 'pending', 'turn', 'detection', 0, 0, 0,
        '2026-01-05 08:00Z', 1, '2026-01-05 08:00Z', '2026-01-05 08:00Z'),
       (2, 1, 'targeted', 0, '{"deployments":["editor-for-all"],"reboot":"never","by":"ann","reason":"urgent","origin":"amqp"}',
        'pending', 'retry', 'planning', 3, 2, 1, '2026-01-05 08:05Z', 7, '2026-01-05 08:01Z', '2026-01-05 08:00Z');
INSERT INTO session (tenant_id, computer_id, kind, priority, "order", status, waiting_on, stage, dispatch, attempt, losses,
                     waited_on, due_at, admitted_at, taken_at, owner, deadline, epoch, run_in_flight, cancel, revision, since,
                     created_at, started_at, last_error)
VALUES (2, 2, 'full', 2, '{"reboot":"never","by":"ann","origin":"api"}', 'running', NULL, 'execution', 3, 0, 1, 'turn',
        '2026-01-05 08:00Z', '2026-01-05 08:00:01Z', '2026-01-05 08:00:02Z', 'execution-1', '2026-01-05 08:00:32Z', 42,
        '0195f0a0-0000-7000-8000-000000000001', '{"by":"ann","reason":"user busy","at":"2026-01-05T08:00:03Z"}', 9,
        '2026-01-05 08:00Z', '2026-01-05 07:59Z', '2026-01-05 07:59:30Z', 'Worker execution-0 did not answer in time.');
INSERT INTO session (tenant_id, computer_id, kind, priority, "order", status, stage, dispatch, attempt, losses, pause,
                     revision, since, created_at)
VALUES (2, 1, 'detection', 3, '{"inventory":true,"reboot":"never","by":"ann","origin":"api"}', 'paused', 'detection', 1, 0, 0,
        '{"by":"ann","reason":"later","at":"2026-01-05T08:00:00Z"}', 2, '2026-01-05 08:00Z', '2026-01-05 07:00Z');
INSERT INTO session_history (id, tenant_id, computer_id, kind, priority, "order", status, stage, dispatch, attempt, losses,
                             epoch, cancel, revision, created_at, started_at, finished_at, last_error)
VALUES (nextval('session_id'), 2, 2, 'full', 1, '{"reboot":"never","by":"ann","origin":"api"}', 'partially_completed',
        'execution', 3, 0, 0, 41, NULL, 6, '2026-01-04 08:00Z', '2026-01-04 08:00:01Z', '2026-01-04 08:01Z',
        '1 succeeded, 1 failed, 0 skipped, 0 were as they should be.'),
       (nextval('session_id'), 2, 1, 'full', 2, '{"reboot":"never","by":"ann","origin":"api"}', 'cancelled', 'detection', 0, 0,
        0, 0, '{"by":"ann","reason":"wrong computer","at":"2026-01-04T08:00:00Z"}', 2, '2026-01-04 08:00Z', NULL,
        '2026-01-04 08:00:05Z', NULL);
INSERT INTO computer_hold VALUES (2, 3, 2, '2026-01-05 08:00:01Z');
INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch, waited_on, due_at,
                        admitted_at, taken_at, status, by, note, traceparent)
VALUES (3, 1, 2, 2, 'submitted', '2026-01-05 07:59Z', '2026-01-05 07:59Z', 'detection', 0, NULL, NULL, NULL, NULL, 'pending',
        'ann', '', NULL),
       (3, 4, 2, 2, 'advanced', '2026-01-05 08:00Z', '2026-01-05 07:59Z', 'planning', 2, 'turn', '2026-01-05 07:59Z',
        '2026-01-05 07:59:20Z', '2026-01-05 07:59:30Z', 'pending', 'planning-1', '1 to do.',
        '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
INSERT INTO outbox_cursor VALUES ('events', pg_current_xact_id(), 3, 1);
INSERT INTO stage_result VALUES (3, 'detection', 1, '2026-01-05 07:59Z', NULL, '{"policy_version":1,"items":{"software/editor":"absent"}}'),
                                (3, 'planning', 2, '2026-01-05 08:00Z', sha256('plan'), '{"policy_version":1,"compliant":0}');
INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, detected, desired, status, result,
                    result_reason, message, attempts, run_id, started_at, ended_at)
VALUES (3, 2, 1, 'software/editor', 'editor-for-all', 'install', 'missing', NULL, '2.0', 'started', NULL, NULL, NULL, 1,
        '0195f0a0-0000-7000-8000-000000000001', '2026-01-05 08:00:02Z', NULL),
       (5, 2, 1, 'task/time-server', 'time-at-acme', 'enforce_task', 'not_satisfied', NULL, NULL, 'done', 'failed',
        'script_failed', 'The script ended with exit code 1.', 2, NULL, '2026-01-04 08:00:10Z', '2026-01-04 08:00:20Z');
INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, action_seq, purpose, start_by, body, outcome, outcome_at)
VALUES ('0195f0a0-0000-7000-8000-000000000001', 3, 2, 3, 42, 1, 'act', '2026-01-05 08:00:30Z', '{"steps":[]}', NULL, NULL),
       ('0195f0a0-0000-7000-8000-000000000002', 5, 2, 3, 41, 1, 'act', '2026-01-04 08:00:30Z', '{"steps":[]}', '{"steps":[]}',
        '2026-01-04 08:00:20Z');
INSERT INTO worker VALUES ('execution-1', 'execution', 64, 1, '0.1.0', '2026-01-05 07:00Z', '2026-01-05 08:00Z');
UPDATE scheduler_term SET term = 3, holder = 'scheduler-1', until = '2026-01-05 08:00:10Z';
INSERT INTO agent_presence VALUES (1, 'gateway-1', '0195f0a0-0000-7000-8000-000000000003', '0.1.0', 'boot-1', 41,
                                   '2026-01-05 07:00Z', '2026-01-05 08:00Z');
INSERT INTO submission VALUES (2, 'rmm', 'ticket-7', sha256('body'), '{2}', '2026-01-05 08:00Z');
INSERT INTO rejected_submission (submitter, at, violations, body)
VALUES ('rmm', '2026-01-05 08:00Z', '[{"pointer":"/kind","code":"unknown","message":"..."}]', 'not json');
INSERT INTO broker_submitter VALUES ('rmm', 2);
INSERT INTO dead_letter (queue, at, reason, message_id, session_id, headers, body, state, resolved_by, resolved_at, note)
VALUES ('pitcrew.v1.planning', '2026-01-05 08:00Z', 'delivery_limit', '3/planning/2', 3, '{}', '{}', 'open', NULL, NULL, NULL),
       ('pitcrew.v1.submit', '2026-01-05 08:00Z', 'rejected', 'x', NULL, '{}', 'x', 'dropped', 'ann', '2026-01-05 09:00Z', 'noise');
INSERT INTO api_token (name, hash, role, tenant_id) VALUES ('ann', sha256('token'), 'operator', 2);
INSERT INTO audit (actor, action, scope, reason) VALUES ('ann', 'session.cancel', '{"session":3}', 'user busy');
