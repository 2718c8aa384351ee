//! The registers of one node, decoded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::{BlobRef, ContentValue};
use super::key::{Field, NodeKind, ROOT, RegisterKey, TRASH};
use super::registers::Registers;
use super::shown::ConflictSource;
use super::value::{DeletedAt, ParentValue, Replaced, unite};
use crate::{DocumentId, NodeId, OpId, Value, Version};

/// What is known of a node. Values that are not valid are as if they were not there.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// Surviving values, the winner last.
    parents: Vec<(OpId, ParentValue)>,
    pub(super) name: Option<Arc<str>>,
    pub(super) kind: Option<NodeKind>,
    /// The least operation among the surviving values of `kind`: decides who has a name.
    pub(super) created: Option<OpId>,
    pub(super) executable: bool,
    /// Surviving values, the winner last.
    pub(super) contents: Vec<(OpId, Arc<ContentValue>)>,
    /// All that anybody who deleted the node saw; `None` without a surviving value.
    pub(super) deleted_at: Option<DeletedAt>,
    /// All that was seen of documents when something took their place.
    pub(super) replaced: BTreeMap<DocumentId, Replaced>,
}

impl Record {
    /// Reads one field again.
    pub(super) fn read(&mut self, key: RegisterKey, text: &str, registers: &dyn Registers) {
        match key.field {
            Field::Kind => {
                let kinds = read_values(registers, text, |value| match value {
                    Value::Uint(number) => NodeKind::from_number(*number),
                    _ => None,
                });
                self.created = kinds.first().map(|(id, _)| *id);
                self.kind = kinds.last().map(|(_, kind)| *kind);
            }
            Field::Name => {
                let names = read_values(registers, text, |value| match value {
                    Value::Str(name) => Some(Arc::from(name.as_str())),
                    _ => None,
                });
                self.name = names.into_iter().next_back().map(|(_, name)| name);
            }
            Field::Parent => {
                self.parents = read_bytes(registers, text, |b| ParentValue::decode(b).ok());
            }
            Field::Executable => {
                let flags = read_values(registers, text, |value| match value {
                    Value::Bool(flag) => Some(*flag),
                    _ => None,
                });
                self.executable = flags.last().is_some_and(|(_, flag)| *flag);
            }
            Field::Content => {
                self.contents = read_bytes(registers, text, |b| ContentValue::decode(b).ok().map(Arc::new));
            }
            Field::DeletedAt => {
                let values = read_bytes(registers, text, |b| DeletedAt::decode(b).ok());
                self.deleted_at = values.into_iter().map(|(_, value)| value).reduce(|mut a, b| {
                    a.unite(&b);
                    a
                });
            }
            Field::Replaced(document) => {
                let values = read_bytes(registers, text, |b| Replaced::decode(b).ok());
                let united = values
                    .into_iter()
                    .map(|(_, value)| value)
                    .reduce(|a, b| Replaced { heads: unite(&a.heads, &b.heads), base: b.base });
                match united {
                    Some(value) => self.replaced.insert(document, value),
                    None => self.replaced.remove(&document),
                };
            }
        }
    }

    /// Tells whether no register of the node has a value.
    pub(super) fn is_empty(&self) -> bool {
        self.parents.is_empty()
            && self.name.is_none()
            && self.kind.is_none()
            && self.contents.is_empty()
            && self.deleted_at.is_none()
            && self.replaced.is_empty()
            && !self.executable
    }

    /// Tells whether the node can be shown at all.
    pub(super) fn is_complete(&self) -> bool {
        self.name.is_some() && self.kind.is_some() && !self.parents.is_empty()
    }

    /// Tells whether every surviving value puts the node in the trash.
    pub(super) fn is_trashed(&self) -> bool {
        self.parents.iter().all(|(_, value)| value.parent == TRASH)
    }

    /// Gives the operation whose value decides where the node is: the greatest that is not the trash, else the
    /// greatest.
    pub(super) fn placed_by(&self) -> Option<OpId> {
        let other = self.parents.iter().rfind(|(_, value)| value.parent != TRASH);
        other.or(self.parents.last()).map(|(id, _)| *id)
    }

    /// Gives the folders that the node is tried in, the first choice first; the root follows them all.
    ///
    /// A deleted node belongs where it was before, so that it is shown there when somebody's edit beats the delete.
    pub(super) fn candidates(&self) -> impl Iterator<Item = NodeId> + '_ {
        let trashed = self.is_trashed();
        let winner = self.parents.iter().rfind(|(_, value)| trashed || value.parent != TRASH);
        let values = self.parents.iter().rev().filter_map(move |(_, value)| {
            if trashed { Some(value.before) } else { (value.parent != TRASH).then_some(value.parent) }
        });
        values.chain(winner.map(|(_, value)| value.before)).filter(|folder| *folder != TRASH).chain([ROOT])
    }

    /// Gives every folder that the node's parent register names.
    pub(super) fn mentions(&self) -> impl Iterator<Item = NodeId> + '_ {
        let all = self.parents.iter().flat_map(|(_, value)| [value.parent, value.before]);
        all.filter(|folder| *folder != ROOT && *folder != TRASH)
    }

    /// Gives what the file holds.
    pub(super) fn content(&self) -> Option<&Arc<ContentValue>> {
        self.contents.last().map(|(_, value)| value)
    }

    /// Gives the documents of the file: those that are its content for somebody and those that were.
    pub(super) fn documents(&self) -> impl Iterator<Item = DocumentId> + '_ {
        let current = self.contents.iter().filter_map(|(_, value)| value.document());
        current.chain(self.replaced.keys().copied())
    }

    /// Gives what a document of the file begins with.
    pub(super) fn base_of(&self, document: DocumentId) -> Option<&BlobRef> {
        let current = self.contents.iter().rev().find(|(_, value)| value.document() == Some(document));
        let replaced = || self.replaced.get(&document).map(|value| &value.base);
        current.map(|(_, value)| value.blob()).or_else(replaced)
    }

    /// Gives the content of a version that did not win.
    pub(super) fn version(&self, source: ConflictSource) -> Option<Arc<ContentValue>> {
        match source {
            ConflictSource::Blob(id) => {
                let mut contents = self.contents.iter().rev().map(|(_, value)| value);
                let found = contents.find(|value| value.document().is_none() && value.blob().content == id);
                found.cloned()
            }
            ConflictSource::Document(document) => {
                let base = self.base_of(document)?.clone();
                Some(Arc::new(ContentValue::Text { document, base }))
            }
        }
    }

    /// Gives what was seen of a document by those who replaced it.
    pub(super) fn seen_when_replaced(&self, document: DocumentId) -> Version {
        let replaced = self.replaced.get(&document);
        replaced.map(|value| value.heads.clone()).unwrap_or_default()
    }
}

fn read_values<T>(
    registers: &dyn Registers,
    key: &str,
    mut decode: impl FnMut(&Value) -> Option<T>,
) -> Vec<(OpId, T)> {
    let mut values = Vec::new();
    registers.for_each_value(key, &mut |id, value| {
        values.extend(decode(value).map(|value| (*id, value)));
    });
    values.sort_by_key(|(id, _)| *id);
    values
}

fn read_bytes<T>(
    registers: &dyn Registers,
    key: &str,
    decode: impl Fn(&[u8]) -> Option<T>,
) -> Vec<(OpId, T)> {
    read_values(registers, key, |value| match value {
        Value::Bytes(bytes) => decode(bytes),
        _ => None,
    })
}
