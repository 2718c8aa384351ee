//! The rules by hand, on real entries. The random histories are in `oracle.rs`.

use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use super::fixture::{Person, Shared};
use super::*;
use crate::acl::{AclOperation, Class};
use crate::certificate::Chain;
use crate::epoch::Epoch;
use crate::identity::{DeviceKeys, UserKeys};
use crate::ids::DeviceId;
use crate::limits::{ACL_OPERATIONS_PER_ENTRY_MAX, DEVICES_MAX, USERS_MAX};
use crate::seal::{EpochKey, Label};
use crate::workspace::{self, ChangeError, RemovedBy};

/// Ana founds, Bob is admin, Carol edits, Kim keeps.
fn people() -> (Shared, Person, Person, Person) {
    let mut shared = Shared::found("ana", 1);
    let (bob, carol, kim) = (Person::new("bob", 2), Person::new("carol", 3), Person::new("kim", 4));
    shared.admit(&bob, Class::Admin);
    shared.admit(&carol, Class::Editor);
    shared.admit(&kim, Class::Keeper);
    shared.cover_everybody();
    (shared, bob, carol, kim)
}

fn by(person: &Person) -> RemovedBy<'static> {
    RemovedBy::Device(person.keys.device_id())
}

fn class_of(shared: &Shared, person: &Person) -> Option<Class> {
    shared.membership.class_of(&person.keys.user())
}

fn best(shared: &Shared) -> EpochId {
    shared.membership.usable_epochs()[0].epoch
}

/// An epoch over a new key, made by `hand`, for everybody who is in now.
fn new_epoch(shared: &mut Shared, hand: &fixture::Hand) -> EpochId {
    let key = EpochKey::generate(&mut shared.rng);
    let epoch = Epoch::original(&key, &shared.membership.recipients(), Vec::new(), &mut shared.rng).unwrap();
    shared.write(hand, &epoch);
    shared.keyring.insert(key.clone());
    key.id()
}

#[test]
fn a_founder_alone_is_owner_with_one_device_and_a_usable_epoch() {
    let shared = Shared::found("ana", 1);
    assert_eq!(class_of(&shared, &shared.founder), Some(Class::Owner));
    let devices = shared.membership.live_devices();
    assert_eq!(devices.iter().map(|live| live.device).collect::<Vec<_>>(), [shared.founder.keys.device_id()]);
    assert_eq!(devices[0].endpoint, shared.founder.keys.endpoint_id());
    assert_eq!(devices[0].recipient, shared.founder.keys.age_identity().recipient());
    assert_eq!(devices[0].recovery, shared.founder.user.recovery_recipient());
    assert_eq!(best(&shared), shared.membership.genesis().first_epoch);
    assert_eq!(workspace::name(&shared.membership, &shared.keyring).as_deref(), Some("Notes"));
}

#[test]
fn classes_say_what_counts() {
    let (mut shared, _, carol, kim) = people();
    let epoch = best(&shared);
    let by_carol = shared.data(&carol.by_device(), epoch);
    assert!(shared.membership.counts(&by_carol));
    let by_kim = shared.data(&kim.by_device(), epoch);
    assert!(!shared.membership.counts(&by_kim), "a keeper writes no data");
    let frontier = shared.write(&kim.by_device(), &crate::entry::Frontier::default());
    let frontier = shared.entries.iter().find(|entry| entry.id() == frontier).unwrap();
    assert!(shared.membership.counts(frontier), "but says what it holds");
    let unknown = shared.data(&carol.by_device(), EpochId::from_bytes([9; 16]));
    assert!(!shared.membership.counts(&unknown), "sealed under no epoch of the workspace");
}

#[test]
fn keepers_are_not_given_keys() {
    let (shared, bob, carol, kim) = people();
    let covers = shared.membership.usable_epochs().remove(0).covers;
    for person in [&bob, &carol, &shared.founder] {
        assert!(covers.contains(&Cover::Device(person.keys.device_id())));
        assert!(covers.contains(&Cover::Recovery(person.keys.user())));
    }
    assert!(!covers.contains(&Cover::Device(kim.keys.device_id())));
    assert!(!covers.contains(&Cover::Recovery(kim.keys.user())));
}

