//! Targets of `./dev fuzz`: everything here that reads bytes of others, or of the disk.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::mem::discriminant;
use std::path::PathBuf;

use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use ed25519_dalek::SigningKey;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use weft_fuzz::{LINES, RECORDS, Structure, Target, WHOLE, reached, write_number};

use crate::acl::{Acl, Class, Genesis};
use crate::certificate::VerifiedChain;
use crate::data::{DataPlain, Item, Origin};
use crate::entry::{ClearBody, Close, Entry, Frontier, Header, KeyRequest, Kind, Open};
use crate::epoch::{Epoch, Keyring};
use crate::frames::Frame;
use crate::identity::DeviceKeys;
use crate::ids::{EndpointId, WallMillis, WorkspaceId};
use crate::invite::{
    Confirmation, Description, InvitationTerms, Invitations, Inviter, InviterEffect, InviterInput, LinkOffer,
    LinkRequest, NewDevice, NewDeviceEffect, NewDeviceInput, Newcomer, NewcomerEffect, NewcomerInput,
    OfferedWorkspace,
};
use crate::limits::{FRAME_BYTES_MAX, ITEM_RAW_BYTES_MAX};
use crate::membership::fixture::{Person, Shared};
use crate::seal::{EpochKey, Label};
use crate::ticket::{Ticket, TicketSecret};
use crate::wire;
use crate::workspace;
use crate::wraps::{AgeIdentity, unwrap, wrap};

/// The formats as they are pinned.
#[expect(clippy::disallowed_methods, reason = "a test finds its files by its surroundings")]
fn golden(prefix: &str) -> Vec<Vec<u8>> {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package lies");
    let folder = PathBuf::from(package).join("tests/golden");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)));
    files.sort();
    let read = |file: PathBuf| {
        let hex: String = fs::read_to_string(file).unwrap().split_whitespace().collect();
        HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap()
    };
    files.into_iter().map(read).collect()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

// Entries.

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// Reads a clear body; what can be read has one encoding.
fn read_body<B: ClearBody>(entry: &Entry) {
    match entry.clear::<B>() {
        Ok(body) => {
            reached(B::KIND.byte());
            assert_eq!(body.encode_body(), entry.body, "a body has one encoding");
        }
        Err(error) => reached((B::KIND.byte(), error.to_string())),
    }
}

fn split_entry(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (header, rest) = wire::decode_prefix::<Header>(bytes).ok()?;
    let body = rest.get(64..)?;
    let mut fields = vec![vec![header.ver], header.ws.as_bytes().to_vec(), header.log.as_bytes().to_vec()];
    fields.push(wire::encode(&header.seq));
    fields.push(header.prev.as_bytes().to_vec());
    fields.push(vec![header.kind.byte()]);
    fields.push(wire::encode(&header.acl_heads));
    fields.push(wire::encode(&header.epoch));
    fields.push(body.to_vec());
    Some(fields)
}

/// With the length and the hash of the body, and signed.
fn join_entry(fields: &[Vec<u8>]) -> Vec<u8> {
    use ed25519_dalek::Signer as _;
    let Some((body, fields)) = fields.split_last() else { return Vec::new() };
    let mut header = fields.concat();
    write_number(&mut header, body.len() as u64);
    header.extend(blake3::hash(body).as_bytes());
    let id = blake3::Hasher::new().update(b"weft/1 entry").update(&header).finalize();
    let signature = signing().sign(&[b"weft/1 sig\0", &id.as_bytes()[..]].concat());
    [&header, &signature.to_bytes()[..], body].concat()
}

const ENTRIES: Target = Target {
    name: "entry",
    decode: |bytes| match Entry::decode(bytes) {
        Ok(entry) => {
            reached(("an entry", entry.header.kind.byte()));
            assert_eq!(entry.encode(), bytes, "an entry has one encoding");
            assert_eq!(entry.encoded_len(), bytes.len());
            let key = crate::PublicKey::from_bytes(signing().verifying_key().to_bytes());
            reached(entry.verify(&key).is_ok());
            match entry.header.kind {
                Kind::Genesis => read_body::<Genesis>(&entry),
                Kind::Open => read_body::<Open>(&entry),
                Kind::Acl => read_body::<Acl>(&entry),
                Kind::Epoch => read_body::<Epoch>(&entry),
                Kind::Frontier => read_body::<Frontier>(&entry),
                Kind::KeyRequest => read_body::<KeyRequest>(&entry),
                Kind::Close => read_body::<Close>(&entry),
                _ => {}
            }
        }
        Err(error) => reached(discriminant(&error)),
    },
    seeds: || {
        let mut seeds = golden("entry-");
        seeds.retain(|bytes| Entry::decode(bytes).is_ok());
        seeds
    },
    structure: Structure { split: split_entry, join: join_entry },
};

