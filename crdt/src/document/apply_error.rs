//! Why a change is refused for good.

use crate::ids::{ActorId, OpId};

/// Says why a change cannot be part of a document, whatever arrives later. The document is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The change names an author that is neither its log's nor the hash of its content.
    #[error("the change of {actor} came in a log of {log_actor}")]
    Author {
        /// The author that the change names.
        actor: ActorId,
        /// The author of everything in the log that carried it.
        log_actor: ActorId,
    },
    /// The author made two different changes of one number.
    #[error("{actor} made another change number {seq} before")]
    Equivocation {
        /// The author.
        actor: ActorId,
        /// The number both changes have.
        seq: u64,
    },
    /// The number does not follow the one of the author's change before.
    #[error("change {found} of {actor} does not follow its change {last}")]
    Sequence {
        /// The author.
        actor: ActorId,
        /// The number of the author's last change here.
        last: u64,
        /// The number of the refused change.
        found: u64,
    },
    /// The author's change before is not among those that the change builds upon.
    #[error("the change does not build upon the change of {actor} before it")]
    Chain {
        /// The author.
        actor: ActorId,
    },
    /// The first counter is not one more than the greatest of everything that the change builds upon.
    #[error("operations begin with {found} instead of {expected}")]
    StartOp {
        /// The only counter that the change can begin with.
        expected: u64,
        /// The counter that it begins with.
        found: u64,
    },
    /// An operation names a character or value that the change cannot have known.
    #[error("operation {id} is not part of what the change builds upon")]
    NotInPast {
        /// The operation that is named.
        id: OpId,
    },
    /// An operation names something that is not a character of the text, or not a value of the register.
    #[error("operation {id} made nothing that the change could name")]
    Element {
        /// The operation that is named.
        id: OpId,
    },
    /// The change edits something other than the one text of the document.
    #[error("the change edits another text than the document's")]
    Object,
    /// The change is for a document of another kind.
    #[error("the change is for another kind of document")]
    Kind,
}

impl ApplyError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Author { .. } | Self::Equivocation { .. } => {
                "Ask the person whose device signed it: the device is copied, restored from a backup, or hostile."
            }
            _ => {
                "The change was not made by a program that follows the rules; the document goes on without it."
            }
        }
    }
}
