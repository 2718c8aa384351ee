//! Changing who may do what: roles, and putting people and devices out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_sync::acl::AclOperation;
use weft_sync::ids::{DeviceId, UserId};
use weft_sync::limits::ACL_OPERATIONS_PER_ENTRY_MAX;
use weft_sync::membership::Membership;
use weft_sync::replica::{Input, WriteId};
use weft_sync::workspace::{
    ChangeError, RemovedBy, change_role as role_operations, remove_own_device, remove_user,
};

use super::inviting::class_of;
use super::{Shared, ended};
use crate::api::{self, ApiError, Member, MembersList, Revoked};
use crate::workspace::engine::Engine;
use crate::workspace::thread::WorkspaceHandle;

/// How long storing a change may take.
const STORE_TIME_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
/// Digits of an id that are enough to name somebody.
const ID_DIGITS_MIN: usize = 4;

/// Somebody, or one device, as a person named it.
#[derive(Clone, Debug)]
enum Named {
    Person(Member),
    /// The person with this device alone.
    Device(Member),
}

/// Gives a member another role.
pub(super) async fn change_role(
    shared: &Arc<Shared>,
    request: api::ChangeRole,
) -> Result<WorkspaceHandle, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let class = class_of(request.role).ok_or_else(|| {
        ApiError::usage("nobody can be made owner").hint("choose admin, editor, viewer or keeper")
    })?;
    let members = workspace.ask(|engine| engine.members()).await.ok_or_else(ended)?;
    let member = match find(&members, &request.who)? {
        Named::Person(member) => member,
        Named::Device(member) => {
            return Err(ApiError::usage("a role is a person's, and this is one device").hint(format!(
                "name the person: `weft role {} {}`",
                short(&member.user),
                request.role
            )));
        }
    };
    if member.role == request.role {
        return Ok(workspace);
    }
    let (us, user) = (shared.profile().user_id(), user_of(&member)?);
    write(&workspace, move |members| role_operations(members, &us, &user, class)).await?;
    until(&workspace, move |members| members.class_of(&user) == Some(class)).await?;
    Ok(workspace)
}

/// Puts somebody, or a device of ours, out.
pub(super) async fn revoke(shared: &Arc<Shared>, request: api::Revoke) -> Result<Revoked, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let members = workspace.ask(|engine| engine.members()).await.ok_or_else(ended)?;
    let us = shared.profile().user_id();
    let named = find(&members, &request.who)?;
    let (member, only_devices) = match named.clone() {
        Named::Person(member) => (member, false),
        Named::Device(member) => (member, true),
    };
    if member.is_me && !only_devices {
        return Err(ApiError::usage("this is you").hint(
            "`weft leave` ends sharing on this device; `weft members` lists your devices, of which you can put one out",
        ));
    }
    let revoked = Revoked { member, only_devices, done: !request.preview };
    let user = user_of(&revoked.member)?;
    if !only_devices {
        let operations = move |members: &Membership| remove_user(members, &us, &user);
        if request.preview {
            return allowed(&workspace, operations).await.map(|()| revoked);
        }
        write(&workspace, operations).await?;
        until(&workspace, move |members| members.class_of(&user).is_none()).await?;
        return Ok(revoked);
    }
    let device = device_to_remove(&revoked.member)?;
    if !request.preview {
        remove_device(shared, device).await?;
    }
    Ok(revoked)
}

/// Puts a device of ours out of every workspace that it is in: with the user key where that is here.
async fn remove_device(shared: &Arc<Shared>, device: DeviceId) -> Result<(), ApiError> {
    let profile = shared.profile();
    let (us, own, key) = (profile.user_id(), profile.device_id(), profile.user.clone());
    for workspace in shared.handles() {
        let key = key.clone();
        let written = workspace.ask(move |engine| {
            let members = engine.replica().membership()?;
            if !members.is_live(&device) || members.class_of(&us).is_none() {
                return Some(Ok(()));
            }
            let by = key.as_deref().map_or(RemovedBy::Device(own), RemovedBy::User);
            Some(remove_own_device(members, &us, &device, by).map(|operations| {
                // The name of the write is of no interest: membership tells when it is there.
                let write = WriteId(0);
                match key {
                    Some(user) => engine.feed(Input::WriteAsUser { write, user, operations }),
                    None => feed(engine, operations),
                }
            }))
        });
        written.await.ok_or_else(ended)?.ok_or_else(ended)?.map_err(refused)?;
        until(&workspace, move |members| !members.is_live(&device)).await?;
    }
    Ok(())
}

