//! Whether stored entries are as they were signed: shape, hash of the body, signature, chain.
//!
//! Used for what a device keeps ([`super::keeping`]) and for the trail of a workspace's membership, on the device that has it
//! ([`super::auditing`]) or from a file, anywhere ([`check_trail`]).

use std::collections::{BTreeMap, BTreeSet};

use weft_sync::entry::{Entry, Kind, Open, Signer};
use weft_sync::ids::{EntryId, LogId, WorkspaceId};
use weft_sync::membership::Membership;

use super::{auditing, opening};
use crate::api::{ApiError, AuditRecord, AuditReport, AuditVerdict};

/// Findings that are told by name.
const DAMAGED_SHOWN: usize = 100;

fn short(log: &LogId) -> String {
    log.to_string().chars().take(10).collect()
}

/// What is known of a log so far.
struct Log {
    signer: Signer,
    /// The greatest place of which an entry was here.
    last: u64,
    /// Every entry, by its place: of a log that was continued twice both branches are kept, and each goes on by itself.
    here: BTreeSet<(u64, EntryId)>,
}

/// What a check has seen.
pub(super) struct Found {
    ws: WorkspaceId,
    logs: BTreeMap<LogId, Log>,
    /// How many entries were looked at.
    pub(super) entries: u64,
    /// How many bytes they have.
    pub(super) bytes: u64,
    /// How much is wrong.
    pub(super) damaged: u64,
    findings: Vec<String>,
}

impl Found {
    pub(super) fn new(ws: WorkspaceId) -> Self {
        Self { ws, logs: BTreeMap::new(), entries: 0, bytes: 0, damaged: 0, findings: Vec::new() }
    }

    /// Takes the next entry of the workspace, in stored order. Of another branch than the one that counts not everything
    /// may be here.
    pub(super) fn take(&mut self, bytes: &[u8], is_other_branch: bool) {
        self.entries += 1;
        self.bytes += bytes.len() as u64;
        if let Err(reason) = self.check(bytes, is_other_branch) {
            let number = self.entries;
            let place = Entry::decode(bytes).map_or_else(
                |_| format!("entry {number}"),
                |entry| format!("entry {} of log {}", entry.header.seq, short(&entry.header.log)),
            );
            self.damage(format!("{place}: {reason}"));
        }
    }

    /// How many logs there are.
    pub(super) fn logs(&self) -> u64 {
        self.logs.len() as u64
    }

    /// What is wrong, at most so much as is told by name.
    pub(super) fn findings(self) -> Vec<String> {
        self.findings
    }

    pub(super) fn damage(&mut self, finding: String) {
        self.damaged += 1;
        if self.findings.len() < DAMAGED_SHOWN {
            self.findings.push(finding);
        }
    }

    /// Checks the next entry: shape and body hash, who signed it, what it follows.
    fn check(&mut self, bytes: &[u8], is_other_branch: bool) -> Result<(), String> {
        let entry = Entry::decode(bytes).map_err(|error| opening::chain(&error))?;
        let header = &entry.header;
        if header.kind == Kind::Genesis {
            if entry.id() != self.ws.genesis() {
                return Err("it founds another workspace".into());
            }
            return Membership::found(&entry).map(drop).map_err(|error| opening::chain(&error));
        }
        if header.ws != self.ws {
            return Err("it belongs to another workspace".into());
        }
        if let std::collections::btree_map::Entry::Vacant(place) = self.logs.entry(header.log) {
            let signer = opener(&self.ws, &entry)?;
            place.insert(Log { signer, last: 0, here: BTreeSet::from([(0, EntryId::ZERO)]) });
        }
        let log = self.logs.get_mut(&header.log).ok_or("its log has no beginning")?;
        entry.verify(&log.signer.public_key()).map_err(|_| "its signature is wrong")?;
        let before = (header.seq.saturating_sub(1), header.prev);
        let follows = is_other_branch || log.here.contains(&before);
        let missing = log.last.saturating_add(1)..header.seq;
        // It is as it was signed: what comes behind it is looked at for itself.
        log.last = log.last.max(header.seq);
        log.here.insert((header.seq, entry.id()));
        match follows {
            true => Ok(()),
            false if missing.is_empty() => Err("it does not follow the entry before it".into()),
            false => {
                Err(format!("what is before it is missing (places {} to {})", missing.start, missing.end - 1))
            }
        }
    }
}

