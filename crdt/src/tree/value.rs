//! Values of the registers other than content.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::codec::{self, ValueError};
use super::content::{BlobRef, ContentValue};
use super::key::{Field, NodeKind, RegisterKey};
use crate::{ContentId, DocumentId, NodeId, Value, Version};

/// Value of a node's `parent` register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParentValue {
    /// The folder the node is put in, or the trash.
    pub parent: NodeId,
    /// The folder it was in before.
    pub before: NodeId,
}

impl ParentValue {
    /// Reads the 32 bytes of the register.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let (parent, before) = bytes.split_at_checked(16).ok_or(ValueError::Encoding)?;
        Ok(Self {
            parent: NodeId::from_bytes(parent.try_into().map_err(|_| ValueError::Encoding)?),
            before: NodeId::from_bytes(before.try_into().map_err(|_| ValueError::Encoding)?),
        })
    }

    /// Gives the 32 bytes of the register.
    pub fn encode(&self) -> Vec<u8> {
        [*self.parent.as_bytes(), *self.before.as_bytes()].concat()
    }
}

/// Value of a node's `deleted_at` register: all that the deleter saw of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct DeletedAt {
    /// The documents of the file and where they ended, ascending, each once.
    documents: Vec<(DocumentId, Version)>,
    /// The blobs among the file's contents, ascending, each once.
    blobs: Vec<ContentId>,
}

impl DeletedAt {
    /// Reads the bytes of the register.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let value: Self = codec::decode(bytes)?;
        if value.documents.is_sorted_by(|a, b| a.0 < b.0) && value.blobs.is_sorted_by(|a, b| a < b) {
            Ok(value)
        } else {
            Err(ValueError::Encoding)
        }
    }

    /// Gives the bytes of the register.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Adds that the document was seen up to these heads.
    pub fn add_document(&mut self, document: DocumentId, heads: &Version) {
        match self.documents.binary_search_by_key(&document, |entry| entry.0) {
            Ok(place) => {
                let entry = &mut self.documents[place].1;
                *entry = unite(entry, heads);
            }
            Err(place) => self.documents.insert(place, (document, heads.clone())),
        }
    }

    /// Adds that the blob was seen.
    pub fn add_blob(&mut self, content: ContentId) {
        if let Err(place) = self.blobs.binary_search(&content) {
            self.blobs.insert(place, content);
        }
    }

    /// Gives what was seen of a document, if it was seen.
    pub fn document(&self, document: DocumentId) -> Option<&Version> {
        let place = self.documents.binary_search_by_key(&document, |entry| entry.0);
        place.ok().map(|place| &self.documents[place].1)
    }

    /// Tells whether the blob was seen.
    pub fn names_blob(&self, content: ContentId) -> bool {
        self.blobs.binary_search(&content).is_ok()
    }

    /// Adds all that another deleter saw.
    pub fn unite(&mut self, other: &Self) {
        let blobs: BTreeSet<_> = self.blobs.iter().chain(&other.blobs).copied().collect();
        self.blobs = blobs.into_iter().collect();
        for (document, heads) in &other.documents {
            self.add_document(*document, heads);
        }
    }
}

/// Value of an `r.` register: what was seen of a document of a file when something else took its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replaced {
    /// Where the document ended.
    pub heads: Version,
    /// What the document begins with: no content value need name the document any more.
    pub base: BlobRef,
}

impl Replaced {
    /// Reads the bytes of the register.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        let value: Self = codec::decode(bytes)?;
        value.base.check()?;
        Ok(value)
    }

    /// Gives the bytes of the register.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// Gives the state that holds all that two states hold.
///
/// The result may name changes that others of it build upon; what it stands for is their common past.
pub(super) fn unite(a: &Version, b: &Version) -> Version {
    Version::new(a.hashes().iter().chain(b.hashes()).copied())
}

