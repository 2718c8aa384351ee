//! Makers of membership operations: founding a workspace, letting somebody in, changing a role, putting somebody out.
//!
//! Each is a pure function of what is known. What it returns is written through the replica, which also makes the
//! epochs: the first one when the workspace is founded, and wraps or new epochs after every change.

use std::collections::BTreeMap;

use rand::CryptoRng;

use crate::acl::{AclOperation, Class, Genesis, OpRef, POLICY_NAME, RULES, SealedLabel};
use crate::certificate::{Link, VerifiedChain};
use crate::entry::{ClearBody as _, Entry, EntryError, Header, Kind};
use crate::epoch::Keyring;
use crate::identity::{DeviceKeys, UserKeys};
use crate::ids::{BodyHash, DeviceId, EntryId, LogId, UserId, WorkspaceId};
use crate::limits::{DEVICES_MAX, ENTRY_VERSION, USERS_MAX};
use crate::membership::Membership;
use crate::seal::{EpochKey, Label};
use crate::wire;

/// A workspace that has just been founded.
#[derive(Debug)]
pub struct Founded {
    /// The workspace.
    pub ws: WorkspaceId,
    /// Its first entry: to be stored before the replica is opened.
    pub genesis: Entry,
    /// The key of the first epoch: to be stored sealed before anything is written.
    pub keyring: Keyring,
    /// What to write first: our own device with its names, and the name of the workspace.
    pub operations: Vec<AclOperation>,
}

/// Founds a workspace. `chain` certifies the device of `keys`.
///
/// # Errors
/// When the chain is another device's.
pub fn found<R: CryptoRng + ?Sized>(
    keys: &DeviceKeys,
    chain: &VerifiedChain,
    name: &str,
    label: &Label,
    rng: &mut R,
) -> Result<Founded, FoundError> {
    if chain.device() != keys.device_id() {
        return Err(FoundError::OtherDevice);
    }
    let key = EpochKey::generate(rng);
    let mut nonce = [0; 16];
    rng.fill_bytes(&mut nonce);
    let body = Genesis {
        owner: chain.user(),
        nonce,
        rules: RULES,
        first_epoch: key.id(),
        chain: chain.chain().clone(),
    };
    let header = Header {
        ver: ENTRY_VERSION,
        ws: WorkspaceId::ZERO,
        log: LogId::ZERO,
        seq: 1,
        prev: EntryId::ZERO,
        kind: Kind::Genesis,
        acl_heads: Vec::new(),
        epoch: None,
        body_len: 0,
        body_hash: BodyHash::ZERO,
    };
    let genesis = Entry::sign(header, body.encode_body(), keys.signing_key())?;
    let ws = WorkspaceId::from_genesis(genesis.id());
    let own = AclOperation::AddDev {
        user: chain.user(),
        label: Some(key.seal_label(&ws, label, rng)),
        chain: chain.chain().clone(),
    };
    let sealed_name = key.seal_label(&ws, &Label::new(name, ""), rng);
    let via = OpRef::new(genesis.id(), 0);
    let named =
        AclOperation::SetPolicy { key: POLICY_NAME.to_owned(), value: wire::encode(&sealed_name), via };
    let mut keyring = Keyring::default();
    keyring.insert(key);
    Ok(Founded { ws, genesis, keyring, operations: vec![own, named] })
}

/// Why a workspace could not be founded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoundError {
    /// The certificate is not of this device.
    #[error("the certificate chain is another device's")]
    OtherDevice,
    /// The first entry could not be made.
    #[error("the first entry could not be made")]
    Entry(#[from] EntryError),
}

/// Why a change of membership is not ours to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// It takes more than we may.
    #[error("this takes the role {least}, and ours is {}", .ours.map_or("none", Class::name), least = .least.name())]
    NotAllowed {
        /// What we may do.
        ours: Option<Class>,
        /// What it takes.
        least: Class,
    },
    /// The person is not a member.
    #[error("that person is not in the workspace")]
    NotAMember,
    /// The device is not in the workspace.
    #[error("that device is not in the workspace")]
    NoSuchDevice,
    /// The founder stays.
    #[error("the owner of a workspace cannot be removed or changed")]
    Owner,
    /// As many are in as a workspace may have.
    #[error("the workspace has {limit} {what}, which is the limit")]
    Full {
        /// People or devices.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Somebody of our own rank can be changed by the owner only.
    #[error("only the owner can do this to an admin")]
    Equal,
}