#[test]
fn entry() {
    weft_fuzz::run(&ENTRIES);
}

#[test]
fn entries_are_put_together_as_they_were() {
    let seeds = (ENTRIES.seeds)();
    assert!(seeds.len() >= 10, "one of each kind");
    for seed in seeds {
        assert_eq!(join_entry(&split_entry(&seed).unwrap()), seed);
    }
}

// Frames.

const FRAMES: Target = Target {
    name: "frame",
    decode: |bytes| match Frame::decode(bytes) {
        Ok(frame) => {
            reached(discriminant(&frame));
            let again = frame.encode();
            assert!(again.len() <= FRAME_BYTES_MAX.max(bytes.len()), "a frame grows when it is passed on");
            assert_eq!(Frame::decode(&again).as_ref(), Ok(&frame));
            if let Frame::Frontier(vector) = &frame {
                reached(vector.is_signed(&WorkspaceId::from_bytes([1; 32])));
            }
        }
        Err(error) => reached(discriminant(&error)),
    },
    seeds: || golden("frame-"),
    structure: WHOLE,
};

#[test]
fn frame() {
    weft_fuzz::run(&FRAMES);
}

// What is inside of Data.

fn data_seeds() -> Vec<Vec<u8>> {
    let item =
        |more, change| Item { doc: weft_crdt::DocumentId::from_bytes([3; 16]), more, repeats: None, change };
    let mut seeds = golden("data-plain");
    for origin in [Origin::Human, Origin::Import, Origin::Branch { name: "main".to_owned(), files: 7 }] {
        let items = vec![item(true, b"packed ".repeat(200)), item(false, vec![9; 40])];
        seeds.push(DataPlain { wall: WallMillis(5), origin, items }.encode());
    }
    seeds
}

const DATA: Target = Target {
    name: "data",
    decode: |bytes| match DataPlain::decode(bytes) {
        Ok(data) => {
            reached((discriminant(&data.origin), data.items.len().min(3)));
            assert!(data.items.iter().all(|item| item.change.len() <= ITEM_RAW_BYTES_MAX));
            assert_eq!(DataPlain::decode(&data.encode()).as_ref(), Ok(&data));
        }
        Err(error) => reached(error.to_string().replace(|c: char| c.is_ascii_digit(), "")),
    },
    seeds: data_seeds,
    structure: WHOLE,
};

#[test]
fn data() {
    weft_fuzz::run(&DATA);
}

// Tickets.

fn ticket_of(payload: &[u8]) -> Vec<u8> {
    let check =
        |bytes: &[u8], len: usize| blake3::derive_key("weft 2026 ticket check v1", bytes)[..len].to_vec();
    let mut bytes = vec![crate::ticket::TICKET_VERSION];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend(check(&bytes, 2));
    bytes.extend(payload);
    bytes.extend(check(&bytes, 5));
    BASE32_NOPAD.encode(&bytes).into_bytes()
}

fn payload_of(ticket: &[u8]) -> Option<Vec<u8>> {
    let bytes = BASE32_NOPAD.decode(&ticket.to_ascii_uppercase()).ok()?;
    Some(bytes.get(5..bytes.len().checked_sub(5)?)?.to_vec())
}

