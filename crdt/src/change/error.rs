//! Why bytes are not a change.

/// Says why bytes are not a change that this engine takes, whatever document they were meant for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The bytes end inside of a field.
    #[error("the change ends too early")]
    Truncated,
    /// Bytes follow after the end of the change.
    #[error("{bytes} bytes follow after the change")]
    Trailing {
        /// Bytes too many.
        bytes: usize,
    },
    /// The bytes do not begin as a change chunk does.
    #[error("the bytes are not an uncompressed change chunk")]
    NotAChange,
    /// The checksum does not fit the content.
    #[error("the checksum does not fit the content")]
    Checksum,
    /// The change exceeds a limit of this crate.
    #[error("the change has more {what} than the limit of {limit}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// The same change could be written in another way, which Automerge would write when it saves.
    #[error("the change is not in canonical form: {what}")]
    NotCanonical {
        /// The part that differs.
        what: &'static str,
    },
    /// The change uses a part of the format that Weft's documents do not have.
    #[error("the change uses what this version does not know: {what}")]
    Unsupported {
        /// The unknown part.
        what: &'static str,
    },
    /// The change contradicts itself.
    #[error("the change is malformed: {what}")]
    Malformed {
        /// The part that is wrong.
        what: &'static str,
    },
}

impl ChangeError {
    /// Tells whether a later version of Weft may understand the change; everything else stays refused.
    pub fn may_be_newer(&self) -> bool {
        matches!(self, Self::Unsupported { .. })
    }
}
