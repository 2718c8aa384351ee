//! Membership: who is in, with which devices, and what of all that was written counts.
//!
//! [`Membership`] is a function of the *set* of entries it was given; the order in which they came is of no matter.
//! Give it every stored entry once, in an order in which what an entry names in `acl_heads` and `prev` comes before
//! it, and ask. Answers are computed when asked and kept until an entry changes them.

mod answers;
mod audit;
mod fold;
mod forks;
mod grow;
mod history;
mod operations;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod model;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod plainly;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod small;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::acl::{Acl, AclOperation, Genesis, OpRef, RULES, SealedLabel};
use crate::certificate::{Chain, ChainError, Link, VerifiedChain};
use crate::entry::{Entry, EntryError, Kind, Lane, Open, Signer};
use crate::epoch::{Cover, Epoch};
use crate::ids::{DeviceId, EndpointId, EntryId, EntryRef, EpochId, LogId, UserId, WorkspaceId};
use crate::limits::{ACL_OPERATIONS_MAX, ACL_OPERATIONS_PER_USER_MAX, DEVICES_PER_USER_MAX};
use crate::wraps::AgeRecipient;

pub use answers::{ControlPlace, EpochState, LiveDevice, Standing};
pub use audit::{AuditAction, AuditRecord, Verdict};
pub use forks::ForkVerdict;

use fold::{Facts, Fold};
use forks::Forks;
use history::{History, LineIndex, Names, Place, Position};
use operations::{Author, Certificate, Claim, OpIndex, Operation, World};

/// Who may do what in one workspace.
#[derive(Debug)]
pub struct Membership {
    ws: WorkspaceId,
    genesis: Genesis,
    state: State,
    /// The fold over everything, as far as it was asked for.
    facts: RefCell<Option<Facts>>,
    /// Whether a grant was valid in the fold of its own past. It never changes.
    valid_alone: RefCell<BTreeMap<OpIndex, bool>>,
    /// Whether an epoch was usable for who named these heads. It never changes.
    usable: RefCell<BTreeMap<(EpochId, Vec<EntryId>), bool>>,
}

/// The operations and their order: what a fold reads.
#[derive(Debug, Default)]
struct State {
    history: History,
    operations: Vec<Operation>,
    /// By the name that others use.
    named: BTreeMap<OpRef, OpIndex>,
    /// The name of each operation; links of one AddDev share theirs.
    names: Vec<OpRef>,
    links: BTreeMap<OpIndex, LinkDetails>,
    /// The last links that name a device.
    links_of: BTreeMap<DeviceId, Vec<OpIndex>>,
    epochs: BTreeMap<OpIndex, Vec<Cover>>,
    policies: BTreeMap<OpIndex, Vec<u8>>,
    of_user: BTreeMap<UserId, OfUser>,
    forks: Forks,
}

/// What there is of one person, counting or not.
#[derive(Debug, Default)]
struct OfUser {
    /// Operations in entries that they signed.
    operations: usize,
    /// Devices that somebody named as theirs.
    devices: BTreeSet<DeviceId>,
}

/// What a last link says that the fold does not ask about.
#[derive(Clone, Debug)]
struct LinkDetails {
    recipient: AgeRecipient,
    recovery: AgeRecipient,
    endpoint: EndpointId,
    label: Option<SealedLabel>,
    /// The whole chain, so that the device can be let in again by another.
    chain: Chain,
}

impl World for State {
    fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn resolve(&self, named: &OpRef) -> Option<OpIndex> {
        self.named.get(named).copied()
    }

    fn before(&self, a: Place, b: Place) -> bool {
        self.history.before(a, b)
    }
}

