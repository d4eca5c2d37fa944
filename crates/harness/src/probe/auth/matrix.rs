//! Everybody × every object × every method × every spelling of its path.

use reqwest::{Method, RequestBuilder};

use super::{
    operations::{self, Operation, Pages},
    owner::Owner,
    spelling::spellings,
    stage::{Groups, METHODS, SESSION, Stage, together},
};
use crate::{
    observation::{AuthRole, AuthRow, Seen},
    probe::{
        http::{Client, Exchange},
        person::Person,
        raw::{Raw, Written},
        visitor::{Visitor, encoded},
    },
};

/// What the checks' groups are called.
pub(super) const GROUPS: &[&str] = &[
    "matrix.owner",
    "matrix.anonymous.api",
    "matrix.anonymous.web",
    "matrix.other.api",
    "matrix.other.web",
    "matrix.others_own",
    "matrix.unharmed",
    "status.anonymous",
    "status.other",
];

/// Pages that there must be, whatever else is found by following links.
const KNOWN: &[&str] = &[
    "/gallery",
    "/account",
    "/gallery/{image}",
    "/gallery/{image}/picture",
    "/jobs/{job}",
    "/jobs/{job}/state",
];

/// Forms that there must be.
const KNOWN_FORMS: &[&str] = &["/gallery", "/gallery/{image}/delete", "/account/password"];

/// How forms without files are sent.
const FORM: &str = "application/x-www-form-urlencoded";

/// Tries it all.
pub(super) async fn observe(stage: &Stage<'_>, mut owner: Owner) -> Seen<Groups> {
    let owner = &mut owner;
    let mut groups = Groups::default();
    for (tried, exchange, _) in owner.looks().await {
        groups.kept("matrix.owner", format!("the owner's {tried}"), exchange);
    }
    let (door, other_door) = (stage.client(10).await?, stage.client(11).await?);
    let (web_door, other_web_door) = (stage.client(12).await?, stage.client(13).await?);
    let operations = operations::of_the_api(&door).await?;
    let starts: Vec<String> = KNOWN.iter().map(|path| real(path, owner)).collect();
    let mut pages = operations::of_the_pages(&mut owner.visitor, &stage.origin, &starts).await?;
    pages.links.extend(starts);
    let absent: Vec<&str> =
        KNOWN_FORMS.iter().filter(|form| !pages.forms.contains_key(&real(form, owner))).copied().collect();
    if !absent.is_empty() {
        return Err(format!("the owner's pages have no form that goes to {}", absent.join(", ")));
    }
    let (api_other, web_other) =
        (stage.person(&other_door, "mo").await?, stage.visitor_of_new(&other_web_door, "meg").await?);
    let nobody = Person::new(&door, "", "");
    let stranger = Visitor::new(&web_door, &stage.origin);
    let (api_nobody, api_other, web_nobody, web_other, absolute) = tokio::join!(
        the_api(owner, &nobody, &operations, "anonymous"),
        the_api(owner, &api_other, &operations, "other"),
        the_pages(owner, stranger, &pages, "anonymous"),
        the_pages(owner, web_other, &pages, "other"),
        absolute_forms(stage, owner, &operations, &pages),
    );
    for part in [api_nobody, api_other, web_nobody?, web_other?, absolute?] {
        groups.extend(part);
    }
    ends_of_others(stage, &other_door, &operations, owner, &mut groups).await?;
    for (tried, exchange, changed) in owner.looks().await {
        let row = AuthRow {
            role: AuthRole::Kept,
            tried: format!("the owner's {tried}"),
            answer: exchange.answer,
            shown: changed,
        };
        groups.row("matrix.unharmed", row);
    }
    Ok(groups)
}

fn real(path: &str, owner: &Owner) -> String {
    path.replace("{image}", &owner.image).replace("{job}", &owner.job)
}

/// One request of the matrix.
struct Request {
    method: Method,
    /// As it would be written.
    plain: String,
    /// As it is written.
    spelt: String,
    spelling: &'static str,
}

impl Request {
    fn told(&self, who: &str, owner: &Owner) -> String {
        let spelling =
            if self.spelling == "as it is" { String::new() } else { format!(" ({})", self.spelling) };
        format!("{who} {} {}{spelling}", self.method, owner.told(&self.plain))
    }
}