#[test]
fn an_editor_can_let_nobody_in_and_put_nobody_out() {
    let (mut shared, bob, carol, _) = people();
    let dave = Person::new("dave", 5);
    let via = shared.membership.grant_of(&carol.keys.user()).unwrap();
    let operations = vec![
        AclOperation::AddDev { user: dave.keys.user(), label: None, chain: dave.chain.chain().clone() },
        AclOperation::Grant { user: dave.keys.user(), class: Class::Viewer, via },
        AclOperation::Revoke { user: bob.keys.user(), via, seen: Vec::new() },
    ];
    shared.acl(&carol.by_device(), operations);
    assert_eq!(class_of(&shared, &dave), None);
    assert_eq!(class_of(&shared, &bob), Some(Class::Admin));
    assert!(!shared.membership.is_known(&dave.keys.user()));
    assert!(!shared.membership.is_live(&dave.keys.device_id()));
}

#[test]
fn nobody_acts_by_the_grant_of_another() {
    let (mut shared, bob, carol, _) = people();
    let dave = Person::new("dave", 5);
    for owner in [bob.keys.user(), shared.founder.keys.user()] {
        let via = shared.membership.grant_of(&owner).unwrap();
        let grant = AclOperation::Grant { user: dave.keys.user(), class: Class::Editor, via };
        shared.acl(&carol.by_device(), vec![grant]);
        assert_eq!(class_of(&shared, &dave), None);
    }
}

#[test]
fn an_admin_lets_in_editors_but_makes_no_admins() {
    let (mut shared, bob, _, _) = people();
    let (dave, erin) = (Person::new("dave", 5), Person::new("erin", 6));
    let us = bob.keys.user();
    let label = Label::default();
    let refused = workspace::admit(
        &shared.membership,
        &shared.keyring,
        &us,
        (&dave.chain, &label, Class::Admin),
        &mut shared.rng,
    );
    assert_eq!(refused, Err(ChangeError::NotAllowed { ours: Some(Class::Admin), least: Class::Owner }));
    let via = shared.membership.grant_of(&us).unwrap();
    shared.acl(
        &bob.by_device(),
        vec![AclOperation::Grant { user: dave.keys.user(), class: Class::Admin, via }],
    );
    assert_eq!(class_of(&shared, &dave), None);
    let operations = workspace::admit(
        &shared.membership,
        &shared.keyring,
        &us,
        (&erin.chain, &label, Class::Editor),
        &mut shared.rng,
    );
    shared.acl(&bob.by_device(), operations.unwrap());
    assert_eq!(class_of(&shared, &erin), Some(Class::Editor));
    assert!(shared.membership.is_live(&erin.keys.device_id()));
}

#[test]
fn equals_do_not_remove_each_other_and_nobody_removes_the_owner() {
    let (mut shared, bob, _, _) = people();
    let dave = Person::new("dave", 5);
    shared.admit(&dave, Class::Admin);
    let via = shared.membership.grant_of(&bob.keys.user()).unwrap();
    for target in [dave.keys.user(), shared.founder.keys.user()] {
        shared.acl(&bob.by_device(), vec![AclOperation::Revoke { user: target, via, seen: Vec::new() }]);
    }
    assert_eq!(class_of(&shared, &dave), Some(Class::Admin));
    assert_eq!(class_of(&shared, &shared.founder), Some(Class::Owner));
    let (us, them) = (bob.keys.user(), dave.keys.user());
    assert_eq!(workspace::remove_user(&shared.membership, &us, &them), Err(ChangeError::Equal));
    let owner = shared.founder.keys.user();
    assert_eq!(workspace::remove_user(&shared.membership, &us, &owner), Err(ChangeError::Owner));
}

#[test]
fn a_removal_keeps_what_was_seen_and_voids_what_comes_after_whatever_it_claims() {
    let (mut shared, _, carol, _) = people();
    let epoch = best(&shared);
    let before = shared.membership.heads();
    let seen = shared.data(&carol.by_device(), epoch);
    let owner = shared.founder.keys.user();
    let operations = workspace::remove_user(&shared.membership, &owner, &carol.keys.user()).unwrap();
    shared.write_as_founder(operations);
    assert_eq!(class_of(&shared, &carol), None);
    assert!(!shared.membership.is_live(&carol.keys.device_id()));
    assert!(shared.membership.is_removed(&carol.keys.device_id()));
    assert_eq!(shared.membership.standing_of(&carol.keys.endpoint_id()), Standing::Removed);
    assert!(shared.membership.counts(&seen));
    let late = shared.data_at(&carol.by_device(), epoch, before);
    assert!(!shared.membership.counts(&late), "back-dated by its heads");
    assert!(shared.membership.is_known(&carol.keys.user()), "what she wrote is still stored and relayed");
    assert!(shared.membership.admits(&late, &carol.keys.signer()));
}

