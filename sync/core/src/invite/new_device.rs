//! The side of a link that comes in: a device on its way to become one of a person's.

use rand::CryptoRng;

use crate::certificate::VerifiedChain;
use crate::entry::Entry;
use crate::identity::{DeviceKeys, Fingerprint};
use crate::ids::{EndpointId, UserId, WorkspaceId};
use crate::limits::LINK_WORKSPACES_MAX;
use crate::seal::Label;
use crate::ticket::Ticket;
use crate::wire;

use super::messages::{
    InviteKey, LinkOffer, Meeting, OfferedWorkspace, Role, ToInviter, ToNewcomer, VERSION,
};
use super::newcomer::{InviteKeyHolder, JoinError, Joined, Receiving, joined, recovered};

/// What a [`NewDevice`] can be told.
#[derive(Clone, Debug)]
pub enum NewDeviceInput {
    /// A frame came.
    Frame(Vec<u8>),
    /// Our person wants what [`NewDeviceEffect::Preview`] showed.
    Accept,
}

/// What a [`NewDevice`] wants.
#[derive(Debug)]
pub enum NewDeviceEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// Show what this device is about to be linked to: answer with [`NewDeviceInput::Accept`], or hang up.
    Preview(LinkOffer),
    /// The person is being asked at the other device, and compares these signs.
    Waiting(Fingerprint),
    /// We are one of the person's devices. Store keys and entries, open the replicas, connect.
    Linked(Box<Linked>),
    /// It did not work. Nothing was changed here.
    Failed(JoinError),
}

/// What a device that was linked has.
#[derive(Debug)]
pub struct Linked {
    /// Its keys, as a device of the person.
    pub keys: DeviceKeys,
    /// What certifies it.
    pub chain: VerifiedChain,
    /// The workspaces that it is in now.
    pub workspaces: Vec<(OfferedWorkspace, Joined)>,
}

/// Becoming a device of the person who wrote a ticket, over one connection to the device that wrote it.
///
/// When the connection is lost, begin again with the same ticket and keys: what was linked is linked again.
#[derive(Debug)]
pub struct NewDevice {
    key: InviteKeyHolder,
    keys: DeviceKeys,
    label: Label,
    inviter: EndpointId,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Hello { nonce: [u8; 32] },
    Proven,
    Offered,
    Requested,
    Linked(VerifiedChain, Incoming),
    Done,
}

/// The workspaces, as they come.
#[derive(Debug)]
struct Incoming {
    expected: usize,
    workspaces: Vec<(OfferedWorkspace, Joined)>,
    current: Option<(OfferedWorkspace, Receiving)>,
}

impl Incoming {
    fn new(expected: u32) -> Result<Self, JoinError> {
        let expected = expected as usize;
        if expected > LINK_WORKSPACES_MAX {
            return Err(JoinError::TooMuch);
        }
        Ok(Self { expected, workspaces: Vec::new(), current: None })
    }

    fn is_all(&self) -> bool {
        self.workspaces.len() == self.expected
    }

    /// Takes what belongs to a workspace; `check` looks at all of it once it is there.
    fn take(
        &mut self,
        message: ToNewcomer,
        check: impl FnOnce(WorkspaceId, Vec<Entry>) -> Result<Joined, JoinError>,
    ) -> Result<(), JoinError> {
        match (message, &mut self.current) {
            (ToNewcomer::Workspace { workspace, entries }, None) => {
                self.current = Some((workspace, Receiving::new(entries)?));
            }
            (ToNewcomer::Entries(more), Some((_, receiving))) => {
                if let Some(entries) = receiving.take(more)?
                    && let Some((workspace, _)) = self.current.take()
                {
                    let joined = check(workspace.ws, entries)?;
                    self.workspaces.push((workspace, joined));
                }
            }
            _ => return Err(JoinError::Protocol),
        }
        Ok(())
    }
}

/// Getting a person's workspaces back from any device that holds them, a keeper too, with the words alone.
///
/// The first frame says who is asking: a device that the user key has certified. What comes back is checked and says
/// what is a person's; that this device is in, is for the person to write.
#[derive(Debug)]
pub struct Recovery {
    user: UserId,
    incoming: Option<Incoming>,
}

impl Recovery {
    /// Begins. `chain` certifies this device with the user key itself. The frame is the first to send.
    #[must_use]
    pub fn new(chain: &VerifiedChain) -> (Self, Vec<u8>) {
        let ask = wire::encode(&ToInviter::Recover { version: VERSION, chain: chain.chain().clone() });
        (Self { user: chain.user(), incoming: None }, ask)
    }

    /// Takes a frame; gives the workspaces once all have come.
    ///
    /// # Errors
    /// With what is wrong; nothing was changed on either side.
    pub fn handle(&mut self, frame: &[u8]) -> Result<Option<Vec<(OfferedWorkspace, Joined)>>, JoinError> {
        let message = wire::decode::<ToNewcomer>(frame).map_err(|_| JoinError::Protocol)?;
        match (message, &mut self.incoming) {
            (ToNewcomer::Refused(refusal), _) => return Err(JoinError::Refused(refusal)),
            (ToNewcomer::Recovered { workspaces }, incoming @ None) => {
                *incoming = Some(Incoming::new(workspaces)?);
            }
            (message, Some(incoming)) => {
                let user = self.user;
                incoming.take(message, |ws, entries| recovered(ws, &user, entries))?;
            }
            _ => return Err(JoinError::Protocol),
        }
        let all = self.incoming.as_mut().filter(|incoming| incoming.is_all());
        Ok(all.map(|incoming| std::mem::take(&mut incoming.workspaces)))
    }
}

