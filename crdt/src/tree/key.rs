//! Names of the registers that a node consists of.

use std::fmt;

use crate::{DocumentId, NodeId};

/// The folder that holds everything; it always exists and has no registers.
pub const ROOT: NodeId = NodeId::from_bytes([0; 16]);

/// Where deleted nodes are; it always exists and has no registers.
pub const TRASH: NodeId = NodeId::from_bytes([0xff; 16]);

/// Tells a file from a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Has content and no children.
    File,
    /// Has children and no content.
    Folder,
}

impl NodeKind {
    /// Gives the number that stands for the kind in registers, ids and digests.
    pub fn number(self) -> u8 {
        match self {
            Self::File => 0,
            Self::Folder => 1,
        }
    }

    pub(crate) fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::File),
            1 => Some(Self::Folder),
            _ => None,
        }
    }
}

/// Names one property of a node.
///
/// The order is the one in which edits of a node are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// File or folder; written once.
    Kind,
    /// The name that its parent knows it by.
    Name,
    /// The folder it is in, and the one it was in before.
    Parent,
    /// Whether a file may be run.
    Executable,
    /// What a file holds.
    Content,
    /// What the deleter saw.
    DeletedAt,
    /// What was seen of a document when something else took its place.
    Replaced(DocumentId),
}

/// Names one register of the tree document: a node and one of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterKey {
    /// Whose field it is.
    pub node: NodeId,
    /// Which of its fields.
    pub field: Field,
}

impl RegisterKey {
    /// Names a field of a node.
    pub fn new(node: NodeId, field: Field) -> Self {
        Self { node, field }
    }

    /// Reads a key; anything but the one spelling that [`fmt::Display`] gives is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (node, field) = text.split_at_checked(2 * NodeId::LENGTH)?;
        let field = match field.strip_prefix('.')? {
            "kind" => Field::Kind,
            "name" => Field::Name,
            "parent" => Field::Parent,
            "executable" => Field::Executable,
            "content" => Field::Content,
            "deleted_at" => Field::DeletedAt,
            other => Field::Replaced(lower_hex(other.strip_prefix("r.")?)?.parse().ok()?),
        };
        let node = lower_hex(node)?.parse().ok()?;
        (node != ROOT && node != TRASH).then_some(Self { node, field })
    }
}

impl fmt::Display for RegisterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.node)?;
        match self.field {
            Field::Kind => f.write_str("kind"),
            Field::Name => f.write_str("name"),
            Field::Parent => f.write_str("parent"),
            Field::Executable => f.write_str("executable"),
            Field::Content => f.write_str("content"),
            Field::DeletedAt => f.write_str("deleted_at"),
            Field::Replaced(document) => write!(f, "r.{document}"),
        }
    }
}

// One register must not have two spellings.
fn lower_hex(text: &str) -> Option<&str> {
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_spelling() {
        let node = NodeId::from_bytes([0xab; 16]);
        let document = DocumentId::from_bytes([0xcd; 16]);
        for field in [
            Field::Kind,
            Field::Name,
            Field::Parent,
            Field::Executable,
            Field::Content,
            Field::DeletedAt,
            Field::Replaced(document),
        ] {
            let key = RegisterKey::new(node, field);
            assert_eq!(RegisterKey::parse(&key.to_string()), Some(key));
        }
    }

    #[test]
    fn other_spellings_are_no_keys() {
        let node = "ab".repeat(16);
        for text in [
            String::new(),
            "é".repeat(16),
            node.clone(),
            format!("{node}."),
            format!("{node}.Kind"),
            format!("{node}.kind "),
            format!("{node}.r."),
            format!("{node}.r.{}", "AB".repeat(16)),
            format!("{}.kind", "AB".repeat(16)),
            format!("{}.kind", "00".repeat(16)),
            format!("{}.kind", "ff".repeat(16)),
        ] {
            assert_eq!(RegisterKey::parse(&text), None, "{text:?}");
        }
    }
}