/// The seen entry is named by id: who writes another one in its place gains nothing, and after a restart the id has
/// to be confirmed from the store.
#[test]
fn the_cut_is_by_entry_id_and_is_found_again_after_a_restart() {
    let (mut shared, _, carol, _) = people();
    let epoch = best(&shared);
    let first = shared.data(&carol.by_device(), epoch);
    let owner = shared.founder.keys.user();
    let operations = workspace::remove_user(&shared.membership, &owner, &carol.keys.user()).unwrap();
    shared.write_as_founder(operations);
    let second = shared.data(&carol.by_device(), epoch);

    let mut restarted = Membership::found(&shared.entries[0]).unwrap();
    for entry in &shared.entries[1..] {
        if !matches!(entry.header.kind, Kind::Data) {
            restarted.insert(entry).unwrap();
        }
    }
    assert_eq!(restarted.hold(&[second.entry_ref()]), Inserted::Stored);
    assert_eq!(restarted.unconfirmed(), [first.entry_ref()]);
    assert!(!restarted.counts(&first), "not before the store has confirmed it");
    let other = EntryRef { id: second.id(), ..first.entry_ref() };
    assert_eq!(restarted.hold(&[other]), Inserted::Stored, "another entry at that place confirms nothing");
    assert_eq!(restarted.hold(&[first.entry_ref()]), Inserted::Changed);
    assert!(restarted.counts(&first) && !restarted.counts(&second));
    assert!(restarted.unconfirmed().is_empty());
}

#[test]
fn a_removal_ends_the_epoch_and_no_rewrap_brings_it_back() {
    let (mut shared, bob, carol, _) = people();
    let old = shared.membership.usable_epochs().remove(0);
    let owner = shared.founder.keys.user();
    let operations = workspace::remove_user(&shared.membership, &owner, &carol.keys.user()).unwrap();
    shared.write_as_founder(operations);
    assert!(shared.membership.usable_epochs().is_empty());
    let key = shared.keyring.key(&old.epoch).unwrap().clone();
    let recipients = shared.membership.recipients();
    let rewrap = Epoch::rewrap(&key, old.original, &recipients, &mut shared.rng).unwrap();
    shared.write(&bob.by_device(), &rewrap);
    assert!(shared.membership.usable_epochs().is_empty());
    let fresh = new_epoch(&mut shared, &bob.by_device());
    assert_eq!(best(&shared), fresh);
    let covers = shared.membership.usable_epochs().remove(0).covers;
    assert!(!covers.contains(&Cover::Device(carol.keys.device_id())));
    let by_bob = shared.data(&bob.by_device(), old.epoch);
    assert!(
        !shared.membership.counts(&by_bob),
        "sealed with a key that Carol has, by somebody who knew better"
    );
}

/// A question that came too early is answered again when what it is about is here.
#[test]
fn an_epoch_is_usable_as_soon_as_the_heads_are_here() {
    let (mut shared, _, carol, _) = people();
    let owner = shared.founder.keys.user();
    let operations = workspace::remove_user(&shared.membership, &owner, &carol.keys.user()).unwrap();
    let count = shared.entries.len();
    shared.write_as_founder(operations);
    let hand = shared.founder.by_device();
    let fresh = new_epoch(&mut shared, &hand);
    let heads = shared.membership.heads();
    let order: Vec<usize> = (1..count).collect();
    let mut early = shared.in_order(&order);
    assert!(!early.usable_at(&fresh, &heads));
    for entry in &shared.entries[count..] {
        early.insert(entry).unwrap();
    }
    assert!(early.usable_at(&fresh, &heads));
}

#[test]
fn an_epoch_prepared_by_a_removed_editor_is_used_by_nobody() {
    let (mut shared, bob, carol, _) = people();
    let before = shared.membership.heads();
    let owner = shared.founder.keys.user();
    let operations = workspace::remove_user(&shared.membership, &owner, &carol.keys.user()).unwrap();
    let key = EpochKey::generate(&mut shared.rng);
    let mut covers = shared.membership.recipients();
    covers.remove(&Cover::Device(bob.keys.device_id()));
    let prepared = Epoch::original(&key, &covers, Vec::new(), &mut shared.rng).unwrap();
    shared.write_at(&carol.by_device(), &prepared, before);
    shared.write_as_founder(operations);
    assert!(shared.membership.usable_epochs().iter().all(|state| state.epoch != key.id()));
}

