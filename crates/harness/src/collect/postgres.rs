//! What the database keeps, as it lies in its folder: tables and indices, what was deleted included, and the log of all that
//! was written. Beside that every row as text, because large values are kept in a form that no search reads.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection};

use super::{archive, searched, volumes};
use crate::{
    canary::Search,
    engine::innermost,
    observation::{Seen, Surface},
    runner::parts,
    running::RunningStack,
};

const CHECK: &str = "inputs.postgres";

/// Everything but the log, a boundary, and the log. A file that changes meanwhile is read all the same, and told by 1.
const READ: &str = r#"
cd /volume || exit 2
tar --create --sparse --hole-detection=raw --exclude=pg_wal . 2>/dev/null
[ $? -le 1 ] || exit 2
printf %s "$0"
find . -type d -name pg_wal -print0 | tar --create --sparse --hole-detection=raw --null --files-from=- 2>/dev/null
[ $? -le 1 ]
"#;

/// Has everything written out, then reads. People signed up with the marker in their addresses: it is in a table, and in
/// the log. A message puts it into the log once more, since that is made anew from time to time.
pub(super) async fn read(running: &RunningStack, search: &Arc<Search>) -> Vec<Surface> {
    let rows = match running.database().await {
        Ok(mut database) => {
            let written = write_out(&mut database, &running.plan().run.marker).await;
            match written {
                Ok(()) => rows(&mut database).await,
                Err(why) => Err(why),
            }
        }
        Err(why) => Err(why),
    };
    let ready = rows.as_ref().map(|_| ()).map_err(Clone::clone);
    let mut surfaces = vec![searched(CHECK.into(), "rows", rows, search)];
    for volume in volumes::of_postgres(running) {
        let (tables, log) = match &ready {
            Ok(()) => files(running, volume).await,
            Err(why) => (Err(why.clone()), Err(why.clone())),
        };
        let (tables, log) = tokio::join!(
            archive::surfaces(CHECK, "tables".into(), tables, search),
            archive::surfaces(CHECK, "write-ahead log".into(), log, search)
        );
        surfaces.extend(tables.into_iter().chain(log));
    }
    surfaces
}

/// The two parts of a database's folder.
async fn files(running: &RunningStack, volume: &str) -> (Seen<Vec<u8>>, Seen<Vec<u8>>) {
    let boundary = hex::encode(rand::random::<[u8; 16]>());
    let read = running.runner().toolbox(volume, &["bash", "-c", READ, &boundary]).await;
    match read.as_deref().map(|read| parts(read, &boundary)) {
        Ok(parts) if parts.len() == 2 => (Ok(parts[0].to_vec()), Ok(parts[1].to_vec())),
        Ok(_) => {
            let why = "the folder was not read to its end";
            (Err(why.into()), Err(why.into()))
        }
        Err(error) => (Err(error.to_string()), Err(error.to_string())),
    }
}

async fn write_out(database: &mut PgConnection, marker: &str) -> Seen<()> {
    let told =
        |error: sqlx::Error| format!("having the database write everything out: {}", innermost(&error));
    let message = sqlx::query("SELECT pg_logical_emit_message(false, 'shakedown', $1)").bind(marker);
    message.execute(&mut *database).await.map_err(told)?;
    sqlx::raw_sql("CHECKPOINT").execute(database).await.map_err(told).map(drop)
}

/// Every row of every table, and every large object.
async fn rows(database: &mut PgConnection) -> Seen<Vec<u8>> {
    let told = |error: sqlx::Error| format!("reading every row: {}", innermost(&error));
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                  WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *database).await.map_err(told)?;
    tables.push("pg_catalog.pg_largeobject".into());
    let mut bytes = Vec::new();
    for table in tables {
        let query = AssertSqlSafe(format!("SELECT row_of::text FROM {table} AS row_of"));
        let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *database).await.map_err(told)?;
        bytes.extend(rows.join("\n").into_bytes());
    }
    Ok(bytes)
}