impl NewDevice {
    /// Begins. `keys` are those of this device, of whom they were so far is of no interest; `peer` is the transport key of
    /// who answered, as the transport has proven. The frame is the first to send.
    #[must_use]
    pub fn new<R: CryptoRng + ?Sized>(
        ticket: &Ticket,
        keys: &DeviceKeys,
        label: Label,
        peer: EndpointId,
        rng: &mut R,
    ) -> (Self, Vec<u8>) {
        let key = InviteKey::derive(&ticket.secret);
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let hello = wire::encode(&ToInviter::Hello { version: VERSION, invitation: key.id(), nonce });
        let keys = keys.given_to(keys.user());
        let phase = Phase::Hello { nonce };
        (Self { key: InviteKeyHolder(key), keys, label, inviter: peer, phase }, hello)
    }

    /// Goes on.
    pub fn handle(&mut self, input: NewDeviceInput) -> Vec<NewDeviceEffect> {
        if matches!(self.phase, Phase::Done) {
            return Vec::new();
        }
        let answer = match input {
            NewDeviceInput::Frame(bytes) => self.frame(&bytes),
            NewDeviceInput::Accept => Ok(self.accept()),
        };
        answer.unwrap_or_else(|error| {
            self.phase = Phase::Done;
            vec![NewDeviceEffect::Failed(error)]
        })
    }

    fn frame(&mut self, bytes: &[u8]) -> Result<Vec<NewDeviceEffect>, JoinError> {
        let message = wire::decode::<ToNewcomer>(bytes).map_err(|_| JoinError::Protocol)?;
        match (message, &mut self.phase) {
            (ToNewcomer::Refused(refusal), _) => Err(JoinError::Refused(refusal)),
            (ToNewcomer::Challenge { nonce, proof }, Phase::Hello { nonce: ours }) => {
                let newcomer_nonce = *ours;
                self.challenge(newcomer_nonce, nonce, &proof)
            }
            (ToNewcomer::LinkOffer(offer), Phase::Proven) => {
                self.keys = self.keys.given_to(offer.user);
                self.phase = Phase::Offered;
                Ok(vec![NewDeviceEffect::Preview(offer)])
            }
            (ToNewcomer::Waiting, Phase::Requested) => {
                Ok(vec![NewDeviceEffect::Waiting(Fingerprint::of_device(&self.keys.device_id()))])
            }
            (ToNewcomer::Linked { chain, workspaces }, Phase::Requested) => {
                let chain = chain.verify().map_err(|_| JoinError::Certificate)?;
                if chain.device() != self.keys.device_id() || chain.last().endpoint != self.keys.endpoint_id()
                {
                    return Err(JoinError::Certificate);
                }
                self.phase = Phase::Linked(chain, Incoming::new(workspaces)?);
                Ok(self.end_when_all())
            }
            (message, Phase::Linked(_, incoming)) => {
                let device = self.keys.device_id();
                incoming.take(message, |ws, entries| joined(ws, &device, entries))?;
                Ok(self.end_when_all())
            }
            _ => Err(JoinError::Protocol),
        }
    }

    fn challenge(
        &mut self,
        newcomer_nonce: [u8; 32],
        inviter_nonce: [u8; 32],
        proof: &[u8; 32],
    ) -> Result<Vec<NewDeviceEffect>, JoinError> {
        let us = self.keys.endpoint_id();
        let meeting = Meeting { newcomer: us, inviter: self.inviter, newcomer_nonce, inviter_nonce };
        if !self.key.0.is_proof(Role::Inviter, &meeting, proof) {
            return Err(JoinError::Impostor);
        }
        self.phase = Phase::Proven;
        let proof = *self.key.0.proof(Role::Newcomer, &meeting).as_bytes();
        Ok(vec![send(&ToInviter::Proof { proof })])
    }

    fn accept(&mut self) -> Vec<NewDeviceEffect> {
        if !matches!(self.phase, Phase::Offered) {
            return Vec::new();
        }
        self.phase = Phase::Requested;
        vec![send(&ToInviter::LinkRequest { claim: self.keys.claim(), label: self.label.clone() })]
    }

    fn end_when_all(&mut self) -> Vec<NewDeviceEffect> {
        let is_all = matches!(&self.phase, Phase::Linked(_, incoming) if incoming.is_all());
        if !is_all {
            return Vec::new();
        }
        let Phase::Linked(chain, incoming) = std::mem::replace(&mut self.phase, Phase::Done) else {
            return Vec::new();
        };
        let workspaces = incoming.workspaces;
        let keys = self.keys.given_to(self.keys.user());
        vec![NewDeviceEffect::Linked(Box::new(Linked { keys, chain, workspaces }))]
    }
}

fn send(message: &ToInviter) -> NewDeviceEffect {
    NewDeviceEffect::Send(wire::encode(message))
}
