//! What one reading keeps at hand: its files, its variables, and what it found wrong so far.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::Path,
};

use crate::{
    Environment, dotenv,
    model::{Location, Warning},
    problem::{Problem, ReadError},
    source::{Place, Sources},
    yaml::Node,
};

/// More than any Compose file written by people; what is longer is a mistake or an attack.
const LARGEST_FILE: usize = 4 * 1024 * 1024;

/// A name that must be defined elsewhere.
pub(crate) struct Reference {
    pub(crate) place: Place,
    /// The service that names it; none: the stack's own options do.
    pub(crate) from: Option<String>,
    pub(crate) to: Target,
    pub(crate) name: String,
}

/// What a [`Reference`] names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Volume,
    Network,
    Secret,
    Dependency,
    Entrance,
    EntranceTls,
    /// This environment variable of the service.
    Planted(String),
}

/// One call of [`crate::read`].
pub(crate) struct Reading<'e> {
    pub(crate) sources: Sources,
    environment: Environment<'e>,
    dotenv: BTreeMap<String, String>,
    problems: BTreeMap<Option<Place>, String>,
    warnings: Vec<Warning>,
    warned: BTreeSet<String>,
    references: Vec<Reference>,
    /// The service being read.
    pub(crate) service: Option<String>,
}

impl<'e> Reading<'e> {
    pub(crate) fn new(environment: Environment<'e>) -> Self {
        Self {
            sources: Sources::default(),
            environment,
            dotenv: BTreeMap::new(),
            problems: BTreeMap::new(),
            warnings: Vec::new(),
            warned: BTreeSet::new(),
            references: Vec::new(),
            service: None,
        }
    }

    /// Records a problem. One per place: an anchor used six times is wrong once.
    pub(crate) fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.entry(Some(place)).or_insert_with(|| message.into());
    }

    /// Records a problem that stands in no file.
    pub(crate) fn problem_without_place(&mut self, message: impl Into<String>) {
        self.problems.entry(None).or_insert_with(|| message.into());
    }

    /// Records that `path` holds something else than it should.
    pub(crate) fn unexpected(&mut self, node: &Node, path: &str, expected: &str) {
        let message = format!("`{path}` is {}; expected {expected}", node.found());
        self.problem(node.place, message);
    }

    /// Records what Compose warns about and carries on with; once per `subject`.
    pub(crate) fn warn(&mut self, place: Place, subject: &str, message: impl Into<String>) {
        if self.warned.insert(subject.to_owned()) {
            let warning = Warning { at: self.location(place), message: message.into() };
            self.warnings.push(warning);
        }
    }

    /// What was warned about, in the order it was met.
    pub(crate) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Records that the service being read (or the stack's options) names something.
    pub(crate) fn refer(&mut self, place: Place, to: Target, name: &str) {
        self.references.push(Reference { place, from: self.service.clone(), to, name: name.to_owned() });
    }

    /// Every reference, in the order it was met.
    pub(crate) fn take_references(&mut self) -> Vec<Reference> {
        std::mem::take(&mut self.references)
    }

    /// No problem so far.
    pub(crate) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn location(&self, place: Place) -> Location {
        self.sources.location(place)
    }

    /// A variable's value: the caller's environment first, then `.env`, as in Compose.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).or_else(|| self.dotenv.get(name).cloned())
    }

    /// Compose lets a file use the project's name as a variable.
    pub(crate) fn set_project_name(&mut self, name: &str) {
        self.dotenv.insert("COMPOSE_PROJECT_NAME".to_owned(), name.to_owned());
    }

    /// Reads a Compose file. None: the problem is recorded.
    pub(crate) fn load(&mut self, path: &Path) -> Option<usize> {
        // Not a byte more than is needed to know that it is too much: the path may name a device without an end.
        let most = u64::try_from(LARGEST_FILE).unwrap_or(u64::MAX).saturating_add(1);
        let read = std::fs::File::open(path).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(most).read_to_end(&mut bytes).map(|_| bytes)
        });
        let whole = |reading: &mut Self, text: String| {
            let file = reading.sources.add(path, text);
            (file, Place { file, line: 0, column: 0, width: 1 })
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                let (_, place) = whole(self, String::new());
                self.problem(place, format!("the Compose file could not be read: {error}"));
                return None;
            }
        };
        if bytes.len() > LARGEST_FILE {
            let (_, place) = whole(self, String::new());
            self.problem(
                place,
                format!("the file has more than {LARGEST_FILE} bytes, which is the most that is read"),
            );
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => {
                Some(whole(self, text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned)).0)
            }
            Err(error) => {
                let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = String::from_utf8_lossy(sound).matches('\n').count() + 1;
                let (_, place) = whole(self, String::new());
                self.problem(place, format!("line {line} is not UTF-8; save the file in that encoding"));
                None
            }
        }
    }

    /// Reads the project's `.env`, if there is one.
    pub(crate) fn load_dotenv(&mut self, path: &Path) {
        if !path.is_file() {
            return;
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let file = self.sources.add(path, String::new());
                let place = Place { file, line: 0, column: 0, width: 1 };
                self.problem(place, format!("the variables file could not be read: {error}"));
                return;
            }
        };
        match dotenv::parse(&text, self.environment) {
            Ok(variables) => self.dotenv.extend(variables),
            Err(wrong) => {
                // The text is not kept: an excerpt would show a value.
                let file = self.sources.add(path, String::new());
                self.problem(Place { file, line: wrong.line, column: 1, width: 1 }, wrong.message);
            }
        }
    }

    /// Ends in an error. With no problem recorded, says that this is a fault of the reader.
    pub(crate) fn into_error(mut self) -> ReadError {
        if self.is_sound() {
            self.problem_without_place("the reader gave up without a reason; this is a fault of Shakedown");
        }
        let Self { sources, problems, .. } = self;
        let shown = |(place, message): (Option<Place>, String)| match place {
            None => Problem::new(None, message, None, 1),
            Some(place) => {
                Problem::new(Some(sources.location(place)), message, sources.line(place), place.width)
            }
        };
        ReadError::new(problems.into_iter().map(shown).collect())
    }
}
