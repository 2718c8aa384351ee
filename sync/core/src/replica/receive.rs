//! Taking in entries: what is checked, in which order, and what becomes of those that fail.

use std::sync::Arc;

use super::Replica;
use super::commit::Prepared;
use super::input::ChannelId;
use super::logs::Place;
use super::members::TakeError;
use super::pending::Received;
use super::quota::Pace;
use crate::acl::{Class, Genesis};
use crate::entry::{Entry, Kind, Lane, Open, Signer};
use crate::frames::{EntryBytes, Position};
use crate::ids::{EntryId, LogId, UserId};
use crate::membership::ControlPlace;

/// Why an entry is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is here, or will be asked for again.
    Silent,
    /// Its signer is not (yet) known to be in, or a limit is reached: the log is not fetched
    /// until membership changes.
    Hold,
    /// Nobody who follows the protocol sends this.
    Charge,
}

/// What became of an entry that nothing is wrong with.
enum Accepted {
    Taken,
    /// These have to come first.
    Needs(Received, Vec<EntryId>),
}

impl Replica {
    pub(super) fn take_entries(&mut self, id: ChannelId, entries: &[EntryBytes], len: usize) {
        let now = self.now;
        let accepted_before = self.gathered_from(id);
        let mut came = Vec::with_capacity(entries.len());
        for EntryBytes(bytes) in entries {
            match Entry::decode(bytes) {
                Ok(entry) => {
                    came.push((entry.header.log, entry.header.seq, bytes.len()));
                    self.take_entry(id, Received { entry, bytes: Arc::clone(bytes) });
                }
                Err(_) => self.strike(id),
            }
        }
        let is_waiting_for_disk = self.gathered_from(id) > accepted_before;
        let pace = self.pace(id, &came, len as u64);
        if pace == Pace::Overdrawn {
            return self.protocol_error(id);
        }
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if is_waiting_for_disk {
            channel.intake.last_taken_at = now;
        }
        if pace == Pace::Slowed {
            // Told later.
        } else if is_waiting_for_disk {
            self.gather.credit(id, len as u64);
        } else {
            channel.intake.taken += len as u64;
        }
    }

    fn gathered_from(&self, id: ChannelId) -> u64 {
        self.channels.get(&id).map_or(0, |channel| channel.intake.accepted)
    }

    fn take_entry(&mut self, id: ChannelId, received: Received) {
        let header = &received.entry.header;
        let (log, kind) = (header.log, header.kind);
        // What is on a branch that does not live is of no use to anybody.
        if kind != Kind::Genesis
            && !self.members.is_on_dead_branch(&received.entry.entry_ref())
            && let Some(channel) = self.channels.get_mut(&id)
        {
            // Whoever sends an entry holds it.
            let _ = channel.claims.raise(&Position { log, seq: header.seq });
        }
        match self.judge(id, received) {
            Ok(()) | Err(Refusal::Silent) => {}
            Err(Refusal::Hold) => {
                self.pending.drop_run(&log);
                self.sources.hold(log);
            }
            Err(Refusal::Charge) => self.strike(id),
        }
    }

    /// Checks an entry and takes it, or lets it wait.
    fn judge(&mut self, id: ChannelId, received: Received) -> Result<(), Refusal> {
        let (signer, lane) = self.signer_of(&received.entry)?;
        self.check_lane(id, &received.entry, lane, &signer)?;
        let is_repeated = match lane {
            Lane::Data => self.is_repeated(id, &received)?,
            Lane::Control => self.is_repeated_control(id, &received.entry)?,
        };
        if is_repeated {
            return Err(Refusal::Silent);
        }
        received.entry.verify(&signer.public_key()).map_err(|_| Refusal::Charge)?;
        let log = received.entry.header.log;
        if self.pending.last(&log).is_some() {
            self.wait(id, received, Vec::new());
            return Ok(());
        }
        match self.accept(Some(id), received, signer, lane)? {
            Accepted::Taken => {
                self.log_progress(&log, id);
                self.release_pending(id);
            }
            Accepted::Needs(received, needs) => self.wait(id, received, needs),
        }
        Ok(())
    }

    fn wait(&mut self, id: ChannelId, received: Received, needs: Vec<EntryId>) {
        let log = received.entry.header.log;
        let asker = if needs.is_empty() { None } else { self.known_signer(&received.entry) };
        if self.pending.push(id, received, needs) {
            self.log_progress(&log, id);
            if let Some(asker) = asker {
                self.pending.asked_by(&log, asker);
                // What it waits for may stand in a log that was more than its person may bring in unasked.
                self.ask_for_held();
            }
        }
    }

    fn known_signer(&self, entry: &Entry) -> Option<UserId> {
        let (signer, _) = self.signer_of(entry).ok()?;
        Some(signer.user()).filter(|user| self.members.is_known(user))
    }

