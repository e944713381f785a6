-- Makes verdicts of the actions of sessions that end or come to wait long: of their latest plan's actions.
--
-- What planning settled without touching the computer was judged by planning and is left alone here: it was never
-- attempted. A configuration that was only to be looked at again, and was not, has not been judged by anyone.
-- What is below another action is judged with that one. Fetching a file brings nothing about, and a repair may be of what is in order.
-- Nobody else judges the computer meanwhile, so what is new is inserted without looking twice, which costs half; where
-- somebody does all the same, the transaction is tried again.
-- What was removed to make room for something that then failed is not there any more, so it is not told of as detected; a
-- removal is what is told the empty version.
-- What was planned and not done counts as found out of order, unless another session has ended on the computer since.
WITH ending AS (
    SELECT u.*, (SELECT max(dispatch) FROM action WHERE action.session_id = u.session_id) AS dispatch
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS u(session_id, computer_id, tenant_id, at)
), told AS (
    SELECT e.session_id, e.computer_id, e.tenant_id, e.at, a.item, a.deployment, a.reason AS planned_for,
           a.result_reason = 'done' AND a.reason <> 'repair_triggered' AS brought_about,
           CASE WHEN a.result = 'success' THEN 'compliant'
                WHEN a.result = 'indeterminate' OR a.result_reason = 'detection_failed' THEN 'unknown'
                ELSE 'non_compliant' END AS state,
           CASE WHEN a.result = 'success' THEN ''
                WHEN a.result IN ('failed', 'indeterminate') THEN a.result_reason
                ELSE a.reason END AS reason,
           CASE WHEN a.result = 'success' AND a.type = 'uninstall' THEN NULL
                WHEN a.result = 'success' THEN coalesce(a.desired, c.detected)
                WHEN a.result = 'failed' AND a.detected IS NOT NULL AND EXISTS (
                    SELECT FROM run r, json_array_elements(r.outcome -> 'steps') WITH ORDINALITY done(step, place)
                    JOIN json_array_elements(r.body -> 'steps') WITH ORDINALITY asked(step, place) USING (place)
                    WHERE r.run_id = a.run_id AND done.step ->> 'kind' = 'act'
                      AND done.step #>> '{status,is}' = 'succeeded'
                      AND asked.step #>> '{work,script,env,PITCREW_VERSION}' = '') THEN NULL
                ELSE a.detected END AS detected,
           coalesce(a.desired, c.desired) AS desired,
           CASE WHEN a.result IN ('success', 'indeterminate') THEN least(a.ended_at, e.at)
                ELSE (SELECT r.at FROM stage_result r WHERE r.session_id = e.session_id AND r.stage = 'planning'
                      AND r.dispatch = e.dispatch) END AS since,
           c.deployment AS old_deployment, c.state AS old_state, c.reason AS old_reason, c.detected AS old_detected,
           c.desired AS old_desired, c.since AS old_since, c.session_id AS old_session_id
    FROM ending e
    JOIN action a ON a.session_id = e.session_id AND a.dispatch = e.dispatch
    LEFT JOIN compliance c ON c.computer_id = e.computer_id AND c.item = a.item
    WHERE a.parent IS NULL AND a.type <> 'download' AND
          CASE WHEN a.attempts > 0 AND a.result IN ('success', 'failed', 'indeterminate') THEN true
               WHEN a.result IN ('success', 'failed', 'indeterminate') THEN false
               ELSE a.reason NOT IN ('configures', 'not_detected', 'repair_triggered')
                    AND coalesce(a.result_reason, '') NOT IN ('deployment_changed', 'drifted', 'nothing_to_fetch')
                    AND NOT EXISTS (
                        SELECT FROM session_history h
                        WHERE h.computer_id = e.computer_id AND h.id <> e.session_id
                          AND h.finished_at > (SELECT r.at FROM stage_result r WHERE r.session_id = e.session_id
                                               AND r.stage = 'planning' AND r.dispatch = e.dispatch)) END
), changed AS MATERIALIZED (
    -- Clocks of several processes meet here; what follows never begins before what it follows.
    SELECT told.*, coalesce(old_state <> state, true) OR fell_out AS another_state, fell_out,
           greatest(old_since, fell_at) AS fell_at, greatest(old_since, fell_at, coalesce(since, at)) AS begins
    FROM told, LATERAL (SELECT coalesce(state = 'compliant' AND old_state = 'compliant' AND brought_about, false) AS fell_out) f,
         LATERAL (SELECT CASE WHEN fell_out THEN (SELECT max(r.at) FROM stage_result r
                                                  WHERE r.session_id = told.session_id AND r.stage = 'planning') END AS fell_at) p
    WHERE old_state IS NULL OR fell_out
       OR (old_state, old_deployment, old_reason, old_detected, old_desired)
          IS DISTINCT FROM (state, deployment, reason, detected, desired)
), fresh AS (
    INSERT INTO compliance (computer_id, item, tenant_id, deployment, state, reason, detected, desired, since, session_id)
    SELECT computer_id, item, tenant_id, deployment, state, reason, detected, desired, begins, session_id
    FROM changed WHERE old_state IS NULL
    ORDER BY computer_id, item
), other AS (
    UPDATE compliance c
    SET tenant_id = o.tenant_id, deployment = o.deployment, state = o.state, reason = o.reason, detected = o.detected,
        desired = o.desired, since = CASE WHEN o.another_state THEN o.begins ELSE c.since END,
        session_id = CASE WHEN o.another_state THEN o.session_id ELSE c.session_id END
    FROM changed o
    WHERE c.computer_id = o.computer_id AND c.item = o.item AND o.old_state IS NOT NULL
), past AS (
    INSERT INTO compliance_past (computer_id, item, tenant_id, deployment, state, reason, detected, desired, since,
                                 session_id, until, ended_by)
    SELECT computer_id, item, tenant_id, old_deployment, old_state, old_reason, old_detected, old_desired, old_since,
           old_session_id, CASE WHEN fell_out THEN fell_at ELSE begins END, session_id
    FROM changed
    WHERE old_state IS NOT NULL AND another_state
    UNION ALL
    -- It was found out of order and brought back by one session: two changes.
    SELECT computer_id, item, tenant_id, deployment, 'non_compliant', planned_for, old_detected, desired,
           fell_at, session_id, begins, session_id
    FROM changed WHERE fell_out
)
UPDATE judgement j SET fingerprint = NULL
FROM (SELECT DISTINCT computer_id FROM changed) c
WHERE j.computer_id = c.computer_id AND j.fingerprint IS NOT NULL