const TICKETS: Target = Target {
    name: "ticket",
    decode: |bytes| match Ticket::parse(&String::from_utf8_lossy(bytes)) {
        Ok(ticket) => {
            reached(("a ticket", ticket.addresses.len(), ticket.relay.is_some()));
            assert_eq!(Ticket::parse(&ticket.encode()).as_ref(), Ok(&ticket));
        }
        Err(error) => reached((discriminant(&error), error.hint())),
    },
    seeds: || {
        let ticket = |relay: Option<&str>, addresses: &[&str]| Ticket {
            ws: WorkspaceId::from_bytes([1; 32]),
            inviter: EndpointId::from_bytes([2; 32]),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            relay: relay.map(str::to_owned),
            secret: TicketSecret::from_bytes([3; 32]),
            class: Class::Editor,
            inviter_name: "Ana's laptop".to_owned(),
        };
        let all =
            [ticket(None, &["192.168.1.20:4433", "[fe80::1]:1"]), ticket(Some("https://relay.example"), &[])];
        all.iter().map(|ticket| ticket.encode().into_bytes()).collect()
    },
    structure: Structure {
        split: |bytes| Some(vec![payload_of(bytes)?]),
        join: |fields| ticket_of(&fields.concat()),
    },
};

#[test]
fn ticket() {
    weft_fuzz::run(&TICKETS);
}

#[test]
fn tickets_are_put_together_as_they_were() {
    for seed in (TICKETS.seeds)() {
        assert_eq!(ticket_of(&payload_of(&seed).unwrap()).to_ascii_lowercase(), seed);
    }
}

// Keys: what others wrapped, and what this device keeps.

fn identity() -> AgeIdentity {
    AgeIdentity::from_bytes([5; 32])
}

const WRAPS: Target = Target {
    name: "wraps",
    decode: |bytes| match unwrap(bytes, &identity()) {
        Ok(_) => reached("opened"),
        Err(error) => reached(discriminant(&error)),
    },
    seeds: || {
        let other = AgeIdentity::from_bytes([6; 32]).recipient();
        let recipients =
            [vec![identity().recipient()], vec![other], vec![other, identity().recipient(), other]];
        recipients.iter().map(|recipients| wrap(&[9; 32], recipients, &mut rng()).unwrap()).collect()
    },
    structure: LINES,
};

#[test]
fn wraps() {
    weft_fuzz::run(&WRAPS);
}

const SECRETS: Target = Target {
    name: "secrets",
    decode: |bytes| {
        let Some((kind, bytes)) = bytes.split_first() else { return };
        match kind % 4 {
            0 => {
                let Ok(chain) = VerifiedChain::decode(bytes) else { return reached("no chain") };
                reached(("a chain", chain.links().len()));
                assert_eq!(chain.encode(), bytes);
            }
            1 => {
                let Ok(keyring) = Keyring::from_secret_bytes(bytes) else { return reached("no keyring") };
                reached(("a keyring", keyring.epochs().count()));
            }
            2 => reached(DeviceKeys::from_secret_bytes(bytes).is_ok()),
            _ => {
                let Ok(book) = Invitations::from_secret_bytes(bytes) else {
                    return reached("no invitations");
                };
                reached(("invitations", book.iter().count()));
                assert_eq!(&*book.to_secret_bytes(), bytes);
            }
        }
    },
    seeds: || {
        let ana = Person::new("ana", 1);
        let mut keyring = Keyring::default();
        keyring.insert(EpochKey::from_bytes([4; 32]));
        let mut book = Invitations::default();
        book.create(terms(WorkspaceId::from_bytes([1; 32])), WallMillis(0), &mut rng()).unwrap();
        let kept = [
            ana.second(9).chain.encode(),
            keyring.to_secret_bytes().to_vec(),
            ana.keys.to_secret_bytes().to_vec(),
            book.to_secret_bytes().to_vec(),
        ];
        (0..).zip(kept).map(|(kind, bytes)| [&[kind], &bytes[..]].concat()).collect()
    },
    structure: WHOLE,
};

#[test]
fn secrets() {
    weft_fuzz::run(&SECRETS);
}

// Invitations: what the two sides say to each other, from either of them.

fn terms(ws: WorkspaceId) -> InvitationTerms {
    InvitationTerms { ws, class: Class::Editor, uses: 3, millis: 60_000, confirmation: Confirmation::Ask }
}

