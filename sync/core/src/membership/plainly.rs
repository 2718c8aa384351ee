//! Real, signed entries against the plain rules: what they know of is read from their headers and bodies alone.

use std::collections::{BTreeMap, BTreeSet};

use super::histories::{History, named, write};
use super::model::Model;
use super::operations::{Author, Claim, Operation};
use super::tests::turmoil;
use super::*;

type Known = BTreeSet<EntryId>;

/// What entries know of, as `docs/membership.md` says under "Pasts".
struct Pasts<'a> {
    entries: BTreeMap<EntryId, &'a Entry>,
    found: BTreeMap<EntryId, Known>,
}

impl<'a> Pasts<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let entries = entries.iter().map(|entry| (entry.id(), entry)).collect();
        Self { entries, found: BTreeMap::new() }
    }

    fn open_of(&self, entry: &Entry) -> EntryId {
        let same_log = |other: &&&Entry| other.header.log == entry.header.log && other.header.seq == 1;
        self.entries.values().find(same_log).expect("a log that was begun").id()
    }

    fn is_in_data_log(&self, entry: &Entry) -> bool {
        let Some(open) = self.entries.get(&self.open_of(entry)) else { return false };
        let Ok(open) = open.clear::<Open>() else { return false };
        open.lane(&entry.header.ws, &entry.header.log) == Some(Lane::Data)
    }

    fn past(&mut self, id: &EntryId) -> Known {
        if let Some(found) = self.found.get(id) {
            return found.clone();
        }
        let entry = self.entries[id];
        let mut past = Known::new();
        if entry.header.kind != Kind::Open && self.is_in_data_log(entry) {
            // The heads that it names itself, and all of its log before it, but not what those name.
            for head in &entry.header.acl_heads {
                past.extend(self.with_past(head));
            }
            past.extend(self.of_log_up_to(entry));
            past.remove(id);
        } else {
            for other in self.names(entry) {
                past.extend(self.with_past(&other));
            }
        }
        self.found.insert(*id, past.clone());
        past
    }

    fn with_past(&mut self, id: &EntryId) -> Known {
        let Some(entry) = self.entries.get(id).copied() else { return Known::new() };
        if entry.header.kind != Kind::Open && *id != EntryId::ZERO && self.entries.len() > 1 {
            let is_genesis = entry.header.kind == Kind::Genesis;
            if !is_genesis && self.is_in_data_log(entry) {
                return self.of_log_up_to(entry);
            }
        }
        let mut known = self.past(id);
        known.insert(*id);
        known
    }

    /// The entries of a data log up to this one, and what its beginning knew.
    fn of_log_up_to(&mut self, entry: &Entry) -> Known {
        let open = self.open_of(entry);
        let mut known = self.past(&open);
        let before = self
            .entries
            .values()
            .filter(|other| other.header.log == entry.header.log && other.header.seq <= entry.header.seq);
        known.extend(before.map(|other| other.id()));
        known
    }

    fn names(&self, entry: &Entry) -> Known {
        let mut names: Known = entry.header.acl_heads.iter().copied().collect();
        if entry.header.seq > 1 {
            names.insert(entry.header.prev);
        }
        if let (Kind::Open, Ok(open)) = (entry.header.kind, entry.clear::<Open>()) {
            names.extend(open.prev_logs.iter().map(|earlier| earlier.id));
        }
        if let (Kind::Acl, Ok(acl)) = (entry.header.kind, entry.clear::<Acl>()) {
            for operation in acl.operations {
                if let AclOperation::RmDev { seen, .. } | AclOperation::Revoke { seen, .. } = operation {
                    names.extend(seen.iter().map(|seen| seen.id));
                }
            }
        }
        names
    }
}

/// Names of other operations become lines.
fn by_line(claim: &Claim, line_of: &dyn Fn(&OpRef) -> u32) -> Claim {
    let to = |via: &OpRef| named(line_of(via));
    match claim.clone() {
        Claim::Grant { user, class, via } => Claim::Grant { user, class, via: to(&via) },
        Claim::Revoke { user, via } => Claim::Revoke { user, via: to(&via) },
        Claim::SetPolicy { key, via } => Claim::SetPolicy { key, via: to(&via) },
        Claim::Certificate(mut link) => {
            link.companions = link.companions.iter().map(to).collect();
            Claim::Certificate(link)
        }
        other => other,
    }
}