#[test]
fn a_changed_role_holds_from_then_on_and_a_second_invitation_lets_in_again() {
    let (mut shared, _, carol, _) = people();
    let (owner, user) = (shared.founder.keys.user(), carol.keys.user());
    let operations = workspace::change_role(&shared.membership, &owner, &user, Class::Viewer).unwrap();
    shared.write_as_founder(operations);
    assert_eq!(class_of(&shared, &carol), Some(Class::Viewer));
    let operations = workspace::remove_user(&shared.membership, &owner, &user).unwrap();
    shared.write_as_founder(operations);
    assert_eq!(class_of(&shared, &carol), None);
    shared.admit(&carol, Class::Admin);
    assert_eq!(class_of(&shared, &carol), Some(Class::Admin));
    assert!(shared.membership.is_live(&carol.keys.device_id()));
}

#[test]
fn a_second_device_comes_through_the_first_and_leaves_alone() {
    let (mut shared, bob, carol, _) = people();
    let tablet = carol.second(77);
    let operations = workspace::add_own_device(
        &shared.membership,
        &shared.keyring,
        &tablet.chain,
        &Label::new("carol", "tablet"),
        &mut shared.rng,
    )
    .unwrap();
    shared.acl(&carol.by_device(), operations);
    let live = shared.membership.device(&tablet.keys.device_id()).unwrap();
    assert_eq!((live.user, live.class), (carol.keys.user(), Class::Editor));
    let not_bobs = workspace::remove_own_device(&shared.membership, &bob.keys.user(), &live.device, by(&bob));
    assert_eq!(not_bobs, Err(ChangeError::NoSuchDevice));
    let operations =
        workspace::remove_own_device(&shared.membership, &carol.keys.user(), &live.device, by(&carol))
            .unwrap();
    shared.acl(&carol.by_device(), operations);
    assert!(!shared.membership.is_live(&live.device));
    assert!(shared.membership.is_live(&carol.keys.device_id()));
}

#[test]
fn only_the_last_device_of_a_chain_becomes_one_of_the_workspace() {
    let mut shared = Shared::found("ana", 1);
    let desk = Person::new("dave", 5);
    let phone = desk.second(78);
    shared.admit(&phone, Class::Editor);
    assert!(shared.membership.is_live(&phone.keys.device_id()));
    assert!(!shared.membership.is_live(&desk.keys.device_id()));
    assert_eq!(shared.membership.standing_of(&desk.keys.endpoint_id()), Standing::Unknown);
}

#[test]
fn a_third_party_brings_nobody_in_with_a_stolen_chain() {
    let (mut shared, bob, carol, _) = people();
    let tablet = carol.second(77);
    let add =
        AclOperation::AddDev { user: carol.keys.user(), label: None, chain: tablet.chain.chain().clone() };
    shared.acl(&bob.by_device(), vec![add.clone()]);
    assert!(!shared.membership.is_live(&tablet.keys.device_id()), "Bob is no device of Carol");
    let stranger = vec![AclOperation::AddDev {
        user: bob.keys.user(),
        label: None,
        chain: tablet.chain.chain().clone(),
    }];
    shared.acl(&bob.by_device(), stranger);
    assert!(!shared.membership.is_live(&tablet.keys.device_id()), "the chain is not Bob's");
}

#[test]
fn a_chain_with_a_wrong_link_certifies_nobody() {
    let (mut shared, ..) = people();
    let dave = Person::new("dave", 5);
    let tablet = dave.second(77);
    let via = shared.membership.grant_of(&shared.founder.keys.user()).unwrap();
    let mut links = tablet.chain.links().to_vec();
    links[1].signature[3] ^= 1;
    let operations = vec![
        AclOperation::AddDev { user: dave.keys.user(), label: None, chain: Chain::from_links(links) },
        AclOperation::Grant { user: dave.keys.user(), class: Class::Editor, via },
    ];
    shared.write_as_founder(operations);
    assert_eq!(class_of(&shared, &dave), Some(Class::Editor));
    assert!(!shared.membership.is_live(&tablet.keys.device_id()));
    assert!(!shared.membership.is_live(&dave.keys.device_id()));
}

