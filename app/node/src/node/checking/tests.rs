use bytes::Bytes;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use weft_store::rows::NewEntry;
use weft_store::{EntryMarks, Instance, MemoryStore, Storage as _, Write};
use weft_sync::acl::Acl;
use weft_sync::entry::{ClearBody as _, Close, Header, Lane};
use weft_sync::identity::{DeviceKeys, UserKeys};
use weft_sync::ids::{BodyHash, EntryRef, EpochId, SessionId};
use weft_sync::seal::Label;
use weft_sync::workspace::{Founded, found};

use super::*;
use crate::api::{AuditEntry, KeptWorkspace};
use crate::node::keeping;
use crate::registry::WorkspaceRecord;

/// A workspace with real, signed entries: what founded it, a control log of three and a data log of four entries.
struct Scene {
    device: DeviceKeys,
    founded: Founded,
    control: Vec<Entry>,
    data: Vec<Entry>,
}

impl Scene {
    fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(1);
        let person = UserKeys::generate(&mut rng);
        let device = DeviceKeys::generate(person.user_id(), &mut rng);
        let chain = person.certify(&device.claim()).unwrap();
        let label = Label::new("Ana", "laptop");
        let founded = found(&device, &chain, "notes", &label, &mut rng).unwrap();
        let mut scene = Self { device, founded, control: Vec::new(), data: Vec::new() };
        let operations = scene.founded.operations.clone();
        scene.control.push(scene.open(Lane::Control));
        scene.control.push(scene.next(&scene.control[0], Kind::Acl, Acl { operations }.encode_body()));
        let closed = Close::default().encode_body();
        scene.control.push(scene.next(&scene.control[1], Kind::Close, closed));
        scene.data.push(scene.open(Lane::Data));
        for number in 0..3 {
            let entry = scene.next(&scene.data[number], Kind::Data, vec![7; 40 + number]);
            scene.data.push(entry);
        }
        scene
    }

    fn open(&self, lane: Lane) -> Entry {
        let (signer, session) = (self.device.signer(), SessionId::from_bytes([3; 16]));
        let open = Open { signer, session, prev_logs: Vec::new(), app_version: "none".to_owned() };
        let log = signer.log_id(&self.founded.ws, &session, lane);
        self.sign(log, 1, EntryId::ZERO, Kind::Open, open.encode_body())
    }

    fn next(&self, before: &Entry, kind: Kind, body: Vec<u8>) -> Entry {
        self.sign(before.header.log, before.header.seq + 1, before.id(), kind, body)
    }

    fn sign(&self, log: LogId, seq: u64, prev: EntryId, kind: Kind, body: Vec<u8>) -> Entry {
        let header = Header {
            ver: 1,
            ws: self.founded.ws,
            log,
            seq,
            prev,
            kind,
            acl_heads: vec![self.founded.genesis.id()],
            epoch: (kind == Kind::Data).then(|| EpochId::from_bytes([1; 16])),
            body_len: 0,
            body_hash: BodyHash::ZERO,
        };
        Entry::sign(header, body, self.device.signing_key()).unwrap()
    }

    /// Every entry with its bytes, in an order in which a keeper may have taken them.
    fn stored(&self) -> Vec<(EntryRef, Kind, Vec<u8>)> {
        let all = [&self.founded.genesis].into_iter().chain(&self.control).chain(&self.data);
        all.map(|entry| (entry.entry_ref(), entry.header.kind, entry.encode())).collect()
    }

    /// What `weft keep verify` finds in a store that holds these.
    fn verified(&self, stored: Vec<(EntryRef, Kind, Vec<u8>)>) -> KeptWorkspace {
        let store = MemoryStore::new(Instance([1; 16]));
        let writes = stored.into_iter().map(|(at, kind, bytes)| {
            let bytes = Bytes::from(bytes);
            Write::Entry(NewEntry { ws: self.founded.ws, at, kind, marks: EntryMarks::NONE, bytes })
        });
        store.commit(&writes.collect::<Vec<_>>()).unwrap();
        keeping::check(&store, &WorkspaceRecord::kept(self.founded.ws), Vec::new()).unwrap()
    }

    fn trail(&self) -> AuditReport {
        let mut membership = Membership::found(&self.founded.genesis).unwrap();
        self.control.iter().for_each(|entry| {
            membership.insert(entry).unwrap();
        });
        let entries = [&self.founded.genesis].into_iter().chain(&self.control).map(|entry| {
            let bytes = data_encoding::HEXLOWER.encode(&entry.encode());
            AuditEntry { entry: entry.id().to_string(), bytes }
        });
        AuditReport {
            workspace: self.founded.ws.to_string(),
            name: "notes".to_owned(),
            checked: 4,
            damaged: Vec::new(),
            entries: entries.collect(),
            records: auditing::without_names(membership.audit()),
        }
    }
}

