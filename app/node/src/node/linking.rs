//! Devices of one person: linking another one, and being linked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_net::FrameStream;
use weft_store::Write;
use weft_sync::acl::Class;
use weft_sync::certificate::VerifiedChain;
use weft_sync::identity::Fingerprint;
use weft_sync::ids::{UserId, WorkspaceId};
use weft_sync::invite::{
    Confirmation, InvitationTerms, InviterInput, LinkOffer, LinkRequest, Linked, LinkedWorkspace, NewDevice,
    NewDeviceEffect, NewDeviceInput, OfferedWorkspace,
};
use weft_sync::limits::LINK_WORKSPACES_MAX;
use weft_sync::replica::{Input, WriteId};
use weft_sync::seal::Label;
use weft_sync::ticket::Ticket;
use weft_sync::workspace::add_own_device;

use super::inviting::{let_in_entries, millis, spoken, ticket};
use super::joining::{self, Entered, Filling, GreetError, Whom, refused};
use super::opening::{self, StartFolder, start_workspace};
use super::{Shared, ended};
use crate::api::{
    self, ApiError, BoxFuture, DeviceAccept, DeviceAcceptPreview, DeviceAcceptPreviewed, DeviceAccepted,
    OwnDevice, OwnDevices, Progress, ProgressSink, Shared as SharedTicket, Stage, UserKeyPlace,
    WorkspacePlace,
};
use crate::profile::{Profile, WordsState};
use crate::registry::WorkspaceRecord;
use crate::workspace::people::People;
use crate::workspace::thread::WorkspaceHandle;

/// Makes a ticket by which another device becomes one of this person's.
pub(super) async fn link(shared: &Arc<Shared>, request: api::DeviceLink) -> Result<SharedTicket, ApiError> {
    let Some(net) = &shared.net else {
        return Err(ApiError::failed("this node is not on the network").hint("start `weft node`, then link"));
    };
    let confirmation = if request.confirm { Confirmation::Automatic } else { Confirmation::Ask };
    let millis = millis(request.expires_seconds);
    let terms =
        InvitationTerms { ws: WorkspaceId::ZERO, class: Class::Keeper, uses: 1, millis, confirmation };
    ticket(shared, net, terms, String::new()).await
}

/// What a device that wants to be linked is told.
pub(super) async fn describe_us(shared: &Arc<Shared>) -> LinkOffer {
    let mut workspaces = Vec::new();
    for workspace in own_workspaces(shared).await {
        workspaces.push(offered(&workspace).await);
    }
    let profile = shared.profile();
    LinkOffer { user: profile.user_id(), inviter: profile.label.clone(), workspaces }
}

/// The workspaces that this device is in, as many as a device that is linked takes at once; the others follow by tickets.
async fn own_workspaces(shared: &Shared) -> Vec<WorkspaceHandle> {
    let mut own = Vec::new();
    for workspace in shared.handles() {
        if workspace.ask(|engine| engine.replica().own_class().is_some()).await == Some(true) {
            own.push(workspace);
        }
    }
    own.truncate(LINK_WORKSPACES_MAX);
    own
}

async fn offered(workspace: &WorkspaceHandle) -> OfferedWorkspace {
    let told = workspace
        .ask(|engine| (engine.replica().workspace_name().unwrap_or_default(), engine.progressed()))
        .await;
    let (name, done) = told.unwrap_or_default();
    OfferedWorkspace { ws: workspace.ws, name, files: done.files, bytes: done.bytes }
}

/// Certifies a device and brings it into every workspace of this one.
pub(super) async fn take_in(shared: &Arc<Shared>, request: &LinkRequest) -> InviterInput {
    let profile = shared.profile();
    let certified = match &profile.user {
        Some(user) => user.certify(&request.claim),
        None => profile.chain.extend(profile.keys.signing_key(), &request.claim),
    };
    let taken = match certified {
        Ok(chain) => take_into_all(shared, request, &chain).await.map(|workspaces| (chain, workspaces)),
        Err(error) => Err(ApiError::failed(format!("the device cannot be certified: {error}"))),
    };
    match taken {
        Ok((chain, workspaces)) => InviterInput::Linked(chain.chain().clone(), workspaces),
        Err(error) => {
            tracing::warn!("a device could not be linked: {error}");
            InviterInput::NotAllowed
        }
    }
}