#[test]
fn the_user_key_heals_what_the_thief_of_a_device_did() {
    let mut shared = Shared::found("ana", 1);
    let stolen = shared.founder.second(79);
    let label = Label::new("ana", "phone");
    let operations = workspace::add_own_device(
        &shared.membership,
        &shared.keyring,
        &stolen.chain,
        &label,
        &mut shared.rng,
    )
    .unwrap();
    shared.write_as_founder(operations);
    let before = shared.membership.heads();
    let (us, laptop) = (shared.founder.keys.user(), shared.founder.keys.device_id());
    let by = RemovedBy::User(&shared.founder.user);
    let operations =
        workspace::remove_own_device(&shared.membership, &us, &stolen.keys.device_id(), by).unwrap();
    let hand = shared.founder.by_user();
    shared.acl(&hand, operations);
    let strike = AclOperation::RmDev { user: us, device: laptop, seen: Vec::new() };
    shared.acl_at(&stolen.by_device(), vec![strike], before);
    assert!(shared.membership.is_live(&laptop), "certified again by the user key");
    assert!(!shared.membership.is_live(&stolen.keys.device_id()));
    let back = AclOperation::AddDev { user: us, label: None, chain: stolen.chain.chain().clone() };
    shared.acl(&stolen.by_device(), vec![back]);
    assert!(!shared.membership.is_live(&stolen.keys.device_id()));
}

#[test]
fn devices_heal_each_other_from_the_thief_of_one_and_nobody_heals_itself() {
    let mut shared = Shared::found("ana", 1);
    let (desk, phone) = (shared.founder.second(80), shared.founder.second(81));
    let label = Label::new("ana", "another");
    for device in [&desk, &phone] {
        let (membership, keyring) = (&shared.membership, &shared.keyring);
        let operations =
            workspace::add_own_device(membership, keyring, &device.chain, &label, &mut shared.rng).unwrap();
        shared.write_as_founder(operations);
    }
    let before = shared.membership.heads();
    let (us, laptop) = (shared.founder.keys.user(), shared.founder.keys.device_id());
    let (desk, stolen) = (desk.keys.device_id(), phone.keys.device_id());
    let operations =
        workspace::remove_own_device(&shared.membership, &us, &stolen, by(&shared.founder)).unwrap();
    shared.write_as_founder(operations);
    for device in [desk, laptop] {
        let strike = AclOperation::RmDev { user: us, device, seen: Vec::new() };
        shared.acl_at(&phone.by_device(), vec![strike], before.clone());
    }
    let live = [desk, laptop, stolen].map(|device| shared.membership.is_live(&device));
    assert_eq!(live, [true, false, false], "the laptop takes the user key");
}

#[test]
fn a_new_transport_key_is_for_the_device_or_its_siblings_to_tell() {
    let (mut shared, bob, carol, _) = people();
    let device = carol.keys.device_id();
    let set = |byte| vec![AclOperation::SetEndpoint { device, endpoint: EndpointId::from_bytes([byte; 32]) }];
    shared.acl(&bob.by_device(), set(7));
    assert_eq!(shared.membership.device(&device).unwrap().endpoint, carol.keys.endpoint_id());
    shared.acl(&carol.by_device(), set(8));
    shared.acl(&carol.by_device(), set(9));
    assert_eq!(shared.membership.device(&device).unwrap().endpoint, EndpointId::from_bytes([9; 32]));
}

#[test]
fn policies_are_for_admins_and_the_one_that_knows_of_the_other_wins() {
    let (mut shared, bob, carol, _) = people();
    let set = |shared: &Shared, person: &Person, value: u8| {
        let via = shared.membership.grant_of(&person.keys.user()).unwrap();
        vec![AclOperation::SetPolicy { key: "days".to_owned(), value: vec![value], via }]
    };
    let operations = set(&shared, &carol, 1);
    shared.acl(&carol.by_device(), operations);
    assert_eq!(shared.membership.policy("days"), None);
    for value in [2, 3, 4] {
        let operations = set(&shared, &bob, value);
        shared.acl(&bob.by_device(), operations);
    }
    assert_eq!(shared.membership.policy("days"), Some(vec![4]));
}

