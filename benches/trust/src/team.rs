//! A large team, made of real entries.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use weft_sync::acl::{Acl, AclOperation, Class, OpRef};
use weft_sync::certificate::VerifiedChain;
use weft_sync::entry::Open;
use weft_sync::epoch::{Cover, Epoch};
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::membership::Membership;
use weft_sync::seal::{EpochKey, Label};
use weft_sync::workspace::{self, RemovedBy, found};
use weft_sync::{
    BodyHash, ClearBody, EndpointId, Entry, EntryId, Header, Kind, Lane, LogId, SessionId, UserId,
    WorkspaceId,
};

pub(crate) const USERS: usize = 200;
pub(crate) const DEVICES: usize = 1_000;
pub(crate) const OPERATIONS: usize = 2_000;
const DEVICES_EACH: usize = DEVICES / USERS;

/// Somebody and their devices; the first one writes.
pub(crate) struct Person {
    pub(crate) devices: Vec<(DeviceKeys, VerifiedChain)>,
    log: Option<(LogId, u64, EntryId)>,
}

impl Person {
    fn new(devices: usize, rng: &mut ChaCha20Rng) -> Self {
        let user = UserKeys::generate(rng);
        let mut person = Self { devices: Vec::new(), log: None };
        for _ in 0..devices {
            let keys = DeviceKeys::generate(user.user_id(), rng);
            let chain = match person.devices.first() {
                None => user.certify(&keys.claim()),
                Some((first, chain)) => chain.extend(first.signing_key(), &keys.claim()),
            };
            person.devices.push((keys, chain.expect("a claim that is proven")));
        }
        person
    }

    pub(crate) fn user(&self) -> UserId {
        self.devices[0].0.user()
    }

    pub(crate) fn chain(&self, device: usize) -> AclOperation {
        AclOperation::AddDev { user: self.user(), label: None, chain: self.devices[device].1.chain().clone() }
    }
}

/// A workspace, the people in it, and every entry in a causal order.
pub(crate) struct Team {
    pub(crate) ws: WorkspaceId,
    pub(crate) people: Vec<Person>,
    pub(crate) genesis: Entry,
    pub(crate) entries: Vec<Entry>,
    pub(crate) membership: Membership,
    pub(crate) rng: ChaCha20Rng,
    operations: usize,
}