/// Why an entry founds no workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// It is another kind of entry, or cannot be read.
    #[error("the entry does not found a workspace")]
    Entry(#[source] EntryError),
    /// It was made for rules that this program does not know.
    #[error("the workspace follows rules {rules}, this version of Weft knows {RULES}")]
    Rules {
        /// Which.
        rules: u8,
    },
    /// The certificate of the owner's first device is wrong.
    #[error("the certificate of the owner's first device is not right")]
    Chain(#[from] ChainError),
    /// The certificate is another person's.
    #[error("the certificate in the entry is not the owner's")]
    OtherUser,
    /// Neither the owner nor the owner's first device signed it.
    #[error("the entry is not signed by the owner")]
    Signature,
}

/// Why an entry could not be taken. It changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// It names control-lane entries that are not here: keep it and try again when they are.
    #[error("{} entries that this one knows of are not here yet", .entries.len())]
    Missing {
        /// Which.
        entries: Vec<EntryId>,
    },
    /// The entry before it is not here.
    #[error("the entry before this one is not here yet")]
    NoPredecessor,
    /// It belongs to another workspace, or to a log or lane that its kind has no place in.
    #[error("the entry has no place in this workspace")]
    Misplaced,
    /// Its log was closed.
    #[error("the entry continues a log that was closed")]
    Closed,
    /// The clear body of an Open cannot be read.
    #[error("the entry that opens a log cannot be read")]
    Open(#[source] EntryError),
    /// The workspace holds as many membership operations as it may.
    #[error("the workspace holds {ACL_OPERATIONS_MAX} membership operations, which is the limit")]
    Full,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was here.
    Known,
    /// It is new and says nothing about membership.
    Stored,
    /// It is new, and answers may differ from now on.
    Changed,
}

impl Membership {
    /// Begins with the entry that founded the workspace, and checks all of it.
    ///
    /// # Errors
    /// When the entry is not a Genesis, its rules are unknown, or its certificate or signature is wrong.
    pub fn found(entry: &Entry) -> Result<Self, GenesisError> {
        if entry.header.kind != Kind::Genesis {
            return Err(GenesisError::Entry(EntryError::Shape));
        }
        let genesis: Genesis = entry.clear().map_err(GenesisError::Entry)?;
        if genesis.rules != RULES {
            return Err(GenesisError::Rules { rules: genesis.rules });
        }
        let chain = genesis.chain.clone().verify()?;
        if chain.user() != genesis.owner {
            return Err(GenesisError::OtherUser);
        }
        let by_device = entry.verify(&chain.last().key).is_ok();
        if !by_device && entry.verify(&genesis.owner.public_key()).is_err() {
            return Err(GenesisError::Signature);
        }
        let signer = if by_device {
            Signer::Device(genesis.owner, chain.last().key)
        } else {
            Signer::User(genesis.owner)
        };
        let mut membership = Self {
            ws: WorkspaceId::from_genesis(entry.id()),
            genesis,
            state: State::default(),
            facts: RefCell::default(),
            valid_alone: RefCell::default(),
            usable: RefCell::default(),
        };
        membership.add_genesis(entry, signer, &chain);
        Ok(membership)
    }

    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.ws
    }

    /// What the Genesis says.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Takes an entry whose signature is right. What its body says may be void, even unreadable: that is for the
    /// answers to tell.
    ///
    /// # Errors
    /// When what it follows or names is not here, or it has no place in this workspace.
    pub fn insert(&mut self, entry: &Entry) -> Result<Inserted, InsertError> {
        if entry.id() == self.ws.genesis() {
            return Ok(Inserted::Known);
        }
        if entry.header.ws != self.ws || entry.header.kind == Kind::Genesis {
            return Err(InsertError::Misplaced);
        }
        if self.is_in_data_log(entry) {
            return Ok(self.hold(&[entry.entry_ref()]));
        }
        let position = self.state.history.position(&entry.id(), &entry.header);
        let (signer, lane, names) = match position {
            Position::Known => return Ok(Inserted::Known),
            Position::NoPredecessor => return Err(InsertError::NoPredecessor),
            Position::Branch(None) => self.open(entry)?,
            Position::Next(line) | Position::Branch(Some((line, _))) => self.next(entry, line, position)?,
        };
        let missing = self.state.history.missing(&names);
        if !missing.is_empty() {
            return Err(InsertError::Missing { entries: missing });
        }
        let operations = body_operations(entry);
        if self.state.operations.len() + operations.len() > ACL_OPERATIONS_MAX {
            return Err(InsertError::Full);
        }
        let (id, header) = (entry.id(), &entry.header);
        let (line, settled) = self.state.history.insert(id, header, position, signer, Some(lane), names);
        if header.kind == Kind::Close {
            self.state.history.close(line);
        }
        if settled {
            self.forget();
        }
        if operations.is_empty() {
            self.note_forks(entry);
            return Ok(if settled { Inserted::Changed } else { Inserted::Stored });
        }
        let author = Author::of(&signer);
        self.state.of_user.entry(author.user).or_default().operations += operations.len();
        self.state.add_operations(entry, line, author, operations);
        self.note_forks(entry);
        Ok(Inserted::Changed)
    }

    /// Whether the person who signs an entry that is not here yet stays, with it, within the devices and operations
    /// that one person below admin brings in unasked.
    #[must_use]
    pub fn has_room_for(&self, entry: &Entry, signer: &Signer) -> bool {
        let user = signer.user();
        let operations = body_operations(entry);
        let none = OfUser::default();
        let here = self.state.of_user.get(&user).unwrap_or(&none);
        let fresh =
            operations.devices_of(&user).into_iter().filter(|device| !here.devices.contains(device)).count();
        let has_room = |fresh: usize, here: usize, limit: usize| fresh == 0 || here + fresh <= limit;
        has_room(operations.len(), here.operations, ACL_OPERATIONS_PER_USER_MAX)
            && has_room(fresh, here.devices.len(), DEVICES_PER_USER_MAX)
    }

    /// Notes which entries of data logs are stored. At start: the last of each log, and then what
    /// [`Membership::unconfirmed`] asks for; after that every entry as it is stored ([`Membership::insert`] does).
    pub fn hold(&mut self, held: &[EntryRef]) -> Inserted {
        let mut settled = false;
        for held in held {
            settled |= self.state.history.hold(held);
        }
        if settled {
            self.forget();
        }
        if settled { Inserted::Changed } else { Inserted::Stored }
    }

    /// Notes where data logs were continued twice, as far as an entry tells: a proof, or the beginning of a log of which
    /// a proof is here already.
    fn note_forks(&mut self, entry: &Entry) {
        let shown = body_operations(entry).forked();
        for log in shown.into_iter().chain((entry.header.kind == Kind::Open).then_some(entry.header.log)) {
            let Some(seq) = self.first_fork(&log) else { continue };
            if self.state.history.fork(log, seq) {
                self.forget();
            }
        }
    }

    /// Takes a data log back to an earlier place: what is stored beyond it is on a branch that does not live.
    pub fn cut_back(&mut self, to: &EntryRef) {
        self.state.history.cut_back(to);
        self.forget();
    }

    fn is_in_data_log(&self, entry: &Entry) -> bool {
        let line = self.state.history.lines_of(&entry.header.log).first();
        entry.header.kind != Kind::Open
            && line.is_some_and(|line| self.state.history.line(*line).lane == Some(Lane::Data))
    }

    fn open(&self, entry: &Entry) -> Result<(Signer, Lane, Names), InsertError> {
        if entry.header.kind != Kind::Open {
            return Err(InsertError::Misplaced);
        }
        let open: Open = entry.clear().map_err(InsertError::Open)?;
        let lane = open.lane(&self.ws, &entry.header.log).ok_or(InsertError::Misplaced)?;
        if !open.is_well_formed() || matches!(open.signer, Signer::User(_)) && lane == Lane::Data {
            return Err(InsertError::Misplaced);
        }
        Ok((open.signer, lane, Names { heads: entry.header.acl_heads.clone(), entries: open.prev_logs }))
    }

    fn next(
        &self,
        entry: &Entry,
        line: LineIndex,
        position: Position,
    ) -> Result<(Signer, Lane, Names), InsertError> {
        let before = self.state.history.line(line);
        let Some(lane) = before.lane else { return Err(InsertError::Misplaced) };
        let is_placed =
            !matches!(entry.header.kind, Kind::Data | Kind::Frontier | Kind::Genesis | Kind::Open);
        if !is_placed {
            return Err(InsertError::Misplaced);
        }
        if before.closed && matches!(position, Position::Next(_)) {
            return Err(InsertError::Closed);
        }
        let entries = if entry.header.kind == Kind::Acl { seen_of(entry) } else { Vec::new() };
        Ok((before.signer, lane, Names { heads: entry.header.acl_heads.clone(), entries }))
    }

    fn add_genesis(&mut self, entry: &Entry, signer: Signer, chain: &VerifiedChain) {
        let owner = self.genesis.owner;
        let position = Position::Branch(None);
        let (line, _) =
            self.state.history.insert(entry.id(), &entry.header, position, signer, None, Names::default());
        let author = Author::of(&signer);
        let name = OpRef::new(entry.id(), 0);
        let mut sub = 0;
        self.state.add(
            name,
            Operation { place: place(line, 1, &mut sub), author, claim: Claim::Genesis { owner } },
        );
        let mut signer = None;
        for (at, link) in chain.links().iter().enumerate() {
            let certificate = Certificate {
                user: owner,
                device: link.device(),
                signer,
                is_last: at + 1 == chain.links().len(),
                companions: Vec::new(),
                is_founding: true,
            };
            self.state.add_link(name, place(line, 1, &mut sub), author, certificate, chain, None);
            signer = Some(link.device());
        }
        self.state.named.insert(name, 0);
    }

    /// Answers that held because of a past that has grown do not hold any more.
    fn forget(&mut self) {
        *self.facts.borrow_mut() = None;
        self.valid_alone.borrow_mut().clear();
        self.usable.borrow_mut().clear();
    }

    /// Asks the fold over everything.
    fn ask<T>(&self, question: impl FnOnce(&Fold<'_, State>) -> T) -> T {
        let facts = self.facts.borrow_mut().take();
        let fold = match facts {
            Some(facts) => Fold::resume(&self.state, facts),
            None => Fold::new(&self.state, |_| true),
        };
        let answer = question(&fold);
        *self.facts.borrow_mut() = Some(fold.into_facts());
        answer
    }
}

/// What a control-lane body says. An unreadable one says nothing.
enum BodyOperations {
    Acl(Vec<AclOperation>),
    Epoch(Epoch),
    None,
}

impl BodyOperations {
    fn len(&self) -> usize {
        match self {
            Self::Acl(operations) => operations.len(),
            Self::Epoch(_) => 1,
            Self::None => 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The logs that are said to have been continued twice.
    fn forked(&self) -> BTreeSet<LogId> {
        let Self::Acl(operations) = self else { return BTreeSet::new() };
        let forked = operations.iter().filter_map(|operation| match operation {
            AclOperation::ForkProof { log, .. } => Some(*log),
            _ => None,
        });
        forked.collect()
    }

    /// The devices that are to be added for this person.
    fn devices_of(&self, user: &UserId) -> BTreeSet<DeviceId> {
        let Self::Acl(operations) = self else { return BTreeSet::new() };
        let added = operations.iter().filter_map(|operation| match operation {
            AclOperation::AddDev { user: named, chain, .. } if named == user => chain.links().last(),
            _ => None,
        });
        added.map(Link::device).collect()
    }
}

fn body_operations(entry: &Entry) -> BodyOperations {
    if !entry.header.is_understood() {
        return BodyOperations::None;
    }
    match entry.header.kind {
        Kind::Acl => {
            entry.clear::<Acl>().map_or(BodyOperations::None, |acl| BodyOperations::Acl(acl.operations))
        }
        Kind::Epoch => entry.clear::<Epoch>().map_or(BodyOperations::None, BodyOperations::Epoch),
        _ => BodyOperations::None,
    }
}

fn seen_of(entry: &Entry) -> Vec<EntryRef> {
    let BodyOperations::Acl(operations) = body_operations(entry) else { return Vec::new() };
    let mut all = BTreeSet::new();
    for operation in operations {
        if let AclOperation::RmDev { seen, .. } | AclOperation::Revoke { seen, .. } = operation {
            all.extend(seen);
        }
    }
    all.into_iter().collect()
}

fn place(line: LineIndex, seq: u64, sub: &mut u32) -> Place {
    let place = Place { line, seq, sub: *sub };
    *sub += 1;
    place
}

impl State {
    fn add(&mut self, name: OpRef, operation: Operation) -> OpIndex {
        let index = OpIndex::try_from(self.operations.len()).expect("fewer operations than their limit");
        self.operations.push(operation);
        self.names.push(name);
        self.named.insert(name, index);
        index
    }

    fn add_link(
        &mut self,
        name: OpRef,
        place: Place,
        author: Author,
        certificate: Certificate,
        chain: &VerifiedChain,
        label: Option<SealedLabel>,
    ) {
        let (is_last, device) = (certificate.is_last, certificate.device);
        if is_last {
            self.of_user.entry(certificate.user).or_default().devices.insert(certificate.device);
        }
        let index = self.add(name, Operation { place, author, claim: Claim::Certificate(certificate) });
        if is_last {
            let Link { recipient, recovery, endpoint, .. } = *chain.last();
            let chain = chain.chain().clone();
            self.links.insert(index, LinkDetails { recipient, recovery, endpoint, label, chain });
            self.links_of.entry(device).or_default().push(index);
        }
    }

    fn add_operations(&mut self, entry: &Entry, line: LineIndex, author: Author, body: BodyOperations) {
        let seq = entry.header.seq;
        let mut sub = 0;
        let operations = match body {
            BodyOperations::None => return,
            BodyOperations::Epoch(Epoch { epoch, of, covers, .. }) => {
                let is_original = of.is_none();
                if !is_original && !self.is_rewrap(entry, line, of, epoch) {
                    return;
                }
                let claim = Claim::Epoch { epoch, is_original };
                let name = OpRef::new(entry.id(), 0);
                let index = self.add(name, Operation { place: place(line, seq, &mut sub), author, claim });
                self.epochs.insert(index, covers);
                return;
            }
            BodyOperations::Acl(operations) => operations,
        };
        let grants = granted(&operations);
        for (at, operation) in (0..).zip(operations) {
            let name = OpRef::new(entry.id(), at);
            if let AclOperation::AddDev { user, label, chain } = operation {
                let companions = grants.iter().filter(|(who, _)| *who == user).map(|(_, via)| *via).collect();
                self.add_chain(name, line, seq, &mut sub, author, (user, chain, label, companions));
                continue;
            }
            let place = place(line, seq, &mut sub);
            let operation = match operation {
                AclOperation::ForkProof { log, seq, a, b } => {
                    self.forks.add(&entry.header.ws, (name, place, author), log, seq, (a, b));
                    continue;
                }
                other => other,
            };
            let (claim, value) = claim_of(operation);
            let Some(claim) = claim else { continue };
            let index = self.add(name, Operation { place, author, claim });
            if let Some(value) = value {
                self.policies.insert(index, value);
            }
        }
    }

    /// Adds the links of a chain that is right as a whole; any other certifies nobody.
    fn add_chain(
        &mut self,
        name: OpRef,
        line: LineIndex,
        seq: u64,
        sub: &mut u32,
        author: Author,
        (user, chain, label, companions): (UserId, Chain, Option<SealedLabel>, Vec<OpRef>),
    ) {
        let Ok(chain) = chain.verify() else { return };
        if chain.user() != user {
            return;
        }
        let mut signer = None;
        for (at, link) in chain.links().iter().enumerate() {
            let device = link.device();
            let is_last = at + 1 == chain.links().len();
            let companions = companions.clone();
            let certificate = Certificate { user, device, signer, is_last, companions, is_founding: false };
            self.add_link(name, place(line, seq, sub), author, certificate, &chain, label.clone());
            signer = Some(device);
        }
    }

    /// A re-wrap names an original of the same epoch in its past.
    fn is_rewrap(&self, entry: &Entry, line: LineIndex, of: Option<EntryId>, epoch: EpochId) -> bool {
        let Some(of) = of.and_then(|of| self.resolve(&OpRef::new(of, 0))) else { return false };
        let original = &self.operations[of as usize];
        matches!(original.claim, Claim::Epoch { epoch: other, is_original: true } if other == epoch)
            && self.before(original.place, Place::entry(line, entry.header.seq))
    }
}

fn granted(operations: &[AclOperation]) -> Vec<(UserId, OpRef)> {
    let grant = |operation: &AclOperation| match operation {
        AclOperation::Grant { user, via, .. } => Some((*user, *via)),
        _ => None,
    };
    operations.iter().filter_map(grant).collect()
}

/// The claim of an operation, and the value when it sets a policy.
fn claim_of(operation: AclOperation) -> (Option<Claim>, Option<Vec<u8>>) {
    let claim = match operation {
        AclOperation::RmDev { user, device, .. } => Claim::RmDev { user, device },
        AclOperation::SetEndpoint { device, endpoint } => Claim::SetEndpoint { device, endpoint },
        AclOperation::Grant { user, class, via } => Claim::Grant { user, class: class.number(), via },
        AclOperation::Revoke { user, via, .. } => Claim::Revoke { user, via },
        AclOperation::SetPolicy { key, value, via } => {
            return (Some(Claim::SetPolicy { key, via }), Some(value));
        }
        // A chain has operations of its own; a proof of a fork says nothing about who is in.
        AclOperation::AddDev { .. } | AclOperation::ForkProof { .. } => return (None, None),
    };
    (Some(claim), None)
}
