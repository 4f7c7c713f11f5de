//! What a write takes away by not naming it: read-only attributes stay as they are under every write but a removal.
//!
//! `REPLACE` drops each attribute that it does not give, and an update that sets a value drops what that value held
//! (<https://docs.arangodb.com/stable/aql/high-level-operations/replace/>, `mergeObjects` in
//! <https://docs.arangodb.com/stable/aql/high-level-operations/update/>).

use super::Mode;
use super::words::{dotted, read_only_dropped};
use crate::judge::message::listed;
use crate::judge::verdict::Denial;
use crate::schema::{Collection, RoleSet, SYSTEM_ATTRIBUTES, Shape};

/// What a written value meets at its place in the stored document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// Nothing that it could take away: a new document, or what was looked at further up.
    Nothing,
    /// A value that it replaces.
    Replaced,
    /// A value: an object is merged into a stored object, everything else replaces it.
    Merged,
}

impl Mode {
    /// Whether an attribute that is set to null may be gone afterwards.
    pub(super) fn drops_null(self) -> bool {
        matches!(self, Self::Merge { keep_null: false, .. })
    }

    /// What a value meets that is written at this depth; attributes of the document are at depth 1.
    pub(super) fn stored(self, depth: usize) -> Stored {
        match self {
            Self::Whole => Stored::Nothing,
            Self::Merge {
                merge_objects: true, ..
            } => Stored::Merged,
            Self::Merge { .. } if depth <= 1 => Stored::Replaced,
            Self::Merge { .. } => Stored::Nothing,
        }
    }
}

/// Denies replacing documents that hold what this user may not write: whatever the replacement is, it would be gone.
pub(in crate::judge) fn replaced_document(collection: &Collection, roles: &RoleSet) -> Option<Denial> {
    let mut paths = collection.shape.read_only_paths(roles);
    // ArangoDB keeps these whatever a replacement says.
    paths.retain(|path| !SYSTEM_ATTRIBUTES[..3].contains(&path.as_str()));
    let first = paths.first()?.clone();
    let message = format!(
        "replacing a document of `{}` would drop {}, which this user may not write",
        collection.name,
        named(&paths)
    );
    Some(read_only_dropped(collection, &first, message).hint(
        "use UPDATE (PATCH in the documents API, `overwriteMode: \"update\"` for INSERT): it leaves what it does not name",
    ))
}

/// Denies setting a value as a whole where the stored one may hold what this user may not write.
pub(super) fn replaced_value(collection: &Collection, shape: &Shape, at: &[String], roles: &RoleSet) -> Option<Denial> {
    let mut paths = shape.read_only_paths(roles);
    let place = dotted(at);
    for path in &mut paths {
        let dot = if path.is_empty() || path.starts_with('[') {
            ""
        } else {
            "."
        };
        *path = format!("{place}{dot}{path}");
    }
    let first = paths.first()?.clone();
    let message = format!(
        "setting `{place}` of `{}` as a whole would drop {}, which this user may not write",
        collection.name,
        named(&paths)
    );
    let hint = if first.contains("[*]") {
        format!("a list is written as a whole: leave `{place}` out of the written document")
    } else {
        format!("give the other attributes of `{place}` in an object and leave `mergeObjects` on: they are merged")
    };
    Some(read_only_dropped(collection, &first, message).hint(hint))
}

fn named(paths: &[String]) -> String {
    listed(&paths.iter().map(String::as_str).collect::<Vec<_>>())
}