impl Team {
    /// 200 people with five devices each, a tenth of them admins, who let others in; devices that were added by their
    /// people, endpoints that changed, roles that changed, people and devices that were put out, and epochs.
    pub(crate) fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let people: Vec<Person> = (0..USERS + 1).map(|_| Person::new(DEVICES_EACH, &mut rng)).collect();
        let (keys, chain) = &people[0].devices[0];
        let founded =
            found(keys, chain, "team", &Label::new("ana", "desk"), &mut rng).expect("a chain of this device");
        let membership = Membership::found(&founded.genesis).expect("a genesis that was just made");
        let mut team = Self {
            ws: founded.ws,
            people,
            genesis: founded.genesis,
            entries: Vec::new(),
            membership,
            rng,
            operations: 0,
        };
        team.acl(0, founded.operations);
        team.fill();
        team
    }

    fn fill(&mut self) {
        for person in 1..USERS {
            let class = if person <= USERS / 10 { Class::Admin } else { Class::Editor };
            // Admins are let in by the owner, the others by some admin.
            let by = if class == Class::Admin { 0 } else { 1 + person % (USERS / 10) };
            let operations = self.invitation(by, person, class);
            self.acl(by, operations);
        }
        for person in 0..USERS {
            for device in 1..DEVICES_EACH {
                let operation = self.people[person].chain(device);
                self.acl(person, vec![operation]);
            }
        }
        self.epoch(0);
        for round in 0.. {
            if self.operations >= OPERATIONS {
                break;
            }
            self.some_change(round);
        }
    }

    /// One of the things that go on in a team.
    fn some_change(&mut self, round: usize) {
        let person = USERS / 10 + 1 + round % (USERS * 8 / 10);
        match round % 8 {
            0..4 => {
                let device = self.people[person].devices[round % DEVICES_EACH].0.device_id();
                let endpoint = EndpointId::from_bytes([u8::try_from(round % 251).unwrap_or(0); 32]);
                self.acl(person, vec![AclOperation::SetEndpoint { device, endpoint }]);
            }
            4 => {
                let operations = self.change(person, Class::Viewer);
                self.acl(0, operations);
            }
            5 => {
                let device = self.people[person].devices[4].0.device_id();
                let user = self.people[person].user();
                let by = RemovedBy::Device(self.people[person].devices[0].0.device_id());
                if let Ok(mut operations) = workspace::remove_own_device(&self.membership, &user, &device, by)
                {
                    // The removal alone: one operation each round.
                    operations.truncate(1);
                    self.acl(person, operations);
                }
            }
            6 => {
                let user = self.people[person].user();
                let owner = self.people[0].user();
                if let Ok(operations) = workspace::remove_user(&self.membership, &owner, &user) {
                    self.acl(0, operations);
                    let operations = self.invitation(0, person, Class::Editor);
                    self.acl(0, operations);
                }
            }
            _ => self.epoch(0),
        }
    }

    pub(crate) fn via(&self, person: usize) -> OpRef {
        self.membership.grant_of(&self.people[person].user()).expect("somebody who is in")
    }

    pub(crate) fn invitation(&self, by: usize, person: usize, class: Class) -> Vec<AclOperation> {
        let user = self.people[person].user();
        vec![self.people[person].chain(0), AclOperation::Grant { user, class, via: self.via(by) }]
    }

    pub(crate) fn change(&self, person: usize, class: Class) -> Vec<AclOperation> {
        let owner = self.people[0].user();
        workspace::change_role(&self.membership, &owner, &self.people[person].user(), class)
            .unwrap_or_default()
    }

    pub(crate) fn acl(&mut self, person: usize, operations: Vec<AclOperation>) {
        self.operations += operations.len();
        let entry = self.next(person, &Acl { operations });
        self.take(person, entry);
    }

    /// An epoch that is wrapped for one device alone: membership asks who knew of what, not what is in it.
    pub(crate) fn epoch(&mut self, person: usize) {
        self.operations += 1;
        let key = EpochKey::generate(&mut self.rng);
        let founder = &self.people[0].devices[0].0;
        let cover = Cover::Device(founder.device_id());
        let recipients = BTreeMap::from([(cover, founder.age_identity().recipient())]);
        let epoch = Epoch::original(&key, &recipients, Vec::new(), &mut self.rng).expect("an epoch");
        let entry = self.next(person, &epoch);
        self.take(person, entry);
    }

    fn take(&mut self, person: usize, entry: Entry) {
        self.people[person].log = Some((entry.header.log, entry.header.seq, entry.id()));
        self.membership.insert(&entry).expect("an entry that fits");
        self.entries.push(entry);
    }

    /// The next entry of a person's first device. Nobody has taken it yet.
    pub(crate) fn next<B: ClearBody>(&mut self, person: usize, body: &B) -> Entry {
        if self.people[person].log.is_none() {
            self.open(person);
        }
        let (log, seq, prev) = self.people[person].log.expect("a log that was begun");
        self.sign(person, (log, seq + 1, prev), B::KIND, body.encode_body())
    }

    fn open(&mut self, person: usize) {
        let signer = self.people[person].devices[0].0.signer();
        let session = SessionId::from_bytes([7; 16]);
        let open = Open { signer, session, prev_logs: Vec::new(), app_version: String::new() };
        let log = signer.log_id(&self.ws, &session, Lane::Control);
        let entry = self.sign(person, (log, 1, EntryId::ZERO), Kind::Open, open.encode_body());
        self.take(person, entry);
    }

    fn sign(
        &self,
        person: usize,
        (log, seq, prev): (LogId, u64, EntryId),
        kind: Kind,
        body: Vec<u8>,
    ) -> Entry {
        let mut acl_heads = self.membership.heads();
        acl_heads.truncate(weft_sync::limits::ACL_HEADS_MAX);
        let header = Header {
            ver: 1,
            ws: self.ws,
            log,
            seq,
            prev,
            kind,
            acl_heads,
            epoch: None,
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        Entry::sign(header, body, self.people[person].devices[0].0.signing_key()).expect("a small body")
    }
}
