UPDATE tenant SET cross_tenant = false WHERE id = (SELECT max(id) FROM tenant);
UPDATE deployment SET decision = '{"adopted": true, "by": "root", "at": "2026-01-05T08:00:00Z"}'
WHERE id = (SELECT min(id) FROM deployment);
UPDATE scheduler_term SET max_running = 500;
UPDATE installation SET asks_scripts = true;
INSERT INTO computer_answer
SELECT min(id), '{"with-gpu": {"holds": true, "script": "00", "at": "2026-01-05T08:00:00Z", "session": 1}}' FROM computer;
