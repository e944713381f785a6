-- Room where rows grow in place. A row that is changed and finds room on its own page costs no index anything, and only
-- what is new of it is logged: the live session, the action and the run are written several times each within a second,
-- and by far most of what an installation writes is this.
--
-- A stage's result, a run's body and its outcome are written once and read whole, as they were written: `json` keeps the
-- text, where `jsonb` takes it apart and puts it together again.

ALTER TABLE session SET (fillfactor = 50);
ALTER TABLE action SET (fillfactor = 45);
-- An outcome is longer than all that is in the row before it, and should not be moved out of line either.
ALTER TABLE run SET (fillfactor = 30, toast_tuple_target = 4080);
ALTER TABLE run ALTER COLUMN body TYPE json, ALTER COLUMN outcome TYPE json;

-- That an action is started is what its runs say: it costs its own row no change. `plan` is the dispatch of the planning
-- that made the action.
ALTER TABLE run ADD COLUMN plan int, ADD COLUMN attempt int;
COMMENT ON COLUMN run.plan IS 'With `action_seq`, the action that it belongs to.';
COMMENT ON COLUMN run.attempt IS 'Which attempt at the action it belongs to, from 1.';
COMMENT ON COLUMN action.status IS 'It is started, too, if it is planned and has a run.';

ALTER TABLE stage_result ALTER COLUMN body TYPE json;
