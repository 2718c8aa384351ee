//! People who write to one workspace, for tests.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use crate::acl::{Acl, AclOperation, Class};
use crate::certificate::VerifiedChain;
use crate::entry::{ClearBody, Entry, Header, Kind, Lane, Open, Signer};
use crate::epoch::{Epoch, Keyring};
use crate::identity::{DeviceKeys, UserKeys};
use crate::ids::{BodyHash, EntryId, EntryRef, EpochId, SessionId};
use crate::limits::ACL_HEADS_MAX;
use crate::membership::{InsertError, Inserted, Membership};
use crate::seal::Label;
use crate::workspace;

/// Somebody with a device.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) user: UserKeys,
    pub(crate) keys: DeviceKeys,
    pub(crate) chain: VerifiedChain,
}

impl Person {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let user = UserKeys::from_seed(Zeroizing::new([seed; 32]));
        let keys = DeviceKeys::generate(user.user_id(), &mut ChaCha20Rng::seed_from_u64(u64::from(seed)));
        let chain = user.certify(&keys.claim()).unwrap();
        Self { name: name.to_owned(), user, keys, chain }
    }

    /// Another device of the same person, certified by the first one.
    pub(crate) fn second(&self, seed: u64) -> Self {
        let keys = DeviceKeys::generate(self.user.user_id(), &mut ChaCha20Rng::seed_from_u64(seed));
        let chain = self.chain.extend(self.keys.signing_key(), &keys.claim()).unwrap();
        let user = UserKeys::from_seed(Zeroizing::new(*self.user.expose_seed()));
        Self { name: self.name.clone(), user, keys, chain }
    }

    pub(crate) fn by_device(&self) -> Hand {
        Hand { signer: self.keys.signer(), key: self.keys.signing_key().clone() }
    }

    pub(crate) fn by_user(&self) -> Hand {
        Hand { signer: Signer::User(self.user.user_id()), key: self.user.signing_key().clone() }
    }
}

/// Who signs.
pub(crate) struct Hand {
    pub(crate) signer: Signer,
    key: SigningKey,
}

impl Hand {
    /// An entry with these operations behind `last`, which is this hand's. Nobody has taken it yet.
    pub(crate) fn next(&self, last: &Entry, operations: Vec<AclOperation>) -> Entry {
        let header = Header {
            seq: last.header.seq + 1,
            prev: last.id(),
            kind: Kind::Acl,
            acl_heads: vec![last.id()],
            ..last.header.clone()
        };
        Entry::sign(header, Acl { operations }.encode_body(), &self.key).unwrap()
    }
}

/// One workspace and all of its entries.
pub(crate) struct Shared {
    pub(crate) membership: Membership,
    pub(crate) keyring: Keyring,
    pub(crate) entries: Vec<Entry>,
    pub(crate) founder: Person,
    pub(crate) rng: ChaCha20Rng,
    pens: BTreeMap<(Signer, u8), (SessionId, u64, EntryId)>,
}

impl Shared {
    pub(crate) fn found(name: &str, seed: u8) -> Self {
        let founder = Person::new(name, seed);
        let mut rng = ChaCha20Rng::seed_from_u64(1000 + u64::from(seed));
        let label = Label::new(name, "laptop");
        let founded = workspace::found(&founder.keys, &founder.chain, "Notes", &label, &mut rng).unwrap();
        let membership = Membership::found(&founded.genesis).unwrap();
        let mut shared = Self {
            membership,
            keyring: founded.keyring,
            entries: vec![founded.genesis],
            founder,
            rng,
            pens: BTreeMap::new(),
        };
        shared.write_as_founder(founded.operations);
        shared.make_first_epoch();
        shared
    }

    fn make_first_epoch(&mut self) {
        let first = self.membership.genesis().first_epoch;
        let key = self.keyring.key(&first).unwrap().clone();
        let epoch = Epoch::original(&key, &self.membership.recipients(), Vec::new(), &mut self.rng).unwrap();
        let hand = self.founder.by_device();
        self.write(&hand, &epoch);
    }

    /// Writes a clear body that knows of everything.
    pub(crate) fn write<B: ClearBody>(&mut self, hand: &Hand, body: &B) -> EntryId {
        let heads = self.heads();
        self.write_at(hand, body, heads)
    }

    fn heads(&self) -> Vec<EntryId> {
        let mut heads = self.membership.heads();
        heads.truncate(ACL_HEADS_MAX);
        heads
    }

    /// Writes a clear body that knows of these heads and of what its log knew.
    pub(crate) fn write_at<B: ClearBody>(&mut self, hand: &Hand, body: &B, heads: Vec<EntryId>) -> EntryId {
        let lane = if matches!(B::KIND, Kind::Frontier) { Lane::Data } else { Lane::Control };
        self.entry(hand, lane, B::KIND, body.encode_body(), None, heads)
    }

    pub(crate) fn acl(&mut self, hand: &Hand, operations: Vec<AclOperation>) -> EntryId {
        self.write(hand, &Acl { operations })
    }

