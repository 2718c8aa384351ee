use super::*;
use crate::certificate::{Chain, Link};
use crate::limits::CHAIN_LINKS_MAX;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

fn user(seed: u8) -> UserKeys {
    UserKeys::from_seed(Zeroizing::new([seed; 32]))
}

fn device(user: &UserKeys, seed: u64) -> DeviceKeys {
    DeviceKeys::generate(user.user_id(), &mut ChaCha20Rng::seed_from_u64(seed))
}

/// A chain of this many devices, and their keys.
fn chain(user: &UserKeys, links: u64) -> (VerifiedChain, Vec<DeviceKeys>) {
    let mut devices = vec![device(user, 0)];
    let mut chain = user.certify(&devices[0].claim()).unwrap();
    for seed in 1..links {
        let next = device(user, seed);
        chain = chain.extend(devices.last().unwrap().signing_key(), &next.claim()).unwrap();
        devices.push(next);
    }
    (chain, devices)
}

#[test]
fn golden_derivations() {
    let ana = user(7);
    let key = PublicKey::from_bytes([9; 32]);
    let epoch = crate::seal::EpochKey::from_bytes([7; 32]);
    let content = epoch.content_secret();
    let chunk = content.seal_chunk(b"weft");
    let derived = [
        ("user", ana.user_id().to_string()),
        ("recovery", hex(ana.recovery_recipient().as_bytes())),
        ("signs", Fingerprint::of_user(&ana.user_id()).names().join(" ")),
        ("device", DeviceId::derive(&ana.user_id(), &key).to_string()),
        ("epoch", epoch.id().to_string()),
        ("content", content.content_id(b"weft").to_string()),
        ("chunk", chunk.id.to_string()),
        ("sealed", hex(&chunk.bytes)),
    ];
    let lines: String = derived.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    assert_eq!(lines, include_str!("golden.txt"));
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[test]
fn the_words_are_the_standard_ones_and_give_the_same_keys() {
    let zero = UserKeys::from_seed(Zeroizing::new([0; 32]));
    assert_eq!(*zero.words(), "abandon ".repeat(23) + "art");
    let ana = user(7);
    let words = ana.words();
    assert_eq!(UserKeys::from_words(&words).unwrap().user_id(), ana.user_id());
    let shouted = format!("  {}\n", words.to_uppercase().replace(' ', "\n  "));
    assert_eq!(UserKeys::from_words(&shouted).unwrap().user_id(), ana.user_id());
}

#[test]
fn wrong_words_are_told_apart() {
    let words = user(7).words();
    let list: Vec<&str> = words.split(' ').collect();
    assert_eq!(UserKeys::from_words(&list[..23].join(" ")).unwrap_err(), WordsError::Count { count: 23 });
    assert_eq!(UserKeys::from_words("").unwrap_err(), WordsError::Count { count: 0 });
    let mut unknown = list.clone();
    unknown[4] = "weft";
    assert_eq!(UserKeys::from_words(&unknown.join(" ")).unwrap_err(), WordsError::Unknown { place: 5 });
    assert_eq!(UserKeys::from_words(&["zoo"; 24].join(" ")).unwrap_err(), WordsError::Checksum);
}

#[test]
fn device_keys_come_back_from_the_store() {
    let keys = device(&user(7), 1);
    let bytes = keys.to_secret_bytes();
    let back = DeviceKeys::from_secret_bytes(&bytes).unwrap();
    assert_eq!(back.device_id(), keys.device_id());
    assert_eq!(back.endpoint_id(), keys.endpoint_id());
    assert_eq!(back.age_identity().recipient(), keys.age_identity().recipient());
    assert!(DeviceKeys::from_secret_bytes(&bytes[1..]).is_err());
    let mut newer = bytes.to_vec();
    newer[0] = 2;
    assert!(DeviceKeys::from_secret_bytes(&newer).is_err());
}

#[test]
fn the_keys_of_a_device_are_independent() {
    let keys = device(&user(7), 1);
    assert_ne!(keys.public_key().as_bytes(), keys.endpoint_id().as_bytes());
    assert_ne!(keys.signing_key().as_bytes(), keys.age_identity().expose());
    assert_ne!(keys.transport_secret(), keys.age_identity().expose());
}

#[test]
fn secrets_do_not_print() {
    let ana = user(7);
    for text in [format!("{ana:?}"), format!("{:?}", device(&ana, 1))] {
        assert!(text.contains("****") && text.len() < 60, "{text}");
    }
}

#[test]
fn signs_are_all_different() {
    let names: std::collections::BTreeSet<_> = SIGNS.iter().map(|sign| sign.1).collect();
    let signs: std::collections::BTreeSet<_> = SIGNS.iter().map(|sign| sign.0).collect();
    assert_eq!((names.len(), signs.len()), (64, 64));
    assert_ne!(Fingerprint::of_user(&user(1).user_id()), Fingerprint::of_user(&user(2).user_id()));
}

#[test]
fn chains_of_one_to_eight_links_hold() {
    let ana = user(7);
    for links in 1..=CHAIN_LINKS_MAX as u64 {
        let (chain, devices) = chain(&ana, links);
        assert_eq!(chain.device(), devices.last().unwrap().device_id());
        assert_eq!(chain.last().recovery, ana.recovery_recipient());
        assert_eq!(VerifiedChain::decode(&chain.encode()).unwrap(), chain);
    }
    let (full, devices) = chain(&ana, CHAIN_LINKS_MAX as u64);
    let one_more = full.extend(devices.last().unwrap().signing_key(), &device(&ana, 99).claim());
    assert_eq!(one_more, Err(ChainError::Length { links: CHAIN_LINKS_MAX + 1 }));
    assert_eq!(Chain::from_links(Vec::new()).verify(), Err(ChainError::Length { links: 0 }));
}

/// Verifies a chain of three links after something was done to it.
fn tampered(change: impl Fn(&mut Vec<Link>)) -> Result<VerifiedChain, ChainError> {
    let mut links = chain(&user(7), 3).0.links().to_vec();
    change(&mut links);
    Chain::from_links(links).verify()
}

#[test]
fn a_truncated_or_shuffled_chain_does_not_hold() {
    assert!(tampered(|links| links.truncate(2)).is_ok(), "the chain of the second device is one of its own");
    assert_eq!(tampered(|links| *links = links.split_off(1)), Err(ChainError::Signature { link: 0 }));
    assert_eq!(
        tampered(|links| *links = vec![links[0].clone(), links[2].clone()]),
        Err(ChainError::Signature { link: 1 })
    );
    assert_eq!(tampered(|links| links.swap(1, 2)), Err(ChainError::Signature { link: 1 }));
    assert_eq!(tampered(|links| links.push(links[0].clone())), Err(ChainError::Repeated { link: 3 }));
}

#[test]
fn any_changed_byte_breaks_a_chain() {
    let bytes = chain(&user(7), 2).0.encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(VerifiedChain::decode(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_foreign_device_or_key_does_not_get_into_a_chain() {
    let (ana, eve) = (user(7), user(8));
    let (chain, devices) = chain(&ana, 1);
    // Eve signs with her own key behind Ana's device.
    let forged = chain.extend(device(&eve, 1).signing_key(), &device(&ana, 5).claim());
    assert_eq!(forged, Err(ChainError::Signature { link: 1 }));
    // A device that proved itself to Eve is not Ana's.
    let foreign = chain.extend(devices[0].signing_key(), &device(&eve, 1).claim());
    assert_eq!(foreign, Err(ChainError::Proof { link: 1 }));
    // Somebody else's proof under a new address.
    let mut replayed = device(&ana, 5).claim();
    replayed.endpoint = device(&eve, 1).endpoint_id();
    assert_eq!(chain.extend(devices[0].signing_key(), &replayed), Err(ChainError::Proof { link: 1 }));
    // Eve's link behind Ana's.
    let other = eve.certify(&device(&eve, 1).claim()).unwrap();
    let links = [chain.links(), other.links()].concat();
    assert_eq!(Chain::from_links(links).verify(), Err(ChainError::OtherUser { link: 1 }));
}

#[test]
fn a_device_cannot_change_what_the_words_open() {
    let (ana, eve) = (user(7), user(8));
    let (chain, devices) = chain(&ana, 1);
    let next = device(&ana, 5).claim();
    let mut links = chain.extend(devices[0].signing_key(), &next).unwrap().links().to_vec();
    links[1].recovery = eve.recovery_recipient();
    assert_eq!(Chain::from_links(links).verify(), Err(ChainError::OtherRecovery { link: 1 }));
}
