-- What the actions of these sessions have brought about, with what was observed when it was looked at last.
SELECT u.computer_id, a.item, a.type, a.desired, a.ended_at,
       (SELECT step ->> 'observed' FROM json_array_elements(r.outcome -> 'steps') WITH ORDINALITY AS t(step, place)
        WHERE step ->> 'kind' IN ('detect', 'verify') AND step ->> 'item' = a.item ORDER BY place DESC LIMIT 1) AS observed
FROM unnest($1::bigint[], $2::bigint[]) AS u(computer_id, session_id)
JOIN action a ON a.session_id = u.session_id
LEFT JOIN run r ON r.run_id = a.run_id
WHERE a.result = 'success' AND a.attempts > 0 AND a.type <> 'download' AND a.parent IS NULL
