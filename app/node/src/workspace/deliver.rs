//! Changes of others: from the entries that carry them into the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_crdt::tree::{ContentValue, Field, RegisterKey, Replaced};
use weft_crdt::{ActorId, Applied, Change, ChangeHash, DocumentId, Patch, TreeApplied, Value};
use weft_store::{ChangeOrder, ReadError, Space, Table, Write};
use weft_sync::data::{DataPlain, actor_of};
use weft_sync::ids::{EntryRef, LogId, UserId};
use weft_sync::replica::Delivery;

use super::documents::{Carrier, Facts, LoadError};
use super::engine::{Engine, EngineEvent, Output};
use super::entries::{CarriedChange, OpenData, for_each_of};
use super::people::People;
use super::waiting::{ItemRef, Missing, Unstored};

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
    /// Whether the entry counts.
    counts: bool,
}

/// A change that is to be applied next.
enum Next {
    /// It is at hand.
    Arrived(Arrived),
    /// It is in the store.
    Stored(ItemRef),
}

/// Changes of one entry that make no sense.
#[derive(Debug)]
pub(super) struct Refused {
    /// The place of the first one.
    first: u16,
    count: u32,
    /// What is wrong with the first one.
    reason: String,
}

/// What became of a change.
enum Outcome {
    /// It is part of its document now. The tree says now what these texts begin with.
    Applied(Vec<DocumentId>),
    /// It was before, or waits for the document itself.
    Done,
    /// These have to come first.
    Missing(Vec<ChangeHash>),
}

impl Engine {
    /// Reads the tree from the store, and lets the replica deliver what was not read yet.
    pub(super) fn read_tree(&mut self) -> Result<(), ReadError> {
        let mut carried = Vec::new();
        let rows = self.documents.borrow().rows(self.tree.id(), ChangeOrder::START)?;
        let void = for_each_of(&*self.store, self.ws, &rows, &self.replica, |change| carried.push(change))?;
        for carried in void {
            let (hash, item) = (carried.change.hash(), carried.item_of(self.tree.id()));
            self.waiting.set_aside(hash, item);
            self.note_withdrawn(&carried.change);
        }
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
        Arrived {
            item: carried.item_of(self.tree.id()),
            change: carried.change,
            log_actor: actor_of(&carried.entry.log),
            user: self.authors.of_log(&carried.entry.log),
            counts: carried.counts,
        }
    }

    /// Applies what an entry of somebody else carries.
    pub(super) fn deliver(&mut self, delivery: Delivery, dirty: &mut Dirty) {
        let mut writes = Vec::with_capacity(delivery.data.items.len() + 1);
        dirty.user = Some(delivery.user);
        self.authors.note_log(delivery.entry.log, delivery.user);
        self.documents.get_mut().take_again(&delivery.entry.id);
        for (place, item) in delivery.data.items.iter().enumerate() {
            let place = u16::try_from(place).expect("at most 64 items in an entry");
            let reference = ItemRef { entry: delivery.entry, item: place, document: item.doc, made: None };
            match Change::parse(&item.change) {
                Ok(change) => {
                    writes.push(Write::Change {
                        ws: self.ws,
                        doc: item.doc,
                        entry: delivery.entry,
                        item: place,
                        hash: change.hash(),
                    });
                    if !delivery.counts {
                        self.keep_void(&change, reference, dirty);
                        continue;
                    }
                    self.note_document(item.doc);
                    self.unstored.push(Unstored::Delivered(reference));
                    let log_actor = actor_of(&delivery.entry.log);
                    let user = Some(delivery.user);
                    if item.doc != self.tree.id() {
                        let (wall, origin) = (delivery.data.wall, delivery.data.origin.clone());
                        let (change, entry) = (change.clone(), delivery.entry);
                        let carried =
                            CarriedChange { change, entry, item: place, wall, origin, counts: true };
                        self.documents.get_mut().recent.note(item.doc, carried);
                    }
                    self.apply(Arrived { change, item: reference, log_actor, user, counts: true }, dirty);
                }
                Err(error) => self.quarantine(reference, &error.to_string()),
            }
        }
        if delivery.counts {
            writes.push(Write::opened(self.ws, delivery.entry));
        }
        self.out.push(Output::Commit { batch: None, writes, own: Vec::new() });
    }

