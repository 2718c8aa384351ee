//! Does Automerge see the same document?

use automerge::{Automerge, ROOT, ReadDoc, ScalarValue};

use super::{InterchangeError, automerge_says, guarded, only_text, replay};
use crate::change::{Change, Value};
use crate::document::{TextDocument, TreeDocument};
use crate::ids::Version;

/// Says how a document differs from what Automerge makes of the same changes. The document goes on; keep its changes
/// and report this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Automerge could not be asked.
    #[error("automerge could not be asked")]
    Interchange(#[from] InterchangeError),
    /// The heads differ.
    #[error("automerge has the heads {theirs:?} and this document {ours:?}")]
    Heads {
        /// The heads of the document.
        ours: Version,
        /// The heads that Automerge has.
        theirs: Version,
    },
    /// The texts differ.
    #[error("automerge has another text, from character {at} on")]
    Text {
        /// The first character that differs.
        at: usize,
    },
    /// The values of a key differ.
    #[error("automerge has other values of {key}")]
    Key {
        /// The key.
        key: String,
    },
}

/// Compares a text with what Automerge makes of the changes, which must be those of the document, and checks that
/// Automerge loads what it saves.
pub fn audit_text<'a>(
    document: &TextDocument,
    base: &str,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<(), AuditError> {
    let genesis = TextDocument::genesis(document.id(), base).map_err(InterchangeError::from)?;
    let (heads, text) = guarded(|| {
        let theirs = reloaded(replay([genesis].into_iter().chain(changes.into_iter().cloned()))?)?;
        Ok((heads(&theirs), only_text(&theirs)?))
    })?;
    check_heads(document.heads(), heads)?;
    let ours = document.text();
    if ours != text {
        let at = ours.chars().zip(text.chars()).take_while(|(ours, theirs)| ours == theirs).count();
        return Err(AuditError::Text { at });
    }
    Ok(())
}

/// Compares registers with what Automerge makes of the changes, which must be those of the document.
pub fn audit_tree<'a>(
    document: &TreeDocument,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<(), AuditError> {
    let (heads, keys) = guarded(|| {
        let theirs = reloaded(replay(changes.into_iter().cloned())?)?;
        Ok((heads(&theirs), values(&theirs)?))
    })?;
    check_heads(document.heads(), heads)?;
    let mut ours = document.keys().map(|key| {
        let values = document.values(key).map(|(id, value)| (id.to_string(), scalar(value)));
        (key.to_owned(), values.collect::<Vec<_>>())
    });
    let mut theirs = keys.into_iter();
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return Ok(()),
            (ours, theirs) if ours == theirs => {}
            (ours, theirs) => {
                let key = ours.or(theirs).map(|(key, _)| key).unwrap_or_default();
                return Err(AuditError::Key { key });
            }
        }
    }
}

/// What Automerge loads of what it saves.
fn reloaded(document: Automerge) -> Result<Automerge, InterchangeError> {
    super::load(&document.save())
}

fn heads(document: &Automerge) -> Version {
    let heads = document.get_heads();
    Version::new(heads.iter().map(|hash| crate::ids::ChangeHash::from_bytes(hash.0)))
}

fn check_heads(ours: &Version, theirs: Version) -> Result<(), AuditError> {
    if *ours == theirs { Ok(()) } else { Err(AuditError::Heads { ours: ours.clone(), theirs }) }
}

type KeyValues = (String, Vec<(String, ScalarValue)>);

fn values(document: &Automerge) -> Result<Vec<KeyValues>, InterchangeError> {
    let of_key = |key: String| {
        let all = document.get_all(ROOT, key.as_str()).map_err(automerge_says)?;
        let values =
            all.into_iter().filter_map(|(value, id)| Some((id.to_string(), value.into_scalar().ok()?)));
        Ok((key, values.collect()))
    };
    document.keys(ROOT).map(of_key).collect()
}

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Bytes(bytes) => ScalarValue::Bytes(bytes.clone()),
        Value::Str(text) => ScalarValue::Str(text.as_str().into()),
        Value::Uint(number) => ScalarValue::Uint(*number),
        Value::Bool(value) => ScalarValue::Boolean(*value),
    }
}