#[test]
fn strangers_are_not_stored_and_become_known_by_a_valid_grant() {
    let (mut shared, ..) = people();
    let dave = Person::new("dave", 5);
    let mut other = Shared::found("dave", 5);
    let open = |shared: &mut Shared| {
        let ws = shared.membership.workspace();
        let session = crate::ids::SessionId::from_bytes([9; 16]);
        let body =
            Open { signer: dave.keys.signer(), session, prev_logs: Vec::new(), app_version: String::new() };
        let header = crate::entry::Header {
            ver: 1,
            ws,
            log: dave.keys.signer().log_id(&ws, &session, Lane::Control),
            seq: 1,
            prev: EntryId::ZERO,
            kind: Kind::Open,
            acl_heads: shared.membership.heads(),
            epoch: None,
            body_len: 0,
            body_hash: crate::ids::BodyHash::ZERO,
        };
        Entry::sign(header, crate::entry::ClearBody::encode_body(&body), dave.keys.signing_key()).unwrap()
    };
    let early = open(&mut shared);
    assert!(!shared.membership.admits(&early, &dave.keys.signer()));
    shared.admit(&dave, Class::Viewer);
    assert!(
        !shared.membership.admits(&early, &dave.keys.signer()),
        "written before the device was certified here"
    );
    let entry = open(&mut shared);
    assert!(shared.membership.admits(&entry, &dave.keys.signer()));
    assert_eq!(other.membership.insert(&entry), Err(InsertError::Misplaced));
}

#[test]
fn entries_without_a_place_are_refused_and_change_nothing() {
    let (mut shared, _, carol, _) = people();
    let devices = shared.membership.live_devices();
    let last = shared.entries.last().unwrap().clone();
    assert_eq!(shared.membership.insert(&last), Ok(Inserted::Known));
    let mut fresh = Membership::found(&shared.entries[0]).unwrap();
    assert_eq!(fresh.insert(&last), Err(InsertError::NoPredecessor));
    let heads = vec![EntryId::from_bytes([5; 32])];
    let ws = shared.membership.workspace();
    let session = crate::ids::SessionId::from_bytes([9; 16]);
    let open =
        Open { signer: carol.keys.signer(), session, prev_logs: Vec::new(), app_version: String::new() };
    let header = crate::entry::Header {
        ver: 1,
        ws,
        log: carol.keys.signer().log_id(&ws, &session, Lane::Control),
        seq: 1,
        prev: EntryId::ZERO,
        kind: Kind::Open,
        acl_heads: heads.clone(),
        epoch: None,
        body_len: 0,
        body_hash: crate::ids::BodyHash::ZERO,
    };
    let sign = |header| {
        Entry::sign(header, crate::entry::ClearBody::encode_body(&open), carol.keys.signing_key()).unwrap()
    };
    let missing = sign(header.clone());
    assert_eq!(shared.membership.insert(&missing), Err(InsertError::Missing { entries: heads }));
    let log = crate::ids::LogId::from_bytes([1; 32]);
    let stray = sign(crate::entry::Header { log, acl_heads: Vec::new(), ..header });
    assert_eq!(shared.membership.insert(&stray), Err(InsertError::Misplaced));
    assert_eq!(shared.membership.live_devices(), devices);
}

#[test]
fn a_genesis_is_checked_whole() {
    let shared = Shared::found("ana", 1);
    let other = Person::new("eve", 66);
    let genesis = &shared.entries[0];
    let body: Genesis = genesis.clear().unwrap();
    let sign = |body: &Genesis, person: &Person| {
        let bytes = crate::entry::ClearBody::encode_body(body);
        Membership::found(&Entry::sign(genesis.header.clone(), bytes, person.keys.signing_key()).unwrap())
            .unwrap_err()
    };
    assert_eq!(sign(&body, &other), GenesisError::Signature);
    assert_eq!(
        sign(&Genesis { rules: 2, ..body.clone() }, &shared.founder),
        GenesisError::Rules { rules: 2 }
    );
    let foreign = Genesis { chain: other.chain.chain().clone(), ..body.clone() };
    assert_eq!(sign(&foreign, &other), GenesisError::OtherUser);
    let empty = Genesis { chain: Chain::from_links(Vec::new()), ..body };
    assert!(matches!(sign(&empty, &shared.founder), GenesisError::Chain(_)));
    assert!(matches!(Membership::found(&shared.entries[1]), Err(GenesisError::Entry(_))));
}

/// What everybody must agree on.
fn answers(membership: &Membership, entries: &[Entry]) -> impl PartialEq + std::fmt::Debug + use<> {
    let counting: Vec<bool> = entries.iter().map(|entry| membership.counts(entry)).collect();
    let heads = membership.heads();
    (membership.people(), membership.live_devices(), membership.usable_epochs(), counting, heads)
}

