//! Ids that two people who do the same thing find alike.

use super::key::NodeKind;
use crate::{ContentId, DocumentId, NodeId};

/// Gives the id of the tree document of a workspace.
pub fn tree_document_id(workspace: &[u8; 32]) -> DocumentId {
    let key = blake3::derive_key("weft 2026 tree v1", workspace);
    let mut id = [0; DocumentId::LENGTH];
    id.copy_from_slice(&key[..DocumentId::LENGTH]);
    DocumentId::from_bytes(id)
}

/// What the id of a new node is made of, but for the number that makes it unique.
pub(super) struct NodeSeed<'a> {
    pub(super) workspace: &'a [u8; 32],
    pub(super) parent: NodeId,
    pub(super) name: &'a str,
    pub(super) kind: NodeKind,
    /// What a file first holds.
    pub(super) content: Option<ContentId>,
}

impl NodeSeed<'_> {
    pub(super) fn id(&self, number: u64) -> NodeId {
        let mut hasher = blake3::Hasher::new_derive_key("weft 2026 node v1");
        hasher.update(self.workspace);
        hasher.update(self.parent.as_bytes());
        // The length keeps a name apart from what follows it.
        hasher.update(&(self.name.len() as u64).to_le_bytes());
        hasher.update(self.name.as_bytes());
        hasher.update(&[self.kind.number()]);
        if let Some(content) = self.content {
            hasher.update(content.as_bytes());
        }
        hasher.update(&number.to_le_bytes());
        first_16(&hasher)
    }
}

/// Gives the id of the text document that a file's content becomes at its first edit.
pub(super) fn document_id(node: NodeId, content: ContentId, number: u64) -> DocumentId {
    let mut hasher = blake3::Hasher::new_derive_key("weft 2026 doc v1");
    hasher.update(node.as_bytes());
    hasher.update(content.as_bytes());
    hasher.update(&number.to_le_bytes());
    DocumentId::from_bytes(*first_16(&hasher).as_bytes())
}

/// How often one file may have held one content and become a text anew, for [`is_document_of`] to know it.
const NUMBERS_MAX: u64 = 64;

/// Whether a document is the text that a file with this content becomes at its first edit: its id follows from both.
pub fn is_document_of(document: DocumentId, node: NodeId, content: ContentId) -> bool {
    (0..NUMBERS_MAX).any(|number| document_id(node, content, number) == document)
}

pub(super) fn first_16(hasher: &blake3::Hasher) -> NodeId {
    let mut id = [0; NodeId::LENGTH];
    hasher.finalize_xof().fill(&mut id);
    NodeId::from_bytes(id)
}