/// All operations, and behind them all Data entries, with the pasts that the entries themselves tell.
fn plain(membership: &Membership, entries: &[Entry]) -> (History, BTreeMap<u32, EntryId>) {
    let state = &membership.state;
    let line_of = |via: &OpRef| state.named.get(via).copied().unwrap_or(u32::MAX);
    let mut history = History::default();
    let mut entry_of: Vec<EntryId> = Vec::new();
    for (operation, name) in state.operations.iter().zip(&state.names) {
        let claim = by_line(&operation.claim, &line_of);
        history.push(operation.author, claim, []);
        entry_of.push(name.entry);
    }
    let mut data = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.header.kind == Kind::Data) {
        let signer = membership.signer_of(&entry.header.log).unwrap();
        let line = history.push(Author::of(&signer), write(), []);
        data.insert(line, entry.id());
        entry_of.push(entry.id());
    }
    let mut pasts = Pasts::new(entries);
    for (at, id) in entry_of.iter().enumerate() {
        let known = pasts.past(id);
        let before = entry_of
            .iter()
            .enumerate()
            .filter(|(other, theirs)| known.contains(*theirs) || *theirs == id && *other < at);
        history.pasts[at] = before.map(|(line, _)| u32::try_from(line).unwrap()).collect();
    }
    (history, data)
}

/// The lines that an entry's heads know of.
fn closure(
    history: &History,
    pasts: &mut Pasts<'_>,
    entry_of: &[EntryId],
    heads: &[EntryId],
) -> BTreeSet<u32> {
    let known: Known = heads.iter().flat_map(|head| pasts.with_past(head)).collect();
    let lines = entry_of.iter().enumerate().filter(|(_, id)| known.contains(*id));
    let lines: BTreeSet<u32> = lines.map(|(line, _)| u32::try_from(line).unwrap()).collect();
    assert!(lines.iter().all(|line| history.pasts[*line as usize].is_subset(&lines)));
    lines
}

#[test]
fn real_entries_mean_what_the_plain_rules_say() {
    let (mut writes, mut void) = (0, 0);
    for seed in super::properties::seeds(25) {
        let shared = turmoil(seed);
        let (membership, entries) = (&shared.membership, &shared.entries);
        let (history, data) = plain(membership, entries);
        let answers = Model::new(&history, None).answers();
        let people = membership.people().into_iter().map(|(user, class)| (user, class.number())).collect();
        assert_eq!(answers.roles, people, "SEED={seed}");
        let live = membership.live_devices().into_iter().map(|live| live.device).collect();
        assert_eq!(answers.live, live, "SEED={seed}");
        let usable = membership.usable_epochs().into_iter().map(|state| state.epoch).collect();
        assert_eq!(answers.usable, usable, "SEED={seed}");
        let mut pasts = Pasts::new(entries);
        let entry_of: Vec<EntryId> =
            membership.state.names.iter().map(|name| name.entry).chain(data.values().copied()).collect();
        for (line, id) in &data {
            let entry = entries.iter().find(|entry| entry.id() == *id).unwrap();
            let lines = closure(&history, &mut pasts, &entry_of, &entry.header.acl_heads);
            let at_heads = Model::new(&history, Some(&lines)).usable();
            let counts = answers.writes.contains(line)
                && entry.header.epoch.is_some_and(|epoch| at_heads.contains(&epoch));
            assert_eq!(membership.counts(entry), counts, "SEED={seed}: {:?}", entry.entry_ref());
            writes += usize::from(counts);
            void += usize::from(!counts);
        }
    }
    println!("{writes} writes count, {void} do not");
    assert!(writes + void < 10 || writes > 0 && void > 0);
}

/// The same operations with another past: the comparison notices.
#[test]
fn a_past_that_is_not_told_is_noticed() {
    let differs = |seed: u64| {
        let shared = turmoil(seed);
        let (mut history, _) = plain(&shared.membership, &shared.entries);
        let before = Model::new(&history, None).answers();
        let revoke = |operation: &&Operation| matches!(operation.claim, Claim::Revoke { .. });
        let Some(line) = history.operations.iter().find(revoke).map(|operation| operation.place.line) else {
            return false;
        };
        for past in &mut history.pasts {
            past.remove(&line);
        }
        Model::new(&history, None).answers() != before
    };
    assert!((0..25).any(differs));
}