async fn take_into_all(
    shared: &Arc<Shared>,
    request: &LinkRequest,
    chain: &VerifiedChain,
) -> Result<Vec<LinkedWorkspace>, ApiError> {
    let mut workspaces = Vec::new();
    for workspace in own_workspaces(shared).await {
        let (chain, label, device) = (chain.clone(), request.label.clone(), request.device);
        // The person keeps their name, whatever the other computer calls its user.
        let label = Label::new(shared.profile().label.name.clone(), label.device);
        let mut rng = shared.fork_rng();
        let written = workspace.ask(move |engine| {
            let replica = engine.replica();
            let members = replica.membership()?;
            if members.is_live(&device) {
                return Some(Ok(()));
            }
            let operations = add_own_device(members, replica.keyring(), &chain, &label, &mut rng);
            Some(operations.map(|operations| {
                // The name of the write is of no interest: membership tells when it is there.
                engine.feed(Input::WriteAcl { write: WriteId(0), operations });
            }))
        });
        let written = written.await.ok_or_else(ended)?.ok_or_else(ended)?;
        written.map_err(|error| ApiError::not_allowed(error.to_string()))?;
        let entries = let_in_entries(shared, &workspace, request.device).await?;
        workspaces.push((offered(&workspace).await, entries));
    }
    Ok(workspaces)
}

/// What the other device said, with the stream to go on with.
struct Meeting {
    new_device: NewDevice,
    stream: FrameStream,
    offer: LinkOffer,
}

fn parse(text: &str) -> Result<Ticket, ApiError> {
    let ticket = joining::parse(text)?;
    if ticket.is_link() {
        return Ok(ticket);
    }
    Err(ApiError::usage("this ticket invites into a workspace, and links no device")
        .hint("to join: `weft join TICKET`; to link a device: run `weft device link` on the other one")
        .data_state("nothing was changed"))
}

async fn meet(
    shared: &Arc<Shared>,
    ticket: &Ticket,
    deadline: Instant,
    progress: &ProgressSink,
) -> Result<Meeting, ApiError> {
    let greet = |stream| -> BoxFuture<'_, _> { Box::pin(greet(shared, ticket, stream)) };
    let meeting = joining::reach(shared, &Whom::of_ticket(ticket), deadline, progress, greet).await?;
    check_free(shared, &meeting.offer.user)?;
    Ok(meeting)
}

/// Whether this device may become one of this person's.
pub(super) fn check_free(shared: &Shared, user: &UserId) -> Result<(), ApiError> {
    let is_other = *user != shared.profile().user_id();
    let is_used = shared.state().registry.all().next().is_some();
    if is_other && is_used {
        return Err(ApiError::usage("this device has workspaces of another person already")
            .hint("`weft leave` them first, or set WEFT_HOME to a data folder of its own for this person")
            .data_state("nothing was changed"));
    }
    Ok(())
}

async fn greet(
    shared: &Arc<Shared>,
    ticket: &Ticket,
    mut stream: FrameStream,
) -> Result<Meeting, GreetError> {
    let profile = shared.profile();
    let mut rng = shared.fork_rng();
    let (mut new_device, hello) =
        NewDevice::new(ticket, &profile.keys, profile.label.clone(), stream.peer(), &mut rng);
    stream.send(Bytes::from(hello)).await?;
    loop {
        let Some(frame) = stream.recv().await? else {
            return Err(GreetError::Lost("it hung up".to_owned()));
        };
        for effect in new_device.handle(NewDeviceInput::Frame(frame.to_vec())) {
            match effect {
                NewDeviceEffect::Send(bytes) => stream.send(Bytes::from(bytes)).await?,
                NewDeviceEffect::Preview(offer) => return Ok(Meeting { new_device, stream, offer }),
                NewDeviceEffect::Failed(error) => return Err(GreetError::Final(refused(&error))),
                NewDeviceEffect::Waiting(_) | NewDeviceEffect::Linked(_) => {}
            }
        }
    }
}

/// Where each workspace goes: into a folder with its name, which may be there already.
pub(super) fn places(
    shared: &Shared,
    workspaces: &[OfferedWorkspace],
    parent: &Path,
) -> Result<BTreeMap<WorkspaceId, PathBuf>, ApiError> {
    let mut places = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for workspace in workspaces {
        let known = shared.state().registry.get(&workspace.ws).map(|record| record.root.clone());
        let place = known.unwrap_or_else(|| {
            let named = (1..).map(|number| match number {
                1 => joining::target(None, parent, &workspace.name),
                number => joining::target(None, parent, &format!("{} {number}", workspace.name)),
            });
            let mut free = named.filter(|place| !taken.contains(place));
            free.next().expect("numbers without end")
        });
        joining::check_target(shared, &place, &workspace.ws)?;
        taken.insert(place.clone());
        places.insert(workspace.ws, place);
    }
    Ok(places)
}

