UPDATE installation SET stop = '{"by": "night-shift", "reason": "a bad package is out", "at": "2026-01-05T08:00:00Z"}';
UPDATE installation SET stop = NULL;
