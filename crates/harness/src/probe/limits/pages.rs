//! What a person with a browser is shown by then.

use reqwest::Method;

use crate::{
    observation::{Seen, Story},
    probe::{http::Client, person::Person},
};

/// Someone who is logged in looks at the gallery from an address that has asked for too much.
pub(super) async fn refused(story: &mut Story, client: &Client, visitor: Seen<Person>) {
    let visitor =
        visitor.and_then(|visitor| visitor.token().map(str::to_owned).ok_or_else(|| "no session".into()));
    match visitor {
        Ok(token) => {
            let cookie = format!("__Host-session={token}");
            let shape = |request: reqwest::RequestBuilder| request.header("cookie", cookie);
            story.keep(client.send("web.gallery", Method::GET, "/gallery", shape).await);
        }
        Err(why) => story.leave_out("web.gallery", &why),
    }
}
