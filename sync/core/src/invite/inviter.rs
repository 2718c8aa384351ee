//! The side of an invitation that lets somebody in.

use rand::CryptoRng;

use crate::acl::Class;
use crate::certificate::{Chain, DeviceClaim, VerifiedChain};
use crate::identity::Fingerprint;
use crate::ids::{DeviceId, EndpointId, UserId, WallMillis, WorkspaceId};
use crate::limits::WELCOME_FRAME_BYTES;
use crate::seal::Label;
use crate::wire;

use super::book::{Confirmation, InvitationId, Invitations};
use super::messages::{
    LinkOffer, Meeting, Offer, OfferedWorkspace, Refusal, Role, ToInviter, ToNewcomer, VERSION, WireEntry,
};

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

/// A device that proved to have a ticket of ours which links, and wants to be one of our devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    /// By which invitation.
    pub invitation: InvitationId,
    /// What the device says about itself: proven, and from the address that it speaks from.
    pub claim: DeviceClaim,
    /// Its id, as a device of ours.
    pub device: DeviceId,
    /// What to compare with what it shows.
    pub fingerprint: Fingerprint,
    /// How person and device are called there: to be shown with control characters escaped.
    pub label: Label,
}

/// A workspace as a device that was linked gets it: Genesis and all control-lane entries, in stored order.
pub type LinkedWorkspace = (OfferedWorkspace, Vec<Vec<u8>>);

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
    /// The answer to [`InviterEffect::DescribeUs`].
    DescribeUs(LinkOffer),
    /// What [`InviterEffect::Link`] asked for is on disk: the certificate, and the workspaces with the device in.
    Linked(Chain, Vec<LinkedWorkspace>),
    /// The answer to [`InviterEffect::Recover`].
    Recovered(Vec<LinkedWorkspace>),
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
    /// Tell who we are, and our workspaces: answer with [`InviterInput::DescribeUs`].
    DescribeUs,
    /// Show this device to our person: answer with [`InviterInput::Confirm`] or [`InviterInput::Decline`].
    AskLink(Box<LinkRequest>),
    /// Certify this device and add it to our workspaces, unless that was done before; then answer with
    /// [`InviterInput::Linked`] or [`InviterInput::NotAllowed`].
    Link(Box<LinkRequest>),
    /// Give the workspaces of which this person is a member, unless this device of theirs was put out there: answer with
    /// [`InviterInput::Recovered`]. That it is that device, and certified by the user key, is proven.
    Recover(UserId, DeviceId),
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
    LinkRequest { invitation: InvitationId, user: UserId },
    AskingLink(Box<LinkRequest>),
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
            InviterInput::DescribeUs(offer) => Ok(self.describe_us(offer)),
            InviterInput::Linked(chain, workspaces) => {
                let count = u32::try_from(workspaces.len()).unwrap_or(u32::MAX);
                self.give(&ToNewcomer::Linked { chain, workspaces: count }, workspaces)
            }
            InviterInput::Recovered(workspaces) if workspaces.is_empty() => Err(Refusal::Unknown),
            InviterInput::Recovered(workspaces) => {
                let count = u32::try_from(workspaces.len()).unwrap_or(u32::MAX);
                self.give(&ToNewcomer::Recovered { workspaces: count }, workspaces)
            }
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
            (ToInviter::Recover { version, .. }, Phase::Hello) if version != VERSION => Err(Refusal::Version),
            (ToInviter::Recover { chain, .. }, Phase::Hello) => self.recover(chain),
            (ToInviter::Proof { proof }, Phase::Proof { invitation, meeting }) => {
                let (invitation, meeting) = (*invitation, *meeting);
                self.proof(now, invitation, &meeting, &proof, book)
            }
            (ToInviter::Request { user, chain, label }, Phase::Request { invitation }) => {
                let invitation = *invitation;
                self.request(now, invitation, (user, chain, label), book)
            }
            (ToInviter::LinkRequest { claim, label }, Phase::LinkRequest { invitation, user }) => {
                let (invitation, user) = (*invitation, *user);
                self.link_request(now, (invitation, user), claim, label, book)
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
        Ok(vec![if known.is_link() { InviterEffect::DescribeUs } else { InviterEffect::Describe(known.ws) }])
    }

    fn describe(
        &mut self,
        description: &Description,
        book: &Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let Phase::Describing { invitation } = self.phase else { return Ok(Vec::new()) };
        let class = book.get(&invitation).ok_or(Refusal::Unknown)?.class;
        self.phase = Phase::Request { invitation };
        // A keeper is to know nothing but that there is a workspace.
        let is_blind = class == Class::Keeper;
        let description = if is_blind { Description::default() } else { description.clone() };
        let Description { workspace, inviter, files, bytes } = description;
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
            Phase::AskingLink(request) => self.link(request, book),
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
        send_entries(entries, &mut effects);
        effects.push(InviterEffect::Close);
        Ok(effects)
    }

    fn describe_us(&mut self, offer: LinkOffer) -> Vec<InviterEffect> {
        let Phase::Describing { invitation } = self.phase else { return Vec::new() };
        self.phase = Phase::LinkRequest { invitation, user: offer.user };
        vec![send(&ToNewcomer::LinkOffer(offer))]
    }

    fn link_request(
        &mut self,
        now: WallMillis,
        (invitation, user): (InvitationId, UserId),
        claim: DeviceClaim,
        label: Label,
        book: &mut Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        let known = book.get(&invitation).ok_or(Refusal::Unknown)?;
        // Only who speaks with the transport key of a claim is its device.
        if claim.endpoint != self.peer || !claim.is_proven(&user) {
            return Err(Refusal::Invalid);
        }
        let device = DeviceId::derive(&user, &claim.key);
        let was_admitted = known.admitted.contains(&device);
        if !was_admitted {
            known.check(now)?;
        }
        let fingerprint = Fingerprint::of_device(&device);
        let is_asked = !was_admitted && known.confirmation == Confirmation::Ask;
        let request = Box::new(LinkRequest { invitation, claim, device, fingerprint, label });
        if !is_asked {
            return self.link(request, book);
        }
        self.phase = Phase::AskingLink(request.clone());
        Ok(vec![send(&ToNewcomer::Waiting), InviterEffect::AskLink(request)])
    }

    fn link(
        &mut self,
        request: Box<LinkRequest>,
        book: &mut Invitations,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        book.spend(&request.invitation, request.device)?;
        self.phase = Phase::Admitting;
        Ok(vec![InviterEffect::Save, InviterEffect::Link(request)])
    }

    fn recover(&mut self, chain: Chain) -> Result<Vec<InviterEffect>, Refusal> {
        let chain = chain.verify().map_err(|_| Refusal::Invalid)?;
        // One link is signed by the user key itself, and only who speaks with its transport key is its device.
        if chain.links().len() != 1 || chain.last().endpoint != self.peer {
            return Err(Refusal::Invalid);
        }
        self.phase = Phase::Admitting;
        Ok(vec![InviterEffect::Recover(chain.user(), chain.device())])
    }

    /// Gives workspaces to a device of their person's.
    fn give(
        &mut self,
        first: &ToNewcomer,
        workspaces: Vec<LinkedWorkspace>,
    ) -> Result<Vec<InviterEffect>, Refusal> {
        if !matches!(self.phase, Phase::Admitting) {
            return Ok(Vec::new());
        }
        self.phase = Phase::Done;
        let mut effects = vec![send(first)];
        for (workspace, entries) in workspaces {
            let count = u32::try_from(entries.len()).map_err(|_| Refusal::Invalid)?;
            effects.push(send(&ToNewcomer::Workspace { workspace, entries: count }));
            send_entries(entries, &mut effects);
        }
        effects.push(InviterEffect::Close);
        Ok(effects)
    }
}

fn send_entries(entries: Vec<Vec<u8>>, effects: &mut Vec<InviterEffect>) {
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
}

fn send(message: &ToNewcomer) -> InviterEffect {
    InviterEffect::Send(wire::encode(message))
}