/// Writes operations, in as many entries as it takes.
fn feed(engine: &mut Engine, operations: Vec<AclOperation>) {
    let mut operations = operations.into_iter().peekable();
    while operations.peek().is_some() {
        let operations = operations.by_ref().take(ACL_OPERATIONS_PER_ENTRY_MAX).collect();
        // The name of the write is of no interest: membership tells when it is there.
        engine.feed(Input::WriteAcl { write: WriteId(0), operations });
    }
}

/// One device can be put out by its person alone: who is no admin has no say about others, and an admin puts the
/// person out.
fn device_to_remove(member: &Member) -> Result<DeviceId, ApiError> {
    let [device] = member.devices.as_slice() else {
        return Err(ApiError::failed("one device was named, and there are several"));
    };
    if !member.is_me {
        return Err(ApiError::not_allowed("only its own person can put a single device out")
            .hint(format!("to put the person out with all devices: `weft revoke {}`", short(&member.user)))
            .data_state("nothing was changed"));
    }
    if device.is_this {
        return Err(ApiError::usage("this is the device you sit at").hint(
            "`weft leave` ends sharing here; to put this device out, run `weft revoke` on another one of yours",
        ));
    }
    Ok(DeviceId::from_bytes(bytes_of(&device.device)?))
}

fn user_of(member: &Member) -> Result<UserId, ApiError> {
    Ok(UserId::from_bytes(bytes_of(&member.user)?))
}

/// The ids of the list that this node itself has made.
fn bytes_of(id: &str) -> Result<[u8; 32], ApiError> {
    let bytes = data_encoding::HEXLOWER.decode(id.as_bytes()).ok();
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.ok_or_else(|| ApiError::failed("a member has no readable id"))
}

fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// Who is meant: by the beginning of an id, else by a name.
fn find(members: &MembersList, who: &str) -> Result<Named, ApiError> {
    let is_id = who.len() >= ID_DIGITS_MIN && who.bytes().all(|byte| byte.is_ascii_hexdigit());
    let by_id = |id: &str| is_id && id.starts_with(&who.to_ascii_lowercase());
    let by_name = |name: &Option<String>| name.as_deref() == Some(who);
    let all = |people: &dyn Fn(&Member) -> bool, devices: &dyn Fn(&api::MemberDevice) -> bool| {
        let mut found = Vec::new();
        for member in &members.members {
            if people(member) {
                found.push(Named::Person(member.clone()));
            }
            for device in member.devices.iter().filter(|device| devices(device)) {
                found.push(Named::Device(Member { devices: vec![device.clone()], ..member.clone() }));
            }
        }
        found
    };
    let mut found = all(&|member| by_id(&member.user), &|device| by_id(&device.device));
    if found.is_empty() {
        // A person's name goes before that of a device.
        found = all(&|member| by_name(&member.name), &|_| false);
    }
    if found.is_empty() {
        found = all(&|_| false, &|device| by_name(&device.name));
        // Of devices only one's own can be put out: others that are called the same are not meant.
        let is_own = |named: &Named| matches!(named, Named::Device(member) if member.is_me);
        if found.iter().any(is_own) {
            found.retain(is_own);
        }
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(one), 1) => Ok(one),
        (None, _) => Err(ApiError::not_found(format!("nobody here is called {who:?}"))
            .hint("`weft members` lists people and devices with their ids")),
        _ => Err(ApiError::usage(format!("{count} are called {who:?}"))
            .hint("name one by the id that `weft members` shows, or its beginning")),
    }
}

