//! The rows that fleet files define: created where they are absent, changed where they differ.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use serde_json::Value;

use crate::store::Error;
use crate::store::error::Doing;

/// One statement that creates or changes all things of a kind, given as a JSON array, and returns what it touched.
pub(super) struct Upsert {
    doing: &'static str,
    sql: &'static str,
}

pub(super) const PERSONS: Upsert = Upsert {
    doing: "applying persons",
    sql: "INSERT INTO person (tenant_id, name, email, tags)
          SELECT t.id, w.name, w.email, w.tags
          FROM jsonb_to_recordset($1) AS w (tenant text, name text, email text, tags text[])
          JOIN tenant t ON t.name = w.tenant
          ON CONFLICT (tenant_id, name) DO UPDATE SET email = EXCLUDED.email, tags = EXCLUDED.tags
          WHERE (person.email, person.tags) IS DISTINCT FROM (EXCLUDED.email, EXCLUDED.tags)
          RETURNING 'person/' || (SELECT t.name FROM tenant t WHERE t.id = tenant_id) || '/' || name AS label,
                    xmax = 0 AS is_new",
};

pub(super) const COMPUTERS: Upsert = Upsert {
    doing: "applying computers",
    sql: "INSERT INTO computer (tenant_id, name, os, arch, tags, device, person_id, facts, connection, excluded)
          SELECT t.id, w.name, w.os, w.arch, w.tags, w.device, p.id, w.facts, w.connection, w.excluded
          FROM jsonb_to_recordset($1) AS w (tenant text, name text, os text, arch text, tags text[], device text,
                                            person text, facts jsonb, connection jsonb, excluded boolean)
          JOIN tenant t ON t.name = w.tenant
          LEFT JOIN person p ON p.tenant_id = t.id AND p.name = w.person
          ON CONFLICT (tenant_id, name) DO UPDATE
          SET os = EXCLUDED.os, arch = EXCLUDED.arch, tags = EXCLUDED.tags, device = EXCLUDED.device,
              person_id = EXCLUDED.person_id, facts = EXCLUDED.facts, connection = EXCLUDED.connection,
              excluded = EXCLUDED.excluded
          WHERE (computer.os, computer.arch, computer.tags, computer.device, computer.person_id, computer.facts,
                 computer.connection, computer.excluded)
                IS DISTINCT FROM (EXCLUDED.os, EXCLUDED.arch, EXCLUDED.tags, EXCLUDED.device, EXCLUDED.person_id,
                                  EXCLUDED.facts, EXCLUDED.connection, EXCLUDED.excluded)
          RETURNING 'computer/' || (SELECT t.name FROM tenant t WHERE t.id = tenant_id) || '/' || name AS label,
                    xmax = 0 AS is_new",
};

pub(super) const GROUPS: Upsert = Upsert {
    doing: "applying groups",
    sql: "INSERT INTO computer_group (name, body)
          SELECT w.name, w.body FROM jsonb_to_recordset($1) AS w (name text, body jsonb)
          ON CONFLICT (name) DO UPDATE SET body = EXCLUDED.body WHERE computer_group.body <> EXCLUDED.body
          RETURNING 'group/' || name AS label, xmax = 0 AS is_new",
};

pub(super) const SOFTWARE: Upsert = Upsert {
    doing: "applying software",
    sql: "INSERT INTO software (name, body)
          SELECT w.name, w.body FROM jsonb_to_recordset($1) AS w (name text, body jsonb)
          ON CONFLICT (name) DO UPDATE SET body = EXCLUDED.body WHERE software.body <> EXCLUDED.body
          RETURNING 'software/' || name AS label, xmax = 0 AS is_new",
};

pub(super) const TASKS: Upsert = Upsert {
    doing: "applying tasks",
    sql: "INSERT INTO task (name, body)
          SELECT w.name, w.body FROM jsonb_to_recordset($1) AS w (name text, body jsonb)
          ON CONFLICT (name) DO UPDATE SET body = EXCLUDED.body WHERE task.body <> EXCLUDED.body
          RETURNING 'task/' || name AS label, xmax = 0 AS is_new",
};

