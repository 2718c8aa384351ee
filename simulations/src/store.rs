//! A store in memory. What was committed survives a crash of its device.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_sync::epoch::Keyring;
use weft_sync::replica::{Load, LoadedEntry, StoredAck, StoredEntry, StoredLog, StoredOrder, StoredState};
use weft_sync::{Entry, EntryId, EntryRef, Kind, Lane, LogId};

/// The entries of one workspace on one device.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// In stored order.
    rows: Vec<Row>,
    places: BTreeMap<(LogId, u64), usize>,
    unopened: BTreeSet<EntryRef>,
    /// Reads and bytes read, for reports.
    pub loads: u64,
    /// See `loads`.
    pub loaded_bytes: u64,
}

#[derive(Clone, Debug)]
struct Row {
    at: EntryRef,
    kind: Kind,
    lane: Lane,
    bytes: Arc<[u8]>,
    /// Whether it is on another branch than the one that lives (of the data lane) or was here first (of the control
    /// lane).
    is_fork: bool,
}

impl MemoryStore {
    /// A store that holds the entry that founds a workspace.
    #[must_use]
    pub fn founded(genesis: &Entry) -> Self {
        let mut store = Self::default();
        store.put(Row {
            at: genesis.entry_ref(),
            kind: Kind::Genesis,
            lane: Lane::Control,
            bytes: genesis.encode().into(),
            is_fork: false,
        });
        store
    }

    fn put(&mut self, row: Row) {
        if row.is_fork {
            return self.rows.push(row);
        }
        let place = (row.at.log, row.at.seq);
        assert!(
            !self.places.contains_key(&place),
            "two entries with one number are to be stored: {:?}",
            row.at
        );
        let before = self.places.contains_key(&(row.at.log, row.at.seq - 1));
        assert!(
            row.at.seq == 1 || before,
            "an entry is to be stored without the one before it: {:?}",
            row.at
        );
        self.places.insert(place, self.rows.len());
        self.rows.push(row);
    }

    /// Stores a transaction.
    pub fn commit(&mut self, entries: &[StoredEntry]) {
        for entry in entries {
            self.put(Row {
                at: entry.at,
                kind: entry.kind,
                lane: entry.lane,
                bytes: Arc::clone(&entry.bytes),
                is_fork: entry.is_fork,
            });
            if !entry.opened {
                self.unopened.insert(entry.at);
            }
        }
    }

    /// Takes a log back to an earlier place.
    pub fn cut_back(&mut self, log: &LogId, to: u64) {
        for row in self.rows.iter_mut().filter(|row| row.at.log == *log && row.at.seq > to && !row.is_fork) {
            row.is_fork = true;
            self.places.remove(&(row.at.log, row.at.seq));
            self.unopened.remove(&row.at);
        }
    }

    /// Notes that what an entry says was taken in.
    pub fn mark_opened(&mut self, at: &EntryRef) {
        self.unopened.remove(at);
    }

    /// Notes that what an entry says was taken back.
    pub fn mark_unopened(&mut self, at: &EntryRef) {
        self.unopened.insert(*at);
    }

    /// Entries that were not taken in.
    #[must_use]
    pub fn unopened(&self) -> usize {
        self.unopened.len()
    }

    /// Answers a load.
    pub fn load(&mut self, load: &Load) -> Vec<LoadedEntry> {
        let ranges: BTreeMap<LogId, (u64, u64)> =
            load.ranges.iter().map(|range| (range.log, (range.from, range.to))).collect();
        let mut bytes = 0;
        let mut found = Vec::new();
        let after = usize::try_from(load.after.0).expect("an order that was given out");
        for (index, row) in self.rows.iter().enumerate().skip(after) {
            let wanted =
                ranges.get(&row.at.log).is_some_and(|(from, to)| (*from..=*to).contains(&row.at.seq));
            if !wanted || row.is_fork && !load.branches {
                continue;
            }
            if !found.is_empty() && bytes + row.bytes.len() > load.bytes_max {
                break;
            }
            bytes += row.bytes.len();
            found.push(LoadedEntry {
                order: StoredOrder(index as u64 + 1),
                log: row.at.log,
                seq: row.at.seq,
                bytes: Arc::clone(&row.bytes),
            });
        }
        self.loads += 1;
        self.loaded_bytes += bytes as u64;
        found
    }

    /// What a replica is opened from.
    #[must_use]
    pub fn state(&self, keyring: Keyring, acks: Vec<StoredAck>) -> StoredState {
        let needed = |row: &&Row| {
            row.lane == Lane::Control || matches!(row.kind, Kind::Open | Kind::Frontier) && !row.is_fork
        };
        let mut last: BTreeMap<LogId, &Row> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !row.is_fork) {
            last.insert(row.at.log, row);
        }
        last.remove(&LogId::ZERO);
        let logs = last.values().map(|row| StoredLog { last: row.at, is_closed: row.kind == Kind::Close });
        StoredState {
            entries: self.rows.iter().filter(needed).map(|row| Arc::clone(&row.bytes)).collect(),
            logs: logs.collect(),
            unopened: self.unopened.iter().copied().collect(),
            keyring,
            acks,
        }
    }

    /// The id of a stored entry.
    #[must_use]
    pub fn id_at(&self, log: &LogId, seq: u64) -> Option<EntryId> {
        self.places.get(&(*log, seq)).map(|index| self.rows[*index].at.id)
    }

    /// How far a log reaches.
    #[must_use]
    pub fn seq(&self, log: &LogId) -> u64 {
        self.places.range((*log, 0)..=(*log, u64::MAX)).next_back().map_or(0, |((_, seq), _)| *seq)
    }

    /// The bytes of every entry, in stored order.
    pub fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(|row| &*row.bytes)
    }

    /// The bytes of every entry that lives, in stored order: of the control lane all branches do.
    pub fn living(&self) -> impl Iterator<Item = &[u8]> {
        let living = self.rows.iter().filter(|row| row.lane == Lane::Control || !row.is_fork);
        living.map(|row| &*row.bytes)
    }

    /// How far every log reaches.
    #[must_use]
    pub fn vector(&self) -> BTreeMap<LogId, u64> {
        let mut vector = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !row.is_fork) {
            vector.insert(row.at.log, row.at.seq);
        }
        vector
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Goes back to what was stored first: as when an old backup is put in place.
    pub fn set_back(&mut self, entries: usize) {
        for row in self.rows.drain(entries..) {
            self.places.remove(&(row.at.log, row.at.seq));
            self.unopened.remove(&row.at);
        }
    }
}
