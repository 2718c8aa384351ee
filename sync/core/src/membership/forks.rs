//! Logs that were continued twice: which proofs of it are here, and which branch of a data log lives.
//!
//! A proof is evidence by itself: two headers with one place and one predecessor, both signed by the log's signer.
//! It is a vote besides: `a` is the branch that its author held when the other one turned up. The branch that most
//! people voted for lives, so that one that somebody makes up years later changes nothing for those who hold the log.
//! The answer is a function of the proofs that are here, and of who may say something: the same for everybody.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::acl::{OpRef, SignedHeader};
use crate::entry::{signing_bytes, verify_signature};
use crate::ids::{DeviceId, EntryId, LogId, UserId, WorkspaceId};
use crate::limits::FORKS_PER_LOG_MAX;

use super::audit::{AuditAction, AuditRecord, Verdict};
use super::Membership;
use super::history::{At, Place};
use super::operations::Author;

/// A place at which a log was continued twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkVerdict {
    /// The number of the entries.
    pub seq: u64,
    /// The one that lives with what follows it; none when nothing of the log lives from here on.
    pub winner: Option<EntryId>,
}

/// A proof as it stands in an entry.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    name: OpRef,
    place: Place,
    author: Author,
    seq: u64,
    a: SignedHeader,
    b: SignedHeader,
}

/// All proofs, by log.
#[derive(Debug, Default)]
pub(super) struct Forks {
    proofs: BTreeMap<LogId, Vec<Proof>>,
    /// Whether both signatures of a proof are right, once its log is here and says whose they are.
    checked: RefCell<BTreeMap<(LogId, usize), bool>>,
}

/// Whether two headers show that one log was continued twice, if their signatures are right.
fn is_fork(ws: &WorkspaceId, log: &LogId, seq: u64, a: &SignedHeader, b: &SignedHeader) -> bool {
    let is_there = |signed: &SignedHeader| {
        let header = &signed.header;
        header.ws == *ws && header.log == *log && header.seq == seq
    };
    is_there(a) && is_there(b) && a.header.prev == b.header.prev && a.header.entry_id() != b.header.entry_id()
}

impl Forks {
    /// Takes an operation that claims a fork; one that shows none says nothing.
    pub(super) fn add(
        &mut self,
        ws: &WorkspaceId,
        (name, place, author): (OpRef, Place, Author),
        log: LogId,
        seq: u64,
        (a, b): (SignedHeader, SignedHeader),
    ) {
        if is_fork(ws, &log, seq, &a, &b) {
            self.proofs.entry(log).or_default().push(Proof { name, place, author, seq, a, b });
        }
    }
}

/// Who has voted for one branch.
#[derive(Debug, Default)]
struct Votes {
    /// The highest class among them.
    class: u8,
    people: BTreeSet<UserId>,
    /// Other devices of the log's own person: they are asked when nobody else has voted.
    siblings: BTreeSet<DeviceId>,
}

impl Membership {
    /// Whether any log is known to have been continued twice.
    #[must_use]
    pub fn has_forks(&self) -> bool {
        self.state.forks.proofs.keys().any(|log| self.is_forked(log))
    }

