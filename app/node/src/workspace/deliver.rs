//! Changes of others: from the entries that carry them into the documents.

use std::collections::{BTreeMap, BTreeSet};

use weft_crdt::tree::{ContentValue, Field, RegisterKey};
use weft_crdt::{ActorId, Applied, Change, ChangeHash, DocumentId, Patch, TreeApplied, Value};
use weft_store::{ReadError, Space, Table, Write};
use weft_sync::data::actor_of;
use weft_sync::ids::UserId;
use weft_sync::replica::Delivery;

use super::documents::{Facts, LoadError};
use super::engine::{Engine, EngineEvent, Output};
use super::entries::{CarriedChange, for_each_change};
use super::people::People;
use super::waiting::{ItemRef, Missing};

/// What a number of changes has touched.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    /// Registers of the tree with other values than before.
    pub(crate) keys: BTreeSet<String>,
    /// Texts with another content, and how they changed.
    pub(crate) texts: BTreeMap<DocumentId, Vec<Patch>>,
    /// Who changed them, if it was one person.
    pub(crate) user: Option<UserId>,
    /// Whether people or their names changed.
    pub(crate) names_changed: bool,
}

impl Dirty {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.texts.is_empty() && !self.names_changed
    }
}

/// A change with all that its application needs to know.
struct Arrived {
    change: Change,
    item: ItemRef,
    log_actor: ActorId,
    user: Option<UserId>,
}

impl Engine {
    /// Reads the tree from the store, and lets the replica deliver what was not read yet.
    pub(super) fn read_tree(&mut self) -> Result<(), ReadError> {
        let mut carried = Vec::new();
        for_each_change(&*self.store, self.ws, self.tree.id(), &self.replica, |change| {
            carried.push(change);
        })?;
        let mut dirty = Dirty::default();
        for change in carried {
            let arrived = self.arrived_again(change);
            self.apply(arrived, &mut dirty);
        }
        self.take_bases(&dirty.keys);
        let facts = Facts {
            documents: &self.documents,
            bases: &self.bases,
            contents: self.contents.as_ref(),
            authors: &self.authors,
            opener: &self.replica,
        };
        self.view.refresh(&self.tree, dirty.keys.iter().map(String::as_str), [], &facts);
        Ok(())
    }

    fn arrived_again(&self, carried: CarriedChange) -> Arrived {
        let item = ItemRef { entry: carried.entry, item: 0, document: self.tree.id() };
        Arrived {
            change: carried.change,
            item,
            log_actor: actor_of(&carried.entry.log),
            user: self.authors.of_log(&carried.entry.log),
        }
    }

    /// Applies what an entry of somebody else carries.
    pub(super) fn deliver(&mut self, delivery: Delivery, dirty: &mut Dirty) {
        let mut writes = Vec::with_capacity(delivery.data.items.len() + 1);
        dirty.user = Some(delivery.user);
        self.authors.note_log(delivery.entry.log, delivery.user);
        for (place, item) in delivery.data.items.iter().enumerate() {
            let place = u16::try_from(place).expect("at most 64 items in an entry");
            let reference = ItemRef { entry: delivery.entry, item: place, document: item.doc };
            match Change::parse(&item.change) {
                Ok(change) => {
                    writes.push(Write::Change {
                        ws: self.ws,
                        doc: item.doc,
                        entry: delivery.entry,
                        item: place,
                        hash: change.hash(),
                    });
                    self.note_document(item.doc);
                    let log_actor = actor_of(&delivery.entry.log);
                    let user = Some(delivery.user);
                    if item.doc != self.tree.id() {
                        let (wall, origin) = (delivery.data.wall, delivery.data.origin.clone());
                        let carried =
                            CarriedChange { change: change.clone(), entry: delivery.entry, wall, origin };
                        self.documents.get_mut().recent.note(item.doc, carried);
                    }
                    self.apply(Arrived { change, item: reference, log_actor, user }, dirty);
                }
                Err(error) => self.quarantine(reference, &error.to_string()),
            }
        }
        writes.push(Write::opened(self.ws, delivery.entry));
        self.out.push(Output::Commit { batch: None, writes, own: Vec::new() });
    }

    pub(super) fn note_document(&mut self, document: DocumentId) {
        if document != self.tree.id() {
            self.documents.get_mut().note_edited(document);
        }
    }

    /// Applies a change, and after it those that have waited for it.
    fn apply(&mut self, arrived: Arrived, dirty: &mut Dirty) {
        let mut open = vec![arrived];
        while let Some(arrived) = open.pop() {
            let (document, hash) = (arrived.item.document, arrived.change.hash());
            let applied = if document == self.tree.id() {
                self.apply_to_tree(&arrived, dirty)
            } else {
                self.apply_to_text(&arrived, dirty)
            };
            match applied {
                Ok(true) => {
                    let released = self.waiting.take(Missing::Change(document, hash));
                    open.extend(released.into_iter().rev().filter_map(|item| self.read_item(item)));
                }
                Ok(false) => {}
                Err(reason) => self.quarantine(arrived.item, &reason),
            }
        }
    }

