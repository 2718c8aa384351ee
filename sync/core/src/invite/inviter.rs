//! The side of an invitation that lets somebody in.

use rand::CryptoRng;

use crate::acl::Class;
use crate::certificate::{Chain, VerifiedChain};
use crate::identity::Fingerprint;
use crate::ids::{DeviceId, EndpointId, UserId, WallMillis, WorkspaceId};
use crate::limits::WELCOME_FRAME_BYTES;
use crate::seal::Label;
use crate::wire;

use super::book::{Confirmation, InvitationId, Invitations};
use super::messages::{Meeting, Offer, Refusal, Role, ToInviter, ToNewcomer, VERSION, WireEntry};

/// Somebody who proved to have the ticket and wants to come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// By which invitation.
    pub invitation: InvitationId,
    /// To which workspace.
    pub ws: WorkspaceId,
    /// As what.
    pub class: Class,
    /// The person.
    pub user: UserId,
    /// What to compare with the person.
    pub fingerprint: Fingerprint,
    /// The device.
    pub device: DeviceId,
    /// How person and device call themselves: to be shown with control characters escaped.
    pub label: Label,
    /// Why the device is the person's.
    pub chain: VerifiedChain,
}

/// What an [`Inviter`] can be told.
#[derive(Clone, Debug)]
pub enum InviterInput {
    /// A frame came.
    Frame(Vec<u8>),
    /// The answer to [`InviterEffect::Describe`]: what the newcomer is shown.
    Describe(Description),
    /// A person said yes.
    Confirm,
    /// A person said no.
    Decline,
    /// We may not let this newcomer in after all.
    NotAllowed,
    /// What [`InviterEffect::Admit`] asked for is on disk. These are Genesis and all control-lane entries, in the
    /// order in which they were stored.
    Admitted(Vec<Vec<u8>>),
}

/// What is told about a workspace to somebody with a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The name of the workspace.
    pub workspace: String,
    /// Our names.
    pub inviter: Label,
    /// How many files there are.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

/// What an [`Inviter`] wants.
#[derive(Clone, Debug)]
pub enum InviterEffect {
    /// Send a frame.
    Send(Vec<u8>),
    /// Tell about this workspace: answer with [`InviterInput::Describe`].
    Describe(WorkspaceId),
    /// Show this newcomer to a person: answer with [`InviterInput::Confirm`] or [`InviterInput::Decline`].
    Ask(Box<JoinRequest>),
    /// The invitations changed: store them before anything else.
    Save,
    /// Let this newcomer in ([`admit`](crate::workspace::admit)), or, when the device is in already, do nothing; then
    /// answer with [`InviterInput::Admitted`] or [`InviterInput::NotAllowed`].
    Admit(Box<JoinRequest>),
    /// All was said: close the stream after what was sent has arrived.
    Close,
}

/// One connection of somebody with a ticket.
///
/// Give it what comes, and do what it wants, in order. It has ended when it asked to close.
#[derive(Debug)]
pub struct Inviter {
    us: EndpointId,
    peer: EndpointId,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Hello,
    Proof { invitation: InvitationId, meeting: Meeting },
    Describing { invitation: InvitationId },
    Request { invitation: InvitationId },
    Asking(Box<JoinRequest>),
    Admitting,
    Done,
}

impl Inviter {
    /// Begins with a connection that `peer`, as the transport has proven, opened to us.
    #[must_use]
    pub fn new(us: EndpointId, peer: EndpointId) -> Self {
        Self { us, peer, phase: Phase::Hello }
    }