thread_local! {
    static HOST: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// Ana's workspace, which Ben is a member of already: so that what he is welcomed with is right.
fn with_host<T>(act: impl FnOnce(&Shared) -> T) -> T {
    let host = || {
        let mut shared = Shared::found("ana", 1);
        let us = shared.founder.keys.user();
        let label = Label::new("ben", "desk");
        let newcomer = (&Person::new("ben", 2).chain, &label, Class::Editor);
        let let_in =
            workspace::admit(&shared.membership, &shared.keyring, &us, newcomer, &mut rng()).unwrap();
        shared.write_as_founder(let_in);
        let desk = shared.founder.second(DESK).chain;
        let (membership, keyring) = (&shared.membership, &shared.keyring);
        let linked = workspace::add_own_device(membership, keyring, &desk, &label, &mut rng()).unwrap();
        shared.write_as_founder(linked);
        shared
    };
    HOST.with_borrow_mut(|shared| act(shared.get_or_insert_with(host)))
}

/// Both sides of an invitation, and of a link. Random numbers are the same each time, so what was said once can be said
/// again.
struct Table<'a> {
    shared: &'a Shared,
    book: Invitations,
    inviter: Inviter,
    newcomer: Newcomer,
    hello: Vec<u8>,
    linker: Inviter,
    new_device: NewDevice,
    link_hello: Vec<u8>,
}

/// Seed of the device that is linked.
const DESK: u64 = 7;
/// Who a frame is for; 1 and all others are the newcomer.
const TO_INVITER: u8 = 0;
const TO_LINKER: u8 = 2;
const TO_NEW_DEVICE: u8 = 3;

impl<'a> Table<'a> {
    fn new(shared: &'a Shared) -> Self {
        let mut book = Invitations::default();
        let ws = shared.membership.workspace();
        let (_, secret) = book.create(terms(ws), WallMillis(0), &mut rng()).unwrap();
        let us = shared.founder.keys.endpoint_id();
        let inviter_name = "Ana".to_owned();
        let class = Class::Editor;
        let ticket =
            Ticket { ws, inviter: us, addresses: Vec::new(), relay: None, secret, class, inviter_name };
        let ben = Person::new("ben", 2);
        let ends = (ben.keys.endpoint_id(), us);
        let label = Label::new("ben", "desk");
        let (newcomer, hello) = Newcomer::new(&ticket, ben.chain, label.clone(), ends, &mut rng());
        let link = InvitationTerms { class: Class::Keeper, ..terms(WorkspaceId::ZERO) };
        let mut other_rng = ChaCha20Rng::seed_from_u64(6);
        let (_, secret) = book.create(link, WallMillis(0), &mut other_rng).unwrap();
        let ticket = Ticket { ws: WorkspaceId::ZERO, secret, class: Class::Keeper, ..ticket };
        let desk = shared.founder.second(DESK).keys;
        let (new_device, link_hello) = NewDevice::new(&ticket, &desk, label, us, &mut rng());
        let linker = Inviter::new(us, desk.endpoint_id());
        Self {
            shared,
            book,
            inviter: Inviter::new(us, ends.0),
            newcomer,
            hello,
            linker,
            new_device,
            link_hello,
        }
    }

    /// Gives a frame to one side, whose shell does what it wants at once; gives what it says.
    fn say(&mut self, to: u8, frame: Vec<u8>) -> Vec<Vec<u8>> {
        match to {
            TO_INVITER | TO_LINKER => self.tell_inviter(to, frame),
            TO_NEW_DEVICE => self.tell_new_device(frame),
            _ => self.tell_newcomer(frame),
        }
    }