    pub(super) fn note_document(&mut self, document: DocumentId) {
        if document != self.tree.id() {
            self.documents.get_mut().note_edited(document);
        }
    }

    /// Applies a change, and after it those that have waited for it.
    fn apply(&mut self, arrived: Arrived, dirty: &mut Dirty) {
        let mut open = vec![Next::Arrived(arrived)];
        while let Some(next) = open.pop() {
            let arrived = match next {
                Next::Arrived(arrived) => Some(arrived),
                Next::Stored(item) => self.read_item(item),
            };
            let Some(arrived) = arrived else { continue };
            let (document, hash) = (arrived.item.document, arrived.change.hash());
            let applied = if document == self.tree.id() {
                self.apply_to_tree(&arrived, dirty)
            } else {
                self.apply_to_text(&arrived, dirty)
            };
            let left_over = self.wait_for_left_over();
            open.extend(left_over.into_iter().rev().map(Next::Stored));
            match applied {
                Ok(Outcome::Applied(begun)) => {
                    let mut released = self.waiting.take(Missing::Change(document, hash));
                    for text in begun {
                        released.append(&mut self.waiting.take(Missing::Document(text)));
                    }
                    // Each entry is read once.
                    released.sort_unstable();
                    open.extend(released.into_iter().rev().map(Next::Stored));
                }
                Ok(Outcome::Missing(missing)) => {
                    let vouched = self.vouch_for(arrived.item, &missing);
                    if !vouched.is_empty() {
                        // It cannot be read again: what was made here may not be stored yet.
                        open.push(Next::Arrived(arrived));
                    }
                    open.extend(vouched.into_iter().rev().map(Next::Stored));
                }
                Ok(Outcome::Done) => {}
                Err(reason) => self.quarantine(arrived.item, &reason),
            }
        }
    }

    /// Makes a change part of the tree; an error is for good.
    fn apply_to_tree(&mut self, arrived: &Arrived, dirty: &mut Dirty) -> Result<Outcome, String> {
        for (key, value) in arrived.change.register_writes() {
            weft_crdt::tree::check_register(key, value).map_err(|error| error.to_string())?;
        }
        match self.tree.apply(&arrived.change, &arrived.log_actor).map_err(|e| e.to_string())? {
            TreeApplied::Applied { changed_keys } => {
                let changed_keys = changed_keys.into_iter().collect();
                let begun = self.take_bases(&changed_keys);
                dirty.keys.extend(changed_keys);
                self.note_author(arrived);
                Ok(Outcome::Applied(begun))
            }
            TreeApplied::Known => {
                // It may have been made here too, under the same name, and others wait for it.
                self.note_author(arrived);
                Ok(Outcome::Applied(Vec::new()))
            }
            TreeApplied::Missing(missing) => Ok(Outcome::Missing(missing)),
        }
    }

    fn note_author(&mut self, arrived: &Arrived) {
        if let Some(user) = arrived.user {
            let carrier = Carrier { is_void: !arrived.counts, entry: arrived.item.entry.id, user };
            self.names_may_change |= self.authors.note(arrived.change.actor(), carrier);
        }
    }

    fn apply_to_text(&mut self, arrived: &Arrived, dirty: &mut Dirty) -> Result<Outcome, String> {
        let document = arrived.item.document;
        let (Some(base), Some(contents)) = (self.bases.get(&document), &self.contents) else {
            self.waiting.add(Missing::Document(document), arrived.item);
            return Ok(Outcome::Done);
        };
        let documents = self.documents.get_mut();
        let text = match documents.load(document, base, contents, &self.replica) {
            Ok(text) => text,
            Err(LoadError::BaseMissing) => {
                self.waiting.add(Missing::Document(document), arrived.item);
                self.fetches.want(document, base);
                return Ok(Outcome::Done);
            }
            Err(error) => return Err(error.to_string()),
        };
        match text.apply(&arrived.change, &arrived.log_actor).map_err(|e| e.to_string())? {
            Applied::Applied(patches) => {
                self.doubled.look(text, &arrived.change);
                dirty.texts.entry(document).or_default().extend(patches);
                Ok(Outcome::Applied(Vec::new()))
            }
            Applied::Known => {
                // The document was read from the store with this change in it.
                dirty.texts.entry(document).or_default();
                Ok(Outcome::Applied(Vec::new()))
            }
            Applied::Missing(missing) => Ok(Outcome::Missing(missing)),
        }
    }

