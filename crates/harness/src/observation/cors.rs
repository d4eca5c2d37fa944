//! What other origins may ask of the api, as plain data.

use super::Row;

/// What other origins may ask of the api.
#[derive(Clone, Debug)]
pub struct Cors {
    /// The origins that the definition allows.
    pub allowed: Vec<String>,
    /// Every request of the matrix.
    pub rows: Vec<CorsRow>,
}

/// One request that names an origin.
#[derive(Clone, Debug)]
pub struct CorsRow {
    /// The request, for people, and its answer.
    pub row: Row,
    /// The origins it names, one for each header.
    pub origins: Vec<String>,
    /// Who is asked.
    pub of: CorsOf,
    /// It only asks whether it may ask.
    pub preflight: Option<Preflight>,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CorsOf {
    /// The api.
    Api,
    /// Signed links.
    Images,
    /// Pages.
    Web,
}

/// What a preflight asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// The method.
    pub method: String,
    /// The header.
    pub header: Option<String>,
}

impl AsRef<Row> for CorsRow {
    fn as_ref(&self) -> &Row {
        &self.row
    }
}