    pub(crate) fn acl_at(
        &mut self,
        hand: &Hand,
        operations: Vec<AclOperation>,
        heads: Vec<EntryId>,
    ) -> EntryId {
        self.write_at(hand, &Acl { operations }, heads)
    }

    /// Writes a Data entry with a body of no meaning.
    pub(crate) fn data(&mut self, hand: &Hand, epoch: EpochId) -> Entry {
        let heads = self.heads();
        self.data_at(hand, epoch, heads)
    }

    pub(crate) fn data_at(&mut self, hand: &Hand, epoch: EpochId, heads: Vec<EntryId>) -> Entry {
        let id = self.entry(hand, Lane::Data, Kind::Data, b"sealed".to_vec(), Some(epoch), heads);
        self.entries.iter().find(|entry| entry.id() == id).unwrap().clone()
    }

    fn entry(
        &mut self,
        hand: &Hand,
        lane: Lane,
        kind: Kind,
        body: Vec<u8>,
        epoch: Option<EpochId>,
        mut heads: Vec<EntryId>,
    ) -> EntryId {
        heads.sort_unstable();
        let pen = (hand.signer, lane.byte());
        if !self.pens.contains_key(&pen) {
            let session = SessionId::from_bytes([u8::try_from(self.pens.len()).unwrap(); 16]);
            let open =
                Open { signer: hand.signer, session, prev_logs: Vec::new(), app_version: "test".to_owned() };
            self.sign(
                hand,
                lane,
                (session, 0, EntryId::ZERO),
                Kind::Open,
                open.encode_body(),
                None,
                heads.clone(),
            );
            if lane == Lane::Control {
                heads = vec![self.pens[&pen].2];
            }
        }
        let at = self.pens[&pen];
        self.sign(hand, lane, at, kind, body, epoch, heads)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a header")]
    fn sign(
        &mut self,
        hand: &Hand,
        lane: Lane,
        (session, seq, prev): (SessionId, u64, EntryId),
        kind: Kind,
        body: Vec<u8>,
        epoch: Option<EpochId>,
        acl_heads: Vec<EntryId>,
    ) -> EntryId {
        let ws = self.membership.workspace();
        let header = Header {
            ver: 1,
            ws,
            log: hand.signer.log_id(&ws, &session, lane),
            seq: seq + 1,
            prev,
            kind,
            acl_heads,
            epoch,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        let entry = Entry::sign(header, body, &hand.key).unwrap();
        let id = entry.id();
        self.pens.insert((hand.signer, lane.byte()), (session, seq + 1, id));
        self.membership.insert(&entry).unwrap();
        self.entries.push(entry);
        id
    }

    pub(crate) fn write_as_founder(&mut self, operations: Vec<AclOperation>) -> EntryId {
        let hand = self.founder.by_device();
        self.acl(&hand, operations)
    }

    pub(crate) fn admit(&mut self, person: &Person, class: Class) -> EntryId {
        self.admit_by(&Person::by_device, person, class)
    }

    fn admit_by(&mut self, hand: &dyn Fn(&Person) -> Hand, person: &Person, class: Class) -> EntryId {
        let us = self.founder.keys.user();
        let label = Label::new(person.name.clone(), "desk");
        let newcomer = (&person.chain, &label, class);
        let operations =
            workspace::admit(&self.membership, &self.keyring, &us, newcomer, &mut self.rng).unwrap();
        let hand = hand(&self.founder);
        self.acl(&hand, operations)
    }

    /// Wraps the best epoch to whom it does not reach, as the replica does.
    pub(crate) fn cover_everybody(&mut self) {
        let state = self.membership.usable_epochs().remove(0);
        let mut recipients = self.membership.recipients();
        recipients.retain(|cover, _| !state.covers.contains(cover));
        if recipients.is_empty() {
            return;
        }
        let key = self.keyring.key(&state.epoch).unwrap().clone();
        let rewrap = Epoch::rewrap(&key, state.original, &recipients, &mut self.rng).unwrap();
        let hand = self.founder.by_device();
        self.write(&hand, &rewrap);
    }

    /// Membership after the same entries in another order: those that cannot be taken yet wait, as in the replica, and
    /// what cuts name is looked up among all entries, as in the store.
    pub(crate) fn in_order(&self, order: &[usize]) -> Membership {
        let mut membership = Membership::found(&self.entries[0]).unwrap();
        let mut waiting: Vec<&Entry> = order.iter().map(|at| &self.entries[*at]).collect();
        let mut taken = BTreeSet::from([EntryId::ZERO]);
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain(|entry| {
                if !taken.contains(&entry.header.prev) {
                    return true;
                }
                match membership.insert(entry) {
                    Ok(Inserted::Known | Inserted::Stored | Inserted::Changed) => !taken.insert(entry.id()),
                    Err(InsertError::Missing { .. }) => true,
                    Err(error) => panic!("{error}"),
                }
            });
            assert!(waiting.len() < before, "an entry waits for ever");
            let stored = |named: &EntryRef| self.entries.iter().any(|entry| entry.entry_ref() == *named);
            let confirmed: Vec<EntryRef> = membership.unconfirmed().into_iter().filter(stored).collect();
            membership.hold(&confirmed);
        }
        membership
    }
}