    /// Whether the change is part of the tree now; an error is for good.
    fn apply_to_tree(&mut self, arrived: &Arrived, dirty: &mut Dirty) -> Result<bool, String> {
        for (key, value) in arrived.change.register_writes() {
            weft_crdt::tree::check_register(key, value).map_err(|error| error.to_string())?;
        }
        match self.tree.apply(&arrived.change, &arrived.log_actor).map_err(|e| e.to_string())? {
            TreeApplied::Applied { changed_keys } => {
                dirty.keys.extend(changed_keys);
                self.note_author(arrived);
                Ok(true)
            }
            TreeApplied::Known => {
                self.note_author(arrived);
                Ok(false)
            }
            TreeApplied::Missing(missing) => {
                self.wait_for(arrived.item, &missing);
                Ok(false)
            }
        }
    }

    fn note_author(&mut self, arrived: &Arrived) {
        if let Some(user) = arrived.user {
            self.authors.note(arrived.change.actor(), arrived.item.entry.id, user);
        }
    }

    fn apply_to_text(&mut self, arrived: &Arrived, dirty: &mut Dirty) -> Result<bool, String> {
        let document = arrived.item.document;
        let (Some(base), Some(contents)) = (self.bases.get(&document), &self.contents) else {
            self.waiting.add(Missing::Document(document), arrived.item);
            return Ok(false);
        };
        let documents = self.documents.get_mut();
        let text = match documents.load(document, base, contents, &self.replica) {
            Ok(text) => text,
            Err(LoadError::BaseMissing) => {
                self.waiting.add(Missing::Document(document), arrived.item);
                self.fetches.want(document, base);
                return Ok(false);
            }
            Err(error) => return Err(error.to_string()),
        };
        match text.apply(&arrived.change, &arrived.log_actor).map_err(|e| e.to_string())? {
            Applied::Applied(patches) => {
                dirty.texts.entry(document).or_default().extend(patches);
                Ok(true)
            }
            Applied::Known => {
                // The document was read from the store with this change in it.
                dirty.texts.entry(document).or_default();
                Ok(true)
            }
            Applied::Missing(missing) => {
                self.wait_for(arrived.item, &missing);
                Ok(false)
            }
        }
    }

    fn wait_for(&mut self, item: ItemRef, missing: &[ChangeHash]) {
        if let Some(hash) = missing.first() {
            self.waiting.add(Missing::Change(item.document, *hash), item);
        }
    }

    fn read_item(&self, item: ItemRef) -> Option<Arrived> {
        let at = item.entry;
        let read = self.store.entries(self.ws, at.log, at.seq, at.seq, 1);
        let stored = read.ok()?.into_iter().find(|stored| stored.at == at)?;
        let entry = weft_sync::entry::Entry::decode(&stored.bytes).ok()?;
        let plain = self.replica.read_data(&entry)?;
        let change = Change::parse(&plain.items.get(usize::from(item.item))?.change).ok()?;
        let log_actor = actor_of(&at.log);
        Some(Arrived { change, item, log_actor, user: self.authors.of_log(&at.log) })
    }

    /// Tries again what waited for a document.
    pub(super) fn release_document(&mut self, document: DocumentId, dirty: &mut Dirty) {
        for item in self.waiting.take(Missing::Document(document)) {
            if let Some(arrived) = self.read_item(item) {
                self.apply(arrived, dirty);
            }
        }
    }

    fn quarantine(&mut self, item: ItemRef, reason: &str) {
        tracing::warn!(entry = ?item.entry, document = %item.document, "a change is refused: {reason}");
        let key = [item.entry.id.as_bytes().as_slice(), &item.item.to_be_bytes()].concat();
        let record = Write::Record {
            space: Space::workspace(self.ws, Table::Quarantine),
            key,
            value: Some(reason.as_bytes().to_vec()),
        };
        self.out.push(Output::Commit { batch: None, writes: vec![record], own: Vec::new() });
    }

    /// Learns from the tree what text documents begin with.
    pub(super) fn take_bases(&mut self, keys: &BTreeSet<String>) -> Vec<DocumentId> {
        let mut new = Vec::new();
        for key in keys {
            if RegisterKey::parse(key).is_none_or(|key| key.field != Field::Content) {
                continue;
            }
            for (_, value) in self.tree.values(key) {
                let Value::Bytes(bytes) = value else { continue };
                if let Ok(ContentValue::Text { document, base }) = ContentValue::decode(bytes)
                    && self.bases.insert(document, base).is_none()
                {
                    new.push(document);
                }
            }
        }
        new
    }

    /// Shows what was touched: in the folder, and to whoever listens.
    pub(super) fn settle(&mut self, mut dirty: Dirty) {
        if dirty.is_empty() {
            return;
        }
        for document in self.take_bases(&dirty.keys) {
            self.release_document(document, &mut dirty);
        }
        // Releasing may have changed the tree again.
        for document in self.take_bases(&dirty.keys) {
            self.release_document(document, &mut dirty);
        }
        self.refresh(&dirty);
        for (document, patches) in std::mem::take(&mut dirty.texts) {
            self.text_changed(document);
            let user = dirty.user;
            if !patches.is_empty() {
                self.event(EngineEvent::TextChanged { document, patches, user });
            }
        }
        self.show_due();
        self.fetch_due();
    }
}
