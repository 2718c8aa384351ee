use std::collections::VecDeque;

use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::acl::{AclOperation, Class};
use crate::certificate::VerifiedChain;
use crate::entry::Entry;
use crate::epoch::Cover;
use crate::identity::{DeviceKeys, Fingerprint, UserKeys};
use crate::ids::{EndpointId, UserId, WallMillis, WorkspaceId};
use crate::limits::{
    ENTRY_BODY_BYTES_MAX, INVITATION_MILLIS_MAX, INVITATION_USES_MAX, INVITATIONS_MAX, WELCOME_BYTES_MAX,
};
use crate::membership::fixture::{Person, Shared};
use crate::seal::Label;
use crate::ticket::{Ticket, TicketSecret};
use crate::workspace;

const NOW: WallMillis = WallMillis(1_000_000);
const HOUR: i64 = 3_600_000;

/// Ana's workspace and her open invitations.
struct Host {
    shared: Shared,
    book: Invitations,
    rng: ChaCha20Rng,
}

impl Host {
    fn new() -> Self {
        Self {
            shared: Shared::found("ana", 1),
            book: Invitations::default(),
            rng: ChaCha20Rng::seed_from_u64(7),
        }
    }

    fn ws(&self) -> WorkspaceId {
        self.shared.membership.workspace()
    }

    fn invite(&mut self, uses: u32, confirmation: Confirmation) -> (InvitationId, Ticket) {
        let terms = InvitationTerms { ws: self.ws(), class: Class::Editor, uses, millis: HOUR, confirmation };
        let (id, secret) = self.book.create(terms, NOW, &mut self.rng).unwrap();
        (id, self.ticket(secret))
    }

    fn ticket(&self, secret: TicketSecret) -> Ticket {
        Ticket {
            ws: self.ws(),
            inviter: self.shared.founder.keys.endpoint_id(),
            addresses: Vec::new(),
            relay: None,
            secret,
            class: Class::Editor,
            inviter_name: "Ana's laptop".to_owned(),
        }
    }

    /// Does what the effects ask for, as a node would; a person says `says`.
    fn drive(
        &mut self,
        inviter: &mut Inviter,
        effects: Vec<InviterEffect>,
        says: bool,
        now: WallMillis,
    ) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut waiting = VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            let answer = match effect {
                InviterEffect::Send(frame) => {
                    frames.push(frame);
                    continue;
                }
                InviterEffect::Save => {
                    self.book = Invitations::from_secret_bytes(&self.book.to_secret_bytes()).unwrap();
                    continue;
                }
                InviterEffect::Close => continue,
                InviterEffect::Describe(ws) => {
                    assert_eq!(ws, self.ws());
                    InviterInput::Describe(Description {
                        workspace: "Notes".to_owned(),
                        ..Description::default()
                    })
                }
                InviterEffect::Ask(request) => {
                    assert_eq!(inviter.waiting(), Some(&*request));
                    if says { InviterInput::Confirm } else { InviterInput::Decline }
                }
                InviterEffect::Admit(request) => self.let_in(&request),
                InviterEffect::DescribeUs => {
                    let (user, inviter) = (self.shared.founder.keys.user(), Label::new("ana", "laptop"));
                    InviterInput::DescribeUs(LinkOffer { user, inviter, workspaces: vec![self.offered()] })
                }
                InviterEffect::AskLink(_) if says => InviterInput::Confirm,
                InviterEffect::AskLink(_) => InviterInput::Decline,
                InviterEffect::Link(request) => self.link(&request),
                InviterEffect::Recover(user, _) if self.shared.membership.class_of(&user).is_some() => {
                    let entries = self.shared.entries.iter().map(Entry::encode).collect();
                    InviterInput::Recovered(vec![(self.offered(), entries)])
                }
                InviterEffect::Recover(..) => InviterInput::Recovered(Vec::new()),
            };
            waiting.extend(inviter.handle(now, answer, &mut self.book, &mut self.rng));
        }
        frames
    }

    fn let_in(&mut self, request: &JoinRequest) -> InviterInput {
        if !self.shared.membership.is_live(&request.device) {
            let us = self.shared.founder.keys.user();
            let newcomer = (&request.chain, &request.label, request.class);
            let made =
                workspace::admit(&self.shared.membership, &self.shared.keyring, &us, newcomer, &mut self.rng);
            let Ok(operations) = made else { return InviterInput::NotAllowed };
            self.shared.write_as_founder(operations);
            self.shared.cover_everybody();
        }
        InviterInput::Admitted(self.shared.entries.iter().map(Entry::encode).collect())
    }
}