    /// Lets changes wait that were found in the store while a document was loaded, and lack another one. Returns what is
    /// to be applied, in this order.
    fn wait_for_left_over(&mut self) -> Vec<ItemRef> {
        for (hash, item) in self.documents.get_mut().take_not_counting() {
            self.waiting.set_aside(hash, item);
        }
        let left_over = self.documents.get_mut().take_left_over();
        let mut next = Vec::new();
        for (item, missing) in left_over {
            let vouched = self.vouch_for(item, &[missing]);
            if !vouched.is_empty() {
                next.extend(vouched);
                next.push(item);
            }
        }
        next
    }

    /// Keeps a change that does not count, for the case that one that counts builds upon it.
    fn keep_void(&mut self, change: &Change, item: ItemRef, dirty: &mut Dirty) {
        let hash = change.hash();
        self.documents.get_mut().note_void(item.document);
        if item.document != self.tree.id() {
            dirty.texts.entry(item.document).or_default();
        }
        if self.waiting.is_awaited(&Missing::Change(item.document, hash)) {
            if let Some(arrived) = self.read_item(item) {
                self.apply(arrived, dirty);
            }
        } else {
            self.waiting.set_aside(hash, item);
        }
    }

    /// Lets an item wait for another change, unless that is here and does not count: then it counts because of this
    /// one. Returns what has to be applied, in this order, and then the item.
    fn vouch_for(&mut self, item: ItemRef, missing: &[ChangeHash]) -> Vec<ItemRef> {
        let document = item.document;
        let vouched: Vec<ItemRef> =
            missing.iter().filter_map(|hash| self.waiting.take_aside(document, *hash)).collect();
        if let (true, Some(hash)) = (vouched.is_empty(), missing.first()) {
            self.waiting.add(Missing::Change(document, *hash), item);
        }
        vouched
    }

    fn read_item(&self, item: ItemRef) -> Option<Arrived> {
        let Some(hash) = item.made else { return self.read_stored(item) };
        for unstored in self.unstored.of(item.document) {
            if let Unstored::Made(_, _, change, log) = unstored
                && change.hash() == hash
            {
                let user = Some(self.replica.user());
                return Some(Arrived { change, item, log_actor: actor_of(&log), user, counts: true });
            }
        }
        // It is stored by now.
        let rows = self.store.changes(self.ws, item.document, ChangeOrder::START).ok()?;
        let row = rows.into_iter().find(|row| row.hash == hash)?;
        self.read_stored(ItemRef { entry: row.entry, item: row.item, document: item.document, made: None })
    }

    fn read_stored(&self, item: ItemRef) -> Option<Arrived> {
        let at = item.entry;
        let (plain, counts) = self.read_entry(at)?;
        let change = Change::parse(&plain.items.get(usize::from(item.item))?.change).ok()?;
        let log_actor = actor_of(&at.log);
        Some(Arrived { change, item, log_actor, user: self.authors.of_log(&at.log), counts })
    }

    /// What a stored entry says, and whether it counts. The last one is kept: its items are often asked for one after the other.
    pub(super) fn read_entry(&self, at: EntryRef) -> Option<(Arc<DataPlain>, bool)> {
        let mut last = self.last_read.borrow_mut();
        if let Some((_, plain, counts)) = last.as_ref().filter(|(of, ..)| *of == at) {
            return Some((Arc::clone(plain), *counts));
        }
        let read = self.store.entries(self.ws, at.log, at.seq, at.seq, 1);
        let stored = read.ok()?.into_iter().find(|stored| stored.at == at)?;
        let entry = weft_sync::entry::Entry::decode(&stored.bytes).ok()?;
        let plain = Arc::new(self.replica.read_data(&entry)?);
        let counts = OpenData::counts(&self.replica, &entry);
        *last = Some((at, Arc::clone(&plain), counts));
        Some((plain, counts))
    }