/// Says why an operation on the tree document is refused, or that it is valid.
///
/// Every operation of a received change is checked before the change is applied. Names are never refused: what
/// cannot be written on a disk costs only itself.
pub fn check_register(key: &str, value: Option<&Value>) -> Result<(), ValueError> {
    let field = RegisterKey::parse(key).ok_or(ValueError::Key)?.field;
    let Some(value) = value else {
        // A node without a name, a place or a kind could be neither shown nor brought back.
        return match field {
            Field::DeletedAt => Ok(()),
            _ => Err(ValueError::Deleted),
        };
    };
    match (field, value) {
        (Field::Kind, Value::Uint(number)) => {
            NodeKind::from_number(*number).map(|_| ()).ok_or(ValueError::Invalid("kind of node"))
        }
        (Field::Name, Value::Str(_)) | (Field::Executable, Value::Bool(_)) => Ok(()),
        (Field::Parent, Value::Bytes(bytes)) => ParentValue::decode(bytes).map(|_| ()),
        (Field::Content, Value::Bytes(bytes)) => ContentValue::decode(bytes).map(|_| ()),
        (Field::DeletedAt, Value::Bytes(bytes)) => DeletedAt::decode(bytes).map(|_| ()),
        (Field::Replaced(_), Value::Bytes(bytes)) => Replaced::decode(bytes).map(|_| ()),
        _ => Err(ValueError::Type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChangeHash;
    use crate::tree::ChunkList;

    fn version(bytes: &[u8]) -> Version {
        Version::new(bytes.iter().map(|byte| ChangeHash::from_bytes([*byte; 32])))
    }

    #[test]
    fn parents_are_exactly_two_ids() {
        let value = ParentValue { parent: NodeId::from_bytes([1; 16]), before: NodeId::from_bytes([2; 16]) };
        assert_eq!(ParentValue::decode(&value.encode()), Ok(value));
        assert!(ParentValue::decode(&[0; 31]).is_err());
        assert!(ParentValue::decode(&[0; 33]).is_err());
        assert!(ParentValue::decode(&[]).is_err());
    }

    #[test]
    fn deletions_unite_what_was_seen() {
        let document = DocumentId::from_bytes([7; 16]);
        let mut a = DeletedAt::default();
        a.add_document(document, &version(&[1]));
        a.add_blob(ContentId::from_bytes([5; 32]));
        let mut b = DeletedAt::default();
        b.add_document(document, &version(&[2]));
        b.add_blob(ContentId::from_bytes([4; 32]));
        let mut both = a.clone();
        both.unite(&b);
        b.unite(&a);
        assert_eq!(both, b);
        assert_eq!(both.document(document), Some(&version(&[1, 2])));
        assert!(both.names_blob(ContentId::from_bytes([4; 32])));
        assert_eq!(DeletedAt::decode(&both.encode()), Ok(both));
    }

    #[test]
    fn unordered_lists_are_refused() {
        let value = DeletedAt {
            documents: Vec::new(),
            blobs: vec![ContentId::from_bytes([5; 32]), ContentId::from_bytes([4; 32])],
        };
        assert_eq!(DeletedAt::decode(&value.encode()), Err(ValueError::Encoding));
        let value = Replaced {
            heads: version(&[1, 2]),
            base: BlobRef {
                content: ContentId::from_bytes([5; 32]),
                size: 0,
                chunks: ChunkList::Inline(Vec::new()),
            },
        };
        let mut bytes = value.encode();
        assert_eq!(Replaced::decode(&bytes), Ok(value));
        bytes[2..66].rotate_left(32);
        assert_eq!(Replaced::decode(&bytes), Err(ValueError::Encoding));
    }

    #[test]
    fn registers_are_checked_by_field() {
        let key = |field: &str| format!("{}.{field}", "ab".repeat(16));
        let check = |field: &str, value: Option<Value>| check_register(&key(field), value.as_ref());
        assert_eq!(check("name", Some(Value::Str("../x".into()))), Ok(()));
        assert_eq!(check("name", Some(Value::Uint(1))), Err(ValueError::Type));
        assert_eq!(check("kind", Some(Value::Uint(1))), Ok(()));
        assert!(check("kind", Some(Value::Uint(2))).is_err());
        assert_eq!(check("executable", Some(Value::Bool(true))), Ok(()));
        assert!(check("parent", Some(Value::Bytes(vec![0; 31]))).is_err());
        assert!(check("content", Some(Value::Bytes(vec![2]))).is_err());
        assert_eq!(check("deleted_at", None), Ok(()));
        assert_eq!(check("name", None), Err(ValueError::Deleted));
        assert_eq!(check("colour", None), Err(ValueError::Key));
    }
}