impl Host {
    fn offered(&self) -> OfferedWorkspace {
        OfferedWorkspace { ws: self.ws(), name: "Notes".to_owned(), files: 3, bytes: 4 }
    }

    fn link_ticket(&mut self, confirmation: Confirmation) -> (InvitationId, Ticket) {
        let terms = InvitationTerms {
            ws: WorkspaceId::ZERO,
            class: Class::Keeper,
            uses: 1,
            millis: HOUR,
            confirmation,
        };
        let (id, secret) = self.book.create(terms, NOW, &mut self.rng).unwrap();
        let ticket = self.ticket(secret);
        (id, Ticket { ws: WorkspaceId::ZERO, class: Class::Keeper, ..ticket })
    }

    fn link(&mut self, request: &LinkRequest) -> InviterInput {
        let founder = &self.shared.founder;
        let chain = founder.chain.extend(founder.keys.signing_key(), &request.claim).unwrap();
        if !self.shared.membership.is_live(&request.device) {
            let (membership, keyring) = (&self.shared.membership, &self.shared.keyring);
            let operations =
                workspace::add_own_device(membership, keyring, &chain, &request.label, &mut self.rng)
                    .unwrap();
            self.shared.write_as_founder(operations);
            self.shared.cover_everybody();
        }
        let entries = self.shared.entries.iter().map(Entry::encode).collect();
        InviterInput::Linked(chain.chain().clone(), vec![(self.offered(), entries)])
    }

    /// Runs a link to its end, with a device that was somebody else's so far.
    fn link_with(
        &mut self,
        ticket: &Ticket,
        device: &DeviceKeys,
        seen_as: EndpointId,
        says: bool,
    ) -> Result<Box<Linked>, JoinError> {
        let us = self.shared.founder.keys.endpoint_id();
        let mut rng = ChaCha20Rng::seed_from_u64(99);
        let (mut new, hello) = NewDevice::new(ticket, device, Label::new("Ana", "desk"), us, &mut rng);
        let mut inviter = Inviter::new(us, seen_as);
        let mut to_inviter = VecDeque::from([hello]);
        while let Some(frame) = to_inviter.pop_front() {
            let effects = inviter.handle(NOW, InviterInput::Frame(frame), &mut self.book, &mut self.rng);
            for frame in self.drive(&mut inviter, effects, says, NOW) {
                let mut effects = VecDeque::from(new.handle(NewDeviceInput::Frame(frame)));
                while let Some(effect) = effects.pop_front() {
                    match effect {
                        NewDeviceEffect::Send(frame) => to_inviter.push_back(frame),
                        NewDeviceEffect::Preview(_) => effects.extend(new.handle(NewDeviceInput::Accept)),
                        NewDeviceEffect::Waiting(_) => {}
                        NewDeviceEffect::Linked(linked) => return Ok(linked),
                        NewDeviceEffect::Failed(error) => return Err(error),
                    }
                }
            }
        }
        panic!("a link without an end")
    }
}

#[test]
fn a_device_is_linked_to_a_person_and_comes_into_their_workspaces() {
    let mut host = Host::new();
    let (id, ticket) = host.link_ticket(Confirmation::Ask);
    let ticket = Ticket::parse(&ticket.encode()).unwrap();
    assert!(ticket.is_link() && host.book.get(&id).unwrap().is_link());
    let desk = Person::new("nobody yet", 2).keys;
    let linked = host.link_with(&ticket, &desk, desk.endpoint_id(), true).unwrap();
    let ana = host.shared.founder.keys.user();
    assert_eq!((linked.chain.user(), linked.keys.user()), (ana, ana));
    assert_eq!(linked.keys.endpoint_id(), desk.endpoint_id(), "it stays where it is");
    let (offered, joined) = &linked.workspaces[0];
    assert_eq!((offered.name.as_str(), joined.class), ("Notes", Class::Owner));
    assert!(joined.membership.is_live(&linked.keys.device_id()));
    // A lost connection: the same device may come again, another may not.
    let entries = host.shared.entries.len();
    assert!(host.link_with(&ticket, &desk, desk.endpoint_id(), true).is_ok());
    assert_eq!(host.shared.entries.len(), entries, "coming again writes nothing");
    let other = Person::new("thief", 3).keys;
    let refused = host.link_with(&ticket, &other, other.endpoint_id(), true).unwrap_err();
    assert_eq!(refused, JoinError::Refused(Refusal::Used));
}

