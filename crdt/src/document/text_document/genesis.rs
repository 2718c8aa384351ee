//! The first change of a text document: its base text.
//!
//! It is made by our own encoder from the document's id and the text alone, so that every device has the same one
//! whatever version of whatever library it runs.

use smallvec::{SmallVec, smallvec};

use super::TextDocument;
use crate::change::{Change, ChangeOpId, Draft, Genesis, Ops, TextOp, TextOps};
use crate::document::actors::Id;
use crate::document::graph::Graph;
use crate::ids::{ActorId, DocumentId};
use crate::limits::BASE_CHARS_MAX;
use crate::text::{Patches, TextState, Typed};

const GENESIS_CONTEXT: &str = "weft 2026 genesis v1";
/// The key under which the text stands in the document.
const TEXT_KEY: &str = "text";

/// Says why a text cannot be the base of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// The text is too long.
    #[error("a text of {chars} characters is beyond the limit of {BASE_CHARS_MAX}")]
    TooLong {
        /// Characters of the text.
        chars: usize,
    },
}

impl TextDocument {
    /// Makes a document of its base text. The same id and text give the same document everywhere.
    pub fn new(id: DocumentId, base: &str) -> Result<Self, GenesisError> {
        let genesis = Self::genesis(id, base)?;
        Ok(Self::from_genesis(id, &genesis, base))
    }

    /// The first change of the document made of a base text. It never travels; an export needs it.
    pub fn genesis(id: DocumentId, base: &str) -> Result<Change, GenesisError> {
        let chars = base.chars().count();
        check_chars(chars)?;
        let ops: SmallVec<[TextOp; 2]> = if base.is_empty() {
            smallvec![]
        } else {
            smallvec![TextOp::Insert { after: None, text: 0..base.len(), count: chars as u32 }]
        };
        let draft = Draft {
            deps: smallvec![],
            actor: Some(genesis_actor(id)),
            seq: 1,
            start_op: 1,
            time: 0,
            others: smallvec![],
            ops: Ops::Genesis(Genesis {
                key: TEXT_KEY.to_owned(),
                edits: TextOps { object: ChangeOpId { actor: 0, counter: 1 }, ops },
            }),
            values: base.as_bytes().to_vec(),
        };
        Ok(draft.encode())
    }

    fn from_genesis(id: DocumentId, genesis: &Change, base: &str) -> Self {
        let mut graph = Graph::default();
        let actor = graph.intern(genesis.actor());
        let fit = graph.local_fit(&[]);
        graph.admit(genesis, fit);
        let mut text = TextState::new();
        if !base.is_empty() {
            let typed = Typed {
                after: None,
                id: Id { counter: 2, actor },
                count: (genesis.op_count() - 1) as u32,
                text: base,
            };
            text.insert(graph.actors(), &typed, true, &mut Patches::default());
        }
        Self { id, graph, text, object: Id { counter: 1, actor } }
    }
}

fn check_chars(chars: usize) -> Result<(), GenesisError> {
    if chars > BASE_CHARS_MAX { Err(GenesisError::TooLong { chars }) } else { Ok(()) }
}

/// An author who never edits: nobody has a log of this name.
fn genesis_actor(id: DocumentId) -> ActorId {
    let mut actor = [0; 16];
    actor.copy_from_slice(&blake3::derive_key(GENESIS_CONTEXT, id.as_bytes())[..16]);
    ActorId::from(actor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text at the limit has a gibibyte, so only the count is looked at.
    #[test]
    fn a_base_of_as_many_characters_as_may_be_is_taken_and_of_one_more_is_not() {
        assert_eq!(check_chars(BASE_CHARS_MAX), Ok(()));
        let chars = BASE_CHARS_MAX + 1;
        assert_eq!(check_chars(chars), Err(GenesisError::TooLong { chars }));
    }
}