    /// The newcomer that waits for a person.
    #[must_use]
    pub fn waiting(&self) -> Option<&JoinRequest> {
        match &self.phase {
            Phase::Asking(request) => Some(request),
            _ => None,
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Goes on. Input that does not fit is the newcomer's fault and ends the connection.
    pub fn handle<R: CryptoRng + ?Sized>(
        &mut self,
        now: WallMillis,
        input: InviterInput,
        book: &mut Invitations,
        rng: &mut R,
    ) -> Vec<InviterEffect> {
        let answer = match input {
            InviterInput::Frame(bytes) => self.frame(now, &bytes, book, rng),
            InviterInput::Describe(description) => self.describe(&description, book),
            InviterInput::Confirm => self.confirm(book),
            InviterInput::Decline => Err(Refusal::Declined),
            InviterInput::NotAllowed => Err(Refusal::NotAllowed),
            InviterInput::Admitted(entries) => self.admitted(entries),
        };
        answer.unwrap_or_else(|refusal| self.refuse(refusal))
    }

    fn refuse(&mut self, refusal: Refusal) -> Vec<InviterEffect> {
        if self.is_done() {
            return Vec::new();
        }
        self.phase = Phase::Done;
        vec![send(&ToNewcomer::Refused(refusal)), InviterEffect::Close]
    }

    fn frame<R: CryptoRng + ?Sized>(
        &mut self,
        now: WallMillis,
        bytes: &[u8],
        book: &mut Invitations,
        rng: &mut R,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let message = wire::decode::<ToInviter>(bytes).map_err(|_| Refusal::Invalid)?;
        match (message, &self.phase) {
            (ToInviter::Hello { version, .. }, Phase::Hello) if version != VERSION => Err(Refusal::Version),
            (ToInviter::Hello { invitation, nonce, .. }, Phase::Hello) => {
                self.hello(invitation, nonce, book, rng)
            }
            (ToInviter::Proof { proof }, Phase::Proof { invitation, meeting }) => {
                let (invitation, meeting) = (*invitation, *meeting);
                self.proof(now, invitation, &meeting, &proof, book)
            }
            (ToInviter::Request { user, chain, label }, Phase::Request { invitation }) => {
                let invitation = *invitation;
                self.request(now, invitation, (user, chain, label), book)
            }
            _ => Err(Refusal::Invalid),
        }
    }

    fn hello<R: CryptoRng + ?Sized>(
        &mut self,
        invitation: InvitationId,
        newcomer_nonce: [u8; 32],
        book: &Invitations,
        rng: &mut R,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let known = book.get(&invitation).ok_or(Refusal::Unknown)?;
        let mut inviter_nonce = [0; 32];
        rng.fill_bytes(&mut inviter_nonce);
        let meeting = Meeting { newcomer: self.peer, inviter: self.us, newcomer_nonce, inviter_nonce };
        let proof = *known.key.proof(Role::Inviter, &meeting).as_bytes();
        self.phase = Phase::Proof { invitation, meeting };
        Ok(vec![send(&ToNewcomer::Challenge { nonce: inviter_nonce, proof })])
    }

    fn proof(
        &mut self,
        now: WallMillis,
        invitation: InvitationId,
        meeting: &Meeting,
        proof: &[u8; 32],
        book: &Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let known = book.get(&invitation).ok_or(Refusal::Unknown)?;
        if !known.key.is_proof(Role::Newcomer, meeting, proof) {
            return Err(Refusal::Unknown);
        }
        // Somebody who came in before may come again, so a spent ticket is refused when it is known who comes.
        if known.admitted.is_empty() {
            known.check(now)?;
        }
        self.phase = Phase::Describing { invitation };
        Ok(vec![InviterEffect::Describe(known.ws)])
    }

    fn describe(
        &mut self,
        description: &Description,
        book: &Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let Phase::Describing { invitation } = self.phase else { return Ok(Vec::new()) };
        let class = book.get(&invitation).ok_or(Refusal::Unknown)?.class;
        self.phase = Phase::Request { invitation };
        let Description { workspace, inviter, files, bytes } = description.clone();
        Ok(vec![send(&ToNewcomer::Offer(Offer { workspace, inviter, class, files, bytes }))])
    }

    fn request(
        &mut self,
        now: WallMillis,
        invitation: InvitationId,
        (user, chain, label): (UserId, Chain, Label),
        book: &mut Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let known = book.get(&invitation).ok_or(Refusal::Unknown)?;
        let chain = chain.verify().map_err(|_| Refusal::Invalid)?;
        // A chain is public: only who speaks with its transport key is its device.
        if chain.user() != user || chain.last().endpoint != self.peer {
            return Err(Refusal::Invalid);
        }
        let device = chain.device();
        let was_admitted = known.admitted.contains(&device);
        if !was_admitted {
            known.check(now)?;
        }
        let request = Box::new(JoinRequest {
            invitation,
            ws: known.ws,
            class: known.class,
            user,
            fingerprint: Fingerprint::of_user(&user),
            device,
            label,
            chain,
        });
        if was_admitted || known.confirmation == Confirmation::Automatic {
            return self.admit(request, book);
        }
        self.phase = Phase::Asking(request.clone());
        Ok(vec![send(&ToNewcomer::Waiting), InviterEffect::Ask(request)])
    }

    fn confirm(&mut self, book: &mut Invitations) -> Result<Vec<InviterEffect>, Refusal> {
        match std::mem::replace(&mut self.phase, Phase::Admitting) {
            Phase::Asking(request) => self.admit(request, book),
            other => {
                self.phase = other;
                Ok(Vec::new())
            }
        }
    }

    fn admit(
        &mut self,
        request: Box<JoinRequest>,
        book: &mut Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        book.spend(&request.invitation, request.device)?;
        self.phase = Phase::Admitting;
        Ok(vec![InviterEffect::Save, InviterEffect::Admit(request)])
    }

    fn admitted(&mut self, entries: Vec<Vec<u8>>) -> Result<Vec<InviterEffect>, Refusal> {
        if !matches!(self.phase, Phase::Admitting) {
            return Ok(Vec::new());
        }
        self.phase = Phase::Done;
        let count = u32::try_from(entries.len()).map_err(|_| Refusal::Invalid)?;
        let mut effects = vec![send(&ToNewcomer::Welcome { entries: count })];
        let mut frame = Vec::new();
        let mut frame_bytes = 0;
        for entry in entries {
            if frame_bytes + entry.len() > WELCOME_FRAME_BYTES && !frame.is_empty() || frame.len() == 1024 {
                effects.push(send(&ToNewcomer::Entries(std::mem::take(&mut frame))));
                frame_bytes = 0;
            }
            frame_bytes += entry.len();
            frame.push(WireEntry(entry));
        }
        if !frame.is_empty() {
            effects.push(send(&ToNewcomer::Entries(frame)));
        }
        effects.push(InviterEffect::Close);
        Ok(effects)
    }
}

fn send(message: &ToNewcomer) -> InviterEffect {
    InviterEffect::Send(wire::encode(message))
}