#[test]
fn a_device_is_not_linked_without_the_persons_word_nor_from_another_address() {
    let mut host = Host::new();
    let (_, ticket) = host.link_ticket(Confirmation::Ask);
    let desk = Person::new("nobody yet", 2).keys;
    let declined = host.link_with(&ticket, &desk, desk.endpoint_id(), false).unwrap_err();
    assert_eq!(declined, JoinError::Refused(Refusal::Declined));
    let elsewhere = Person::new("relay", 4).keys.endpoint_id();
    let moved = host.link_with(&ticket, &desk, elsewhere, true).unwrap_err();
    assert_eq!(moved, JoinError::Impostor, "proofs are bound to the address");
    assert_eq!(host.shared.membership.live_devices().len(), 1);
}

fn recover(
    host: &mut Host,
    chain: &VerifiedChain,
    seen_as: EndpointId,
) -> Result<Vec<(OfferedWorkspace, Joined)>, JoinError> {
    let (mut recovery, ask) = Recovery::new(chain);
    let mut inviter = Inviter::new(host.shared.founder.keys.endpoint_id(), seen_as);
    let effects = inviter.handle(NOW, InviterInput::Frame(ask), &mut host.book, &mut host.rng);
    for frame in host.drive(&mut inviter, effects, true, NOW) {
        if let Some(workspaces) = recovery.handle(&frame)? {
            return Ok(workspaces);
        }
    }
    panic!("a recovery without an end")
}

#[test]
fn the_words_alone_bring_a_persons_workspaces_and_nobody_elses() {
    let mut host = Host::new();
    let words = host.shared.founder.user.words();
    let user = UserKeys::from_words(&words).unwrap();
    let desk = Person::new("new machine", 9).keys.given_to(user.user_id());
    let chain = user.certify(&desk.claim()).unwrap();
    let workspaces = recover(&mut host, &chain, desk.endpoint_id()).unwrap();
    let (_, joined) = &workspaces[0];
    assert_eq!((workspaces.len(), joined.class), (1, Class::Owner));
    // The words open the keys too.
    let mut keyring = crate::epoch::Keyring::default();
    for entry in &joined.entries {
        if let Ok(epoch) = entry.clear() {
            let _ = keyring.offer(&epoch, &Cover::Recovery(user.user_id()), user.age_identity());
        }
    }
    assert_eq!(workspace::name(&joined.membership, &keyring).as_deref(), Some("Notes"));

    // A stranger's words, another address, and a device that a device certified.
    let stranger = Person::new("stranger", 3);
    let refused = recover(&mut host, &stranger.chain, stranger.keys.endpoint_id()).unwrap_err();
    assert_eq!(refused, JoinError::Refused(Refusal::Unknown));
    let refused = recover(&mut host, &chain, stranger.keys.endpoint_id()).unwrap_err();
    assert_eq!(refused, JoinError::Refused(Refusal::Invalid));
    let second = host.shared.founder.second(77);
    let refused = recover(&mut host, &second.chain, second.keys.endpoint_id()).unwrap_err();
    assert_eq!(refused, JoinError::Refused(Refusal::Invalid));
}

#[test]
fn a_ticket_that_links_invites_nobody_and_the_other_way_round() {
    let mut host = Host::new();
    let (_, link) = host.link_ticket(Confirmation::Automatic);
    let bob = Meeting::of(&host, Person::new("bob", 2));
    assert_eq!(refused(bob.run(&mut host, &link)), JoinError::Protocol);
    let (_, invitation) = host.invite(1, Confirmation::Automatic);
    let desk = Person::new("nobody yet", 3).keys;
    let failed = host.link_with(&invitation, &desk, desk.endpoint_id(), true).unwrap_err();
    assert_eq!(failed, JoinError::Protocol);
    assert_eq!(host.shared.membership.live_devices().len(), 1);
}

