//! Reading stored entries: for sending, and for the changes they carry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_crdt::{Change, DocumentId};
use weft_store::{
    ChangeOrder, ChangeRow, EntryFilter, EntryMarks, ReadError, Space, Storage, StoredEntry, StoredOrder,
    Table, Write,
};
use weft_sync::data::DataPlain;
use weft_sync::entry::{Entry, Kind};
use weft_sync::epoch::Keyring;
use weft_sync::ids::{EntryRef, WorkspaceId};
use weft_sync::membership::Membership;
use weft_sync::replica::{Load, LoadedEntry, Replica, StoredLog, StoredState};
use zeroize::Zeroizing;

use super::people::People;
use super::waiting::ItemRef;

/// Bytes of entries that are read in one call.
const READ_BYTES: usize = 4 * 1024 * 1024;
const KEYRING_KEY: &[u8] = b"keyring";
/// Changes whose entries are read in one call.
const READ_CHANGES: usize = 512;

/// Opens the bodies of Data entries.
pub(crate) trait OpenData {
    /// What an entry says; `None` when its key is not here or it says nothing that can be used.
    fn open_data(&self, entry: &Entry) -> Option<DataPlain>;
    /// Whether what an entry says counts. On a device that was put out everything that it holds
    /// stays as it is, to read.
    fn counts(&self, entry: &Entry) -> bool;
    /// Names what decides on what counts: while this stays the same, nothing that counted stops
    /// counting.
    fn verdicts(&self) -> [u8; 32];
}

/// What opens the bodies of entries.
pub(crate) type Opener<'a> = &'a dyn OpenData;

impl OpenData for Replica {
    fn open_data(&self, entry: &Entry) -> Option<DataPlain> {
        People::read_data(self, entry)
    }

    fn counts(&self, entry: &Entry) -> bool {
        !self.may_hold_void()
            || self.own_class().is_none()
            || self.membership().is_some_and(|membership| membership.counts(entry))
    }