    fn tell_inviter(&mut self, to: u8, frame: Vec<u8>) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        let mut inputs = VecDeque::from([InviterInput::Frame(frame)]);
        while let Some(input) = inputs.pop_front() {
            let inviter = if to == TO_LINKER { &mut self.linker } else { &mut self.inviter };
            for effect in inviter.handle(WallMillis(1), input, &mut self.book, &mut rng()) {
                reached(("inviter", discriminant(&effect)));
                let answer = match effect {
                    InviterEffect::Send(frame) => {
                        said.push(frame);
                        continue;
                    }
                    InviterEffect::Save | InviterEffect::Close => continue,
                    InviterEffect::Describe(_) => InviterInput::Describe(Description::default()),
                    InviterEffect::Ask(_) | InviterEffect::AskLink(_) => InviterInput::Confirm,
                    InviterEffect::Admit(_) => {
                        InviterInput::Admitted(self.shared.entries.iter().map(Entry::encode).collect())
                    }
                    InviterEffect::DescribeUs => {
                        let (user, inviter) = (self.shared.founder.keys.user(), Label::new("ana", "laptop"));
                        InviterInput::DescribeUs(LinkOffer {
                            user,
                            inviter,
                            workspaces: vec![self.offered()],
                        })
                    }
                    InviterEffect::Link(request) => self.certify(&request),
                    InviterEffect::Recover(..) => InviterInput::Recovered(vec![(
                        self.offered(),
                        self.shared.entries.iter().map(Entry::encode).collect(),
                    )]),
                };
                inputs.push_back(answer);
            }
        }
        said
    }

    fn offered(&self) -> OfferedWorkspace {
        OfferedWorkspace {
            ws: self.shared.membership.workspace(),
            name: "Notes".to_owned(),
            files: 1,
            bytes: 2,
        }
    }

    /// The workspace goes along as it is, without the device.
    fn certify(&self, request: &LinkRequest) -> InviterInput {
        let founder = &self.shared.founder;
        match founder.chain.extend(founder.keys.signing_key(), &request.claim) {
            Ok(chain) => {
                let entries = self.shared.entries.iter().map(Entry::encode).collect();
                InviterInput::Linked(chain.chain().clone(), vec![(self.offered(), entries)])
            }
            Err(_) => InviterInput::NotAllowed,
        }
    }

    fn tell_new_device(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        let mut inputs = VecDeque::from([NewDeviceInput::Frame(frame)]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.new_device.handle(input) {
                reached(("new device", discriminant(&effect)));
                match effect {
                    NewDeviceEffect::Send(frame) => said.push(frame),
                    NewDeviceEffect::Preview(_) => inputs.push_back(NewDeviceInput::Accept),
                    NewDeviceEffect::Failed(error) => reached(("link", error.to_string())),
                    NewDeviceEffect::Linked(linked) => assert_eq!(linked.chain.user(), linked.keys.user()),
                    NewDeviceEffect::Waiting(_) => {}
                }
            }
        }
        said
    }

    fn tell_newcomer(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        let mut inputs = VecDeque::from([NewcomerInput::Frame(frame)]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.newcomer.handle(input) {
                reached(("newcomer", discriminant(&effect)));
                match effect {
                    NewcomerEffect::Send(frame) => said.push(frame),
                    NewcomerEffect::Preview(_) => inputs.push_back(NewcomerInput::Accept),
                    NewcomerEffect::Failed(error) => reached(error.to_string()),
                    NewcomerEffect::Joined(joined) => {
                        reached("joined");
                        assert_eq!(joined.ws, self.shared.membership.workspace());
                    }
                    NewcomerEffect::Waiting => {}
                }
            }
        }
        said
    }

    /// All that is said when nobody is hostile, each frame with who it is for.
    fn meeting(mut self) -> Vec<Vec<u8>> {
        let mut said = vec![(TO_INVITER, self.hello.clone()), (TO_LINKER, self.link_hello.clone())];
        let mut next = 0;
        while let Some((to, frame)) = said.get(next).cloned() {
            next += 1;
            // Those who speak with each other differ in the last bit.
            let from = to ^ 1;
            said.extend(self.say(to, frame).into_iter().map(|answer| (from, answer)));
        }
        assert!(self.newcomer.is_done() && self.inviter.is_done(), "they have met");
        said.into_iter().map(|(to, frame)| [&[to], &frame[..]].concat()).collect()
    }
}

const INVITATIONS: Target = Target {
    name: "invitation",
    decode: |bytes| {
        with_host(|shared| {
            let mut table = Table::new(shared);
            for frame in (RECORDS.split)(bytes).into_iter().flatten().take(64) {
                if let Some((to, frame)) = frame.split_first() {
                    table.say(*to, frame.to_vec());
                }
            }
        });
    },
    seeds: || with_host(|shared| vec![(RECORDS.join)(&Table::new(shared).meeting())]),
    structure: RECORDS,
};

#[test]
fn invitation() {
    weft_fuzz::run(&INVITATIONS);
}
