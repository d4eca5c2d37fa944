//! Living outputs over a store that lost one object, was exchanged, or is away.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use image_store::Memory;
use service::Metrics;

use super::*;

#[derive(Default)]
struct Table(Mutex<BTreeSet<Place>>);

impl Rows for Table {
    async fn living(&self, after: Place, limit: u32) -> Result<Vec<Place>, String> {
        let living = self.0.lock().unwrap();
        Ok(living.iter().copied().filter(|place| *place > after).take(limit as usize).collect())
    }

    async fn remove(&self, ids: &[Uuid]) -> Result<u64, String> {
        let mut living = self.0.lock().unwrap();
        let before = living.len();
        living.retain(|place| !ids.contains(&place.id));
        Ok((before - living.len()) as u64)
    }
}

struct Stack {
    table: Table,
    store: Memory,
    round: Round,
    metrics: WorkerMetrics,
}

impl Stack {
    /// Outputs made one second after the other.
    async fn with(outputs: usize) -> (Self, Vec<Uuid>) {
        let (table, store) = (Table::default(), Memory::new());
        let ids: Vec<Uuid> = (0..outputs).map(|_| Uuid::new_v4()).collect();
        for (made, id) in ids.iter().enumerate() {
            let at = Place::BEFORE_ALL.at + Duration::from_secs(1 + made as u64);
            table.0.lock().unwrap().insert(Place { at, id: *id });
            store.put(*id, Bytes::from_static(b"image").into()).await.unwrap();
        }
        let metrics = WorkerMetrics::register(&Metrics::new());
        (Self { table, store, round: Round::new(), metrics }, ids)
    }

    async fn look(&mut self) -> Result<(), String> {
        self.round.look(&self.table, &self.store, &self.metrics, &Shutdown::manual()).await
    }

    fn rows(&self) -> usize {
        self.table.0.lock().unwrap().len()
    }
}

#[tokio::test]
async fn row_whose_object_is_gone_goes_at_the_second_look() {
    let (mut it, ids) = Stack::with(5).await;
    it.store.delete(ids[2]).await.unwrap();
    it.look().await.unwrap();
    assert_eq!((it.rows(), it.metrics.objects_missing.get()), (5, 1));
    it.look().await.unwrap();
    assert_eq!((it.rows(), it.metrics.rows_without_objects.get()), (4, 1));
    it.look().await.unwrap();
    assert_eq!((it.rows(), it.metrics.objects_missing.get()), (4, 0));
}

#[tokio::test]
async fn empty_store_costs_no_row() {
    let (mut it, ids) = Stack::with(5).await;
    for id in &ids {
        it.store.delete(*id).await.unwrap();
    }
    for _ in 0..3 {
        it.look().await.unwrap();
    }
    assert_eq!((it.rows(), it.metrics.objects_missing.get()), (5, 5));
}

#[tokio::test]
async fn another_store_in_use_since_costs_no_row() {
    let (mut it, ids) = Stack::with(5).await;
    // What it has is all newer than what it lacks.
    for id in &ids[..3] {
        it.store.delete(*id).await.unwrap();
    }
    for _ in 0..3 {
        it.look().await.unwrap();
    }
    assert_eq!((it.rows(), it.metrics.objects_missing.get()), (5, 3));
}

#[tokio::test]
async fn another_store_for_a_while_costs_no_row() {
    let (mut it, ids) = Stack::with(3 + FEW + 1 + 3).await;
    for id in &ids[3..=3 + FEW] {
        it.store.delete(*id).await.unwrap();
    }
    for _ in 0..3 {
        it.look().await.unwrap();
    }
    assert_eq!(it.rows(), ids.len());
    // One of them turns up: what is left are single losses.
    it.store.put(ids[4], Bytes::from_static(b"image").into()).await.unwrap();
    for _ in 0..2 {
        it.look().await.unwrap();
    }
    assert_eq!(it.rows(), ids.len() - FEW);
}

#[tokio::test]
async fn newest_outputs_are_not_judged_before_there_is_a_newer_one() {
    let (mut it, ids) = Stack::with(5).await;
    it.store.delete(ids[4]).await.unwrap();
    for _ in 0..3 {
        it.look().await.unwrap();
    }
    assert_eq!((it.rows(), it.metrics.objects_missing.get()), (5, 1));
}

#[tokio::test]
async fn store_that_is_away_costs_no_row() {
    let (mut it, ids) = Stack::with(5).await;
    it.store.delete(ids[2]).await.unwrap();
    it.look().await.unwrap();
    it.store.set_away(true);
    it.look().await.unwrap_err();
    assert_eq!(it.rows(), 5);
}

#[tokio::test]
async fn round_over_more_than_one_look_finds_what_is_missing_at_its_end() {
    let (mut it, ids) = Stack::with(LOOK as usize + 3).await;
    it.store.delete(ids[LOOK as usize + 1]).await.unwrap();
    for _ in 0..4 {
        it.look().await.unwrap();
    }
    assert_eq!(it.rows(), LOOK as usize + 2);
}