/// What the newcomer ended with, and what was shown on the way.
#[derive(Debug, Default)]
struct Outcome {
    offer: Option<Offer>,
    has_waited: bool,
    end: Option<Result<Box<Joined>, JoinError>>,
}

struct Meeting {
    person: Person,
    inviter_sees: EndpointId,
    newcomer_sees: EndpointId,
    says: bool,
    now: WallMillis,
}

impl Meeting {
    fn of(host: &Host, person: Person) -> Self {
        let inviter_sees = person.keys.endpoint_id();
        Self {
            person,
            inviter_sees,
            newcomer_sees: host.shared.founder.keys.endpoint_id(),
            says: true,
            now: NOW,
        }
    }

    /// Runs the handshake to its end.
    fn run(&self, host: &mut Host, ticket: &Ticket) -> Outcome {
        self.run_with(host, ticket, self.person.chain.clone())
    }

    fn run_with(&self, host: &mut Host, ticket: &Ticket, chain: VerifiedChain) -> Outcome {
        let mut rng = ChaCha20Rng::seed_from_u64(99);
        let ends = (self.person.keys.endpoint_id(), self.newcomer_sees);
        let label = Label::new(self.person.name.clone(), "desk");
        let (mut newcomer, hello) = Newcomer::new(ticket, chain, label, ends, &mut rng);
        let mut inviter = Inviter::new(host.shared.founder.keys.endpoint_id(), self.inviter_sees);
        let mut outcome = Outcome::default();
        let mut to_inviter = VecDeque::from([hello]);
        while let Some(frame) = to_inviter.pop_front() {
            let effects = inviter.handle(self.now, InviterInput::Frame(frame), &mut host.book, &mut host.rng);
            for frame in host.drive(&mut inviter, effects, self.says, self.now) {
                let mut effects = VecDeque::from(newcomer.handle(NewcomerInput::Frame(frame)));
                while let Some(effect) = effects.pop_front() {
                    match effect {
                        NewcomerEffect::Send(frame) => to_inviter.push_back(frame),
                        NewcomerEffect::Preview(offer) => {
                            outcome.offer = Some(offer);
                            effects.extend(newcomer.handle(NewcomerInput::Accept));
                        }
                        NewcomerEffect::Waiting => outcome.has_waited = true,
                        NewcomerEffect::Joined(joined) => outcome.end = Some(Ok(joined)),
                        NewcomerEffect::Failed(error) => outcome.end = Some(Err(error)),
                    }
                }
            }
        }
        outcome
    }
}

fn refused(outcome: Outcome) -> JoinError {
    outcome.end.expect("an end").expect_err("a failure")
}

#[test]
fn somebody_with_a_ticket_is_let_in_and_can_read() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(1, Confirmation::Ask);
    let ticket = Ticket::parse(&ticket.encode()).unwrap();
    let meeting = Meeting::of(&host, Person::new("bob", 2));
    let outcome = meeting.run(&mut host, &ticket);
    assert_eq!(outcome.offer.unwrap().workspace, "Notes");
    assert!(outcome.has_waited);
    let joined = outcome.end.unwrap().unwrap();
    assert_eq!((joined.ws, joined.class), (host.ws(), Class::Editor));
    let bob = meeting.person.keys.user();
    assert_eq!(joined.membership.class_of(&bob), Some(Class::Editor));

    let mut keyring = crate::epoch::Keyring::default();
    let us = Cover::Device(meeting.person.keys.device_id());
    for entry in &joined.entries {
        if let Ok(epoch) = entry.clear() {
            let _ = keyring.offer(&epoch, &us, meeting.person.keys.age_identity());
        }
    }
    assert_eq!(workspace::name(&joined.membership, &keyring).as_deref(), Some("Notes"));
    let labels = workspace::labels(&joined.membership, &keyring);
    assert_eq!(labels[&meeting.person.keys.device_id()], Label::new("bob", "desk"));
    assert!(workspace::content_secret(&joined.membership, &keyring).is_some());
}