    /// Applies a delivered item once more.
    pub(super) fn apply_again(&mut self, item: ItemRef, dirty: &mut Dirty) {
        if let Some(arrived) = self.read_item(item) {
            self.apply(arrived, dirty);
        }
    }

    /// Applies a change of our own once more.
    pub(super) fn apply_made(&mut self, document: DocumentId, change: Change, log: LogId, dirty: &mut Dirty) {
        let entry =
            weft_sync::ids::EntryRef { log, seq: 0, id: weft_sync::ids::EntryId::from_bytes([0xff; 32]) };
        let item = ItemRef { entry, item: 0, document, made: Some(change.hash()) };
        let user = Some(self.replica.user());
        self.apply(Arrived { change, item, log_actor: actor_of(&log), user, counts: true }, dirty);
    }

    /// Tries again what waited for documents.
    pub(super) fn release_documents(
        &mut self,
        documents: impl IntoIterator<Item = DocumentId>,
        dirty: &mut Dirty,
    ) {
        let mut items = Vec::new();
        for document in documents {
            items.append(&mut self.waiting.take(Missing::Document(document)));
        }
        // Each entry is read once.
        items.sort_unstable();
        for item in items {
            self.apply_again(item, dirty);
        }
    }

    fn quarantine(&mut self, item: ItemRef, reason: &str) {
        let refused = self.refused_changes.entry(item.entry).or_insert_with(|| Refused {
            first: item.item,
            count: 0,
            reason: reason.to_owned(),
        });
        refused.count += 1;
    }

    /// Remembers what was refused: one record for all changes of an entry, for somebody may send nothing else.
    fn keep_refused(&mut self) {
        let refused = std::mem::take(&mut self.refused_changes);
        if refused.is_empty() {
            return;
        }
        let space = Space::workspace(self.ws, Table::Quarantine);
        let record = |(entry, refused): (EntryRef, Refused)| {
            let Refused { first, count, reason } = refused;
            tracing::warn!(?entry, count, "changes are refused: {reason}");
            let key = [entry.id.as_bytes().as_slice(), &first.to_be_bytes()].concat();
            let value =
                [entry.log.as_bytes().as_slice(), &count.to_le_bytes()[..], reason.as_bytes()].concat();
            Write::Record { space, key, value: Some(value) }
        };
        let writes = refused.into_iter().map(record).collect();
        self.out.push(Output::Commit { batch: None, writes, own: Vec::new() });
    }

    /// Learns from the tree what text documents begin with: those that are somebody's content, and
    /// those that something else has replaced.
    pub(super) fn take_bases(&mut self, keys: &BTreeSet<String>) -> Vec<DocumentId> {
        let mut new = Vec::new();
        for key in keys {
            let Some(field) = RegisterKey::parse(key).map(|key| key.field) else { continue };
            for (_, value) in self.tree.values(key) {
                let Value::Bytes(bytes) = value else { continue };
                let begins = match field {
                    Field::Content => match ContentValue::decode(bytes) {
                        Ok(ContentValue::Text { document, base }) => Some((document, base)),
                        _ => None,
                    },
                    Field::Replaced(document) => Replaced::decode(bytes).ok().map(|r| (document, r.base)),
                    _ => None,
                };
                if let Some((document, base)) = begins
                    && !self.bases.contains_key(&document)
                {
                    self.bases.insert(document, base);
                    new.push(document);
                }
            }
        }
        new
    }

    /// Shows what was touched: in the folder, and to whoever listens.
    pub(super) fn settle(&mut self, mut dirty: Dirty) {
        for item in self.wait_for_left_over() {
            self.apply_again(item, &mut dirty);
        }
        self.keep_refused();
        if dirty.is_empty() {
            return;
        }
        let begun = self.take_bases(&dirty.keys);
        self.release_documents(begun, &mut dirty);
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
