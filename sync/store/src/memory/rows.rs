//! The entries and changes of one workspace in memory.

use std::collections::BTreeMap;

use weft_crdt::{ChangeHash, DocumentId};
use weft_sync::{EntryId, EntryRef, Kind, LogId};

use crate::rows::{
    ChangeOrder, ChangeRow, DocumentSummary, EntryFilter, EntryMarks, EntryPlace, KindSet, LogSummary,
    StoredEntry, StoredOrder,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Workspace {
    entries: BTreeMap<StoredOrder, StoredEntry>,
    /// Every entry of `entries` by its place; of one place in the order of storing.
    places: BTreeMap<(LogId, u64, StoredOrder), EntryId>,
    orders: BTreeMap<EntryRef, StoredOrder>,
    logs: BTreeMap<LogId, LogSummary>,
    documents: BTreeMap<DocumentId, BTreeMap<(StoredOrder, u16), ChangeRow>>,
}

impl Workspace {
    pub(super) fn order_of(&self, at: EntryRef) -> Option<StoredOrder> {
        self.orders.get(&at).copied()
    }

    pub(super) fn last_seq(&self, log: LogId) -> u64 {
        self.logs.get(&log).map_or(0, |summary| summary.last_seq)
    }

    pub(super) fn insert(&mut self, entry: StoredEntry) {
        let summary = self.logs.entry(entry.at.log).or_insert(LogSummary {
            log: entry.at.log,
            last_seq: 0,
            last_id: EntryId::ZERO,
            kinds: KindSet::EMPTY,
            entries: 0,
            bytes: 0,
            forked: false,
            last_order: entry.order,
        });
        summary.entries += 1;
        summary.bytes += entry.bytes.len() as u64;
        summary.last_order = entry.order;
        if entry.marks.contains(EntryMarks::FORK) {
            summary.forked = true;
        } else {
            advance(summary, &entry);
        }
        let place = (entry.at.log, entry.at.seq, entry.order);
        self.places.insert(place, entry.at.id);
        self.orders.insert(entry.at, entry.order);
        self.entries.insert(entry.order, entry);
    }

    pub(super) fn marks_at(&self, order: StoredOrder) -> EntryMarks {
        self.entries.get(&order).map(|entry| entry.marks).unwrap_or_default()
    }

    /// Makes an entry of another branch the next of the one that counts.
    pub(super) fn continue_with(&mut self, older: StoredOrder, order: StoredOrder, marks: EntryMarks) {
        let Some(mut entry) = self.entries.remove(&older) else {
            return;
        };
        entry.order = order;
        entry.marks = entry.marks.without(EntryMarks::FORK).with(marks);
        if let Some(summary) = self.logs.get_mut(&entry.at.log) {
            summary.last_order = order;
            advance(summary, &entry);
        }
        self.places.remove(&(entry.at.log, entry.at.seq, older));
        self.places.insert((entry.at.log, entry.at.seq, order), entry.at.id);
        self.orders.insert(entry.at, order);
        self.entries.insert(order, entry);
    }

    /// Takes a log back to a place that it has.
    pub(super) fn cut_back(&mut self, log: LogId, to: u64) {
        let counting: Vec<StoredEntry> =
            self.of_log(log, 0, u64::MAX).filter(|entry| !entry.marks.contains(EntryMarks::FORK)).collect();
        let Some(summary) = self.logs.get_mut(&log) else {
            return;
        };
        summary.forked = true;
        summary.kinds = KindSet::EMPTY;
        for entry in counting {
            if entry.at.seq <= to {
                advance(summary, &entry);
                continue;
            }
            if let Some(cut) = self.entries.get_mut(&entry.order) {
                cut.marks = cut.marks.with(EntryMarks::FORK).without(EntryMarks::UNOPENED);
            }
            for changes in self.documents.values_mut() {
                changes.retain(|(order, _), _| *order != entry.order);
            }
        }
        self.documents.retain(|_, changes| !changes.is_empty());
    }

    pub(super) fn mark(&mut self, at: EntryRef, set: EntryMarks, clear: EntryMarks) {
        let order = self.orders.get(&at);
        if let Some(entry) = order.and_then(|order| self.entries.get_mut(order)) {
            entry.marks = entry.marks.without(clear).with(set);
        }
    }

    pub(super) fn index_change(
        &mut self,
        doc: DocumentId,
        entry: EntryRef,
        item: u16,
        hash: ChangeHash,
        next: ChangeOrder,
    ) -> ChangeOrder {
        let order = self.orders.get(&entry).copied().unwrap_or_default();
        if self.marks_at(order).contains(EntryMarks::FORK) {
            return ChangeOrder::START;
        }
        let row = ChangeRow { at: next, order, entry, item, hash };
        let changes = self.documents.entry(doc).or_default();
        changes.entry((order, item)).or_insert(row).at
    }

    pub(super) fn logs(&self) -> Vec<LogSummary> {
        let logs = self.logs.values();
        logs.filter(|summary| summary.log != LogId::ZERO).copied().collect()
    }

    pub(super) fn log(&self, log: LogId) -> Option<LogSummary> {
        self.logs.get(&log).copied()
    }

    pub(super) fn of_log(&self, log: LogId, from: u64, to: u64) -> impl Iterator<Item = StoredEntry> + '_ {
        let first = (log, from, StoredOrder::START);
        self.places
            .range(first..)
            .take_while(move |((of, seq, _), _)| *of == log && *seq <= to)
            .filter_map(|((_, _, order), _)| self.at(*order))
    }

    pub(super) fn after(
        &self,
        after: StoredOrder,
        filter: EntryFilter,
    ) -> impl Iterator<Item = StoredEntry> + '_ {
        self.entries
            .range(StoredOrder(after.0.saturating_add(1))..)
            .map(|(_, entry)| entry)
            .filter(move |entry| match filter {
                EntryFilter::All => true,
                EntryFilter::WithoutData => entry.kind != Kind::Data,
                EntryFilter::DataOnly => entry.kind == Kind::Data,
            })
            .cloned()
    }

    pub(super) fn at(&self, order: StoredOrder) -> Option<StoredEntry> {
        self.entries.get(&order).cloned()
    }

    pub(super) fn marked(
        &self,
        marks: EntryMarks,
        after: StoredOrder,
    ) -> impl Iterator<Item = EntryPlace> + '_ {
        self.entries
            .range(StoredOrder(after.0.saturating_add(1))..)
            .map(|(_, entry)| entry)
            .filter(move |entry| entry.marks != EntryMarks::NONE && entry.marks.contains(marks))
            .map(|entry| EntryPlace {
                order: entry.order,
                at: entry.at,
                kind: entry.kind,
                marks: entry.marks,
            })
    }

    pub(super) fn documents(&self) -> Vec<DocumentSummary> {
        let summary = |(doc, changes): (&DocumentId, &BTreeMap<_, ChangeRow>)| DocumentSummary {
            doc: *doc,
            changes: changes.len() as u64,
            last: changes.values().map(|row| row.at).max().unwrap_or_default(),
        };
        self.documents.iter().map(summary).collect()
    }

    pub(super) fn changes(&self, doc: DocumentId, after: ChangeOrder) -> Vec<ChangeRow> {
        let rows = self.documents.get(&doc).into_iter().flat_map(BTreeMap::values);
        let mut rows: Vec<_> = rows.filter(|row| row.at > after).copied().collect();
        rows.sort_by_key(|row| row.at);
        rows
    }
}

/// An entry continues the branch that counts.
fn advance(summary: &mut LogSummary, entry: &StoredEntry) {
    summary.kinds.insert(entry.kind);
    summary.last_seq = entry.at.seq;
    summary.last_id = entry.at.id;
}
