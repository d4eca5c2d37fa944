//! Somebody with a browser that keeps cookies and fills in the forms that a page really has, and runs no script.

use std::collections::BTreeMap;

use reqwest::{
    Method, RequestBuilder, Url,
    multipart::{self, Part},
};

use super::http::{Answer, Client, Exchange};
use crate::{html, observation::SetCookie};

/// Somebody at the entrance with cookies.
#[derive(Clone, Debug)]
pub struct Visitor {
    client: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// A form as it stands in a page, and is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Its id.
    pub id: String,
    /// Where it goes.
    pub action: String,
    /// Name and value, in the order of the page.
    pub fields: Vec<(String, String)>,
    /// A file with its field's name and its own, which makes it a form of parts.
    pub file: Option<(String, String, Vec<u8>)>,
    /// It is sent in parts even without a file.
    pub multipart: bool,
}

impl Visitor {
    /// Somebody without cookies, who comes to `origin`.
    pub fn new(client: &Client, origin: &str) -> Self {
        Self { client: client.clone(), origin: origin.into(), cookies: BTreeMap::new() }
    }

    /// The client that it speaks with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Sets a cookie, as nobody but the visitor could.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.into(), value.into());
    }

    /// Any request, with the cookies there are. Those of the answer are kept.
    pub async fn send(
        &mut self,
        step: &str,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Exchange {
        let exchange = self.peek(step, method, path, shape).await;
        for cookie in exchange.answer.iter().flat_map(set_cookies) {
            self.keep(cookie);
        }
        exchange
    }

    /// The same, with the answer's cookies dropped.
    pub async fn peek(
        &self,
        step: &str,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Exchange {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let with_cookies = |request: RequestBuilder| {
            if pairs.is_empty() { request } else { request.header("cookie", pairs.join("; ")) }
        };
        self.client.send(step, method, path, |request| shape(with_cookies(request))).await
    }

    /// Gets a page.
    pub async fn get(&mut self, step: &str, path: &str) -> Exchange {
        self.send(step, Method::GET, path, |request| request).await
    }

    /// Every form of a page.
    pub async fn forms(&mut self, path: &str) -> Result<Vec<Filled>, String> {
        let exchange = self.get("page", path).await;
        let told = || format!("{} answered {}", exchange.request, exchange.outcome());
        let page = exchange.answer.as_ref().ok().filter(|answer| answer.status == 200).ok_or_else(told)?;
        Ok(forms(page, path))
    }

    /// The form of this id in a page.
    pub async fn form(&mut self, path: &str, id: &str) -> Result<Filled, String> {
        let forms = self.forms(path).await?;
        let found = forms.into_iter().find(|form| form.id == id);
        found.ok_or_else(|| format!("{path} has no form `#{id}`"))
    }

    /// Sends a form as the page's own browser would.
    pub async fn submit(&mut self, step: &str, form: &Filled) -> Exchange {
        let headers = [("origin", self.origin.clone()), ("sec-fetch-site", "same-origin".into())];
        let exchange = self.submit_as(step, form, &headers).await;
        for cookie in exchange.answer.iter().flat_map(set_cookies) {
            self.keep(cookie);
        }
        exchange
    }

    /// Sends a form with these headers in place of a browser's own; the answer's cookies are dropped.
    pub async fn submit_as(&self, step: &str, form: &Filled, headers: &[(&str, String)]) -> Exchange {
        self.peek(step, Method::POST, &form.action, |mut request| {
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            form.shape(request)
        })
        .await
    }

    fn keep(&mut self, (cookie, value): (SetCookie, String)) {
        let over =
            cookie.attributes.get("max-age").is_some_and(|age| age.parse().is_ok_and(|age: i64| age <= 0));
        if over {
            self.cookies.remove(&cookie.name);
        } else {
            self.cookies.insert(cookie.name, value);
        }
    }
}

impl Filled {
    /// The same with a field filled in.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some(field) => field.1 = value,
            None => self.fields.push((name.into(), value)),
        }
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    /// The same with a file in its field `image`.
    #[must_use]
    pub fn with_file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.file = Some(("image".into(), name.into(), bytes.to_vec()));
        self
    }

    /// What a field is filled with.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn shape(&self, request: RequestBuilder) -> RequestBuilder {
        if !self.multipart {
            let kind = "application/x-www-form-urlencoded";
            return request.header("content-type", kind).body(encoded(&self.fields));
        }
        let form = self.fields.iter().cloned();
        let mut form = form.fold(multipart::Form::new(), |form, (name, value)| form.text(name, value));
        if let Some((field, name, bytes)) = &self.file {
            form = form.part(field.clone(), Part::bytes(bytes.clone()).file_name(name.clone()));
        }
        request.multipart(form)
    }
}

