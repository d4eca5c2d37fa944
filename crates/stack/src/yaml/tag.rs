//! Tags: Compose's own, which act when files are merged, and YAML's, which say what a scalar is.

use std::borrow::Cow;

/// Compose's own tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Tag {
    #[default]
    None,
    /// `!reset`: the key vanishes.
    Reset,
    /// `!override`: replaces what the files before say, instead of merging with it.
    Override,
}

/// The tag, and whether a scalar is text whatever it looks like; or what is wrong with the tag.
pub(crate) fn read(tag: Option<Cow<'_, saphyr_parser::Tag>>) -> Result<(Tag, bool), String> {
    let Some(tag) = tag else {
        return Ok((Tag::None, false));
    };
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("!", "reset") => Ok((Tag::Reset, false)),
        ("!", "override") => Ok((Tag::Override, false)),
        ("" | "!", "" | "!") | ("tag:yaml.org,2002:", "str") => Ok((Tag::None, true)),
        ("tag:yaml.org,2002:", "int" | "float" | "bool" | "null" | "map" | "seq") => Ok((Tag::None, false)),
        _ => Err(format!("tag `{tag}` is not supported; Compose's own are `!reset` and `!override`")),
    }
}