/// Every method for every spelling of every path about an object; where there is none in it, every method as it is and
/// the methods that mean something in every spelling.
fn requests(paths: &[(String, Vec<Method>)], is_object: impl Fn(&str) -> bool) -> Vec<Request> {
    let mut all = Vec::new();
    for (path, meant) in paths {
        for (spelling, spelt) in spellings(path) {
            let tried = METHODS.iter().filter(|method| {
                spelling == "as it is" || is_object(path) || **method == Method::GET || meant.contains(method)
            });
            all.extend(tried.map(|method| Request {
                method: method.clone(),
                plain: path.clone(),
                spelt: spelt.clone(),
                spelling,
            }));
        }
    }
    all
}

/// What is asked, and asked again where it got lost on the way: that is no answer, and of no use to whoever asks.
async fn answered<Asked: Future<Output = Exchange>>(ask: impl Fn() -> Asked) -> Exchange {
    let first = ask().await;
    if first.status() == Some(502) { ask().await } else { first }
}

/// The api's paths about the owner's objects, and those about nobody's, with the methods that mean something there.
fn api_paths(owner: &Owner, operations: &[Operation]) -> Vec<(String, Vec<Method>)> {
    let mut paths: Vec<(String, Vec<Method>)> = Vec::new();
    for operation in operations {
        // Any of her ids, because nobody says here which one a path wants.
        let objects =
            if operation.has_object() { vec![&owner.image, &owner.job] } else { vec![&owner.image] };
        for object in objects {
            let path = operation.path(object);
            match paths.iter_mut().find(|(known, _)| *known == path) {
                Some((_, methods)) => methods.push(operation.method.clone()),
                None => paths.push((path, vec![operation.method.clone()])),
            }
        }
    }
    paths
}

async fn the_api(owner: &Owner, asker: &Person, operations: &[Operation], who: &str) -> Groups {
    let is_other = who == "other";
    let is_object = |path: &str| path.contains(&owner.image) || path.contains(&owner.job);
    let all = requests(&api_paths(owner, operations), is_object).into_iter();
    // What another person's session does to itself is no matter of the owner's; see `ends_of_others`.
    let all = all.filter(|request| {
        !is_other || is_object(&request.plain) || matches!(request.method, Method::GET | Method::HEAD)
    });
    let exchanges = together(all.map(|request| async {
        let ask = || asker.request("matrix", request.method.clone(), &request.spelt, |shape| shape);
        let exchange = answered(ask).await;
        (request, exchange)
    }));
    let mut groups = Groups::default();
    for (request, exchange) in exchanges.await {
        let tried = request.told(who, owner);
        let here = operations.iter().filter(|operation| operation.method == request.method);
        let meant = here.into_iter().find(|operation| {
            request.spelling == "as it is"
                && [&owner.image, &owner.job].iter().any(|id| operation.path(id) == request.plain)
        });
        let row = owner.needles.row(AuthRole::Trial, tried, exchange, &request.spelt);
        if let Some(operation) = meant.filter(|operation| operation.secured) {
            match (is_other, operation.has_object()) {
                (true, true) => groups.row("status.other", row.clone()),
                (false, _) => groups.row("status.anonymous", row.clone()),
                (true, false) => {}
            }
        }
        let is_public = operations.iter().any(|operation| {
            !operation.secured && !operation.has_object() && operation.template == request.plain
        });
        let group = if !is_object(&request.plain) && (is_other || is_public) {
            "matrix.others_own".to_owned()
        } else {
            format!("matrix.{who}.api")
        };
        groups.row(&group, row);
    }
    groups
}

