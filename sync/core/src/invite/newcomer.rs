//! The side of an invitation that comes in.

use rand::CryptoRng;

use crate::acl::Class;
use crate::certificate::VerifiedChain;
use crate::entry::{Entry, EntryError, Kind, Open, Signer};
use crate::ids::{DeviceId, EndpointId, UserId, WorkspaceId};
use crate::limits::WELCOME_BYTES_MAX;
use crate::membership::{GenesisError, InsertError, Membership};
use crate::seal::Label;
use crate::ticket::Ticket;
use crate::wire;

use super::messages::{InviteKey, Meeting, Offer, Refusal, Role, ToInviter, ToNewcomer, VERSION, WireEntry};

/// What a [`Newcomer`] can be told.
#[derive(Clone, Debug)]
pub enum NewcomerInput {
    /// A frame came.
    Frame(Vec<u8>),
    /// The person wants to join what [`NewcomerEffect::Preview`] showed.
    Accept,
}

/// What a [`Newcomer`] wants.
#[derive(Debug)]
pub enum NewcomerEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// Show what is about to be joined: answer with [`NewcomerInput::Accept`], or hang up.
    Preview(Offer),
    /// The inviter's person is being asked.
    Waiting,
    /// We are in. Store the entries, open the replica, connect.
    Joined(Box<Joined>),
    /// It did not work. Nothing was changed on either side.
    Failed(JoinError),
}

/// What somebody who was let in has.
#[derive(Debug)]
pub struct Joined {
    /// The workspace.
    pub ws: WorkspaceId,
    /// What we may do.
    pub class: Class,
    /// Genesis and the control-lane entries, checked, in an order in which they can be stored.
    pub entries: Vec<Entry>,
    /// Membership after them.
    pub membership: Membership,
}

/// Why joining failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The inviter says no.
    #[error("{0}")]
    Refused(Refusal),
    /// Whoever answered does not know the ticket's secret: another device, or somebody in between.
    #[error("the device that answered is not the one that wrote the ticket")]
    Impostor,
    /// What came makes no sense.
    #[error("the inviter sent something that this version of Weft does not understand")]
    Protocol,
    /// The first entry is not that of the workspace in the ticket.
    #[error("the inviter sent another workspace than the ticket names")]
    OtherWorkspace,
    /// The first entry is not right.
    #[error("the founding entry of the workspace is not right")]
    Genesis(#[source] GenesisError),
    /// An entry is not right.
    #[error("an entry of the workspace is not right")]
    Entry(#[source] EntryError),
    /// An entry has no place among the others.
    #[error("the entries of the workspace do not fit together")]
    Insert(#[source] InsertError),
    /// More came than a newcomer takes.
    #[error("the inviter sent more than a workspace's membership can be")]
    TooMuch,
    /// The certificate that came is not ours.
    #[error("the certificate that came is not of this device")]
    Certificate,
    /// By what was sent we are not in.
    #[error("the inviter welcomed us, but did not let us in")]
    NotIn,
}

impl JoinError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::Impostor => "do not go on: ask the inviter for a new ticket over a channel that you trust",
            Self::Protocol | Self::Genesis(_) => "update Weft on both sides, then ask for a new ticket",
            _ => "ask the inviter to run `weft doctor`, then for a new ticket",
        }
    }
}

/// Joining with a ticket, over one connection to the inviter.
///
/// When the connection is lost, begin again with the same ticket: who was let in is let in again.
#[derive(Debug)]
pub struct Newcomer {
    key: InviteKeyHolder,
    ws: WorkspaceId,
    chain: VerifiedChain,
    label: Label,
    us: EndpointId,
    inviter: EndpointId,
    phase: Phase,
}

/// Keeps the key out of what is printed.
pub(super) struct InviteKeyHolder(pub(super) InviteKey);

impl std::fmt::Debug for InviteKeyHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

#[derive(Debug)]
enum Phase {
    Hello { nonce: [u8; 32] },
    Proven,
    Offered,
    Requested,
    Receiving(Receiving),
    Done,
}