    /// Who signs an entry: as its log says, or as it says itself when it begins one.
    pub(super) fn signer_of(&self, entry: &Entry) -> Result<(Signer, Lane), Refusal> {
        let header = &entry.header;
        if header.kind == Kind::Genesis {
            if entry.id() != self.config.ws.genesis() {
                return Err(Refusal::Charge);
            }
            let genesis: Genesis = entry.clear().map_err(|_| Refusal::Charge)?;
            let signer = genesis_signer(entry, &genesis).ok_or(Refusal::Charge)?;
            return Ok((signer, Lane::Control));
        }
        if header.ws != self.config.ws {
            return Err(Refusal::Charge);
        }
        if let Some(state) = self.logs.get(&header.log) {
            return Ok((state.signer, state.lane));
        }
        let beginning = match header.kind {
            Kind::Open => entry,
            // What follows a beginning that waits for others waits behind it. Else that was not taken, or not yet.
            _ => self.pending.beginning(&header.log).ok_or(Refusal::Silent)?,
        };
        let open: Open = beginning.clear().map_err(|_| Refusal::Charge)?;
        let lane = open.lane(&header.ws, &header.log).filter(|_| open.is_well_formed());
        lane.map(|lane| (open.signer, lane)).ok_or(Refusal::Charge)
    }

    fn check_lane(&self, id: ChannelId, entry: &Entry, lane: Lane, signer: &Signer) -> Result<(), Refusal> {
        let fits = match entry.header.kind {
            Kind::Open | Kind::Close | Kind::Unknown(_) => true,
            Kind::Data | Kind::Frontier => lane == Lane::Data,
            Kind::Genesis | Kind::Acl | Kind::Epoch | Kind::KeyRequest => lane == Lane::Control,
        };
        // User keys write to the control lane alone.
        if !fits || (lane == Lane::Data && signer.device().is_none()) {
            return Err(Refusal::Charge);
        }
        let in_data_phase = self.channels.get(&id).is_some_and(|channel| channel.data().is_some());
        if lane == Lane::Data && !in_data_phase {
            return Err(Refusal::Charge);
        }
        Ok(())
    }

    /// Whether an entry of the data lane is one that is here already; finds forks on the way.
    fn is_repeated(&mut self, id: ChannelId, received: &Received) -> Result<bool, Refusal> {
        let at = received.entry.entry_ref();
        if self.members.is_on_dead_branch(&at) {
            return Err(Refusal::Silent);
        }
        match self.place(&received.entry) {
            None | Some(Place::Next) => Ok(false),
            Some(Place::Known) => Ok(true),
            Some(Place::Gap | Place::Ended) => Err(Refusal::Silent),
            Some(Place::Branch) => {
                // Two entries with one number lie further down; whoever sent this one has the other.
                self.ask_for_other(id, at.log, at.seq - 1);
                Err(Refusal::Silent)
            }
            Some(Place::Other | Place::Old) => {
                self.compare_with_stored(id, received);
                Ok(true)
            }
        }
    }

    /// The same of the control lane, where all branches of a log are taken.
    fn is_repeated_control(&mut self, id: ChannelId, entry: &Entry) -> Result<bool, Refusal> {
        let at = entry.entry_ref();
        match self.place(entry) {
            None | Some(Place::Next) => return Ok(false),
            Some(Place::Known) => return Ok(true),
            Some(Place::Gap | Place::Ended) if !self.members.is_branching(&at.log) => {
                return Err(Refusal::Silent);
            }
            Some(Place::Gap | Place::Ended | Place::Branch | Place::Other | Place::Old) => {}
        }
        match self.members.place_of(entry) {
            ControlPlace::Known => Ok(true),
            ControlPlace::Follows => Ok(false),
            ControlPlace::Detached => {
                self.ask_for_other(id, at.log, at.seq - 1);
                Err(Refusal::Silent)
            }
        }
    }

    /// How an entry stands to its log, if that is here.
    fn place(&self, entry: &Entry) -> Option<Place> {
        let at = entry.entry_ref();
        if self.pending.holds(&at.log, &at.id) {
            return Some(Place::Known);
        }
        let waiting = self.pending.last(&at.log);
        if waiting.is_some_and(|(seq, last)| at.seq == seq + 1 && entry.header.prev == last) {
            return Some(Place::Next);
        }
        match self.logs.get(&at.log) {
            None => waiting.map(|_| Place::Gap),
            Some(state) if waiting.is_some() && at.seq > state.accepted.seq => Some(Place::Gap),
            Some(state) => Some(state.place(&at, &entry.header.prev)),
        }
    }