#[test]
fn a_ticket_is_used_once_but_who_came_in_may_come_again() {
    let mut host = Host::new();
    let (id, ticket) = host.invite(1, Confirmation::Automatic);
    let bob = Meeting::of(&host, Person::new("bob", 2));
    assert!(bob.run(&mut host, &ticket).end.unwrap().is_ok());
    assert_eq!(host.book.get(&id).unwrap().uses_left, 0);
    let entries = host.shared.entries.len();
    assert!(bob.run(&mut host, &ticket).end.unwrap().is_ok());
    assert_eq!(host.shared.entries.len(), entries, "coming again writes nothing");
    let carol = Meeting::of(&host, Person::new("carol", 3));
    assert_eq!(refused(carol.run(&mut host, &ticket)), JoinError::Refused(Refusal::Used));
}

#[test]
fn several_may_come_with_a_ticket_for_several() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(2, Confirmation::Automatic);
    for (name, seed) in [("bob", 2), ("carol", 3)] {
        let outcome = Meeting::of(&host, Person::new(name, seed)).run(&mut host, &ticket);
        assert!(outcome.end.unwrap().is_ok(), "{name}");
    }
    let dave = Meeting::of(&host, Person::new("dave", 4)).run(&mut host, &ticket);
    assert_eq!(refused(dave), JoinError::Refused(Refusal::Used));
}

#[test]
fn expired_cancelled_and_declined_are_told_apart() {
    let mut host = Host::new();
    let (id, ticket) = host.invite(1, Confirmation::Ask);
    let mut meeting = Meeting::of(&host, Person::new("bob", 2));
    meeting.says = false;
    assert_eq!(refused(meeting.run(&mut host, &ticket)), JoinError::Refused(Refusal::Declined));
    assert_eq!(host.book.get(&id).unwrap().uses_left, 1, "a declined newcomer spends nothing");
    meeting.now = WallMillis(NOW.0 + HOUR);
    assert_eq!(refused(meeting.run(&mut host, &ticket)), JoinError::Refused(Refusal::Expired));
    meeting.now = NOW;
    assert!(host.book.cancel(&id));
    assert_eq!(refused(meeting.run(&mut host, &ticket)), JoinError::Refused(Refusal::Cancelled));
    assert!(host.shared.membership.class_of(&meeting.person.keys.user()).is_none());
}

#[test]
fn a_ticket_with_another_secret_is_unknown() {
    let mut host = Host::new();
    let (_, mut ticket) = host.invite(1, Confirmation::Automatic);
    ticket.secret = TicketSecret::from_bytes([9; 32]);
    let outcome = Meeting::of(&host, Person::new("bob", 2)).run(&mut host, &ticket);
    assert_eq!(refused(outcome), JoinError::Refused(Refusal::Unknown));
}

#[test]
fn an_inviter_who_may_not_invite_says_so() {
    let mut host = Host::new();
    let bob = Person::new("bob", 2);
    host.shared.admit(&bob, Class::Editor);
    host.shared.founder = bob;
    let (_, ticket) = host.invite(1, Confirmation::Automatic);
    let outcome = Meeting::of(&host, Person::new("carol", 3)).run(&mut host, &ticket);
    assert_eq!(refused(outcome), JoinError::Refused(Refusal::NotAllowed));
}

/// Mallory takes Bob's connection and opens her own to Ana, passing every frame on.
#[test]
fn a_relayed_handshake_fails_at_the_first_proof() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(1, Confirmation::Automatic);
    let mallory = Person::new("mallory", 66).keys.endpoint_id();
    let mut meeting = Meeting::of(&host, Person::new("bob", 2));
    meeting.inviter_sees = mallory;
    meeting.newcomer_sees = mallory;
    assert_eq!(refused(meeting.run(&mut host, &ticket)), JoinError::Impostor);
    assert!(host.shared.membership.class_of(&meeting.person.keys.user()).is_none());
}