fn refused(error: ChangeError) -> ApiError {
    ApiError::not_allowed(error.to_string()).hint(error.hint()).data_state("nothing was changed")
}

/// Whether this device may do it.
async fn allowed(
    workspace: &WorkspaceHandle,
    operations: impl FnOnce(&Membership) -> Result<Vec<AclOperation>, ChangeError> + Send + 'static,
) -> Result<(), ApiError> {
    let planned = workspace.ask(move |engine| engine.replica().membership().map(operations));
    planned.await.ok_or_else(ended)?.ok_or_else(ended)?.map(|_| ()).map_err(refused)
}

/// Writes what the membership as it is makes of a wish.
async fn write(
    workspace: &WorkspaceHandle,
    operations: impl FnOnce(&Membership) -> Result<Vec<AclOperation>, ChangeError> + Send + 'static,
) -> Result<(), ApiError> {
    let written = workspace.ask(move |engine| {
        let operations = engine.replica().membership().map(operations)?;
        Some(operations.map(|operations| feed(engine, operations)))
    });
    written.await.ok_or_else(ended)?.ok_or_else(ended)?.map_err(refused)
}

/// Waits until it holds and is stored.
pub(super) async fn until(
    workspace: &WorkspaceHandle,
    holds: impl Fn(&Membership) -> bool + Clone + Send + 'static,
) -> Result<(), ApiError> {
    let deadline = Instant::now() + STORE_TIME_MAX;
    loop {
        let holds = holds.clone();
        let done = workspace.ask(move |engine| {
            let replica = engine.replica();
            replica.membership().is_some_and(holds) && !replica.sync_status().storing
        });
        if done.await.ok_or_else(ended)? {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(ApiError::failed("storing the change takes too long")
                .hint("`weft members` tells whether it holds, `weft doctor` what is wrong"));
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{MemberDevice, Role};

    fn member(user: &str, name: &str, devices: &[(&str, &str)]) -> Member {
        let device = |(id, name): &(&str, &str)| MemberDevice {
            device: (*id).to_owned(),
            name: Some((*name).to_owned()),
            is_this: false,
            last_contact: None,
            has_all_mine: true,
            missing: 0,
        };
        Member {
            user: user.to_owned(),
            name: Some(name.to_owned()),
            role: Role::Editor,
            is_me: false,
            devices: devices.iter().map(device).collect(),
        }
    }

    #[test]
    fn people_and_devices_are_found_by_ids_and_by_names_that_one_has() {
        let members = MembersList {
            members: vec![
                member("aaaa11", "Ana", &[("d0001a", "laptop"), ("d0002b", "desk")]),
                member("aaaa22", "Ben", &[("d0003c", "laptop")]),
                member("beefed", "Ben", &[("d0004d", "Ana")]),
            ],
        };
        let told = |who: &str| match find(&members, who) {
            Ok(Named::Person(member)) => member.user,
            Ok(Named::Device(member)) => format!("{} of {}", member.devices[0].device, member.user),
            Err(error) => format!("{:?}: {}", error.kind, error.message),
        };
        assert_eq!(told("aaaa1"), "aaaa11");
        assert_eq!(told("AAAA1"), "aaaa11");
        assert_eq!(told("Ana"), "aaaa11", "a person before a device");
        assert_eq!(told("d0004d"), "d0004d of beefed");
        assert_eq!(told("desk"), "d0002b of aaaa11");
        assert_eq!(told("beef"), "beefed");
        for (who, word) in [("aaaa", "2 are called"), ("Ben", "2 are called"), ("laptop", "2 are called")] {
            assert!(told(who).contains(word), "{who}: {}", told(who));
        }
        for who in ["", "a", "Zoe", "ffff", "ana"] {
            assert!(told(who).starts_with("NotFound"), "{who}: {}", told(who));
        }
    }
}
