//! What a view shows.

use std::sync::Arc;

use super::content::ContentValue;
use super::key::NodeKind;
use super::names::NameProblem;
use crate::{ContentId, DocumentId, NodeId};

/// Says what a computed node shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictSource {
    /// A blob that somebody gave the file while somebody else gave it other content.
    Blob(ContentId),
    /// A document of the file that holds edits nobody saw who replaced it.
    Document(DocumentId),
}

/// One line of the shown tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownNode {
    /// The node; of a folder of several nodes the oldest; of a computed node its own id.
    pub node: NodeId,
    /// File or folder.
    pub kind: NodeKind,
    /// Whether a file may be run.
    pub executable: bool,
    /// What a file holds; none for folders and for files nobody gave content.
    pub content: Option<Arc<ContentValue>>,
    /// Set for a version of a file that is shown beside the one that won.
    pub computed: Option<ComputedNode>,
    /// Why this platform cannot hold it or the folder it is in; such nodes are shown, but no
    /// [`ShownChange`](super::ShownChange) names them.
    pub problem: Option<NameProblem>,
}

/// Says what a computed node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComputedNode {
    /// The file it is a version of.
    pub of: NodeId,
    /// Which version it is.
    pub source: ConflictSource,
}

/// Something that is not written to this device's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrittenNode {
    /// Where it would be; may hold any characters.
    pub path: String,
    /// The node.
    pub node: NodeId,
    /// Why it is not written.
    pub problem: NameProblem,
}
