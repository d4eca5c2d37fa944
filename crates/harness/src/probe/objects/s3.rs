//! The objects of an S3 store, asked for as its clients do.

use std::time::Duration;

use reqwest::Url;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle, actions::ListObjectsV2};
use sha2::{Digest, Sha256};
use stack::Service;

use super::Object;
use crate::{dependencies::host_and_port, engine::innermost, running::RunningStack};

/// A signature is good for so long: this machine's requests are not slower.
const SIGNED_FOR: Duration = Duration::from_mins(1);
/// One answer of the store: long enough that passing it means a fault.
const WITHIN: Duration = Duration::from_secs(15);
const API: &str = "api";

/// Whether the services of a stack keep their outputs in such a store.
pub(super) fn is_used(running: &RunningStack) -> bool {
    let api = running.service(API);
    api.is_ok_and(|api| api.environment.get("IMAGE_STORE").is_some_and(|store| store == "s3"))
}

/// Every object of the bucket.
pub(super) async fn list(running: &RunningStack) -> Result<Vec<Object>, String> {
    let store = Store::of(running).await?;
    let mut objects = Vec::new();
    for key in store.keys().await? {
        // What is swept between being listed and being read is gone.
        if let Some(bytes) = store.get(&key).await? {
            objects.push(Object {
                name: key,
                sha256: hex::encode(Sha256::digest(&bytes)),
                size_bytes: bytes.len() as u64,
            });
        }
    }
    Ok(objects)
}

/// The bytes of an image's object, as the store hands them out.
pub(super) async fn read(running: &RunningStack, image: &str) -> Result<Option<Vec<u8>>, String> {
    let store = Store::of(running).await?;
    match store.keys().await?.into_iter().find(|key| key.contains(image)) {
        Some(key) => store.get(&key).await,
        None => Ok(None),
    }
}

/// Removes an image's object.
pub(super) async fn remove(running: &RunningStack, image: &str) -> Result<(), String> {
    let store = Store::of(running).await?;
    match store.keys().await?.into_iter().find(|key| key.contains(image)) {
        Some(key) => store.delete(&key).await,
        None => Err("there is none".into()),
    }
}

/// A client of the stack's store, with the key that its services have.
struct Store {
    http: reqwest::Client,
    bucket: Bucket,
    credentials: Credentials,
}

impl Store {
    async fn of(running: &RunningStack) -> Result<Self, String> {
        let api = running.service(API)?;
        let endpoint = told(api, "S3_ENDPOINT")?;
        let (service, port) = host_and_port(endpoint)?;
        let address = running.endpoint(&service, port).await?;
        let url: Url =
            format!("http://{address}").parse().map_err(|error| format!("S3_ENDPOINT: {error}"))?;
        let (name, region) = (told(api, "S3_BUCKET")?.to_owned(), told(api, "S3_REGION")?.to_owned());
        let bucket = Bucket::new(url, UrlStyle::Path, name, region).map_err(|error| error.to_string())?;
        let secret = secret_name(api)?;
        let credentials =
            Credentials::new(told(api, "S3_ACCESS_KEY_ID")?, running.secret(secret)?.reveal().trim());
        let http = reqwest::Client::builder().no_proxy().timeout(WITHIN).build();
        Ok(Self { http: http.map_err(|error| innermost(&error))?, bucket, credentials })
    }

    /// The names of all objects, page by page.
    async fn keys(&self) -> Result<Vec<String>, String> {
        let (mut keys, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut listing = self.bucket.list_objects_v2(Some(&self.credentials));
            if let Some(token) = &next {
                listing.with_continuation_token(token.as_str());
            }
            let bytes = self.answer(listing.sign(SIGNED_FOR)).await?.ok_or("there is no such bucket")?;
            let text = String::from_utf8_lossy(&bytes);
            let page = ListObjectsV2::parse_response(&text).map_err(|error| format!("a listing: {error}"))?;
            keys.extend(page.contents.into_iter().map(|object| object.key));
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(keys);
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.answer(self.bucket.get_object(Some(&self.credentials), key).sign(SIGNED_FOR)).await
    }

    async fn delete(&self, key: &str) -> Result<(), String> {
        let url = self.bucket.delete_object(Some(&self.credentials), key).sign(SIGNED_FOR);
        let told = |error: reqwest::Error| format!("DELETE {key}: {}", innermost(&error.without_url()));
        let answer = self.http.delete(url).send().await.map_err(told)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("DELETE {key}: {status}")) }
    }

    /// What the store answers; none for 404. An error must not show the URL, whose signature is a secret for a while.
    async fn answer(&self, url: Url) -> Result<Option<Vec<u8>>, String> {
        let path = url.path().to_owned();
        let told = |error: reqwest::Error| format!("GET {path}: {}", innermost(&error.without_url()));
        let answer = self.http.get(url).send().await.map_err(told)?;
        match answer.status().as_u16() {
            200 => Ok(Some(answer.bytes().await.map_err(told)?.to_vec())),
            404 => Ok(None),
            status => Err(format!("GET {path}: {status}: {}", answer.text().await.unwrap_or_default())),
        }
    }
}

fn told<'s>(service: &'s Service, variable: &str) -> Result<&'s str, String> {
    let value = service.environment.get(variable);
    value.map(String::as_str).ok_or_else(|| format!("{API} has no {variable}"))
}

/// The Compose secret that the file of the key's secret is.
fn secret_name(service: &Service) -> Result<&str, String> {
    let file = told(service, "S3_SECRET_ACCESS_KEY_FILE")?;
    let mount = service.secrets.iter().find(|mount| mount.target == file);
    mount.map(|mount| mount.secret.as_str()).ok_or_else(|| format!("{API} has no secret at {file}"))
}
