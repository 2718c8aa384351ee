//! Logs that were continued twice: by a copy of a device, or by somebody who tells two tales.
//!
//! Of the control lane all branches are kept and relayed, and what they say counts on its own merit. Of the data lane
//! one branch lives; membership says which ([`Membership::fork_verdicts`](crate::membership::Membership::fork_verdicts)).
//! A device that holds another one says so once, which is a vote for it, and unless that changes the verdict it takes the
//! log back to where the branches parted ([`Effect::CutBack`]) and fetches the branch that lives. What was typed on the
//! other one is written again by the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::effect::{CutBack, Effect, Fork, Load};
use super::input::{ChannelId, LoadedEntry, RequestId, StoredOrder};
use super::pending::Received;
use super::serve::FrameBuilder;
use super::write::OwnWork;
use super::{LoadPurpose, Replica};
use crate::acl::{Acl, AclOperation, SignedHeader};
use crate::entry::{Entry, Lane};
use crate::frames::{ByeCode, Range};
use crate::ids::{EntryRef, LogId};
use crate::limits::{BRANCHES_BYTES_MAX, COMPARISONS_MAX, ENTRY_BYTES_MAX, LOAD_BYTES};
use crate::membership::ForkVerdict;

/// What is known and asked about branches.
#[derive(Debug, Default)]
pub(super) struct ForkState {
    /// Whether verdicts may be others than before.
    is_due: bool,
    /// The headers of ours that stand at places where logs were forked.
    held: BTreeMap<(LogId, u64), SignedHeader>,
    /// Places that are being read.
    reading: BTreeSet<(LogId, u64)>,
    /// Places of which this process has said which branch it held, and whether that is still to be stored.
    said: BTreeMap<(LogId, u64), bool>,
    /// How often an entry of another branch of a control log was stored.
    pub(super) news: u64,
}

impl ForkState {
    /// Asks for everything to be looked at again.
    pub(super) fn look_again(&mut self) {
        self.is_due = true;
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is_due || !self.reading.is_empty()
    }

    /// A vote could not be written.
    pub(super) fn vote_refused(&mut self, acl: &Acl) {
        for operation in &acl.operations {
            if let AclOperation::ForkProof { log, seq, .. } = operation {
                self.said.insert((*log, *seq), false);
                self.is_due = true;
            }
        }
    }
}

/// An entry that is compared with the stored one as soon as that is read.
#[derive(Debug)]
pub(super) struct Suspect {
    from: ChannelId,
    received: Received,
}

/// Branches that are being sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendingBranches {
    channel: ChannelId,
    log: LogId,
    sent: usize,
}

fn signed_header(entry: &Entry) -> SignedHeader {
    SignedHeader { header: entry.header.clone(), signature: entry.signature }
}

// Finding forks.
impl Replica {
    /// Reads the stored entry with the number of a received one that may be another.
    pub(super) fn compare_with_stored(&mut self, from: ChannelId, received: &Received) {
        let comparisons =
            self.loads.values().filter(|purpose| matches!(purpose, LoadPurpose::Compare(_))).count();
        if comparisons >= COMPARISONS_MAX {
            return;
        }
        let at = received.entry.entry_ref();
        let suspect = Suspect { from, received: received.clone() };
        self.read_place(at.log, at.seq, LoadPurpose::Compare(Box::new(suspect)));
    }

    fn read_place(&mut self, log: LogId, seq: u64, purpose: LoadPurpose) {
        let request = self.new_request(purpose);
        self.effects.push(Effect::Load(Load {
            request,
            after: StoredOrder::default(),
            ranges: vec![Range { log, from: seq, to: seq }],
            bytes_max: ENTRY_BYTES_MAX,
            branches: false,
        }));
    }

