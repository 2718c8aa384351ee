//! What a refresh does to the folder.

use super::key::NodeKind;
use crate::ids::NodeId;

/// One step from the tree that was shown to the tree that is shown.
///
/// Paths are those at the moment of the step: each step applies to what the steps before it left. Two things that
/// swap names go through a temporary name ([`super::TEMPORARY_PREFIX`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShownChange {
    /// Something is no longer shown; a folder is empty by then.
    Removed {
        /// Where it was.
        path: String,
        /// What it was.
        kind: NodeKind,
        /// Whose place it was; none for a folder, which can be several nodes.
        node: Option<NodeId>,
    },
    /// Something, and all that a folder holds, is shown elsewhere.
    Moved {
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
        /// What it is.
        kind: NodeKind,
    },
    /// Something is shown that was not; the folder it is in is there already.
    Added {
        /// Where it is.
        path: String,
        /// What it is.
        kind: NodeKind,
    },
    /// A file that was shown before holds something else.
    Content {
        /// Where it is.
        path: String,
    },
    /// A file that was shown before may now be run, or no longer.
    Executable {
        /// Where it is.
        path: String,
    },
}