/// The second entry of the data log, in a list of what is stored.
const SECOND: usize = 5;

/// What a single finding says, and about which entry.
#[track_caller]
fn finds(kept: &KeptWorkspace, about: &str, says: &str) {
    let [finding] = &kept.findings[..] else { panic!("not one finding: {:?}", kept.findings) };
    assert_eq!(kept.damaged, 1);
    assert!(finding.starts_with(about) && finding.contains(says), "{finding}");
}

#[test]
fn what_is_as_it_was_signed_is_told_so() {
    let scene = Scene::new();
    let kept = scene.verified(scene.stored());
    assert_eq!((kept.logs, kept.entries, kept.damaged), (2, 8, 0), "{:?}", kept.findings);
    // In whatever order its logs came.
    let mut stored = scene.stored();
    stored[1..].rotate_left(3);
    assert_eq!(scene.verified(stored).damaged, 0);
}

#[test]
fn an_altered_signature_is_found() {
    let scene = Scene::new();
    let mut stored = scene.stored();
    let bytes = &mut stored[SECOND + 2].2;
    // The body stands at the end, the signature before it.
    let place = bytes.len() - 42 - 1;
    bytes[place] ^= 1;
    finds(&scene.verified(stored), "entry 4 of log", "its signature is wrong");
    // That of the entry which founded the workspace is not part of the workspace's id.
    let mut stored = scene.stored();
    let place = stored[0].2.len() - scene.founded.genesis.body.len() - 1;
    stored[0].2[place] ^= 1;
    finds(&scene.verified(stored), "entry 1 of log", "is not signed by the owner");
}

#[test]
fn an_altered_body_is_found() {
    let scene = Scene::new();
    let mut stored = scene.stored();
    *stored[SECOND + 2].2.last_mut().unwrap() ^= 1;
    finds(&scene.verified(stored), "entry 8", "the body does not match its hash");
}

#[test]
fn an_altered_header_is_found() {
    let scene = Scene::new();
    for place in (0..scene.data[3].encode().len() - 64 - 42).step_by(3) {
        let mut stored = scene.stored();
        stored[SECOND + 2].2[place] ^= 1;
        let kept = scene.verified(stored);
        assert_eq!(kept.damaged, 1, "byte {place}: {:?}", kept.findings);
    }
}

#[test]
fn an_entry_that_follows_another_one_is_found() {
    let scene = Scene::new();
    let other = scene.next(&scene.data[1], Kind::Data, vec![9; 9]);
    let log = scene.data[0].header.log;
    let forged = scene.sign(log, 4, other.id(), Kind::Data, vec![7; 7]);
    let mut stored = scene.stored();
    stored[SECOND + 2] = (forged.entry_ref(), Kind::Data, forged.encode());
    finds(&scene.verified(stored), "entry 4 of log", "it does not follow the entry before it");
}

#[test]
fn a_missing_entry_is_found_once() {
    let scene = Scene::new();
    let mut stored = scene.stored();
    // The store itself takes no hole: what stands at the place is another entry.
    let (at, kind, _) = stored[SECOND].clone();
    stored.remove(SECOND);
    stored[SECOND].0 = at;
    stored[SECOND].1 = kind;
    stored[SECOND + 1].0.seq -= 1;
    finds(&scene.verified(stored), "entry 3 of log", "what is before it is missing (places 2 to 2)");
    let mut stored = scene.stored();
    stored.drain(SECOND - 1..SECOND + 2);
    stored[SECOND - 1].0.seq = 1;
    finds(&scene.verified(stored), "entry 4 of log", "its log has no beginning");
}

#[test]
fn a_log_that_somebody_else_made_anew_is_found() {
    let scene = Scene::new();
    let mut rng = StdRng::seed_from_u64(2);
    let thief = DeviceKeys::generate(UserKeys::generate(&mut rng).user_id(), &mut rng);
    let open = Open {
        signer: thief.signer(),
        session: SessionId::from_bytes([3; 16]),
        prev_logs: Vec::new(),
        app_version: "none".to_owned(),
    };
    let header = scene.data[0].header.clone();
    let forged = Entry::sign(header, open.encode_body(), thief.signing_key()).unwrap();
    let mut stored = scene.stored();
    stored.truncate(SECOND - 1);
    stored.push((forged.entry_ref(), Kind::Open, forged.encode()));
    finds(&scene.verified(stored), "entry 1 of log", "not of whoever it names");
}