async fn the_pages(owner: &Owner, mut visitor: Visitor, pages: &Pages, who: &str) -> Seen<Groups> {
    let is_other = who == "other";
    let is_object = |path: &str| path.contains(&owner.image) || path.contains(&owner.job);
    let mut paths: Vec<(String, Vec<Method>)> =
        pages.links.iter().map(|path| (path.clone(), vec![Method::GET])).collect();
    let forms = pages.forms.keys().filter(|path| !pages.links.contains(*path));
    paths.extend(forms.map(|path| (path.clone(), vec![Method::POST])));
    // A form of the asker's own, for what is tried must not fail for want of a token.
    let form = if is_other {
        visitor.form("/account", "log-out-form").await?
    } else {
        visitor.form("/log-in", "log-in-form").await?
    };
    let token = form.value("csrf").ok_or("web's forms have no field `csrf`")?.to_owned();
    let body = encoded(&[("csrf".to_owned(), token)]);
    let all = requests(&paths, is_object).into_iter();
    let all = all.filter(|request| !is_other || is_object(&request.plain) || request.method == Method::GET);
    let visitor = &visitor;
    let exchanges = together(all.map(|request| {
        let body = body.clone();
        async move {
            let shape = |shape: RequestBuilder| match request.method {
                Method::POST => shape.header("content-type", FORM).body(body.clone()),
                _ => shape,
            };
            let ask = || visitor.peek("matrix", request.method.clone(), &request.spelt, shape);
            let exchange = answered(ask).await;
            (request, exchange)
        }
    }));
    let mut groups = Groups::default();
    for (request, exchange) in exchanges.await {
        let tried = request.told(who, owner);
        let is_meant = request.spelling == "as it is"
            && (request.method == Method::GET && pages.links.contains(&request.plain)
                || request.method == Method::POST && pages.forms.contains_key(&request.plain));
        let row = owner.needles.row(AuthRole::Trial, tried, exchange, &request.spelt);
        if is_meant && !is_other && request.method == Method::GET {
            groups.row("status.anonymous", row.clone());
        }
        if is_meant && is_other && is_object(&request.plain) {
            groups.row("status.other", row.clone());
        }
        let group = if is_other && !is_object(&request.plain) {
            "matrix.others_own".to_owned()
        } else {
            format!("matrix.{who}.web")
        };
        groups.row(&group, row);
    }
    Ok(groups)
}

/// A whole URL in place of the path, as proxies are asked (RFC 9112, 3.2.2), of our own origin and of the services behind.
async fn absolute_forms(
    stage: &Stage<'_>,
    owner: &Owner,
    operations: &[Operation],
    pages: &Pages,
) -> Seen<Groups> {
    let raw = Raw {
        address: stage.running.entrance_address().await?,
        authority: stage
            .origin
            .split_once("://")
            .map(|(_, authority)| authority.to_owned())
            .unwrap_or_default(),
        tls: Some(stage.running.authority()?.client_config()),
        recorder: stage.running.recorder().clone(),
    };
    let api = api_paths(owner, operations).into_iter().map(|(path, _)| ("matrix.anonymous.api", path));
    let web = pages.links.iter().map(|path| ("matrix.anonymous.web", path.clone()));
    let objects = api.chain(web).filter(|(_, path)| path.contains(&owner.image) || path.contains(&owner.job));
    let targets = objects.flat_map(|(group, path)| {
        let at = |origin: &str| (group, path.clone(), format!("{origin}{path}"));
        [at(&stage.origin), at("http://api:8000"), at("http://web:3000")]
    });
    let targets: Vec<_> = targets.collect();
    let raw = &raw;
    let asked = targets.into_iter().map(|(group, path, target)| async move {
        let exchange = raw.ask("matrix", &Written::get(target.clone())).await;
        (group, path, target, exchange)
    });
    let mut groups = Groups::default();
    for (group, path, target, exchange) in together(asked).await {
        let tried = format!("anonymous GET {} (whole URL)", owner.told(&target));
        groups.row(group, owner.needles.row(AuthRole::Trial, tried, exchange, &path));
    }
    Ok(groups)
}

/// What somebody may do to all that is theirs must end at what is theirs: each operation without an object that is no
/// mere look, in a session of its own.
async fn ends_of_others(
    stage: &Stage<'_>,
    client: &Client,
    operations: &[Operation],
    owner: &Owner,
    groups: &mut Groups,
) -> Seen<()> {
    let nobody = Person::new(client, "", "");
    let ends = operations.iter().filter(|operation| operation.secured && !operation.has_object());
    for operation in ends.filter(|operation| operation.method != Method::GET) {
        let other = stage.session(&nobody, "mo", &[]).await?;
        let exchange: Exchange =
            other.request("matrix", operation.method.clone(), &operation.template, |request| request).await;
        let tried = format!("other {} {}", operation.method, operation.template);
        groups.row("matrix.others_own", owner.needles.row(AuthRole::Trial, tried, exchange, ""));
    }
    Ok(())
}

impl Stage<'_> {
    /// Somebody new, whose cookie is the session that the api gave.
    pub(super) async fn visitor_of_new(&self, client: &Client, name: &str) -> Seen<Visitor> {
        let person = self.person(client, name).await?;
        let mut visitor = Visitor::new(client, &self.origin);
        visitor.set_cookie(SESSION, person.token().unwrap_or_default());
        Ok(visitor)
    }
}