/// Says what a ticket would link this device to.
pub(super) async fn preview(
    shared: &Arc<Shared>,
    request: DeviceAcceptPreview,
    progress: &ProgressSink,
) -> Result<DeviceAcceptPreviewed, ApiError> {
    let ticket = parse(&request.ticket)?;
    let deadline = Instant::now() + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let Meeting { offer, .. } = meet(shared, &ticket, deadline, progress).await?;
    let places = places(shared, &offer.workspaces, &request.parent)?;
    let device = shared.profile().keys.given_to(offer.user).device_id();
    let named = |name: String| Some(name).filter(|name| !name.is_empty());
    let workspaces = offer.workspaces.into_iter().map(|workspace| WorkspacePlace {
        workspace: workspace.ws.to_string(),
        name: workspace.name,
        folder: places.get(&workspace.ws).cloned().unwrap_or_default(),
        files: workspace.files,
        bytes: workspace.bytes,
    });
    Ok(DeviceAcceptPreviewed {
        user: offer.user.to_string(),
        user_name: named(offer.inviter.name),
        by: named(offer.inviter.device),
        fingerprint: spoken(&Fingerprint::of_device(&device)),
        workspaces: workspaces.collect(),
    })
}

/// Links this device: returns when the files of all workspaces are on disk.
pub(super) async fn accept(
    shared: &Arc<Shared>,
    request: DeviceAccept,
    progress: &ProgressSink,
) -> Result<DeviceAccepted, ApiError> {
    let begin = Instant::now();
    let ticket = parse(&request.ticket)?;
    let deadline = begin + Duration::from_secs_f64(request.timeout_seconds.clamp(0.0, 1e6));
    let Meeting { new_device, stream, offer } = meet(shared, &ticket, deadline, progress).await?;
    let places = places(shared, &offer.workspaces, &request.parent)?;
    let linked = finish(new_device, stream, deadline, progress).await?;
    let Linked { keys, chain, workspaces } = linked;
    let profile = shared.profile();
    let profile = if profile.user_id() == keys.user() {
        // Linked before, and cut off.
        profile
    } else {
        Arc::new(Profile::of_person(keys, None, chain, &offer.inviter.name))
    };
    let entered = settle(shared, &profile, workspaces, &places, &request.parent, Vec::new())?;
    if let Some(net) = &shared.net {
        // Wanting ourselves is refused, which only happens with a ticket of our own.
        let _ = net.want(ticket.inviter, joining::places(&ticket)).await;
    }
    let mut joined = Vec::new();
    for (entered, is_new) in entered {
        let filling = Filling { entered, is_new, existing: request.existing, begin, deadline };
        joined.push(joining::fill(shared, filling, progress).await?);
    }
    Ok(DeviceAccepted {
        user: profile.user_id().to_string(),
        user_name: Some(profile.label.name.clone()),
        device: profile.device_id().to_string(),
        workspaces: joined,
    })
}

