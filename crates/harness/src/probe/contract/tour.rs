//! A tour of all that the `OpenAPI` document describes, and of some that it does not.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    observation::{Seen, Story},
    probe::{
        http::{Client, path_and_query},
        person::Person,
        photo,
    },
    running::RunningStack,
};

/// Where people reach the api.
const PREFIX: &str = "/api";

/// The document as it is served.
pub(super) async fn document(running: &RunningStack) -> Seen<Value> {
    let asked = running.entrance().await?.get("contract.document", "/api/v1/openapi.json").await;
    let answer = asked.answer?;
    let document = answer.json();
    if answer.status != 200 || !document.get("paths").is_some_and(Value::is_object) {
        return Err(format!("{} answered {} and no OpenAPI document", asked.request, answer.status));
    }
    Ok(document)
}

/// Asks each operation once, as a person would who does everything that there is to do; then asks for what there is not,
/// and says what that answered. What the person heard is in the record of the run.
pub(super) async fn tell(running: &RunningStack, document: &Value) -> BTreeMap<String, Seen<u16>> {
    let door = match running.entrance().await {
        Ok(door) => door,
        Err(why) => return [("the entrance".to_owned(), Err(why))].into(),
    };
    // Where the story breaks off, the operations behind that are missing in the record, and the check names them.
    let _ = live(&door, running).await;
    ask_for_what_is_not(&door, document).await
}

async fn live(door: &Client, running: &RunningStack) -> Result<(), String> {
    let mut story = Story::default();
    let email = format!("contract-{}@example.org", running.plan().run.marker);
    let password = running.password().reveal();
    let mut person = Person::new(door, &email, password);
    person.sign_up("contract.sign_up").await;
    person.log_in("contract.login", None).await;
    person.get("contract.session", "/api/v1/sessions/current").await;
    person.get("contract.me", "/api/v1/users/me").await;
    let picture = photo::tiny().map_err(|error| error.to_string())?;
    story.keep(person.upload("upload", &picture, "duotone", Some("600")).await);
    story.keep(person.job_ended("job", &story.need("upload", "/id")?).await);
    let image = format!("/api/v1/images/{}", story.need("job", "/image/id")?);
    person.get("contract.list", "/api/v1/images").await;
    story.keep(person.get("image", &image).await);
    if let Some(link) = path_and_query(&story.need("image", "/link")?) {
        door.get("contract.link", link).await;
    }
    person.delete("contract.delete", &image).await;
    let change = json!({ "current_password": password, "new_password": password });
    let path = "/api/v1/users/me/password";
    person.request("contract.password", Method::PUT, path, |request| request.json(&change)).await;
    person.delete("contract.log_out", "/api/v1/sessions/current").await;
    person.log_in("contract.login", None).await;
    person.delete("contract.log_out_everywhere", "/api/v1/sessions").await;
    Ok(())
}

async fn ask_for_what_is_not(door: &Client, document: &Value) -> BTreeMap<String, Seen<u16>> {
    let templates = document.get("paths").and_then(Value::as_object);
    let templates: Vec<&String> = templates.into_iter().flat_map(|paths| paths.keys()).collect();
    let below = templates.iter().filter(|path| path.starts_with("/v1/")).filter_map(|path| {
        let path = format!("{}/nothing-here", path.replace(['{', '}'], ""));
        (!templates.iter().any(|template| fits(template, &path))).then(|| format!("{PREFIX}{path}"))
    });
    let invented = ["/api/v1", "/api/v1/nothing-here", "/api/v2/images", "/api/openapi.json", "/api/docs"];
    let mut answered = BTreeMap::new();
    for path in below.chain(invented.map(str::to_owned)) {
        let asked = door.get("contract.made_up", &path).await;
        answered.insert(path, asked.answer.map(|answer| answer.status));
    }
    answered
}

/// Whether a path is one that a template of the document stands for.
pub(crate) fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(wanted, found)| if wanted.starts_with('{') { !found.is_empty() } else { wanted == found })
}