pub(super) const LICENCES: Upsert = Upsert {
    doing: "applying licences",
    sql: "INSERT INTO licence (name, body)
          SELECT w.name, w.body FROM jsonb_to_recordset($1) AS w (name text, body jsonb)
          ON CONFLICT (name) DO UPDATE SET body = EXCLUDED.body WHERE licence.body <> EXCLUDED.body
          RETURNING 'licence/' || name AS label, xmax = 0 AS is_new",
};

pub(super) const DEPLOYMENTS: Upsert = Upsert {
    doing: "applying deployments",
    sql: "INSERT INTO deployment (name, item, body, disabled)
          SELECT w.name, w.item, w.body, w.disabled
          FROM jsonb_to_recordset($1) AS w (name text, item text, body jsonb, disabled boolean)
          ON CONFLICT (name) DO UPDATE
          SET item = EXCLUDED.item, body = EXCLUDED.body, disabled = EXCLUDED.disabled
          WHERE (deployment.item, deployment.body, deployment.disabled)
                IS DISTINCT FROM (EXCLUDED.item, EXCLUDED.body, EXCLUDED.disabled)
          RETURNING 'deployment/' || name AS label, xmax = 0 AS is_new",
};

/// What was created or changed so far.
#[derive(Default)]
pub(super) struct Touched {
    pub created: BTreeSet<String>,
    pub changed: BTreeSet<String>,
}

impl Touched {
    pub(super) async fn upsert(
        &mut self,
        tx: &Transaction<'_>,
        upsert: &Upsert,
        wanted: Vec<Value>,
    ) -> Result<(), Error> {
        for row in tx.query(upsert.sql, &[&Value::Array(wanted)]).await.doing(upsert.doing)? {
            let set = if row.get("is_new") { &mut self.created } else { &mut self.changed };
            set.insert(row.get("label"));
        }
        Ok(())
    }

    /// The order of items is always there; an empty one is as good as none.
    pub(super) async fn sequence(&mut self, tx: &Transaction<'_>, wanted: Option<Value>) -> Result<(), Error> {
        let Some(wanted) = wanted else { return Ok(()) };
        let settle = "UPDATE installation SET item_order = $1 WHERE item_order <> $1";
        if tx.execute(settle, &[&wanted]).await.doing("settling the order of items")? > 0 {
            self.changed.insert("order".to_owned());
        }
        Ok(())
    }

    /// Tenants are made first and put below each other then, because one may stand before the one above it.
    pub(super) async fn tenants(&mut self, tx: &Transaction<'_>, wanted: &[Value]) -> Result<(), Error> {
        let wanted = Value::Array(wanted.to_vec());
        let make = "INSERT INTO tenant (name)
                    SELECT w.name FROM jsonb_to_recordset($1) AS w (name text)
                    ON CONFLICT (name) DO NOTHING
                    RETURNING 'tenant/' || name AS label";
        let made = tx.query(make, &[&wanted]).await.doing("making tenants")?;
        self.created.extend(made.iter().map(|row| row.get("label")));
        let settle = "UPDATE tenant t
                      SET parent_id = p.id, tags = w.tags, cross_tenant = w.cross_tenant, max_running = w.max_running, weight = w.weight,
                          rate_per_second = w.rate_per_second
                      FROM jsonb_to_recordset($1) AS w (name text, parent text, tags text[], cross_tenant boolean,
                                                        max_running int,
                                                        weight int, rate_per_second real)
                      LEFT JOIN tenant p ON p.name = w.parent
                      WHERE t.name = w.name
                        AND (t.parent_id, t.tags, t.cross_tenant, t.max_running, t.weight, t.rate_per_second)
                            IS DISTINCT FROM (p.id, w.tags, w.cross_tenant, w.max_running, w.weight, w.rate_per_second)
                      RETURNING 'tenant/' || t.name AS label";
        let settled = tx.query(settle, &[&wanted]).await.doing("settling tenants")?;
        let settled = settled.iter().map(|row| row.get("label"));
        self.changed.extend(settled.filter(|label| !self.created.contains(label)));
        Ok(())
    }
}
