//! The person whose things the others are after, and whether they are as they were afterwards.

use serde_json::{Value, json};

use super::stage::{ME, Needles, Stage, need};
use crate::{
    observation::Seen,
    probe::{
        http::{Client, Exchange, path_and_query},
        person::Person,
        photo,
        visitor::Visitor,
    },
};

/// Somebody with a picture, and a session at each door.
#[derive(Clone)]
pub(super) struct Owner {
    pub person: Person,
    pub visitor: Visitor,
    pub job: String,
    pub image: String,
    pub id: String,
    /// What would give her away.
    pub needles: Needles,
    client: Client,
    picture: bytes::Bytes,
    described: Value,
}

impl Owner {
    /// Signs up, uploads, and waits until it is done.
    pub(super) async fn new(stage: &Stage<'_>, client: &Client, name: &str) -> Seen<Self> {
        let person = stage.person(client, name).await?;
        let (visitor, uploaded) = tokio::join!(
            stage.visitor(client, name),
            person.upload("upload", photo::PORTRAIT, "duotone", Some("600"))
        );
        need(&uploaded, 202)?;
        let text = |exchange: &Exchange, pointer: &str| {
            let found = exchange.answer.as_ref().ok().and_then(|answer| answer.text(pointer));
            found.ok_or_else(|| {
                format!("{} answered {} without {pointer}", exchange.request, exchange.outcome())
            })
        };
        let job = text(&uploaded, "/id")?;
        let image = text(&person.job_ended("job", &job).await, "/image/id")?;
        let described = person.get("image", &format!("/api/v1/images/{image}")).await;
        let id = text(&person.get("me", ME).await, "/id")?;
        let picture = picture(client, &described).await?;
        let mut needles = vec![
            ("the image's id", image.clone()),
            ("the job's id", job.clone()),
            ("the account's id", id.clone()),
            ("the e-mail address", stage.email(name)),
            ("a signed link", "signature=".to_owned()),
        ];
        for (told, field) in [("the perceptual hash", "perceptual_hash"), ("the blurhash", "blurhash")] {
            let found = described
                .answer
                .as_ref()
                .ok()
                .and_then(|answer| answer.text(&format!("/description/{field}")));
            needles.extend(found.filter(|value| value.len() > 8).map(|value| (told, value)));
        }
        let described = lasting(&described);
        let (needles, client) = (Needles(needles), client.clone());
        Ok(Self { person, visitor: visitor?, job, image, id, needles, client, picture, described })
    }

    /// Her own requests, each with what it is for; after trials, with what is no longer as it was.
    pub(super) async fn looks(&mut self) -> Vec<(String, Exchange, Vec<String>)> {
        let mut looks = Vec::new();
        let described = self.person.get("owner", &format!("/api/v1/images/{}", self.image)).await;
        let changed = (lasting(&described) != self.described).then(|| "another description".to_owned());
        let picture = picture(&self.client, &described).await;
        let lost =
            (picture.as_ref() != Ok(&self.picture)).then(|| "another picture behind its link".to_owned());
        looks.push((
            "GET /api/v1/images/{image}".into(),
            described,
            changed.into_iter().chain(lost).collect(),
        ));
        for path in ["/api/v1/jobs/{job}", "/api/v1/images", ME, "/api/v1/sessions/current"] {
            let real = path.replace("{job}", &self.job);
            looks.push((format!("GET {path}"), self.person.get("owner", &real).await, Vec::new()));
        }
        for path in ["/gallery", "/gallery/{image}", "/gallery/{image}/picture", "/jobs/{job}", "/account"] {
            let real = path.replace("{job}", &self.job).replace("{image}", &self.image);
            looks.push((format!("GET {path}"), self.visitor.get("owner", &real).await, Vec::new()));
        }
        looks
    }

    /// A path for people: her ids are told by what they are.
    pub(super) fn told(&self, path: &str) -> String {
        path.replace(&self.image, "{image}").replace(&self.job, "{job}").replace(&self.id, "{account}")
    }
}

/// What of a description stays the same while an image lives.
fn lasting(described: &Exchange) -> Value {
    let json = described.answer.as_ref().map(crate::probe::http::Answer::json).unwrap_or_default();
    json!([json.get("id"), json.get("size_bytes"), json.get("description"), json.get("expires_at")])
}

/// The picture behind the link of a description.
async fn picture(client: &Client, described: &Exchange) -> Seen<bytes::Bytes> {
    let link = described.answer.as_ref().ok().and_then(|answer| answer.text("/link"));
    let link = link.ok_or_else(|| format!("{} gave no link", described.request))?;
    let fetched = client.get("link", path_and_query(&link).ok_or("the link names no path")?).await;
    need(&fetched, 200)?;
    fetched.answer.map(|answer| answer.body)
}