    fn verdicts(&self) -> [u8; 32] {
        let may_change = |members: &&Membership| members.has_removals() || members.has_forks();
        let Some(members) = self.membership().filter(may_change) else {
            return [0; 32];
        };
        let mut hasher = blake3::Hasher::new();
        for head in members.heads() {
            hasher.update(head.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// Reads what a replica begins with.
pub(crate) fn stored_state(store: &dyn Storage, ws: WorkspaceId) -> Result<StoredState, ReadError> {
    let mut state = StoredState::default();
    let mut control = BTreeSet::new();
    for log in store.logs(ws)? {
        let last = EntryRef { log: log.log, seq: log.last_seq, id: log.last_id };
        state.logs.push(StoredLog { last, is_closed: log.kinds.contains(Kind::Close) });
        if !log.kinds.contains(Kind::Data) && !log.kinds.contains(Kind::Frontier) {
            control.insert(log.log);
        }
    }
    let mut after = StoredOrder::START;
    loop {
        let read = store.entries_after(ws, after, EntryFilter::WithoutData, READ_BYTES)?;
        let Some(last) = read.last() else { break };
        after = last.order;
        let wanted = |entry: &&StoredEntry| {
            let is_needed = matches!(entry.kind, Kind::Genesis | Kind::Open | Kind::Frontier)
                || control.contains(&entry.at.log);
            // Of the control lane all branches count.
            is_needed && (control.contains(&entry.at.log) || !entry.marks.contains(EntryMarks::FORK))
        };
        state.entries.extend(read.iter().filter(wanted).map(|entry| Arc::from(&*entry.bytes)));
    }
    let keys = store.record(Space::workspace(ws, Table::EpochKey), KEYRING_KEY)?;
    let keyring = keys.map(Zeroizing::new).and_then(|keys| Keyring::from_secret_bytes(&keys).ok());
    state.keyring = keyring.unwrap_or_default();
    let mut after = StoredOrder::START;
    loop {
        let read = store.marked(ws, EntryMarks::UNOPENED, after, READ_CHANGES)?;
        let Some(last) = read.last() else { break };
        after = last.order;
        state.unopened.extend(read.iter().map(|place| place.at));
    }
    Ok(state)
}

/// The write that keeps the epoch keys.
pub(crate) fn keep_keys(ws: WorkspaceId, keyring: &Keyring) -> Write {
    Write::Record {
        space: Space::workspace(ws, Table::EpochKey),
        key: KEYRING_KEY.to_vec(),
        value: Some(keyring.to_secret_bytes().to_vec()),
    }
}

/// Answers a [`Load`]: the first entries of its ranges in stored order.
pub(crate) fn load(store: &dyn Storage, ws: WorkspaceId, load: &Load) -> Result<Vec<LoadedEntry>, ReadError> {
    let after = StoredOrder(load.after.0);
    let mut found = BTreeMap::new();
    // Beyond this order a log may have entries that were not read.
    let mut complete_to = StoredOrder(u64::MAX);
    for range in &load.ranges {
        let mut from = range.from;
        let mut bytes = 0;
        while from <= range.to && bytes < load.bytes_max {
            let read = store.entries(ws, range.log, from, range.to, load.bytes_max)?;
            let Some(last) = read.last() else { break };
            from = last.at.seq + 1;
            let is_meant = |entry: &StoredEntry| {
                entry.order > after && (load.branches || !entry.marks.contains(EntryMarks::FORK))
            };
            for entry in read.into_iter().filter(is_meant) {
                bytes += entry.bytes.len();
                found.insert(entry.order, (entry.at, entry.bytes));
            }
        }
        if bytes >= load.bytes_max
            && let Some((last, _)) = found.last_key_value()
        {
            complete_to = complete_to.min(*last);
        }
    }
    let mut bytes = 0;
    let mut entries = Vec::new();
    for (order, (at, entry)) in found {
        if order > complete_to || bytes >= load.bytes_max {
            break;
        }
        bytes += entry.len();
        entries.push(LoadedEntry {
            order: weft_sync::replica::StoredOrder(order.0),
            log: at.log,
            seq: at.seq,
            bytes: Arc::from(&*entry),
        });
    }
    Ok(entries)
}

/// One change of a document with the entry that carries it.
#[derive(Debug, Clone)]
pub(crate) struct CarriedChange {
    /// The change.
    pub(crate) change: Change,
    /// Its carrier.
    pub(crate) entry: EntryRef,
    /// Its place among the items of the carrier.
    pub(crate) item: u16,
    /// What the carrier says beside it.
    pub(crate) wall: weft_sync::ids::WallMillis,
    /// Why it was made.
    pub(crate) origin: weft_sync::data::Origin,
    /// Whether the carrier counts; else the change is part of the document because of one that builds upon it.
    pub(crate) counts: bool,
}

impl CarriedChange {
    /// The name of the item that carries it.
    pub(crate) fn item_of(&self, document: DocumentId) -> ItemRef {
        let made = (self.entry.seq == 0).then(|| self.change.hash());
        ItemRef { entry: self.entry, item: self.item, document, made }
    }
}

/// Calls `visit` for the indexed changes of a document that count, in the order in which they
/// came, and then for those that do not count and that changes that count build upon. Entries
/// that cannot be opened or read are left out.
pub(crate) fn for_each_change(
    store: &dyn Storage,
    ws: WorkspaceId,
    document: DocumentId,
    opener: Opener<'_>,
    visit: impl FnMut(CarriedChange),
) -> Result<(), ReadError> {
    let rows = store.changes(ws, document, ChangeOrder::START)?;
    for_each_of(store, ws, &rows, opener, visit).map(drop)
}

/// The same for some of the indexed changes of a document. Returns the rest of what does not count.
pub(crate) fn for_each_of(
    store: &dyn Storage,
    ws: WorkspaceId,
    rows: &[ChangeRow],
    opener: Opener<'_>,
    mut visit: impl FnMut(CarriedChange),
) -> Result<Vec<CarriedChange>, ReadError> {
    let mut void = Vec::new();
    for part in rows.chunks(READ_CHANGES) {
        read_part(store, ws, part, opener, &mut |carried, counts| {
            if counts { visit(carried) } else { void.push(carried) }
        })?;
    }
    if void.is_empty() {
        return Ok(void);
    }
    // Rare: somebody was put out. What they wrote stays where others have built upon it.
    let mut named = BTreeSet::new();
    for part in rows.chunks(READ_CHANGES) {
        read_part(store, ws, part, opener, &mut |carried, counts| {
            if counts {
                named.extend(carried.change.deps().iter().copied());
            }
        })?;
    }
    loop {
        let (vouched, rest): (Vec<_>, Vec<_>) =
            void.into_iter().partition(|carried: &CarriedChange| named.contains(&carried.change.hash()));
        if vouched.is_empty() {
            return Ok(rest);
        }
        for carried in vouched {
            named.extend(carried.change.deps().iter().copied());
            visit(carried);
        }
        void = rest;
    }
}

fn read_part(
    store: &dyn Storage,
    ws: WorkspaceId,
    rows: &[ChangeRow],
    opener: Opener<'_>,
    visit: &mut impl FnMut(CarriedChange, bool),
) -> Result<(), ReadError> {
    let mut orders: Vec<StoredOrder> = rows.iter().map(|row| row.order).collect();
    orders.sort_unstable();
    orders.dedup();
    let mut opened = BTreeMap::new();
    for stored in store.entries_at(ws, &orders)? {
        let Ok(entry) = Entry::decode(&stored.bytes) else { continue };
        if let Some(plain) = opener.open_data(&entry) {
            opened.insert(stored.order, (plain, opener.counts(&entry)));
        }
    }
    for row in rows {
        let Some((plain, counts)) = opened.get(&row.order) else { continue };
        let Some(item) = plain.items.get(usize::from(row.item)) else { continue };
        if let Ok(change) = Change::parse(&item.change) {
            let (wall, origin) = (plain.wall, plain.origin.clone());
            let (entry, item, counts) = (row.entry, row.item, *counts);
            visit(CarriedChange { change, entry, item, wall, origin, counts }, counts);
        }
    }
    Ok(())
}
