//! What encryption and an S3 store cost per megabyte, side by side in one run. It measures and judges nothing: `make bench`
//! prints it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use crate::test_garage::TestGarage;
use crate::{Encrypted, ImageStore, Keys, filesystem::Filesystem};

/// As long as a large output, and longer than a part of an upload.
const BYTES: usize = 8_000_000;
const MEGABYTES: f64 = 8.0;
/// In turns, so that whatever else the machine does hits all of them alike.
const ROUNDS: usize = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs garage on the PATH"]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn overhead_of_encryption_and_of_s3_per_megabyte() {
    let (folder, garage) = (tempfile::tempdir().unwrap(), TestGarage::start().await);
    let keys = || Keys::parse("a key that nobody would ever guess").unwrap();
    let files = || Filesystem::new(folder.path());
    let stores: [(&str, Box<dyn ImageStore>); 4] = [
        ("filesystem", Box::new(files())),
        ("filesystem, encrypted", Box::new(Encrypted::over(files(), keys()))),
        ("s3", Box::new(garage.store())),
        ("s3, encrypted", Box::new(Encrypted::over(garage.store(), keys()))),
    ];
    let content: Bytes = (0..BYTES).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let mut took = stores.each_ref().map(|_| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for ((_, store), (puts, gets)) in stores.iter().zip(&mut took) {
            let id = Uuid::new_v4();
            let began = Instant::now();
            store.put(id, content.clone().into()).await.unwrap();
            puts.push(began.elapsed());
            let began = Instant::now();
            let came = store.get(id).await.unwrap().unwrap().into_bytes().await.unwrap();
            gets.push(began.elapsed());
            assert_eq!(came, content);
            store.delete(id).await.unwrap();
        }
    }
    let medians = took.map(|(puts, gets)| [median(puts), median(gets)]);
    println!(
        "\n{:<24}{:>14}{:>14}{:>10}{:>10}",
        "per megabyte", "put, ms", "get, ms", "put / 1st", "get / 1st"
    );
    for ((name, _), [put, get]) in stores.iter().zip(medians) {
        let [first_put, first_get] = medians[0];
        let per_mb = |time: Duration| time.as_secs_f64() * 1e3 / MEGABYTES;
        let ratio = |time: Duration, first: Duration| time.as_secs_f64() / first.as_secs_f64();
        let [puts, gets] = [ratio(put, first_put), ratio(get, first_get)];
        println!("{name:<24}{:>14.2}{:>14.2}{puts:>10.2}{gets:>10.2}", per_mb(put), per_mb(get));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