    /// Takes an entry of which signature and chain are right, unless it needs others first.
    fn accept(
        &mut self,
        from: Option<ChannelId>,
        received: Received,
        signer: Signer,
        lane: Lane,
    ) -> Result<Accepted, Refusal> {
        let header = &received.entry.header;
        let (log, kind) = (header.log, header.kind);
        if self.logs.get(&log).is_none() && self.logs.is_full(&signer) {
            return Err(Refusal::Hold);
        }
        let missing: Vec<EntryId> =
            header.acl_heads.iter().filter(|head| !self.members.is_here(head)).copied().collect();
        if !missing.is_empty() {
            return Ok(Accepted::Needs(received, missing));
        }
        if !self.members.admits(&received.entry, &signer) || !self.has_room_for(&received.entry, &signer) {
            return Err(Refusal::Hold);
        }
        match self.members.insert(&received.entry) {
            Ok(changed) => self.verdicts_changed |= changed,
            Err(TakeError::Missing(needs)) => return Ok(Accepted::Needs(received, needs)),
            Err(TakeError::Genesis(_)) => return Err(Refusal::Charge),
            Err(TakeError::Refused) => return Err(Refusal::Hold),
        }
        if kind != Kind::Genesis && self.own_logs().contains(&log) {
            // Somebody holds more of our log than we do.
            self.own.is_retired = true;
        }
        self.enter(Prepared::new(received, signer, lane, from));
        Ok(Accepted::Taken)
    }

    /// Whether an entry may be taken: one person below admin brings in only so much unasked. What an entry of somebody
    /// else waits for is asked for; which one that is shows only when it is here, so as long as anything is waited for
    /// everything is taken.
    fn has_room_for(&self, entry: &Entry, signer: &Signer) -> bool {
        let opens = if entry.header.kind == Kind::Open { entry.clear::<Open>().ok() } else { None };
        let is_full = opens.is_some_and(|open| self.logs.is_full_for(&entry.header.log, &open));
        if !is_full && self.members.has_room_for(entry, signer) {
            return true;
        }
        let user = signer.user();
        user == self.config.keys.user()
            || self.members.class_of(&user) >= Some(Class::Admin)
            || self.pending.is_asked_by_others(&user)
    }

    /// Makes an entry that membership has taken part of what is known, and queues it for the disk.
    pub(super) fn enter(&mut self, mut prepared: Prepared) {
        let at = prepared.entry.entry_ref();
        let closes = prepared.entry.header.kind == Kind::Close;
        let mut makes_room = closes;
        if self.logs.get(&at.log).is_none() {
            self.logs.begin(&at, prepared.signer, prepared.lane);
            self.log_has_come(&at.log);
            if let Ok(open) = prepared.entry.clear::<Open>() {
                self.logs.name_earlier(&prepared.signer, &open);
                makes_room = !open.prev_logs.is_empty();
            }
        } else if self.logs.is_next(&at, &prepared.entry.header.prev) {
            self.logs.accept(&at, closes);
        } else {
            prepared.is_side = true;
        }
        if makes_room {
            self.ask_for_held();
        }
        self.offer_key(&prepared.entry);
        if let Some(channel) = prepared.from.and_then(|id| self.channels.get_mut(&id)) {
            channel.intake.accepted += 1;
        }
        self.gather.push(prepared);
    }

    /// Takes entries that waited for what has just come.
    pub(super) fn release_pending(&mut self, id: ChannelId) {
        while let Some(received) = self.pending.pop_ready(|head| self.members.is_here(head)) {
            let log = received.entry.header.log;
            let taken = self
                .signer_of(&received.entry)
                .and_then(|(signer, lane)| self.accept(Some(id), received, signer, lane));
            match taken {
                Ok(Accepted::Taken) => {}
                Ok(Accepted::Needs(received, needs)) => {
                    let asker = self.known_signer(&received.entry);
                    self.pending.put_back(id, received, needs);
                    if let Some(asker) = asker {
                        self.pending.asked_by(&log, asker);
                    }
                }
                Err(_) => {
                    self.pending.drop_run(&log);
                    self.sources.hold(log);
                }
            }
        }
    }

    /// The logs that this session writes to, whether they exist yet or not: data, then control.
    #[must_use]
    pub fn own_logs(&self) -> [LogId; 2] {
        [self.own.data_log, self.own.control_log]
    }
}

/// Who signed a Genesis: the founder's user key, or the last device of the chain in it.
fn genesis_signer(entry: &Entry, genesis: &Genesis) -> Option<Signer> {
    let last = genesis.chain.links().last()?;
    [Signer::User(genesis.owner), Signer::Device(genesis.owner, last.key)]
        .into_iter()
        .find(|signer| entry.verify(&signer.public_key()).is_ok())
}
