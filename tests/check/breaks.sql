-- What is done to what was in order. Each begins with the invariants that must be found broken then; `live` means that
-- live.sql is there beside history.sql.

--: live every_session_is_final nothing_is_held

--: final_once
INSERT INTO session_history
SELECT id, tenant_id, computer_id, kind, priority, "order", status, stage, dispatch, attempt, losses, epoch, cancel,
       revision, created_at, started_at, finished_at + interval '1 us', last_error
FROM session_history WHERE id = 2;

--: live final_once
UPDATE session SET id = 2;

--: final_once
UPDATE transition SET what = 'advanced' WHERE session_id = 1 AND seq = 6;

--: final_once
UPDATE transition SET what = 'finished' WHERE session_id = 1 AND seq = 4;

--: final_once
DELETE FROM transition WHERE session_id = 2;

--: live final_once
UPDATE transition SET what = 'finished' WHERE session_id = 3;

--: timeline_without_gap waits_and_work_are_the_wall_time
UPDATE transition SET since = since + interval '1 ms', admitted_at = admitted_at + interval '1 ms'
WHERE session_id = 1 AND seq = 6;

--: timeline_without_gap waits_and_work_are_the_wall_time
UPDATE transition SET since = since - interval '1 ms' WHERE session_id = 1 AND seq = 6;

--: live timeline_without_gap
UPDATE session SET since = since + interval '1 ms';

--: timeline_in_order
UPDATE transition SET taken_at = admitted_at - interval '1 ms' WHERE session_id = 1 AND seq = 4;

--: timeline_in_order
UPDATE transition SET due_at = admitted_at + interval '1 ms' WHERE session_id = 1 AND seq = 4;

--: timeline_in_order
UPDATE transition SET taken_at = at + interval '1 ms' WHERE session_id = 1 AND seq = 6;

--: waits_and_work_are_the_wall_time
UPDATE session_history SET finished_at = finished_at + interval '1 ms' WHERE id = 1;

--: dispatch_never_falls
UPDATE transition SET dispatch = 0 WHERE session_id = 1 AND seq = 6;

--: one_session_has_a_computer
UPDATE transition SET computer_id = 11;
UPDATE session_history SET computer_id = 11;

--: tenant_cap
UPDATE tenant SET max_running = 1;

--: tenant_cap fleet_cap
INSERT INTO session_history
SELECT 4, 1, 14, kind, priority, "order", status, stage, dispatch, attempt, losses, epoch, cancel, revision, created_at,
       started_at, finished_at, last_error
FROM session_history WHERE id = 2;
INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch, waited_on, due_at,
                        admitted_at, taken_at, status, by)
SELECT 4, seq, 1, 14, what, at, since, stage, dispatch, waited_on, due_at, admitted_at, taken_at, status, by
FROM transition WHERE session_id = 2;

--: holds_belong_to_live_sessions nothing_is_held
INSERT INTO computer_hold VALUES (11, 1, 1, now());

--: live holds_belong_to_live_sessions
DELETE FROM computer_hold;

--: live holds_belong_to_live_sessions
UPDATE computer_hold SET computer_id = 14;

--: live nothing_is_overdue
UPDATE session SET deadline = now() - interval '2 minutes';

--: live owners_live
DELETE FROM worker;

--: live owners_live
UPDATE worker SET heartbeat_at = now() - interval '2 minutes';

--: actions_are_settled
UPDATE action SET status = 'started' WHERE seq = 2;

--: actions_are_settled
UPDATE action SET result = NULL;

--: actions_are_settled
UPDATE action SET ended_at = NULL;

--: what_was_done_is_judged
DELETE FROM compliance;
DELETE FROM compliance_past;

--: verdicts_follow_each_other
UPDATE compliance_past SET until = '2026-01-01 10:00:31';

--: verdicts_follow_each_other
UPDATE compliance_past SET until = '2025-12-31 09:00:00';

--: live locks_belong_to_work
UPDATE session SET lock = 'press', lock_since = now();

--: one_at_a_time_under_a_lock
INSERT INTO stage_result (session_id, stage, dispatch, at, body)
VALUES (91, 'planning', 1, now(), '{"actions": [{"seq": 1, "lock": "press"}]}'),
       (92, 'planning', 1, now(), '{"actions": [{"seq": 1, "lock": "press"}]}');
INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, action_seq, purpose, start_by, body, created_at,
                 outcome, outcome_at)
VALUES (gen_random_uuid(), 91, 91, 2, 1, 1, 'act', now(), '{}', '2026-01-01 10:00', '{}', '2026-01-01 10:02'),
       (gen_random_uuid(), 92, 92, 2, 1, 1, 'act', now(), '{}', '2026-01-01 10:01', '{}', '2026-01-01 10:03');

--: runs_belong_to_their_session
UPDATE run SET computer_id = 12;

--: runs_belong_to_their_session
UPDATE run SET outcome = outcome::jsonb || '{"session": 2}';

--: runs_belong_to_their_session
UPDATE run SET outcome = outcome::jsonb || '{"run_id": "00000000-0000-0000-0000-000000000002"}';

--: epochs_rise
INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, purpose, start_by, body)
VALUES (gen_random_uuid(), 1, 11, 4, 4, 'act', now(), '{}');
