//! An `OpenAPI` document, held against what was heard.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::probe::{
    contract::tour::fits,
    http::{Answer, Exchange},
};

/// Methods that `OpenAPI` describes and people use.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Where people reach the api. The api itself does not know of it.
const PREFIX: &str = "/api";

/// An `OpenAPI` document, and the schemas of it that were needed so far.
pub(super) struct Document<'d> {
    document: &'d Value,
    schemas: BTreeMap<String, Result<Validator, String>>,
}

/// What an exchange asked for, as the document names it: `GET /v1/images/{id}`.
pub(super) type Operation = (String, String);

impl<'d> Document<'d> {
    pub(super) fn new(document: &'d Value) -> Self {
        Self { document, schemas: BTreeMap::new() }
    }

    /// Every operation that it describes.
    pub(super) fn operations(&self) -> Vec<Operation> {
        let paths = self.document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let of_path = |(path, item): (&String, &Value)| {
            let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
            methods.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        paths.flat_map(of_path).collect()
    }

    /// The operation that an exchange asked for, where it is described. Of two that fit, the one with fewer parameters.
    pub(super) fn operation_of(&self, exchange: &Exchange) -> Option<Operation> {
        let (method, path) = path_of(exchange)?;
        let fits =
            self.operations().into_iter().filter(|(of, template)| of == method && fits(template, path));
        fits.min_by_key(|(_, template)| template.matches('{').count())
    }

    /// What of an answer is not as described.
    pub(super) fn complaint(&mut self, operation: &Operation, answer: &Answer) -> Option<String> {
        let (method, template) = operation;
        let pointer = format!("/paths/{}/{}/responses", escaped(template), method.to_lowercase());
        let responses = self.document.pointer(&pointer);
        let status = answer.status.to_string();
        let range = format!("{}XX", answer.status / 100);
        let described = [status.as_str(), &range, "default"].into_iter();
        let mut described = described.filter_map(|status| Some((status.to_owned(), responses?.get(status)?)));
        let Some((key, response)) = described.next() else {
            return Some(format!("status {status} is not described"));
        };
        let mut at = format!("#{pointer}/{key}");
        let mut response = response;
        if let Some(reference) = response.get("$ref").and_then(Value::as_str) {
            reference.clone_into(&mut at);
            response = self.document.pointer(reference.trim_start_matches('#'))?;
        }
        let kind = answer.header("content-type").map(essence);
        let content =
            response.get("content").and_then(Value::as_object).filter(|content| !content.is_empty());
        let Some(content) = content else {
            return (!answer.body.is_empty()).then(|| format!("{status} has a body, and none is described"));
        };
        let Some(kind) = kind else {
            return Some(format!("{status} has no content type"));
        };
        let Some(described) = content.keys().find(|described| covers(described, &kind)) else {
            return Some(format!("{status} is {kind}, which is not described"));
        };
        if !kind.ends_with("json") || content[described].get("schema").is_none() {
            return None;
        }
        let Ok(body) = serde_json::from_slice(&answer.body) else {
            return Some(format!("{status} is no JSON"));
        };
        let schema = format!("{at}/content/{}/schema", escaped(described));
        match self.schema(schema) {
            Ok(validator) => {
                let wrong = validator.iter_errors(&body).next()?;
                // The value itself may be a person's own: only its place is told.
                Some(format!(
                    "{status}: `{}` of the body breaks {}",
                    wrong.instance_path(),
                    wrong.schema_path()
                ))
            }
            Err(why) => Some(format!("the schema of {status} cannot be used: {why}")),
        }
    }

    fn schema(&mut self, at: String) -> &Result<Validator, String> {
        let document = self.document;
        self.schemas.entry(at).or_insert_with_key(|at| {
            // The document itself as the schema's root, so that its references find what they mean.
            let mut root = document.clone();
            root["$ref"] = json!(at.replace('{', "%7B").replace('}', "%7D"));
            let options = jsonschema::options().should_validate_formats(true);
            options.build(&root).map_err(|error| error.to_string())
        })
    }
}

/// Method and path of an exchange, the path as the api sees it. None where it went elsewhere.
pub(super) fn path_of(exchange: &Exchange) -> Option<(&str, &str)> {
    let (method, path) = exchange.request.split_once(' ')?;
    let path = path.strip_prefix(PREFIX).filter(|rest| rest.starts_with("/v1/")).unwrap_or(path);
    (path.starts_with("/v1/") || path.starts_with("/images/")).then_some((method, path))
}

/// `image/*` covers `image/png`.
fn covers(described: &str, kind: &str) -> bool {
    let described = essence(described);
    described == kind
        || described == "*/*"
        || described.strip_suffix('*').is_some_and(|family| family.ends_with('/') && kind.starts_with(family))
}

/// A content type without its parameters.
fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A key as a JSON pointer has it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::check::every_check_can_fail::{answer, described, json_answer};

    fn exchange(request: &str) -> Exchange {
        let answer = Ok(Answer::default());
        Exchange { step: String::new(), request: request.into(), duration: std::time::Duration::ZERO, answer }
    }

    #[rstest]
    #[case::entrance("GET /api/v1/images/7", Some("/v1/images/{id}"))]
    #[case::replica("GET /v1/images/7", Some("/v1/images/{id}"))]
    #[case::fewer_parameters("GET /api/v1/sessions/current", Some("/v1/sessions/current"))]
    #[case::link("GET /images/7", Some("/images/{id}"))]
    #[case::method("PATCH /api/v1/images/7", None)]
    #[case::slash_at_the_end("GET /api/v1/images/", None)]
    #[case::elsewhere("GET /gallery/7", None)]
    fn an_exchange_belongs_to_an_operation(#[case] request: &str, #[case] template: Option<&str>) {
        let document = described();
        let operation = Document::new(&document).operation_of(&exchange(request));
        assert_eq!(operation.map(|(_, template)| template).as_deref(), template);
    }

    #[rstest]
    #[case::right(json_answer(200, &json!({ "id": "7", "size_bytes": 1 })), None)]
    #[case::status(json_answer(418, &json!({})), Some("418 is not described"))]
    #[case::kind(answer(200, "text/html", "<p>"), Some("text/html, which is not described"))]
    #[case::schema(json_answer(200, &json!({ "id": 7, "size_bytes": 1 })), Some("`/id` of the body"))]
    #[case::missing(json_answer(200, &json!({ "id": "7" })), Some("breaks"))]
    #[case::no_json(answer(200, "application/json", "{"), Some("no JSON"))]
    #[case::by_reference(json_answer(404, &json!({ "status": "x" })), Some("`/status`"))]
    fn an_answer_is_held_against_its_description(#[case] answer: Answer, #[case] complaint: Option<&str>) {
        let described = described();
        let mut document = Document::new(&described);
        let found = document.complaint(&("GET".into(), "/v1/images/{id}".into()), &answer);
        match complaint {
            None => assert_eq!(found, None),
            Some(part) => assert!(found.as_ref().is_some_and(|found| found.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn a_body_where_none_is_described_is_told() {
        let described = described();
        let mut document = Document::new(&described);
        let operation = ("DELETE".into(), "/v1/images/{id}".into());
        assert_eq!(document.complaint(&operation, &Answer { status: 204, ..Answer::default() }), None);
        assert!(document.complaint(&operation, &json_answer(204, &json!({}))).is_some());
    }
}