/// Who signs the log that an entry begins.
fn opener(ws: &WorkspaceId, entry: &Entry) -> Result<Signer, String> {
    if entry.header.kind != Kind::Open {
        return Err("its log has no beginning".into());
    }
    let open = entry.clear::<Open>().map_err(|error| opening::chain(&error))?;
    open.lane(ws, &entry.header.log).ok_or("it begins a log that is not of whoever it names")?;
    Ok(open.signer)
}

/// Checks the trail of a workspace's membership from what `weft audit --json --entries` gave, without the workspace: every
/// signature, chain and hash, and that what is told of each operation stands in its entry.
///
/// Names are not in what everybody can read, and whether an operation counts may depend on more than is in the trail; of both
/// this says nothing. Nor can anybody see from a trail that its last entries were left out.
///
/// # Errors
/// When there are no signed entries in it.
pub fn check_trail(trail: &AuditReport) -> Result<AuditReport, ApiError> {
    if trail.entries.is_empty() {
        return Err(ApiError::usage("there are no signed entries in this trail")
            .hint("`weft audit --json --entries` writes them"));
    }
    let decoded = trail.entries.iter().map(|told| {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(told.bytes.as_bytes()).unwrap_or_default();
        let entry = Entry::decode(&bytes).ok().filter(|entry| entry.id().to_string() == told.entry);
        (told, bytes, entry)
    });
    let decoded: Vec<_> = decoded.collect();
    let report = |checked, damaged| AuditReport {
        workspace: trail.workspace.clone(),
        name: trail.name.clone(),
        checked,
        damaged,
        records: trail.records.clone(),
        entries: Vec::new(),
    };
    let founded = decoded[0].2.as_ref().and_then(|entry| Membership::found(entry).ok());
    let Some(membership) = founded else {
        return Ok(report(1, vec!["entry 1: it founds no workspace".to_owned()]));
    };
    let ws = membership.workspace();
    let mut found = Found::new(ws);
    if ws.to_string() != trail.workspace {
        found.damage(format!("the entries are of workspace {ws}"));
    }
    for (told, bytes, entry) in &decoded {
        found.take(bytes, false);
        if entry.is_none() && Entry::decode(bytes).is_ok() {
            let id: String = told.entry.chars().take(64).collect();
            found.damage(format!("entry {}: its bytes are not those of {id}", found.entries));
        }
    }
    if found.damaged == 0 {
        let entries = decoded.iter().skip(1).filter_map(|(_, _, entry)| entry.as_ref());
        check_records(membership, entries, &trail.records, &mut found);
    }
    Ok(report(found.entries, found.findings()))
}

/// Compares what is told of each operation with the entries.
fn check_records<'a>(
    mut membership: Membership,
    entries: impl Iterator<Item = &'a Entry>,
    told: &[AuditRecord],
    found: &mut Found,
) {
    for entry in entries {
        if let Err(error) = membership.insert(entry) {
            return found.damage(format!("entry {}: {}", entry.id(), opening::chain(&error)));
        }
    }
    let is_plain = |record: &AuditRecord| AuditRecord {
        user_name: None,
        device_name: None,
        subject_name: None,
        verdict: AuditVerdict::Holds,
        ..record.clone()
    };
    // What founded the workspace says several things in one place.
    let by_place = |records: &[AuditRecord]| {
        let mut places: BTreeMap<(String, u16), Vec<AuditRecord>> = BTreeMap::new();
        for record in records {
            places.entry((record.entry.clone(), record.index)).or_default().push(is_plain(record));
        }
        places
    };
    let (signed, told) = (by_place(&auditing::without_names(membership.audit())), by_place(told));
    let places: BTreeSet<_> = signed.keys().chain(told.keys()).collect();
    for place in places {
        let what = match (signed.get(place), told.get(place)) {
            (Some(signed), Some(told)) if signed == told => continue,
            (Some(_), Some(_)) => "is told otherwise than it was signed",
            (Some(_), None) => "is not told",
            _ => "was not signed",
        };
        found.damage(format!("operation {} of entry {} {what}", place.1, place.0));
    }
}

#[cfg(test)]
mod tests;