    fn new_request(&mut self, purpose: LoadPurpose) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.loads.insert(request, purpose);
        request
    }

    pub(super) fn loaded_to_compare(&mut self, suspect: &Suspect, entries: &[LoadedEntry]) {
        let theirs = &suspect.received.entry;
        let at = theirs.entry_ref();
        let stored = entries.iter().find(|entry| entry.log == at.log && entry.seq == at.seq);
        let Some(ours) = stored.and_then(|entry| Entry::decode(&entry.bytes).ok()) else { return };
        let Some(signer) = self.logs.get(&at.log).map(|state| state.signer) else { return };
        if ours.id() == at.id || theirs.verify(&signer.public_key()).is_err() {
            return;
        }
        if ours.header.prev != theirs.header.prev {
            // They part further down; whoever sent this one has what is there.
            self.ask_for_other(suspect.from, at.log, at.seq - 1);
            return;
        }
        if self.own_logs().contains(&at.log) {
            self.own.is_retired = true;
        }
        self.effects.push(Effect::Forked(Fork {
            log: at.log,
            seq: at.seq,
            ours: ours.id(),
            theirs: Arc::clone(&suspect.received.bytes),
        }));
        self.vote(at.log, at.seq, signed_header(&ours), signed_header(theirs));
    }

    /// Asks a peer for an entry that is here already, to compare the two.
    pub(super) fn ask_for_other(&mut self, from: ChannelId, log: LogId, seq: u64) {
        if seq > 0 && self.channels.get(&from).is_some_and(|channel| channel.ready().is_some()) {
            self.sources.want_other(from, log, seq);
        }
    }

    /// Says that the log was continued twice, and which branch is here.
    fn vote(&mut self, log: LogId, seq: u64, ours: SignedHeader, theirs: SignedHeader) {
        // Whoever is out says nothing any more.
        let is_silent = self.class().is_none() || self.stop.is_some() || self.has_voted(&log, seq);
        if is_silent || self.forks.said.contains_key(&(log, seq)) {
            return;
        }
        self.forks.said.insert((log, seq), true);
        self.forks.held.insert((log, seq), ours.clone());
        let proof = AclOperation::ForkProof { log, seq, a: ours, b: theirs };
        self.queue.push(OwnWork::ForkProof(Box::new(Acl { operations: vec![proof] })));
    }
}

// Following verdicts.
impl Replica {
    /// Takes back logs that are here with a branch that does not live.
    pub(super) fn settle_forks(&mut self) {
        if !std::mem::take(&mut self.forks.is_due) {
            return;
        }
        let Some(members) = self.members.membership() else { return };
        let is_data = |log: &LogId| self.logs.get(log).is_some_and(|state| state.lane == Lane::Data);
        let forked: Vec<(LogId, Vec<ForkVerdict>)> =
            members.forked_logs().filter(is_data).map(|log| (log, members.fork_verdicts(&log))).collect();
        let cut: Vec<LogId> = forked
            .into_iter()
            .filter(|(log, verdicts)| self.follow(*log, verdicts))
            .map(|(log, _)| log)
            .collect();
        if cut.is_empty() {
            return;
        }
        self.confirm_cuts();
        self.membership_settled();
        // What was said of these logs on either side is void: both say anew what they hold.
        let open: Vec<ChannelId> = self.channels.keys().copied().collect();
        for id in open {
            self.bye(id, ByeCode::Again);
        }
    }

    /// Goes through the places at which a log was forked, from the first on. Says whether it was cut back.
    fn follow(&mut self, log: LogId, verdicts: &[ForkVerdict]) -> bool {
        for verdict in verdicts {
            let Some(state) = self.logs.get(&log) else { return false };
            if state.accepted.seq < verdict.seq {
                return false;
            }
            if state.committed != state.accepted {
                // It is on its way to the disk.
                self.forks.is_due = true;
                return false;
            }
            let Some(ours) = self.forks.held.get(&(log, verdict.seq)) else {
                if self.forks.reading.insert((log, verdict.seq)) {
                    self.read_place(log, verdict.seq, LoadPurpose::Fork(log, verdict.seq));
                }
                return false;
            };
            let (id, before) = (ours.header.entry_id(), ours.header.prev);
            if verdict.winner == Some(id) {
                continue;
            }
            if verdict.winner.is_some() && self.object(log, verdict.seq) {
                return false;
            }
            self.cut_back(&EntryRef { log, seq: verdict.seq - 1, id: before });
            return true;
        }
        false
    }

    pub(super) fn loaded_fork(&mut self, log: LogId, seq: u64, entries: &[LoadedEntry]) {
        self.forks.reading.remove(&(log, seq));
        let stored = entries.iter().find(|entry| entry.log == log && entry.seq == seq);
        if let Some(ours) = stored.and_then(|entry| Entry::decode(&entry.bytes).ok()) {
            self.forks.held.insert((log, seq), signed_header(&ours));
            self.forks.is_due = true;
        }
    }

