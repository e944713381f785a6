-- What was found on these computers: by the last session that looked at everything, and by those that have looked at
-- something since. Where none has looked at everything, by the last twenty that looked at something.
SELECT u.computer_id, s.id AS session_id, r.at, r.body::jsonb - 'inventory' AS body, coalesce(s.id = whole.id, false) AS whole
FROM unnest($1::bigint[]) AS u(computer_id)
LEFT JOIN LATERAL (
    SELECT h.id
    FROM (SELECT id, kind, "order" FROM session WHERE computer_id = u.computer_id
          UNION ALL
          SELECT id, kind, "order" FROM session_history WHERE computer_id = u.computer_id) h
    WHERE h.kind IN ('full', 'onboarding', 'detection') AND NOT jsonb_exists(h."order", 'item')
      AND coalesce(jsonb_array_length(h."order" -> 'deployments'), 0) = 0
      AND EXISTS (SELECT FROM stage_result r WHERE r.session_id = h.id AND r.stage = 'detection')
    ORDER BY h.id DESC LIMIT 1
) whole ON true
CROSS JOIN LATERAL (
    SELECT h.id
    FROM (SELECT id FROM session WHERE computer_id = u.computer_id
          UNION ALL
          SELECT id FROM session_history WHERE computer_id = u.computer_id) h
    WHERE h.id >= coalesce(whole.id, 0)
      AND EXISTS (SELECT FROM stage_result r WHERE r.session_id = h.id AND r.stage = 'detection')
    ORDER BY h.id DESC LIMIT 20
) s
JOIN LATERAL (
    SELECT at, body FROM stage_result r WHERE r.session_id = s.id AND r.stage = 'detection'
    ORDER BY dispatch DESC LIMIT 1
) r ON true