impl ChangeError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => {
                "ask an admin or the owner of the workspace (`weft members` lists them)"
            }
            Self::NotAMember | Self::NoSuchDevice => "`weft members` lists who is in",
            Self::Full { .. } => "nothing was changed; make another workspace for more people or devices",
            Self::Owner => "make a new workspace if somebody else is to own it",
            Self::Equal => "ask the owner of the workspace (`weft members` tells who that is)",
        }
    }
}

/// What it takes to let somebody in as `class`: only the owner makes admins.
fn least_to_grant(class: Class) -> Class {
    if class >= Class::Admin { Class::Owner } else { Class::Admin }
}

/// Our grant to act by, when we may let in people of this class.
///
/// # Errors
/// When we may not.
pub fn may_grant(membership: &Membership, us: &UserId, class: Class) -> Result<OpRef, ChangeError> {
    let (ours, least) = (membership.class_of(us), least_to_grant(class));
    let via = membership.grant_of(us).filter(|_| ours >= Some(least));
    via.ok_or(ChangeError::NotAllowed { ours, least })
}

/// Lets the last device of a chain in, with its person, in one entry.
///
/// # Errors
/// When we may not let in people of this class, or the workspace is full.
pub fn admit<R: CryptoRng + ?Sized>(
    membership: &Membership,
    keyring: &Keyring,
    us: &UserId,
    newcomer: (&VerifiedChain, &Label, Class),
    rng: &mut R,
) -> Result<Vec<AclOperation>, ChangeError> {
    let (chain, label, class) = newcomer;
    let via = may_grant(membership, us, class)?;
    let user = chain.user();
    check_room(membership, &user, &chain.device())?;
    let label = seal_label(membership, keyring, label, rng);
    Ok(vec![
        AclOperation::AddDev { user, label, chain: chain.chain().clone() },
        AclOperation::Grant { user, class, via },
    ])
}

/// Whether there is room for one more person and one more device, unless they are in already.
fn check_room(membership: &Membership, user: &UserId, device: &DeviceId) -> Result<(), ChangeError> {
    let (people, devices) = (membership.people(), membership.live_devices());
    if people.len() >= USERS_MAX && !people.contains_key(user) {
        return Err(ChangeError::Full { what: "people", limit: USERS_MAX });
    }
    if devices.len() >= DEVICES_MAX && !devices.iter().any(|live| live.device == *device) {
        return Err(ChangeError::Full { what: "devices", limit: DEVICES_MAX });
    }
    Ok(())
}

/// Adds a device of our own.
///
/// # Errors
/// When the workspace is full.
pub fn add_own_device<R: CryptoRng + ?Sized>(
    membership: &Membership,
    keyring: &Keyring,
    chain: &VerifiedChain,
    label: &Label,
    rng: &mut R,
) -> Result<Vec<AclOperation>, ChangeError> {
    check_room(membership, &chain.user(), &chain.device())?;
    let label = seal_label(membership, keyring, label, rng);
    Ok(vec![AclOperation::AddDev { user: chain.user(), label, chain: chain.chain().clone() }])
}

/// Gives a member another role: a Revoke and a Grant, in this order, in one entry.
///
/// # Errors
/// When it is not ours to change, or they are not in.
pub fn change_role(
    membership: &Membership,
    us: &UserId,
    user: &UserId,
    class: Class,
) -> Result<Vec<AclOperation>, ChangeError> {
    let via = may_grant(membership, us, class)?;
    let mut operations = remove_user(membership, us, user)?;
    operations.push(AclOperation::Grant { user: *user, class, via });
    Ok(operations)
}

/// Puts a person out. What we hold of their work stays.
///
/// # Errors
/// When it is not ours to do, or they are not in.
pub fn remove_user(
    membership: &Membership,
    us: &UserId,
    user: &UserId,
) -> Result<Vec<AclOperation>, ChangeError> {
    let ours = membership.class_of(us);
    let via = membership.grant_of(us).filter(|_| ours >= Some(Class::Admin));
    let via = via.ok_or(ChangeError::NotAllowed { ours, least: Class::Admin })?;
    match membership.class_of(user).ok_or(ChangeError::NotAMember)? {
        Class::Owner => Err(ChangeError::Owner),
        Class::Admin if ours != Some(Class::Owner) => Err(ChangeError::Equal),
        _ => Ok(vec![AclOperation::Revoke { user: *user, via, seen: membership.seen_of_user(user) }]),
    }
}