impl Newcomer {
    /// Begins. `chain` certifies our device, `us` is our transport key and `peer` the one of who answered, both as
    /// the transport has proven. The frame is the first to send.
    #[must_use]
    pub fn new<R: CryptoRng + ?Sized>(
        ticket: &Ticket,
        chain: VerifiedChain,
        label: Label,
        (us, peer): (EndpointId, EndpointId),
        rng: &mut R,
    ) -> (Self, Vec<u8>) {
        let key = InviteKey::derive(&ticket.secret);
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let hello = wire::encode(&ToInviter::Hello { version: VERSION, invitation: key.id(), nonce });
        let newcomer = Self {
            key: InviteKeyHolder(key),
            ws: ticket.ws,
            chain,
            label,
            us,
            inviter: peer,
            phase: Phase::Hello { nonce },
        };
        (newcomer, hello)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Goes on.
    pub fn handle(&mut self, input: NewcomerInput) -> Vec<NewcomerEffect> {
        if self.is_done() {
            return Vec::new();
        }
        let answer = match input {
            NewcomerInput::Frame(bytes) => self.frame(&bytes),
            NewcomerInput::Accept => Ok(self.accept()),
        };
        answer.unwrap_or_else(|error| {
            self.phase = Phase::Done;
            vec![NewcomerEffect::Failed(error)]
        })
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<Vec<NewcomerEffect>, JoinError> {
        let message = wire::decode::<ToNewcomer>(bytes).map_err(|_| JoinError::Protocol)?;
        match (message, &mut self.phase) {
            (ToNewcomer::Refused(refusal), _) => Err(JoinError::Refused(refusal)),
            (ToNewcomer::Challenge { nonce, proof }, Phase::Hello { nonce: ours }) => {
                let newcomer_nonce = *ours;
                self.challenge(newcomer_nonce, nonce, &proof)
            }
            (ToNewcomer::Offer(offer), Phase::Proven) => {
                self.phase = Phase::Offered;
                Ok(vec![NewcomerEffect::Preview(offer)])
            }
            (ToNewcomer::Waiting, Phase::Requested) => Ok(vec![NewcomerEffect::Waiting]),
            (ToNewcomer::Welcome { entries }, Phase::Requested) => {
                self.phase = Phase::Receiving(Receiving::new(entries)?);
                Ok(Vec::new())
            }
            (ToNewcomer::Entries(more), Phase::Receiving(receiving)) => match receiving.take(more)? {
                Some(entries) => self.welcome(entries),
                None => Ok(Vec::new()),
            },
            _ => Err(JoinError::Protocol),
        }
    }

    fn challenge(
        &mut self,
        newcomer_nonce: [u8; 32],
        inviter_nonce: [u8; 32],
        proof: &[u8; 32],
    ) -> Result<Vec<NewcomerEffect>, JoinError> {
        let meeting = Meeting { newcomer: self.us, inviter: self.inviter, newcomer_nonce, inviter_nonce };
        if !self.key.0.is_proof(Role::Inviter, &meeting, proof) {
            return Err(JoinError::Impostor);
        }
        self.phase = Phase::Proven;
        let proof = *self.key.0.proof(Role::Newcomer, &meeting).as_bytes();
        Ok(vec![send(&ToInviter::Proof { proof })])
    }

    fn accept(&mut self) -> Vec<NewcomerEffect> {
        if !matches!(self.phase, Phase::Offered) {
            return Vec::new();
        }
        self.phase = Phase::Requested;
        let (user, chain) = (self.chain.user(), self.chain.chain().clone());
        vec![send(&ToInviter::Request { user, chain, label: self.label.clone() })]
    }

    fn welcome(&mut self, entries: Vec<Entry>) -> Result<Vec<NewcomerEffect>, JoinError> {
        let joined = joined(self.ws, &self.chain.device(), entries)?;
        self.phase = Phase::Done;
        Ok(vec![NewcomerEffect::Joined(Box::new(joined))])
    }
}

/// The entries of one workspace, as they come.
#[derive(Debug)]
pub(super) struct Receiving {
    expected: usize,
    entries: Vec<Entry>,
    bytes: usize,
}

impl Receiving {
    pub(super) fn new(expected: u32) -> Result<Self, JoinError> {
        if expected == 0 {
            return Err(JoinError::OtherWorkspace);
        }
        Ok(Self { expected: expected as usize, entries: Vec::new(), bytes: 0 })
    }

    /// Takes a frame; gives all entries once the last one is there.
    pub(super) fn take(&mut self, more: Vec<WireEntry>) -> Result<Option<Vec<Entry>>, JoinError> {
        self.bytes += more.iter().map(|entry| entry.0.len()).sum::<usize>();
        if self.bytes > WELCOME_BYTES_MAX || self.entries.len() + more.len() > self.expected {
            return Err(JoinError::TooMuch);
        }
        for entry in more {
            self.entries.push(Entry::decode(&entry.0).map_err(JoinError::Entry)?);
        }
        let is_all = self.entries.len() == self.expected;
        Ok(is_all.then(|| std::mem::take(&mut self.entries)))
    }
}

/// Checks the entries of a workspace, and that this person is in by them.
pub(super) fn recovered(ws: WorkspaceId, user: &UserId, entries: Vec<Entry>) -> Result<Joined, JoinError> {
    let (membership, entries) = check_entries(&ws, entries)?;
    let class = membership.class_of(user).ok_or(JoinError::NotIn)?;
    Ok(Joined { ws, class, entries, membership })
}

/// Checks the entries of a workspace, and that this device is in by them.
pub(super) fn joined(ws: WorkspaceId, device: &DeviceId, entries: Vec<Entry>) -> Result<Joined, JoinError> {
    let (membership, entries) = check_entries(&ws, entries)?;
    let class = membership.device(device).ok_or(JoinError::NotIn)?.class;
    Ok(Joined { ws, class, entries, membership })
}

fn send(message: &ToInviter) -> NewcomerEffect {
    NewcomerEffect::Send(wire::encode(message))
}

/// Checks entries one by one: signature, place, whether their authors belong here.
fn check_entries(ws: &WorkspaceId, entries: Vec<Entry>) -> Result<(Membership, Vec<Entry>), JoinError> {
    let mut entries = entries.into_iter();
    let genesis = entries.next().ok_or(JoinError::OtherWorkspace)?;
    if genesis.id() != ws.genesis() {
        return Err(JoinError::OtherWorkspace);
    }
    let mut membership = Membership::found(&genesis).map_err(JoinError::Genesis)?;
    let mut checked = vec![genesis];
    for entry in entries {
        let signer = signer(&membership, &entry)?;
        entry.verify(&signer.public_key()).map_err(JoinError::Entry)?;
        if !membership.admits(&entry, &signer) {
            return Err(JoinError::Entry(EntryError::Signature));
        }
        membership.insert(&entry).map_err(JoinError::Insert)?;
        checked.push(entry);
    }
    Ok((membership, checked))
}

fn signer(membership: &Membership, entry: &Entry) -> Result<Signer, JoinError> {
    if entry.header.kind == Kind::Open {
        return entry.clear::<Open>().map(|open| open.signer).map_err(JoinError::Entry);
    }
    membership.signer_of(&entry.header.log).ok_or(JoinError::Insert(InsertError::NoPredecessor))
}
