//! Logs of every instance since it was created, those that have ended included.

use redis::AsyncCommands;
use stack::Readiness;

use super::searched;
use crate::{
    canary::Search,
    engine::innermost,
    observation::{Seen, Surface},
    poll::{self, Attempt},
    probe::readiness,
    runner::service_of,
    running::RunningStack,
};

/// What a service was told to log shows within this.
const SHOWN_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Makes every service log the control marker, then reads every log.
pub(super) async fn read(running: &RunningStack, search: &Search) -> Vec<Surface> {
    let mut surfaces = Vec::new();
    for instance in running.instances() {
        // Where a marker could not be placed, it will not be found, and the verdict says so.
        let placed = place_marker(running, &instance).await;
        let read = poll::until(SHOWN_WITHIN, || async {
            match running.runner().logs(&instance, None).await {
                Ok(log) if search.sees_marker(&log) => Attempt::Ready(Ok(log)),
                Ok(log) if placed.is_err() => Attempt::Ready(Ok(log)),
                Ok(_) => Attempt::NotYet("a log without the control marker".into()),
                Err(error) => Attempt::Ready(Err(error.to_string())),
            }
        });
        let log = match read.await {
            Ok(log) => log,
            Err(_) => running.runner().logs(&instance, None).await.map_err(|error| error.to_string()),
        };
        let check = format!("secrets.logs.{}", service_of(&instance));
        surfaces.push(searched(check, &instance, log, search));
    }
    surfaces
}

/// Makes an instance log the run's marker. Our own programs do it at their start, by `DEPLOYMENT_ENVIRONMENT`; a
/// proxy by a path that was asked for.
async fn place_marker(running: &RunningStack, instance: &str) -> Seen<()> {
    let marker = &running.plan().run.marker;
    let service = running.service(service_of(instance))?;
    match &service.ready {
        Some(Readiness::Postgres { .. }) => {
            let mut database = running.database().await?;
            let statement = format!("SELECT 1 FROM \"{marker}\"");
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut database).await;
            match refused {
                Err(sqlx::Error::Database(_)) => Ok(()),
                Err(error) => Err(innermost(&error)),
                Ok(_) => Err("the database has a table with the marker's name".into()),
            }
        }
        Some(Readiness::Redis { port, password_secret }) => {
            let address = running.endpoint(instance, *port).await?;
            let secrets = running.secrets();
            let password = password_secret.as_ref().and_then(|name| secrets.get(name));
            let told = |error: redis::RedisError| error.to_string();
            let password = password.map(crate::canary::Canary::reveal);
            let mut connection = readiness::redis_connection(address, password).await.map_err(told)?;
            let _: u64 = connection.exists(marker).await.map_err(told)?;
            let log = redis::Script::new("redis.log(redis.LOG_WARNING, ARGV[1]) return 1");
            log.arg(marker).invoke_async::<i64>(&mut connection).await.map(drop).map_err(told)
        }
        Some(Readiness::Http { .. }) => {
            running.client_of(instance).await?.get("marker", &format!("/{marker}")).await.answer.map(drop)
        }
        None => Ok(()),
    }
}
