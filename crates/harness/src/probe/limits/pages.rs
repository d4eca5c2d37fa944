//! What a person with a browser is shown by then.

use reqwest::{Method, RequestBuilder};

use super::clients::until_refused;
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
            let cookie = &cookie;
            let look = || {
                let shape = move |request: RequestBuilder| request.header("cookie", cookie);
                client.send("web.gallery", Method::GET, "/gallery", shape)
            };
            story.keep(until_refused(look).await);
        }
        Err(why) => story.leave_out("web.gallery", &why),
    }
}
