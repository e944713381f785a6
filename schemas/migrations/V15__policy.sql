-- What people decide about whole deployments and tenants, and what filter scripts have answered.
--
-- A recommended deployment takes no part until somebody adopts it: that decision is made once, by a call, and outlives
-- every applying of fleet files. A tenant can stand apart from what is for all tenants.
--
-- A group can be those computers on which a script says yes. Its answers are kept by computer in a table of their own:
-- whoever applies fleet files locks rows of computers, and no session may have to wait for that. They are read only while
-- some group has a script, which `installation` says, so that nobody else pays for it.

ALTER TABLE tenant ADD COLUMN cross_tenant boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN tenant.cross_tenant IS 'False: deployments for all tenants do not reach its computers.';

ALTER TABLE deployment ADD COLUMN decision jsonb CHECK (decision ->> 'adopted' IN ('true', 'false'));
COMMENT ON COLUMN deployment.decision IS 'What was decided about it where it is recommended: adopted or dismissed; null: nothing yet.';

ALTER TABLE scheduler_term ADD COLUMN max_running int CHECK (max_running > 0);
COMMENT ON COLUMN scheduler_term.max_running IS 'How many computers of the fleet the leader lets be in work; null means no limit but the workers.';

ALTER TABLE installation ADD COLUMN asks_scripts boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN installation.asks_scripts IS 'True while some group has a script; otherwise nobody reads answers.';

CREATE TABLE computer_answer (
    computer_id bigint PRIMARY KEY,
    answers     jsonb NOT NULL CHECK (jsonb_typeof(answers) = 'object')
);

COMMENT ON TABLE computer_answer IS 'What the scripts of groups have answered on a computer last, by group, with the script''s hash and the time.';