/// Even a newcomer that skips its own check cannot be relayed: the inviter's fails as well.
#[test]
fn a_proof_for_another_connection_is_refused_by_the_inviter() {
    let mut host = Host::new();
    let (id, ticket) = host.invite(1, Confirmation::Automatic);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (us, bob, mallory) =
        (ticket.inviter, EndpointId::from_bytes([2; 32]), EndpointId::from_bytes([6; 32]));
    let key = messages::InviteKey::derive(&ticket.secret);
    let nonce = [1; 32];
    let hello = messages::ToInviter::Hello { version: 1, invitation: id, nonce };
    let mut check = |proven_for: EndpointId, role: messages::Role, replayed: bool| {
        let mut inviter = Inviter::new(us, mallory);
        let frame = InviterInput::Frame(crate::wire::encode(&hello));
        let effects = inviter.handle(NOW, frame, &mut host.book, &mut rng);
        let [InviterEffect::Send(challenge)] = effects.as_slice() else { panic!("no challenge") };
        let Ok(messages::ToNewcomer::Challenge { nonce: inviter_nonce, .. }) = crate::wire::decode(challenge)
        else {
            panic!("no challenge")
        };
        let inviter_nonce = if replayed { [0; 32] } else { inviter_nonce };
        let meeting =
            messages::Meeting { newcomer: proven_for, inviter: us, newcomer_nonce: nonce, inviter_nonce };
        let proof = messages::ToInviter::Proof { proof: *key.proof(role, &meeting).as_bytes() };
        let frame = InviterInput::Frame(crate::wire::encode(&proof));
        let effects = inviter.handle(NOW, frame, &mut host.book, &mut rng);
        matches!(effects.as_slice(), [InviterEffect::Describe(_)])
    };
    assert!(
        check(mallory, messages::Role::Newcomer, false),
        "who knows the secret and speaks for itself may go on"
    );
    assert!(!check(bob, messages::Role::Newcomer, false), "a proof made for another endpoint");
    assert!(!check(mallory, messages::Role::Inviter, false), "our own proof sent back");
    assert!(!check(mallory, messages::Role::Newcomer, true), "a proof over an earlier nonce");
}

#[test]
fn a_chain_of_somebody_else_does_not_let_its_bearer_in() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(1, Confirmation::Automatic);
    let carol = Person::new("carol", 3);
    let bob = Meeting::of(&host, Person::new("bob", 2));
    let outcome = bob.run_with(&mut host, &ticket, carol.chain.clone());
    assert_eq!(refused(outcome), JoinError::Refused(Refusal::Invalid));
    assert!(host.shared.membership.class_of(&carol.keys.user()).is_none());
}

#[test]
fn nonsense_and_messages_out_of_order_end_the_connection() {
    let mut host = Host::new();
    let (id, _) = host.invite(1, Confirmation::Automatic);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let proof = crate::wire::encode(&messages::ToInviter::Proof { proof: [0; 32] });
    let old = crate::wire::encode(&messages::ToInviter::Hello { version: 9, invitation: id, nonce: [0; 32] });
    for (frame, refusal) in
        [(vec![255; 40], Refusal::Invalid), (proof, Refusal::Invalid), (old, Refusal::Version)]
    {
        let mut inviter = Inviter::new(EndpointId::ZERO, EndpointId::ZERO);
        let effects = inviter.handle(NOW, InviterInput::Frame(frame), &mut host.book, &mut rng);
        let [InviterEffect::Send(answer), InviterEffect::Close] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(crate::wire::decode(answer), Ok(messages::ToNewcomer::Refused(refusal)));
        assert!(inviter.is_done());
        assert!(inviter.handle(NOW, InviterInput::Confirm, &mut host.book, &mut rng).is_empty());
    }
}

#[test]
fn a_welcome_into_another_or_a_cut_workspace_is_refused() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(1, Confirmation::Automatic);
    let mut other = Host::new();
    other.shared = Shared::found("eve", 66);
    let bob = Meeting::of(&host, Person::new("bob", 2));
    let shared = std::mem::replace(&mut host.shared, other.shared);
    host.shared.founder = shared.founder;
    let mut ends = Vec::new();
    for keep in [0, 1] {
        let mut entries = if keep == 0 { host.shared.entries.clone() } else { shared.entries.clone() };
        entries.truncate(3);
        ends.push(welcome(&bob.person, &ticket, &entries));
    }
    assert_eq!(ends, [JoinError::OtherWorkspace, JoinError::NotIn]);
    let mut forged = shared.entries.clone();
    forged[1].signature[0] ^= 1;
    assert!(matches!(welcome(&bob.person, &ticket, &forged), JoinError::Entry(_)));
}

