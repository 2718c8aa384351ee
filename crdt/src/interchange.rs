//! To Automerge and back, and an audit that both agree.
//!
//! This is the only module that names Automerge outside of tests. It gives Automerge nothing but changes that this crate
//! has accepted, and guards every call all the same: Automerge panics on some input, and a panic there must stop an
//! export and not the program. Run it on a thread of its own, its time grows with the document.

mod audit;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, ROOT, ReadDoc};

use crate::change::{Change, ChangeError};
use crate::document::{GenesisError, TextDocument};
use crate::ids::{ChangeHash, DocumentId};

pub use self::audit::{AuditError, audit_text, audit_tree};

/// Says why a document cannot be handed to Automerge or taken from it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterchangeError {
    /// The base text cannot be a document's.
    #[error("the base text cannot be a document's")]
    Genesis(#[from] GenesisError),
    /// Automerge cannot read the document or one of its changes.
    #[error("automerge: {message}")]
    Automerge {
        /// What Automerge says.
        message: String,
    },
    /// Automerge panicked.
    #[error("automerge failed on these bytes")]
    Panic,
    /// The document uses parts of the format that Weft's documents do not have.
    #[error("change {hash} of the document is not one that Weft could have made")]
    Change {
        /// The change.
        hash: ChangeHash,
        /// Why.
        #[source]
        source: ChangeError,
    },
    /// The document holds no text, or several.
    #[error("the document does not hold one text")]
    NoText,
}

/// A document that another program wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its one text.
    pub text: String,
    /// Its changes in order, when all of them are such as Weft makes; the first one holds the base text.
    pub changes: Vec<Change>,
}

/// Writes a text document as a file that any Automerge 0.12 program opens.
pub fn export_text<'a>(
    id: DocumentId,
    base: &str,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<Vec<u8>, InterchangeError> {
    let genesis = TextDocument::genesis(id, base)?;
    guarded(|| Ok(replay([genesis].into_iter().chain(changes.into_iter().cloned()))?.save()))
}

/// Writes a document of registers as a file that any Automerge 0.12 program opens.
pub fn export_tree<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Result<Vec<u8>, InterchangeError> {
    guarded(|| Ok(replay(changes.into_iter().cloned())?.save()))
}

/// Reads the text of a file that an Automerge program wrote.
pub fn import_text(bytes: &[u8]) -> Result<String, InterchangeError> {
    guarded(|| only_text(&load(bytes)?))
}

/// Reads a file that [`export_text`] wrote and an Automerge program may have edited since, with all its changes.
pub fn import(bytes: &[u8]) -> Result<Imported, InterchangeError> {
    guarded(|| {
        let document = load(bytes)?;
        let changes = document.get_changes(&[]).into_iter().map(|change| {
            let hash = ChangeHash::from_bytes(change.hash().0);
            let parsed = Change::parse_local(change.raw_bytes());
            parsed.map_err(|source| InterchangeError::Change { hash, source })
        });
        Ok(Imported { text: only_text(&document)?, changes: changes.collect::<Result<_, _>>()? })
    })
}

fn guarded<T>(work: impl FnOnce() -> Result<T, InterchangeError>) -> Result<T, InterchangeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(InterchangeError::Panic))
}

fn automerge_says(error: impl std::fmt::Display) -> InterchangeError {
    InterchangeError::Automerge { message: error.to_string() }
}

fn load(bytes: &[u8]) -> Result<Automerge, InterchangeError> {
    Automerge::load(bytes).map_err(automerge_says)
}

fn replay(changes: impl Iterator<Item = Change>) -> Result<Automerge, InterchangeError> {
    let read = |change: Change| automerge::Change::from_bytes(change.bytes().to_vec());
    let changes = changes.map(|change| read(change).map_err(automerge_says));
    let mut document = Automerge::new();
    document.apply_changes(changes.collect::<Result<Vec<_>, _>>()?).map_err(automerge_says)?;
    Ok(document)
}

/// The text of a document that holds exactly one.
fn only_text(document: &Automerge) -> Result<String, InterchangeError> {
    let mut texts = Vec::new();
    for key in document.keys(ROOT) {
        for (value, object) in document.get_all(ROOT, key.as_str()).map_err(automerge_says)? {
            if value.is_object()
                && document.object_type(&object).is_ok_and(|kind| kind == automerge::ObjType::Text)
            {
                texts.push(object);
            }
        }
    }
    match texts.as_slice() {
        [text] => document.text(text).map_err(automerge_says),
        _ => Err(InterchangeError::NoText),
    }
}
