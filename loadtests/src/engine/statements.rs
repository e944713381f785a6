//! What the statements of a run cost the database.

use tokio_postgres::Client;

/// Prints those that took most, by session.
pub async fn show(sql: &Client, sessions: u64) -> anyhow::Result<()> {
    let rows = sql
        .query(
            "SELECT calls, rows, total_exec_time AS ms, total_plan_time AS plan_ms, wal_bytes::float8 AS wal,
                    regexp_replace(query, '\\s+', ' ', 'g') AS query
             FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
             WHERE d.datname = current_database() ORDER BY total_exec_time DESC LIMIT 24",
            &[],
        )
        .await?;
    println!("    calls    rows/call  us/session  bytes of WAL/session  statement");
    for row in rows {
        let (calls, of_rows): (i64, i64) = (row.get("calls"), row.get("rows"));
        println!(
            "  {calls:>7}  {:>11.1}  {:>10.1}  {:>20.0}  {:.90}",
            of_rows as f64 / calls.max(1) as f64,
            row.get::<_, f64>("ms") * 1000.0 / sessions as f64,
            row.get::<_, f64>("wal") / sessions as f64,
            row.get::<_, &str>("query"),
        );
    }
    let rows = sql
        .query(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del, autovacuum_count
             FROM pg_stat_user_tables WHERE n_tup_ins + n_tup_upd > 100 ORDER BY n_tup_ins + n_tup_upd DESC",
            &[],
        )
        .await?;
    println!("  by session: rows inserted, updated (of these heap-only), deleted; autovacuums");
    for row in rows {
        let of = |column| row.get::<_, i64>(column) as f64 / sessions as f64;
        println!(
            "  {:<28} {:>6.2} {:>6.2} ({:>5.2}) {:>6.2}  {}",
            row.get::<_, &str>("relname"),
            of("n_tup_ins"),
            of("n_tup_upd"),
            of("n_tup_hot_upd"),
            of("n_tup_del"),
            row.get::<_, i64>("autovacuum_count"),
        );
    }
    Ok(())
}