/// Puts a device of our own out. What we hold of its work stays.
///
/// Our other devices are let in again, so that whoever has the removed one cannot put them out by an entry that pretends
/// to be older: with the user key all of them, else those other than `by`, which has no say about itself.
///
/// # Errors
/// When it is not ours, or not in.
pub fn remove_own_device(
    membership: &Membership,
    us: &UserId,
    device: &DeviceId,
    by: RemovedBy<'_>,
) -> Result<Vec<AclOperation>, ChangeError> {
    let live = membership.device(device).filter(|live| live.user == *us).ok_or(ChangeError::NoSuchDevice)?;
    let seen = membership.seen_of_device(device);
    let mut operations = vec![AclOperation::RmDev { user: live.user, device: *device, seen }];
    let others = membership.live_devices().into_iter();
    for other in others.filter(|other| other.user == *us && other.device != *device) {
        let Some(chain) = membership.chain_of(&other.device) else { continue };
        let chain = match by {
            RemovedBy::Device(own) if own == other.device => continue,
            RemovedBy::Device(_) => chain,
            RemovedBy::User(user) => {
                let claim = chain.links().last().map(Link::claim);
                let Some(Ok(certified)) = claim.map(|claim| user.certify(&claim)) else { continue };
                certified.chain().clone()
            }
        };
        operations.push(AclOperation::AddDev { user: *us, label: other.label, chain });
    }
    Ok(operations)
}

/// Who puts a device out.
#[derive(Clone, Copy, Debug)]
pub enum RemovedBy<'a> {
    /// Another device of the same person.
    Device(DeviceId),
    /// The person, with the user key.
    User(&'a UserKeys),
}

/// Sets a policy of the workspace.
///
/// # Errors
/// When we are no admin.
pub fn set_policy(
    membership: &Membership,
    us: &UserId,
    key: &str,
    value: Vec<u8>,
) -> Result<Vec<AclOperation>, ChangeError> {
    let ours = membership.class_of(us);
    let refused = ChangeError::NotAllowed { ours, least: Class::Admin };
    let via = membership.grant_of(us).filter(|_| ours >= Some(Class::Admin)).ok_or(refused)?;
    Ok(vec![AclOperation::SetPolicy { key: key.to_owned(), value, via }])
}

/// Renames the workspace.
///
/// # Errors
/// When we are no admin, or hold no key to seal the name with.
pub fn rename<R: CryptoRng + ?Sized>(
    membership: &Membership,
    keyring: &Keyring,
    us: &UserId,
    name: &str,
    rng: &mut R,
) -> Result<Vec<AclOperation>, ChangeError> {
    let refused = ChangeError::NotAllowed { ours: membership.class_of(us), least: Class::Admin };
    let sealed = seal_label(membership, keyring, &Label::new(name, ""), rng).ok_or(refused)?;
    set_policy(membership, us, POLICY_NAME, wire::encode(&sealed))
}

/// Seals names under the best key that we hold; none when we hold none.
fn seal_label<R: CryptoRng + ?Sized>(
    membership: &Membership,
    keyring: &Keyring,
    label: &Label,
    rng: &mut R,
) -> Option<SealedLabel> {
    let usable = membership.usable_epochs();
    let key = usable
        .iter()
        .find_map(|state| keyring.key(&state.epoch))
        .or_else(|| keyring.key(&membership.genesis().first_epoch))?;
    Some(key.seal_label(&membership.workspace(), label, rng))
}

/// The name of the workspace, when it can be opened.
#[must_use]
pub fn name(membership: &Membership, keyring: &Keyring) -> Option<String> {
    let sealed = membership.sealed_name()?;
    let label = keyring.key(&sealed.epoch)?.open_label(&membership.workspace(), &sealed).ok()?;
    Some(label.name)
}

/// The names of people and devices that can be opened, for the devices that are in.
#[must_use]
pub fn labels(membership: &Membership, keyring: &Keyring) -> BTreeMap<DeviceId, Label> {
    let ws = membership.workspace();
    let devices = membership.live_devices().into_iter();
    let labelled = devices.filter_map(|device| {
        let sealed = device.label?;
        let label = keyring.key(&sealed.epoch)?.open_label(&ws, &sealed).ok()?;
        Some((device.device, label))
    });
    labelled.collect()
}

/// The secret that names and seals chunks, as soon as the key of the first epoch is here.
#[must_use]
pub fn content_secret(membership: &Membership, keyring: &Keyring) -> Option<crate::seal::ContentSecret> {
    keyring.key(&membership.genesis().first_epoch).map(EpochKey::content_secret)
}
