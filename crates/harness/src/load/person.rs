//! Who asks under load: a person with an account, a session and pictures, and everything they may ask for.

use std::path::PathBuf;

use super::oha::{Ask, Target};
use crate::{
    probe::{http::path_and_query, person::Person, photo},
    running::RunningStack,
};

/// Between the parts of an upload's form.
const BOUNDARY: &str = "shakedown-load-0123456789";

/// A person with a session, and where they ask.
pub(super) struct Asker {
    pub(super) person: Person,
    token: String,
    entrance: Target,
    folder: PathBuf,
}

impl Asker {
    /// Signs up as `name` and logs in.
    pub(super) async fn new(running: &RunningStack, name: &str) -> Result<Self, String> {
        let run = &running.plan().run;
        let email = format!("{name}-{}@example.org", run.marker);
        let client = running.entrance().await?.unrecorded();
        let mut person = Person::new(&client, &email, running.password().reveal());
        let signed_up = person.sign_up("load.sign_up").await;
        let logged_in = person.log_in("load.log_in", None).await;
        let outcome = || format!("sign-up answered {}, log-in {}", signed_up.outcome(), logged_in.outcome());
        let token = person.token().ok_or_else(outcome)?.to_owned();
        let trusted = match &running.stack().options.entrance {
            Some(entrance) if entrance.tls.is_some() => {
                let pem = running.authority()?.certificate_pem().as_bytes().to_vec();
                let file = run.folder.join("load-authority.pem");
                Some(if file.exists() {
                    file
                } else {
                    run.write("load-authority.pem", &pem).map_err(|error| error.to_string())?
                })
            }
            _ => None,
        };
        let (origin, address) = (running.public_origin()?, running.entrance_address().await?);
        let entrance = Target { origin, address, trusted };
        Ok(Self { person, token, entrance, folder: run.folder.clone() })
    }

    /// A question with the session's bearer token, at the entrance.
    pub(super) fn api(&self, what: &str, path: &str) -> Ask {
        self.ask(what, path, vec![format!("authorization: Bearer {}", self.token)])
    }

    /// The same at one instance of the api itself, under the path that it has there.
    pub(super) async fn api_itself(
        &self,
        running: &RunningStack,
        what: &str,
        path: &str,
    ) -> Result<Ask, String> {
        let address = running.endpoint("api", 8000).await?;
        let target = Target { origin: format!("http://{address}"), address, trusted: None };
        Ok(Ask { target, ..self.api(what, path) })
    }

    /// A page, with the session's cookie.
    pub(super) fn page(&self, path: &str) -> Ask {
        self.ask(path, path, vec![self.cookie()])
    }

    /// The header that a browser sends.
    pub(super) fn cookie(&self) -> String {
        format!("cookie: __Host-session={}", self.token)
    }

    /// Something that anybody may ask.
    pub(super) fn anybody(&self, what: &str, path: &str) -> Ask {
        self.ask(what, path, Vec::new())
    }

    /// An upload of a whole photo.
    pub(super) fn upload(&self, what: &str) -> Result<Ask, String> {
        let mut form = Vec::new();
        form.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"effect\"\r\n\r\nduotone\r\n\
                 --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"portrait.jpg\"\r\n\
                 content-type: image/jpeg\r\n\r\n"
            )
            .as_bytes(),
        );
        form.extend_from_slice(photo::PORTRAIT);
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let file = self.folder.join("load-upload");
        std::fs::write(&file, form).map_err(|error| format!("{}: {error}", file.display()))?;
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        Ok(Ask { body: Some((file, content_type)), ..self.api(what, "/api/v1/images") })
    }

    /// The newest image: its id, and the path and query of the link to its bytes.
    pub(super) async fn newest(&self) -> Result<(String, String), String> {
        let listed = self.person.get("load.list", "/api/v1/images").await;
        let answer = listed.answer.as_ref().map_err(Clone::clone)?;
        let link = answer.text("/images/0/link");
        let found = answer.text("/images/0/id").zip(link.as_deref().and_then(path_and_query));
        let (id, link) = found.ok_or_else(|| format!("the list of images answered {}", listed.outcome()))?;
        Ok((id, link.to_owned()))
    }

    fn ask(&self, what: &str, path: &str, headers: Vec<String>) -> Ask {
        Ask { what: what.into(), target: self.entrance.clone(), path: path.into(), headers, body: None }
    }
}