/// The forms of a page that was found at `path`. A file to be chosen is none yet.
pub fn forms(page: &Answer, path: &str) -> Vec<Filled> {
    let forms = html::read(&String::from_utf8_lossy(&page.body)).forms.into_iter();
    forms
        .map(|form| Filled {
            id: form.id,
            // Without an action, a form goes to its own page.
            action: if form.action.is_empty() { path.into() } else { form.action },
            multipart: form.multipart,
            fields: form.fields.into_iter().collect(),
            file: None,
        })
        .collect()
}

/// What `Set-Cookie` headers say, each with the cookie's value.
pub fn set_cookies(answer: &Answer) -> impl Iterator<Item = (SetCookie, String)> {
    let headers = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    headers.filter_map(|(_, header)| read_cookie(header))
}

/// As browsers read it (RFC 6265, 5.2): parts between semicolons, names and values between the first equals signs.
fn read_cookie(header: &str) -> Option<(SetCookie, String)> {
    let mut parts = header.split(';').map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    });
    let (name, value) = parts.next().filter(|(name, _)| !name.is_empty())?;
    let attributes = parts.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    Some((SetCookie { step: String::new(), name, attributes, has_value: !value.is_empty() }, value))
}

/// `application/x-www-form-urlencoded`.
pub fn encoded(fields: &[(String, String)]) -> String {
    let Ok(mut url) = Url::parse("http://form") else { return String::new() };
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_as_browsers_read_it() {
        let (cookie, value) =
            read_cookie("__Host-session=a=b ;HttpOnly; Secure;SameSite=Lax; Path=/; Max-Age=60").unwrap();
        assert_eq!((cookie.name.as_str(), value.as_str(), cookie.has_value), ("__Host-session", "a=b", true));
        let expected =
            [("httponly", ""), ("secure", ""), ("samesite", "Lax"), ("path", "/"), ("max-age", "60")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(cookie.attributes, expected.into());
        assert!(read_cookie("=x; Path=/").is_none());
    }

    #[test]
    fn a_form_is_filled_in_as_the_page_has_it() {
        let html = "<form id=f action=/log-in method=post><input type=hidden name=csrf value='a&amp;b'>\
                    <input name=email></form>";
        let page = Answer { body: html.into(), ..Answer::default() };
        let form = forms(&page, "/x").remove(0).with("email", "ada@example.org");
        assert_eq!(form.action, "/log-in");
        assert_eq!(encoded(&form.fields), "csrf=a%26b&email=ada%40example.org");
        assert_eq!(encoded(&form.without("csrf").fields), "email=ada%40example.org");
    }

    #[test]
    fn a_cookie_out_of_time_is_forgotten() {
        let client = Client::direct(([127, 0, 0, 1], 9).into());
        let mut visitor = Visitor::new(&client, "https://x");
        visitor.keep(read_cookie("s=1; Max-Age=60").unwrap());
        assert_eq!(visitor.cookie("s"), Some("1"));
        visitor.keep(read_cookie("s=; Max-Age=0").unwrap());
        assert_eq!(visitor.cookie("s"), None);
    }
}
