//! arangod's configuration file: sections, settings, comments, includes, and `@NAME@` for environment variables.

use super::{Build, Layer, OptionsError};
use std::path::Path;

/// Includes nest no deeper than this, so that a file that includes itself is an error and no loop.
const MAX_INCLUDES: usize = 16;

/// Reads one file and what it includes into a layer.
pub(super) fn read(path: &Path, build: Build, layer: &mut Layer) -> Result<(), OptionsError> {
    read_nested(path, build, layer, 0)
}

fn read_nested(path: &Path, build: Build, layer: &mut Layer, depth: usize) -> Result<(), OptionsError> {
    let missing = || OptionsError::NoConfig(path.display().to_string());
    if depth > MAX_INCLUDES {
        return Err(missing());
    }
    let text = std::fs::read_to_string(path).map_err(|_| missing())?;
    let mut section = Section {
        name: String::new(),
        applies: true,
    };
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let fault = |message: String| OptionsError::BadLine {
            file: path.display().to_string(),
            line: index + 1,
            message,
        };
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(included) = line.strip_prefix("@include ") {
            let included = included.trim();
            let beside = path.parent().unwrap_or(Path::new(".")).join(included);
            read_nested(&beside, build, layer, depth + 1)?;
            continue;
        }
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = Section::parse(head, build).ok_or_else(|| fault(format!("unknown section '{head}'")))?;
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| fault(format!("cannot parse line '{line}'")))?;
        if !section.applies {
            continue;
        }
        let (name, value) = (name.trim(), substitute(value.trim()));
        let full = if section.name.is_empty() || name.contains('.') {
            name.to_owned()
        } else {
            format!("{}.{name}", section.name)
        };
        let (known, kind) = layer.known(&full)?;
        layer.set(known, kind, &value)?;
    }
    Ok(())
}

struct Section {
    name: String,
    /// False for a section of the other edition.
    applies: bool,
}

impl Section {
    fn parse(head: &str, build: Build) -> Option<Section> {
        let (name, edition) = head.split_once(':').unwrap_or((head, ""));
        let applies = match edition {
            "" => true,
            "community" => !build.enterprise,
            "enterprise" => build.enterprise,
            _ => return None,
        };
        Some(Section {
            name: name.trim().to_owned(),
            applies,
        })
    }
}

/// Replaces each `@NAME@` by the environment variable NAME, by nothing when it is not set.
fn substitute(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find('@') {
        let after = &rest[start + 1..];
        let name_end = after
            .find('@')
            .filter(|end| *end > 0 && after[..*end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        if let Some(end) = name_end {
            out.push_str(&rest[..start]);
            out.push_str(&std::env::var(&after[..end]).unwrap_or_default());
            rest = &after[end + 1..];
        } else {
            out.push_str(&rest[..=start]);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}