/// A workspace in which everybody writes at random, often without knowing of the others.
pub(super) fn turmoil(seed: u64) -> Shared {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut shared, bob, carol, _) = people();
    let dave = Person::new("dave", 5);
    shared.admit(&dave, Class::Admin);
    let everybody = [Person::new("ana", 1), bob, carol, dave];
    for _ in 0..30 {
        let author = &everybody[rng.next_u32() as usize % 4];
        let target = &everybody[rng.next_u32() as usize % 4];
        let hand = if rng.next_u32() % 8 == 0 { author.by_user() } else { author.by_device() };
        let control: Vec<EntryId> =
            shared.entries.iter().map(Entry::id).filter(|id| shared.membership.is_here(id)).collect();
        let heads = if rng.next_u32() % 2 == 0 {
            shared.membership.heads().into_iter().take(8).collect()
        } else {
            vec![control[rng.next_u32() as usize % control.len()]]
        };
        let Some(via) = shared.membership.grant_of(&author.keys.user()) else { continue };
        let user = target.keys.user();
        let operation = match rng.next_u32() % 6 {
            0 => AclOperation::Revoke { user, via, seen: shared.membership.seen_of_user(&user) },
            1 => AclOperation::Revoke { user, via, seen: Vec::new() },
            2 => AclOperation::Grant { user, class: Class::Editor, via },
            3 => {
                let device: DeviceId = target.keys.device_id();
                AclOperation::RmDev { user, device, seen: shared.membership.seen_of_device(&device) }
            }
            4 => AclOperation::AddDev { user, label: None, chain: target.chain.chain().clone() },
            _ => {
                let device = hand.signer.device();
                if device.is_some() {
                    let epoch = shared.membership.genesis().first_epoch;
                    shared.data_at(&hand, epoch, heads);
                }
                continue;
            }
        };
        shared.acl_at(&hand, vec![operation], heads);
    }
    shared
}

#[test]
fn every_order_of_arrival_gives_the_same_answers() {
    for seed in 0..12 {
        let shared = turmoil(seed);
        let expected = answers(&shared.membership, &shared.entries);
        let mut rng = ChaCha20Rng::seed_from_u64(1000 + seed);
        for _ in 0..3 {
            let mut order: Vec<usize> = (1..shared.entries.len()).collect();
            order.shuffle(&mut rng);
            let other = shared.in_order(&order);
            assert_eq!(answers(&other, &shared.entries), expected, "SEED={seed}");
        }
    }
}

#[test]
fn the_owner_is_never_lost() {
    for seed in 20..40 {
        let shared = turmoil(seed);
        assert_eq!(class_of(&shared, &shared.founder), Some(Class::Owner), "SEED={seed}");
    }
}

/// Operations that say next to nothing.
fn some(count: usize) -> Vec<AclOperation> {
    vec![AclOperation::SetEndpoint { device: DeviceId::ZERO, endpoint: EndpointId::ZERO }; count]
}

#[test]
fn a_workspace_takes_operations_up_to_the_limit() {
    let mut shared = Shared::found("ana", 1);
    let hand = shared.founder.by_device();
    while shared.membership.state.operations.len() < ACL_OPERATIONS_MAX {
        let left = ACL_OPERATIONS_MAX - shared.membership.state.operations.len();
        shared.acl(&hand, some(left.min(ACL_OPERATIONS_PER_ENTRY_MAX)));
    }
    let last = shared.entries.last().unwrap();
    assert_eq!(shared.membership.insert(&hand.next(last, some(1))), Err(InsertError::Full));
    assert_eq!(
        shared.membership.insert(&hand.next(last, some(0))),
        Ok(Inserted::Stored),
        "what says nothing"
    );
}

#[test]
fn one_person_has_room_for_so_many_operations() {
    let (mut shared, _, carol, _) = people();
    let hand = carol.by_device();
    let room = |shared: &Shared, count| {
        let entry = hand.next(shared.entries.last().unwrap(), some(count));
        shared.membership.has_room_for(&entry, &hand.signer)
    };
    for _ in 0..ACL_OPERATIONS_PER_USER_MAX / ACL_OPERATIONS_PER_ENTRY_MAX {
        shared.acl(&hand, some(ACL_OPERATIONS_PER_ENTRY_MAX));
    }
    let left = ACL_OPERATIONS_PER_USER_MAX % ACL_OPERATIONS_PER_ENTRY_MAX;
    assert!(room(&shared, left) && !room(&shared, left + 1));
    shared.acl(&hand, some(left));
    assert!(room(&shared, 0) && !room(&shared, 1));
    let founder = shared.founder.by_device();
    let entry = founder.next(shared.entries.last().unwrap(), some(1));
    assert!(shared.membership.has_room_for(&entry, &founder.signer), "others have theirs");
}