    /// Says that another branch is here than the one that lives. True when what that leads to is to be awaited.
    fn object(&mut self, log: LogId, seq: u64) -> bool {
        if let Some(is_awaited) = self.forks.said.get(&(log, seq)) {
            return *is_awaited && !self.has_voted(&log, seq);
        }
        let (Some(ours), Some(members)) = (self.forks.held.get(&(log, seq)), self.members.membership())
        else {
            return false;
        };
        let (ours, id) = (ours.clone(), ours.header.entry_id());
        let Some(theirs) = members.other_branch(&log, seq, &id).cloned() else { return false };
        self.vote(log, seq, ours, theirs);
        self.forks.said.get(&(log, seq)).is_some_and(|is_awaited| *is_awaited)
    }

    /// Takes a log back to where its branches part.
    fn cut_back(&mut self, to: &EntryRef) {
        let (log, from) = (to.log, to.seq + 1);
        self.pending.drop_run(&log);
        self.logs.cut_back(to);
        self.members.cut_back(to);
        self.delivery.cut_back(&log, from);
        self.forks.held.retain(|(of, seq), _| *of != log || *seq < from);
        self.frontier.forget_log(&log);
        self.sources.forget_log(&log);
        self.cuts.look_up_again(&log);
        let signer = self.own.signer;
        if self.logs.get(&log).is_some_and(|state| state.signer == signer) {
            let id = signer.id();
            let own = self.logs.of_signer(&id).filter(|(_, state)| state.lane == Lane::Data);
            self.acks.recount(&own.map(|(log, state)| (*log, state.committed.seq)).collect());
            self.peers_changed.all = true;
        }
        if self.own_logs().contains(&log) {
            self.own.is_retired = true;
        }
        self.effects.push(Effect::CutBack(CutBack { log, to: to.seq }));
    }

    fn has_voted(&self, log: &LogId, seq: u64) -> bool {
        let device = self.config.keys.device_id();
        self.members.membership().is_some_and(|members| members.has_voted(log, seq, &device))
    }

    /// Whether a log of the data lane is known to have been continued twice.
    pub(super) fn is_forked(&self, log: &LogId) -> bool {
        self.members.membership().is_some_and(|members| members.is_forked(log))
    }
}

// Branches of the control lane.
impl Replica {
    /// Sends a peer all branches of a log of the control lane, beyond the window: such logs are short.
    pub(super) fn send_branches(&mut self, channel: ChannelId, log: LogId) {
        self.send_more_branches(SendingBranches { channel, log, sent: 0 }, StoredOrder::default());
    }

    fn send_more_branches(&mut self, sending: SendingBranches, after: StoredOrder) {
        let Some(channel) = self.channels.get_mut(&sending.channel) else { return };
        channel.branches_due += 1;
        let request = self.new_request(LoadPurpose::Branches(sending));
        let ranges = vec![Range { log: sending.log, from: 1, to: self.logs.reach(&sending.log) }];
        self.effects.push(Effect::Load(Load {
            request,
            after,
            ranges,
            bytes_max: LOAD_BYTES,
            branches: true,
        }));
    }

    pub(super) fn loaded_branches(&mut self, mut sending: SendingBranches, entries: Vec<LoadedEntry>) {
        let Some(channel) = self.channels.get_mut(&sending.channel) else { return };
        channel.branches_due -= 1;
        let Some(last) = entries.last().map(|entry| entry.order) else { return };
        let mut builder = FrameBuilder::default();
        for entry in entries {
            sending.sent += entry.bytes.len();
            builder.push(entry.bytes);
        }
        self.send_entries(sending.channel, builder);
        if sending.sent < BRANCHES_BYTES_MAX {
            self.send_more_branches(sending, last);
        }
    }

    /// Entries of other branches are on disk: whoever is connected may lack them, or the branch that was here before.
    pub(super) fn tell_of_branches(&mut self, logs: &BTreeSet<LogId>) {
        if logs.is_empty() {
            return;
        }
        self.forks.news += 1;
        let ready = self.channels.iter().filter(|(_, channel)| channel.ready().is_some());
        let ready: Vec<ChannelId> = ready.map(|(id, _)| *id).collect();
        for id in ready {
            for log in logs {
                self.send_branches(id, *log);
            }
        }
    }

    /// Sends a peer that has just come what was found while both sides still compared what they hold.
    pub(super) fn send_new_branches(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if std::mem::replace(&mut channel.branches_told, self.forks.news) == self.forks.news {
            return;
        }
        let branched = self.logs.iter().filter(|(_, state)| state.is_branched());
        let branched: Vec<LogId> = branched.map(|(log, _)| *log).collect();
        for log in branched {
            self.send_branches(id, log);
        }
    }
}
