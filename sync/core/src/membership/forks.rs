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
use crate::entry::{Lane, signing_bytes, verify_signature};
use crate::ids::{DeviceId, EntryId, LogId, UserId, WorkspaceId};
use crate::limits::FORKS_PER_LOG_MAX;

use super::Membership;
use super::audit::{AuditAction, AuditRecord, Verdict};
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
            } else if let Some(device) = proof.author.device.filter(|device| Some(*device) != signer.device())
            {
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

    /// The first place at which a data log was continued twice.
    pub(super) fn first_fork(&self, log: &LogId) -> Option<u64> {
        let line = self.state.history.lines_of(log).first()?;
        let is_data = self.state.history.line(*line).lane == Some(Lane::Data);
        self.right_proofs(log).filter(|_| is_data).map(|proof| proof.seq.max(2)).min()
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{Hand, Person, Shared};
    use super::*;
    use crate::acl::{AclOperation, Class};
    use crate::entry::{ClearBody as _, Entry, Frontier};
    use crate::ids::EntryRef;

    fn signed(entry: &Entry) -> SignedHeader {
        SignedHeader { header: entry.header.clone(), signature: entry.signature }
    }

    fn proof(ours: &Entry, theirs: &Entry) -> Vec<AclOperation> {
        let (log, seq) = (ours.header.log, ours.header.seq);
        vec![AclOperation::ForkProof { log, seq, a: signed(ours), b: signed(theirs) }]
    }

    /// Another entry in the place of one: nobody has taken it yet.
    fn in_place_of(entry: &Entry, by: &Person, what: u8) -> Entry {
        let log = EntryRef { log: LogId::from_bytes([what; 32]), seq: 1, id: EntryId::ZERO };
        let body = Frontier { positions: vec![log] }.encode_body();
        Entry::sign(entry.header.clone(), body, by.keys.signing_key()).unwrap()
    }

    struct Team {
        shared: Shared,
        ben: Person,
        cleo: Person,
        dan: Person,
        /// Entries of a data log of ben's, and another one in the place of each.
        told: Vec<(Entry, Entry)>,
    }

    impl Team {
        fn new(entries: usize) -> Self {
            let mut shared = Shared::found("ana", 1);
            let [ben, cleo, dan] =
                [("ben", 2), ("cleo", 3), ("dan", 4)].map(|(name, seed)| Person::new(name, seed));
            for person in [&ben, &cleo, &dan] {
                shared.admit(person, Class::Editor);
            }
            let told = (0..entries).map(|_| {
                let id = shared.write(&ben.by_device(), &Frontier { positions: Vec::new() });
                let one = shared.entries.iter().find(|entry| entry.id() == id).unwrap().clone();
                let other = in_place_of(&one, &ben, 7);
                (one, other)
            });
            let told = told.collect();
            Self { shared, ben, cleo, dan, told }
        }

        fn votes(&mut self, hand: &Hand, ours: &Entry, theirs: &Entry) {
            self.shared.acl(hand, proof(ours, theirs));
        }

        fn winner(&self) -> Option<EntryId> {
            let verdicts = self.shared.membership.fork_verdicts(&self.told[0].0.header.log);
            assert_eq!(verdicts.len(), 1);
            verdicts[0].winner
        }
    }

    #[test]
    fn most_people_of_the_highest_class_say_which_branch_lives() {
        let mut team = Team::new(1);
        let (one, other) = team.told[0].clone();
        let log = one.header.log;
        assert!(!team.shared.membership.is_forked(&log));
        let (cleo, dan, ana) = (team.cleo.by_device(), team.dan.by_device(), team.shared.founder.by_device());
        team.votes(&cleo, &other, &one);
        assert!(team.shared.membership.is_forked(&log));
        assert_eq!(team.winner(), Some(other.id()));
        assert!(team.shared.membership.is_on_dead_branch(&log, one.header.seq, &one.id()));
        assert!(
            !team.shared.membership.is_on_dead_branch(&log, one.header.seq + 1, &one.id()),
            "not by its own place"
        );
        team.votes(&dan, &one, &other);
        assert_eq!(team.winner(), Some(one.id().min(other.id())), "one each: the least id");
        // The author of the log says what it likes.
        let ben = team.ben.by_device();
        for (ours, theirs) in [(&one, &other), (&other, &one)] {
            team.votes(&ben, ours, theirs);
        }
        assert_eq!(team.winner(), Some(one.id().min(other.id())));
        team.votes(&ana, &other, &one);
        assert_eq!(team.winner(), Some(other.id()), "the owner");
        let device = team.cleo.keys.device_id();
        assert!(team.shared.membership.has_voted(&log, one.header.seq, &device));
        assert!(!team.shared.membership.has_voted(&log, one.header.seq + 1, &device));
        let found = team.shared.membership.other_branch(&log, one.header.seq, &one.id()).unwrap();
        assert_eq!(found.header.entry_id(), other.id());
    }

    #[test]
    fn where_nobody_else_has_voted_the_persons_other_devices_are_asked() {
        let mut team = Team::new(1);
        let (one, other) = team.told[0].clone();
        let (least, greatest) = if one.id() < other.id() { (&one, &other) } else { (&other, &one) };
        let ben = team.ben.by_device();
        team.votes(&ben, greatest, least);
        assert_eq!(team.winner(), Some(least.id()), "the device itself has no vote");
        let sister = team.ben.second(77);
        let (label, user) = (None, team.ben.keys.user());
        let link = AclOperation::AddDev { user, label, chain: sister.chain.chain().clone() };
        team.shared.acl(&ben, vec![link]);
        team.votes(&sister.by_device(), greatest, least);
        assert_eq!(team.winner(), Some(greatest.id()));
        let cleo = team.cleo.by_device();
        team.votes(&cleo, least, greatest);
        assert_eq!(team.winner(), Some(least.id()), "others come first");
    }

    #[test]
    fn what_is_no_proof_proves_nothing() {
        let mut team = Team::new(2);
        let (one, other) = team.told[0].clone();
        let (log, seq) = (one.header.log, one.header.seq);
        let cleo = team.cleo.by_device();
        let strange = in_place_of(&one, &team.dan, 7);
        let (next, _) = team.told[1].clone();
        let with =
            |log, seq, a: &Entry, b: &Entry| AclOperation::ForkProof { log, seq, a: signed(a), b: signed(b) };
        let mut moved = other.clone();
        moved.header.prev = EntryId::from_bytes([8; 32]);
        let wrong = [
            with(log, seq, &one, &one),
            with(log, seq, &one, &strange),
            with(log, seq, &one, &next),
            with(log, seq + 1, &one, &other),
            with(LogId::from_bytes([6; 32]), seq, &one, &other),
            with(log, seq, &one, &moved),
        ];
        for operation in wrong {
            team.shared.acl(&cleo, vec![operation.clone()]);
            assert!(!team.shared.membership.has_forks(), "{operation:?}");
        }
        team.votes(&cleo, &one, &other);
        assert_eq!(team.shared.membership.forked_logs().collect::<Vec<_>>(), [log]);
    }

    /// Evidence is evidence, whoever shows it; but only who is in has a vote.
    #[test]
    fn who_was_put_out_before_has_no_vote() {
        let mut team = Team::new(1);
        let (one, other) = team.told[0].clone();
        let (least, greatest) = if one.id() < other.id() { (&one, &other) } else { (&other, &one) };
        let ana = team.shared.founder.keys.user();
        let out =
            crate::workspace::remove_user(&team.shared.membership, &ana, &team.cleo.keys.user()).unwrap();
        team.shared.write_as_founder(out);
        let cleo = team.cleo.by_device();
        team.votes(&cleo, greatest, least);
        assert!(team.shared.membership.is_forked(&one.header.log));
        assert_eq!(team.winner(), Some(least.id()));
    }

    #[test]
    fn a_log_has_so_many_chances() {
        for places in [FORKS_PER_LOG_MAX, FORKS_PER_LOG_MAX + 1] {
            let mut team = Team::new(places);
            let cleo = team.cleo.by_device();
            for (one, other) in team.told.clone() {
                team.votes(&cleo, &one, &other);
            }
            let log = team.told[0].0.header.log;
            let verdicts = team.shared.membership.fork_verdicts(&log);
            let winners: Vec<_> = team.told.iter().map(|(one, _)| Some(one.id())).collect();
            let found: Vec<_> = verdicts.iter().map(|verdict| verdict.winner).collect();
            assert_eq!(found[..FORKS_PER_LOG_MAX], winners[..FORKS_PER_LOG_MAX]);
            let last = &team.told[places - 1].0;
            let is_over = places > FORKS_PER_LOG_MAX;
            assert_eq!(team.shared.membership.is_on_dead_branch(&log, last.header.seq, &last.id()), is_over);
            assert_eq!(
                team.shared.membership.is_on_dead_branch(&log, last.header.seq + 9, &last.id()),
                is_over
            );
        }
    }

    /// The same verdicts, whatever came first.
    #[test]
    fn the_order_is_of_no_matter() {
        let mut team = Team::new(2);
        let hands = [team.cleo.by_device(), team.dan.by_device(), team.shared.founder.by_device()];
        for (number, hand) in hands.iter().enumerate() {
            for (one, other) in team.told.clone() {
                let swapped = (number + usize::from(one.id() < other.id())) % 2 == 0;
                if swapped { team.votes(hand, &other, &one) } else { team.votes(hand, &one, &other) }
            }
        }
        let log = team.told[0].0.header.log;
        let expected = team.shared.membership.fork_verdicts(&log);
        assert_eq!(expected.len(), 2);
        let count = team.shared.entries.len();
        for turn in 0..count {
            let order: Vec<usize> = (1..count).map(|at| 1 + (at * 7 + turn) % (count - 1)).collect();
            let distinct: BTreeSet<usize> = order.iter().copied().collect();
            if distinct.len() == count - 1 {
                assert_eq!(team.shared.in_order(&order).fork_verdicts(&log), expected);
            }
        }
    }
}