/// Says yes, and waits for the person's word at the other device.
async fn finish(
    mut new_device: NewDevice,
    mut stream: FrameStream,
    deadline: Instant,
    progress: &ProgressSink,
) -> Result<Linked, ApiError> {
    let lost = |error: weft_net::StreamError| {
        ApiError::unreachable(format!("the other device hung up: {error}")).hint("run the same command again")
    };
    let mut effects = new_device.handle(NewDeviceInput::Accept);
    loop {
        for effect in std::mem::take(&mut effects) {
            match effect {
                NewDeviceEffect::Send(bytes) => stream.send(Bytes::from(bytes)).await.map_err(lost)?,
                NewDeviceEffect::Waiting(signs) => {
                    let detail = format!("your yes at the other device; the signs of this one are {signs}");
                    progress.report(Progress { detail: Some(detail), ..Progress::new(Stage::Wait) });
                }
                NewDeviceEffect::Linked(linked) => return Ok(*linked),
                NewDeviceEffect::Failed(error) => return Err(refused(&error)),
                NewDeviceEffect::Preview(_) => {}
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let received = tokio::time::timeout(left, stream.recv()).await.map_err(|_| {
            ApiError::unreachable("nobody has said yes at the other device in time")
                .hint("say yes there (`weft invitations`), then run the same command again")
                .data_state("nothing was changed")
        })?;
        let Some(frame) = received.map_err(lost)? else {
            return Err(ApiError::unreachable("the other device hung up").hint("run the same command again"));
        };
        effects = new_device.handle(NewDeviceInput::Frame(frame.to_vec()));
    }
}

/// Makes all of it last in one transaction, with what else is to be written, and starts the workspaces.
pub(super) fn settle(
    shared: &Arc<Shared>,
    profile: &Arc<Profile>,
    workspaces: Vec<(OfferedWorkspace, weft_sync::invite::Joined)>,
    places: &BTreeMap<WorkspaceId, PathBuf>,
    parent: &Path,
    more: Vec<Write>,
) -> Result<Vec<(Entered, bool)>, ApiError> {
    let mut writes = more;
    let mut records = Vec::new();
    for (offered, joined) in workspaces {
        if let Some(record) = shared.state().registry.get(&offered.ws).cloned() {
            records.push((record, offered.files, false));
            continue;
        }
        // A workspace that was made while the person thought has no place yet.
        let place = places.get(&offered.ws).cloned();
        let place = place.unwrap_or_else(|| joining::target(None, parent, &offered.name));
        joining::check_target(shared, &place, &offered.ws)?;
        let root = joining::make_folder(&place)?;
        let record = WorkspaceRecord { id: offered.ws, root, name: offered.name, is_complete: false };
        writes.extend(joining::entry_writes(&joined));
        records.push((record, offered.files, true));
    }
    let new = records.iter().filter(|(_, _, is_new)| *is_new);
    writes.extend(new.map(|(record, ..)| shared.state().registry.put(record.clone())));
    profile
        .store(&*shared.storage, writes)
        .map_err(|error| ApiError::failed(opening::chain(&error)).hint(error.hint()))?;
    *shared.profile.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(profile);
    opening::write_identity(&shared.home, profile)?;
    let problem = opening::keep_recovery(&shared.home, &shared.store, profile);
    *shared.words_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    let mut entered = Vec::new();
    for (record, files, is_new) in records {
        let running = shared.handle(&record.id);
        let handle = match running {
            Some(handle) => handle,
            None => start_workspace(shared, &record, StartFolder::Later)?,
        };
        entered.push(((record, handle, files), is_new));
    }
    Ok(entered)
}

/// The devices of the person at this device.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<OwnDevices, ApiError> {
    let profile = shared.profile();
    let own = profile.device_id().to_string();
    let this = OwnDevice {
        device: own.clone(),
        name: Some(profile.label.device.clone()),
        is_this: true,
        last_contact: None,
        workspaces: Vec::new(),
        has_all_mine: true,
        missing: 0,
    };
    let mut devices = BTreeMap::from([(own.clone(), this)]);
    for workspace in shared.handles() {
        let name = workspace.ask(|engine| engine.replica().workspace_name().unwrap_or_default());
        let name = name.await.unwrap_or_default();
        let members = super::calls::members(shared, &workspace).await?.members;
        for device in members.into_iter().filter(|member| member.is_me).flat_map(|member| member.devices) {
            let known = devices.entry(device.device.clone()).or_insert_with(|| OwnDevice {
                device: device.device.clone(),
                name: device.name.clone(),
                is_this: false,
                last_contact: None,
                workspaces: Vec::new(),
                has_all_mine: true,
                missing: 0,
            });
            known.workspaces.push(name.clone());
            known.last_contact = known.last_contact.max(device.last_contact);
            known.has_all_mine &= device.is_this || device.has_all_mine;
            known.missing += device.missing;
        }
    }
    let mut devices: Vec<OwnDevice> = devices.into_values().collect();
    devices.sort_by_key(|device| (!device.is_this, device.name.clone()));
    Ok(OwnDevices {
        user: profile.user_id().to_string(),
        user_name: Some(profile.label.name.clone()),
        user_key: user_key_place(&profile),
        devices,
    })
}

fn user_key_place(profile: &Profile) -> UserKeyPlace {
    match (&profile.user, profile.words) {
        (Some(_), WordsState::Unchecked) => UserKeyPlace::Here,
        (Some(_), _) => UserKeyPlace::HereAndOnPaper,
        (None, WordsState::PaperOnly) => UserKeyPlace::Paper,
        (None, _) => UserKeyPlace::Elsewhere,
    }
}