#[test]
fn one_person_has_room_for_so_many_devices() {
    let (mut shared, _, carol, _) = people();
    let hand = carol.by_device();
    let add = |seed: u64| {
        let chain = carol.second(1_000 + seed).chain.chain().clone();
        AclOperation::AddDev { user: carol.keys.user(), label: None, chain }
    };
    let room = |shared: &Shared, seeds: std::ops::Range<u64>| {
        let entry = hand.next(shared.entries.last().unwrap(), seeds.map(add).collect());
        shared.membership.has_room_for(&entry, &hand.signer)
    };
    let most = DEVICES_PER_USER_MAX as u64;
    // With the first one there is one less than may be.
    for seed in 1..most - 1 {
        shared.acl(&hand, vec![add(seed)]);
    }
    assert!(room(&shared, most - 1..most) && !room(&shared, most - 1..most + 1));
    shared.acl(&hand, vec![add(most - 1)]);
    assert!(!room(&shared, most..most + 1));
    assert!(room(&shared, 1..9), "devices that are there");
}

/// A device of a person whom nobody knows yet.
fn somebody(number: u64) -> VerifiedChain {
    let mut rng = ChaCha20Rng::seed_from_u64(number);
    let user = UserKeys::generate(&mut rng);
    user.certify(&DeviceKeys::generate(user.user_id(), &mut rng).claim()).unwrap()
}

fn admitted(shared: &mut Shared, chain: &VerifiedChain) -> Result<Vec<AclOperation>, ChangeError> {
    let (label, us) = (Label::default(), shared.founder.keys.user());
    let newcomer = (chain, &label, Class::Editor);
    workspace::admit(&shared.membership, &shared.keyring, &us, newcomer, &mut shared.rng)
}

fn write_in_parts(shared: &mut Shared, operations: &[AclOperation]) {
    for part in operations.chunks(ACL_OPERATIONS_PER_ENTRY_MAX) {
        shared.write_as_founder(part.to_vec());
    }
}

#[test]
fn so_many_people_are_let_in_and_no_more() {
    let mut shared = Shared::found("ana", 1);
    let via = shared.membership.grant_of(&shared.founder.keys.user()).unwrap();
    let chains: Vec<VerifiedChain> = (0..=USERS_MAX as u64).map(somebody).collect();
    let operations = chains[..USERS_MAX - 2].iter().flat_map(|chain| {
        let user = chain.user();
        let add = AclOperation::AddDev { user, label: None, chain: chain.chain().clone() };
        [add, AclOperation::Grant { user, class: Class::Editor, via }]
    });
    write_in_parts(&mut shared, &operations.collect::<Vec<_>>());
    let last = admitted(&mut shared, &chains[USERS_MAX - 2]).unwrap();
    shared.write_as_founder(last);
    assert_eq!(shared.membership.people().len(), USERS_MAX);
    let full = ChangeError::Full { what: "people", limit: USERS_MAX };
    assert_eq!(admitted(&mut shared, &chains[USERS_MAX - 1]), Err(full));
    assert!(admitted(&mut shared, &chains[0]).is_ok(), "somebody who is in");
}

#[test]
fn so_many_devices_are_let_in_and_no_more() {
    let mut shared = Shared::found("ana", 1);
    let user = shared.founder.keys.user();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut add = |shared: &Shared| {
        let keys = DeviceKeys::generate(user, &mut rng);
        let chain = shared.founder.user.certify(&keys.claim()).unwrap().chain().clone();
        AclOperation::AddDev { user, label: None, chain }
    };
    let operations: Vec<AclOperation> = (2..DEVICES_MAX).map(|_| add(&shared)).collect();
    write_in_parts(&mut shared, &operations);
    assert_eq!(shared.membership.live_devices().len(), DEVICES_MAX - 1);
    assert!(admitted(&mut shared, &somebody(1)).is_ok());
    let last = add(&shared);
    shared.write_as_founder(vec![last]);
    let full = ChangeError::Full { what: "devices", limit: DEVICES_MAX };
    assert_eq!(admitted(&mut shared, &somebody(1)), Err(full));
}