/// What a newcomer says who is welcomed with these entries by somebody who knows the secret.
fn welcome(person: &Person, ticket: &Ticket, entries: &[Entry]) -> JoinError {
    let mut newcomer = accepting(person, ticket);
    let wire_entries = entries.iter().map(|entry| messages::WireEntry(entry.encode())).collect();
    let mut effects = Vec::new();
    for message in [
        messages::ToNewcomer::Welcome { entries: u32::try_from(entries.len()).unwrap() },
        messages::ToNewcomer::Entries(wire_entries),
    ] {
        effects = newcomer.handle(NewcomerInput::Frame(crate::wire::encode(&message)));
    }
    match effects.pop() {
        Some(NewcomerEffect::Failed(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A newcomer who has met somebody who knows the secret, and has accepted the offer.
fn accepting(person: &Person, ticket: &Ticket) -> Newcomer {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let ends = (person.keys.endpoint_id(), ticket.inviter);
    let (mut newcomer, hello) = Newcomer::new(ticket, person.chain.clone(), Label::default(), ends, &mut rng);
    let Ok(messages::ToInviter::Hello { nonce, .. }) = crate::wire::decode(&hello) else {
        panic!("no hello")
    };
    let meeting = messages::Meeting {
        newcomer: ends.0,
        inviter: ends.1,
        newcomer_nonce: nonce,
        inviter_nonce: [4; 32],
    };
    let proof =
        *messages::InviteKey::derive(&ticket.secret).proof(messages::Role::Inviter, &meeting).as_bytes();
    let offer = Offer {
        workspace: String::new(),
        inviter: Label::default(),
        class: Class::Editor,
        files: 0,
        bytes: 0,
    };
    for message in
        [messages::ToNewcomer::Challenge { nonce: [4; 32], proof }, messages::ToNewcomer::Offer(offer)]
    {
        newcomer.handle(NewcomerInput::Frame(crate::wire::encode(&message)));
    }
    newcomer.handle(NewcomerInput::Accept);
    newcomer
}

/// A newcomer who is told that `expected` entries follow, and has got these.
fn receiving(person: &Person, ticket: &Ticket, expected: u32, frames: &[Vec<u8>]) -> Vec<NewcomerEffect> {
    let mut newcomer = accepting(person, ticket);
    let welcome = messages::ToNewcomer::Welcome { entries: expected };
    newcomer.handle(NewcomerInput::Frame(crate::wire::encode(&welcome)));
    frames.iter().flat_map(|frame| newcomer.handle(NewcomerInput::Frame(frame.clone()))).collect()
}

/// An entry that has as many bytes as are asked for.
fn entry_of(shared: &Shared, bytes: usize) -> messages::WireEntry {
    let header = shared.entries.last().unwrap().header.clone();
    let key = shared.founder.keys.signing_key();
    let sign = |body: usize| Entry::sign(header.clone(), vec![0; body], key).unwrap();
    let mut body = bytes - 400;
    while sign(body).encoded_len() < bytes {
        body += bytes - sign(body).encoded_len();
    }
    assert_eq!(sign(body).encoded_len(), bytes);
    messages::WireEntry(sign(body).encode())
}

fn frame_of(entries: Vec<messages::WireEntry>) -> Vec<u8> {
    crate::wire::encode(&messages::ToNewcomer::Entries(entries))
}

#[test]
fn a_newcomer_takes_so_many_bytes_and_no_more() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(1, Confirmation::Automatic);
    let bob = Person::new("bob", 2);
    let count = WELCOME_BYTES_MAX / ENTRY_BODY_BYTES_MAX;
    let mut frames = vec![frame_of(vec![entry_of(&host.shared, WELCOME_BYTES_MAX / count)]); count];
    let expected = u32::try_from(count).unwrap() + 1;
    assert!(receiving(&bob, &ticket, expected, &frames).is_empty(), "at the limit the rest is waited for");
    frames.push(frame_of(vec![messages::WireEntry(vec![0])]));
    let ends = receiving(&bob, &ticket, expected, &frames);
    assert!(matches!(ends.as_slice(), [NewcomerEffect::Failed(JoinError::TooMuch)]), "{ends:?}");
}

#[test]
fn a_newcomer_takes_as_many_entries_as_were_announced() {
    let mut host = Host::new();
    let (_, ticket) = host.invite(1, Confirmation::Automatic);
    let bob = Person::new("bob", 2);
    let frame = [frame_of(vec![entry_of(&host.shared, 700); 2])];
    assert!(receiving(&bob, &ticket, 3, &frame).is_empty());
    let ends = receiving(&bob, &ticket, 1, &frame);
    assert!(matches!(ends.as_slice(), [NewcomerEffect::Failed(JoinError::TooMuch)]), "{ends:?}");
}

#[test]
fn terms_hold_at_their_limits_and_not_above() {
    let mut book = Invitations::default();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let terms = InvitationTerms {
        ws: WorkspaceId::ZERO,
        class: Class::Viewer,
        uses: INVITATION_USES_MAX,
        millis: INVITATION_MILLIS_MAX,
        confirmation: Confirmation::Ask,
    };
    let mut create = |terms| book.create(terms, NOW, &mut rng).map(|_| ());
    assert_eq!(create(terms), Ok(()));
    let uses = INVITATION_USES_MAX + 1;
    assert_eq!(create(InvitationTerms { uses, ..terms }), Err(InviteError::Uses { uses }));
    assert_eq!(create(InvitationTerms { uses: 0, ..terms }), Err(InviteError::Uses { uses: 0 }));
    let millis = INVITATION_MILLIS_MAX + 1;
    assert_eq!(create(InvitationTerms { millis, ..terms }), Err(InviteError::Time));
    assert_eq!(create(InvitationTerms { millis: 0, ..terms }), Err(InviteError::Time));
    assert_eq!(create(InvitationTerms { class: Class::Owner, ..terms }), Err(InviteError::Class));
    for _ in 1..INVITATIONS_MAX {
        assert_eq!(create(terms), Ok(()));
    }
    assert_eq!(create(terms), Err(InviteError::TooMany));
    let later = WallMillis(NOW.0 + 15 * 24 * HOUR);
    assert!(book.create(terms, later, &mut rng).is_ok(), "old ones make room");
}

#[test]
fn what_an_invitation_lets_in_is_one_device_and_one_grant() {
    let mut host = Host::new();
    let bob = Person::new("bob", 2);
    let request = JoinRequest {
        invitation: InvitationId::from_bytes([0; 16]),
        ws: host.ws(),
        class: Class::Viewer,
        user: bob.keys.user(),
        fingerprint: Fingerprint::of_user(&bob.keys.user()),
        device: bob.keys.device_id(),
        label: Label::new("bob", "desk"),
        chain: bob.chain.clone(),
    };
    let us: UserId = host.shared.founder.keys.user();
    let newcomer = (&request.chain, &request.label, request.class);
    let operations =
        workspace::admit(&host.shared.membership, &host.shared.keyring, &us, newcomer, &mut host.rng)
            .unwrap();
    assert!(matches!(
        operations.as_slice(),
        [AclOperation::AddDev { .. }, AclOperation::Grant { class: Class::Viewer, .. }]
    ));
}

#[test]
fn secrets_of_invitations_do_not_print() {
    let mut host = Host::new();
    host.invite(1, Confirmation::Ask);
    let text = format!("{:?}", host.book);
    assert!(text.contains("****"), "{text}");
}

#[test]
fn as_many_workspaces_come_along_as_may_and_not_one_more() {
    use crate::invite::messages::ToNewcomer;
    use crate::limits::LINK_WORKSPACES_MAX;
    use crate::wire;

    let host = Host::new();
    let limit = u32::try_from(LINK_WORKSPACES_MAX).unwrap();
    let recovered = |workspaces: u32| {
        let (mut recovery, _) = Recovery::new(&host.shared.founder.chain);
        recovery.handle(&wire::encode(&ToNewcomer::Recovered { workspaces })).map(|all| all.is_some())
    };
    assert_eq!(recovered(limit), Ok(false), "they are still to come");
    assert_eq!(recovered(limit + 1), Err(JoinError::TooMuch));
    let offer = |count: usize| {
        let workspaces = vec![host.offered(); count];
        let (user, inviter) = (host.shared.founder.keys.user(), Label::new("ana", "laptop"));
        let frame = wire::encode(&ToNewcomer::LinkOffer(LinkOffer { user, inviter, workspaces }));
        wire::decode::<ToNewcomer>(&frame).is_ok()
    };
    assert_eq!((offer(LINK_WORKSPACES_MAX), offer(LINK_WORKSPACES_MAX + 1)), (true, false));
}