#[test]
fn what_belongs_to_another_workspace_is_found() {
    let scene = Scene::new();
    let mut header = scene.data[3].header.clone();
    header.ws = WorkspaceId::from_bytes([5; 32]);
    let other = Entry::sign(header, vec![1], scene.device.signing_key()).unwrap();
    let mut stored = scene.stored();
    stored[SECOND + 2] = (other.entry_ref(), Kind::Data, other.encode());
    finds(&scene.verified(stored), "entry 4 of log", "another workspace");
}

/// A log that was continued twice is told of elsewhere: each branch is whole.
#[test]
fn both_branches_of_a_log_are_whole() {
    let scene = Scene::new();
    let mut found = Found::new(scene.founded.ws);
    let branch = scene.next(&scene.data[1], Kind::Data, vec![9; 9]);
    let branch_end = scene.next(&branch, Kind::Data, vec![9; 10]);
    // 1 2 3a 3b 4a 4b
    for entry in [&scene.data[0], &scene.data[1], &scene.data[2], &branch, &scene.data[3], &branch_end] {
        found.take(&entry.encode(), false);
    }
    assert_eq!(found.findings(), [""; 0]);
    // Of a branch that does not count only its end may be here.
    let mut found = Found::new(scene.founded.ws);
    found.take(&scene.data[0].encode(), false);
    found.take(&branch_end.encode(), true);
    assert_eq!(found.findings(), [""; 0]);
}

#[test]
fn findings_are_counted_and_not_all_told() {
    let mut found = Found::new(Scene::new().founded.ws);
    (0..DAMAGED_SHOWN + 50).for_each(|_| found.take(b"rubbish", false));
    assert_eq!(found.damaged, DAMAGED_SHOWN as u64 + 50);
    assert_eq!(found.findings().len(), DAMAGED_SHOWN);
}

#[test]
fn a_trail_is_checked_without_its_workspace() {
    let scene = Scene::new();
    let checked = check_trail(&scene.trail()).unwrap();
    assert_eq!((checked.checked, checked.damaged), (4, Vec::new()));
    assert_eq!(checked.records, scene.trail().records);
    let without = AuditReport { entries: Vec::new(), ..scene.trail() };
    assert!(check_trail(&without).is_err());
}

/// One after the other, in every part of every entry.
#[test]
fn one_altered_byte_of_a_trail_is_noticed() {
    let scene = Scene::new();
    for entry in 0..4 {
        let length = scene.trail().entries[entry].bytes.len();
        for place in (entry..length).step_by(29) {
            let mut trail = scene.trail();
            let digit = if trail.entries[entry].bytes.as_bytes()[place] == b'0' { "1" } else { "0" };
            trail.entries[entry].bytes.replace_range(place..=place, digit);
            let checked = check_trail(&trail).unwrap();
            assert!(!checked.damaged.is_empty(), "entry {entry}, digit {place}");
        }
    }
}

#[test]
fn a_trail_that_tells_something_else_than_was_signed_is_noticed() {
    let scene = Scene::new();
    let says = |change: &dyn Fn(&mut AuditReport), words: &str| {
        let mut trail = scene.trail();
        change(&mut trail);
        let damaged = check_trail(&trail).unwrap().damaged.join("\n");
        assert!(damaged.contains(words), "{words:?} is not in {damaged:?}");
    };
    says(&|trail| trail.records[1].user.replace_range(..1, "x"), "told otherwise than it was signed");
    says(&|trail| trail.records[0].role = Some(crate::api::Role::Viewer), "told otherwise");
    says(&|trail| drop(trail.records.pop()), "is not told");
    let more = |trail: &mut AuditReport| {
        let mut record = trail.records[0].clone();
        record.index = 77;
        trail.records.push(record);
    };
    says(&more, "was not signed");
    says(&|trail| drop(trail.entries.remove(2)), "is missing");
    says(&|trail| drop(trail.entries.remove(0)), "founds no workspace");
    says(&|trail| trail.entries[2].entry.replace_range(..4, "beef"), "its bytes are not those of beef");
    says(&|trail| trail.workspace.replace_range(..4, "beef"), "the entries are of workspace");
    // Leaving out the end cannot be seen in the entries; what is told of it then was not signed.
    let cut = |trail: &mut AuditReport| trail.entries.truncate(2);
    says(&cut, "was not signed");
}
