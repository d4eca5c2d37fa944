//! The sweeper over rows in memory, and stores that fail in part or as a whole.

use std::collections::BTreeSet;
use std::sync::Mutex;

use bytes::Bytes;
use image_store::Memory;
use service::Metrics;

use super::*;

/// Rows in memory, all expired.
#[derive(Default)]
struct Table(Mutex<BTreeSet<Uuid>>, Option<&'static str>);

impl Rows for Table {
    async fn expired(&self, after: Place, limit: u32) -> Result<Vec<Place>, String> {
        let places = self.0.lock().unwrap().clone().into_iter();
        let places = places.map(|id| Place { at: after.at, id }).filter(|place| *place > after);
        Ok(places.take(limit as usize).collect())
    }

    async fn remove(&self, ids: &[Uuid]) -> Result<u64, String> {
        match self.1 {
            Some(why) => Err(why.to_owned()),
            None => Ok(ids.iter().filter(|id| self.0.lock().unwrap().remove(id)).count() as u64),
        }
    }
}

async fn filled(count: usize) -> (Table, Memory) {
    let (table, store) = (Table::default(), Memory::new());
    for _ in 0..count {
        let id = Uuid::new_v4();
        table.0.lock().unwrap().insert(id);
        store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    }
    (table, store)
}

async fn sweep_once(table: &Table, store: &dyn ImageStore) -> Result<Left, String> {
    backlog(table, store, &WorkerMetrics::register(&Metrics::new()), &|| false).await
}

#[test]
fn next_sweep_comes_when_the_next_output_expires_and_never_later_than_the_interval() {
    let interval = Duration::from_secs(2);
    let pause = |next| Left { next, ..Left::default() }.pause(interval);
    assert_eq!(pause(None), interval);
    assert_eq!(pause(Some(3600.0)), interval);
    assert_eq!(pause(Some(1.5)), Duration::from_millis(1500));
    assert_eq!(pause(Some(0.001)), SHORTEST_PAUSE);
}

#[test]
fn backlog_that_is_left_does_not_wait_for_the_interval() {
    let left = Left { backlog: true, next: Some(9.0), ..Left::default() };
    assert_eq!(left.pause(Duration::from_hours(1)), SHORTEST_PAUSE);
}

#[test]
fn what_cannot_be_removed_does_not_hide_that_another_output_expires() {
    let failure = Some("could not delete an image".to_owned());
    let left = Left { next: Some(1.5), failure, ..Left::default() };
    assert_eq!(left.pause(Duration::from_hours(1)), Duration::from_millis(1500));
}

#[tokio::test]
async fn backlog_larger_than_a_batch_is_gone_after_one_sweep() {
    let (table, store) = filled(3 * BATCH as usize + 7).await;
    sweep_once(&table, &store).await.unwrap();
    assert!(table.0.lock().unwrap().is_empty());
    assert_eq!(store.list().count().await, 0);
}

#[tokio::test]
async fn rows_stay_while_the_store_is_away_and_go_when_it_is_back() {
    let (table, store) = filled(5).await;
    store.set_away(true);
    let left = sweep_once(&table, &store).await.unwrap();
    assert_eq!(left, Left { failure: Some("image store is away".to_owned()), ..Left::default() });
    assert_eq!(table.0.lock().unwrap().len(), 5);
    store.set_away(false);
    sweep_once(&table, &store).await.unwrap();
    assert!(table.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn crash_between_object_and_row_is_finished_by_the_next_sweep() {
    let (mut table, store) = filled(5).await;
    table.1 = Some("connection refused");
    sweep_once(&table, &store).await.unwrap_err();
    assert_eq!(store.list().count().await, 0, "objects go first");
    assert_eq!(table.0.lock().unwrap().len(), 5);
    table.1 = None;
    sweep_once(&table, &store).await.unwrap();
    assert!(table.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn sweep_that_is_over_says_that_a_backlog_is_left_and_removed_what_it_had_begun() {
    let (table, store) = filled(2 * BATCH as usize).await;
    let left = Mutex::new(BATCH + 5);
    let over = || {
        let mut left = left.lock().unwrap();
        *left = left.saturating_sub(1);
        *left == 0
    };
    let metrics = WorkerMetrics::register(&Metrics::new());
    assert!(backlog(&table, &store, &metrics, &over).await.unwrap().backlog, "there is more");
    let rows = table.0.lock().unwrap().len();
    assert!(rows > 0 && rows <= BATCH as usize, "{rows} rows are left");
    assert_eq!(store.list().count().await, rows, "row and object agree");
}

#[tokio::test]
async fn object_that_cannot_be_removed_holds_nothing_else_up() {
    let folder = tempfile::tempdir().unwrap();
    let keys = image_store::Keys::parse("fedcba9876543210fedcba9876543210").unwrap();
    let store = image_store::Backend::Filesystem(folder.path().to_owned()).open(keys);
    let table = Table::default();
    let ids: Vec<Uuid> = (0..2 * BATCH).map(|_| Uuid::new_v4()).collect();
    table.0.lock().unwrap().extend(&ids);
    let first = *table.0.lock().unwrap().first().unwrap();
    // Where a folder has the object's name, no file can be removed.
    std::fs::create_dir(folder.path().join(first.to_string())).unwrap();
    let left = sweep_once(&table, &*store).await.unwrap();
    assert!(left.failure.is_some() && !left.backlog, "{left:?}");
    assert_eq!(*table.0.lock().unwrap(), BTreeSet::from([first]));
}

#[tokio::test]
async fn store_that_is_away_is_not_asked_for_each_object() {
    let (table, store) = filled(3 * BATCH as usize).await;
    store.set_away(true);
    let batch: Vec<Place> = table.expired(Place::BEFORE_ALL, BATCH).await.unwrap();
    let outcome = remove_objects(&store, &batch, &|| false).await;
    assert!(outcome.away.is_some());
    assert_eq!(outcome.failed, AT_ONCE as u64);
}