    /// The logs that were continued twice, of both lanes.
    pub fn forked_logs(&self) -> impl Iterator<Item = LogId> + use<'_> {
        self.state.forks.proofs.keys().copied().filter(|log| self.is_forked(log))
    }

    /// Whether a log is known to have been continued twice.
    #[must_use]
    pub fn is_forked(&self, log: &LogId) -> bool {
        self.right_proofs(log).next().is_some()
    }

    /// The proofs of a log of which both signatures are right. None while the log itself is not here.
    fn right_proofs(&self, log: &LogId) -> impl Iterator<Item = &Proof> {
        let forks = &self.state.forks;
        let signer = self.signer_of(log);
        let proofs = forks.proofs.get(log).map_or(&[][..], Vec::as_slice).iter().enumerate();
        let log = *log;
        proofs.filter_map(move |(at, proof)| {
            let key = signer?.public_key();
            let is_right = *forks.checked.borrow_mut().entry((log, at)).or_insert_with(|| {
                [&proof.a, &proof.b].into_iter().all(|signed| {
                    let message = signing_bytes(&signed.header.entry_id());
                    verify_signature(&key, &message, &signed.signature).is_ok()
                })
            });
            is_right.then_some(proof)
        })
    }

    /// Which branches of a data log live, ascending by place. What branches off a branch that does not live is left out
    /// by whoever goes through them in order: it is no part of the log.
    #[must_use]
    pub fn fork_verdicts(&self, log: &LogId) -> Vec<ForkVerdict> {
        let Some(signer) = self.signer_of(log) else { return Vec::new() };
        let mut places: BTreeMap<u64, BTreeMap<EntryId, Votes>> = BTreeMap::new();
        for proof in self.right_proofs(log) {
            let branches = places.entry(proof.seq).or_default();
            branches.entry(proof.b.header.entry_id()).or_default();
            let votes = branches.entry(proof.a.header.entry_id()).or_default();
            let class = self.class_at(proof);
            if class == 0 {
                continue;
            }
            if proof.author.user != signer.user() {
                votes.people.insert(proof.author.user);
                votes.class = votes.class.max(class);
            } else if let Some(device) = proof.author.device.filter(|device| Some(*device) != signer.device()) {
                votes.siblings.insert(device);
            }
        }
        let mut verdicts = Vec::new();
        for (seq, branches) in places {
            // Nobody needs more than one chance; and without its first entry nothing follows.
            if seq == 1 || verdicts.len() == FORKS_PER_LOG_MAX {
                verdicts.push(ForkVerdict { seq: seq.max(2), winner: None });
                break;
            }
            let is_silent = branches.values().all(|votes| votes.people.is_empty());
            let weight = |votes: &Votes| {
                (votes.class, votes.people.len(), if is_silent { votes.siblings.len() } else { 0 })
            };
            let winner = branches.iter().max_by_key(|(id, votes)| (weight(votes), Reverse(**id)));
            verdicts.push(ForkVerdict { seq, winner: winner.map(|(id, _)| *id) });
        }
        verdicts
    }

    /// The highest class that lets the author of a proof say something there; zero when none does.
    fn class_at(&self, proof: &Proof) -> u8 {
        let at = At { place: Place::entry(proof.place.line, proof.place.seq), past: None };
        self.ask(|fold| (1..=5).rev().find(|class| fold.counts(proof.author, at, *class)).unwrap_or(0))
    }

    /// The proofs as they stand in the audit: true whoever shows them.
    pub(super) fn shown_forks(&self) -> Vec<AuditRecord> {
        let mut records = Vec::new();
        for log in self.state.forks.proofs.keys() {
            let Some(signer) = self.signer_of(log) else { continue };
            records.extend(self.right_proofs(log).map(|proof| AuditRecord {
                entry: proof.name.entry,
                index: proof.name.index,
                user: proof.author.user,
                device: proof.author.device,
                action: AuditAction::ShowFork { user: signer.user(), device: signer.device() },
                verdict: Verdict::Holds,
            }));
        }
        records
    }

    /// Whether this device has said which branch it held at a place.
    #[must_use]
    pub fn has_voted(&self, log: &LogId, seq: u64, device: &DeviceId) -> bool {
        self.right_proofs(log).any(|proof| proof.seq == seq && proof.author.device == Some(*device))
    }

    /// Of a place at which a log was continued twice an entry other than this one, as evidence.
    #[must_use]
    pub fn other_branch(&self, log: &LogId, seq: u64, than: &EntryId) -> Option<&SignedHeader> {
        let mut headers =
            self.right_proofs(log).filter(|proof| proof.seq == seq).flat_map(|proof| [&proof.a, &proof.b]);
        headers.find(|signed| signed.header.entry_id() != *than)
    }

    /// Whether an entry of a data log is on a branch that does not live, as far as its own place tells.
    #[must_use]
    pub fn is_on_dead_branch(&self, log: &LogId, seq: u64, id: &EntryId) -> bool {
        self.state.forks.proofs.contains_key(log)
            && self.fork_verdicts(log).iter().any(|verdict| match verdict.winner {
                Some(winner) => verdict.seq == seq && winner != *id,
                None => seq >= verdict.seq,
            })
    }
}
