//! The inviting side: tickets, newcomers, and letting them in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use weft_net::{FrameStream, StreamError};
use weft_store::{EntryFilter, StoredOrder};
use weft_sync::acl::Class;
use weft_sync::entry::Kind;
use weft_sync::identity::Fingerprint;
use weft_sync::ids::{DeviceId, EndpointId, LogId, WorkspaceId};
use weft_sync::invite::{
    Confirmation, Description, InvitationId, InvitationTerms, Inviter, InviterEffect, InviterInput,
    JoinRequest, LinkRequest,
};
use weft_sync::replica::{Input, WriteId};
use weft_sync::seal::Label;
use weft_sync::ticket::Ticket;
use weft_sync::workspace::{add_own_device, admit};

use super::governing::until;
use super::{Shared, ended, linking, opening, recovering, wall_now};
use crate::api::{self, ApiError, Invitation, Invitations, Newcomer, Role, Shared as SharedTicket, WallTime};
use crate::workspace::people::People;
use crate::workspace::queries::role;
use crate::workspace::thread::WorkspaceHandle;

/// How long a newcomer may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long a person may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// Addresses that a ticket carries at most.
const TICKET_ADDRESSES: usize = 8;
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Somebody who waits for a person's word.
pub(crate) struct WaitingNewcomer {
    invitation: InvitationId,
    told: Newcomer,
    answer: oneshot::Sender<bool>,
}

impl From<&JoinRequest> for Newcomer {
    fn from(request: &JoinRequest) -> Self {
        let fingerprint = spoken(&request.fingerprint);
        newcomer(request.user.to_string(), fingerprint, &request.label)
    }
}

impl From<&LinkRequest> for Newcomer {
    fn from(request: &LinkRequest) -> Self {
        let fingerprint = spoken(&request.fingerprint);
        newcomer(request.device.to_string(), fingerprint, &request.label)
    }
}

fn newcomer(id: String, fingerprint: String, label: &Label) -> Newcomer {
    let named = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
    Newcomer { user: id, fingerprint, name: named(&label.name), device_name: named(&label.device) }
}

/// Makes a ticket.
pub(super) async fn share(shared: &Arc<Shared>, request: api::Share) -> Result<SharedTicket, ApiError> {
    let (workspace, _, _) = shared.workspace_of(&request.folder)?;
    let Some(net) = &shared.net else {
        return Err(ApiError::failed("this node is not on the network").hint("start `weft node`, then share"));
    };
    let class = class_of(request.role).ok_or_else(|| {
        ApiError::usage("nobody can be invited as owner").hint("choose admin, editor, viewer or keeper")
    })?;
    let user = shared.profile().user_id();
    let allowed = workspace.ask(move |engine| {
        let members = engine.replica().membership();
        let name = engine.replica().workspace_name().unwrap_or_default();
        members.map(|members| weft_sync::workspace::may_grant(members, &user, class).map(|_| name))
    });
    let name = allowed.await.ok_or_else(ended)?.ok_or_else(ended)?.map_err(|error| {
        ApiError::not_allowed(error.to_string()).hint(error.hint()).data_state("nothing was changed")
    })?;
    let millis = millis(request.expires_seconds);
    let confirmation = if request.confirm { Confirmation::Automatic } else { Confirmation::Ask };
    let terms = InvitationTerms { ws: workspace.ws, class, uses: request.uses, millis, confirmation };
    ticket(shared, net, terms, name).await
}

/// A length of time as invitations count it.
pub(super) fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).clamp(0.0, 1e15) as i64
}

/// Makes an invitation, and the ticket for it.
pub(super) async fn ticket(
    shared: &Arc<Shared>,
    net: &weft_net::Net,
    terms: InvitationTerms,
    name: String,
) -> Result<SharedTicket, ApiError> {
    let now = wall_now();
    let (id, secret, write) = {
        let mut state = shared.state();
        let state = &mut *state;
        let made = state.invitations.create(terms, now, &mut state.rng);
        let (id, secret) = made.map_err(|error| ApiError::usage(error.to_string()).hint(error.hint()))?;
        (id, secret, opening::keep_invitations(&state.invitations))
    };
    store(shared, vec![write]).await?;
    let addresses = net.addresses().into_iter().filter_map(|address| match address {
        weft_net::Address::Ip(address) => Some(address),
        weft_net::Address::Relay(_) => None,
    });
    let relay = net.addresses().into_iter().find_map(|address| match address {
        weft_net::Address::Relay(url) => Some(url),
        weft_net::Address::Ip(_) => None,
    });
    let ticket = Ticket {
        ws: terms.ws,
        inviter: net.id(),
        addresses: addresses.take(TICKET_ADDRESSES).collect(),
        relay,
        secret,
        class: terms.class,
        // A keeper is to know no names.
        inviter_name: match terms.class {
            Class::Keeper if terms.ws != WorkspaceId::ZERO => String::new(),
            _ => shared.profile().label.device.clone(),
        },
    };
    Ok(SharedTicket {
        ticket: ticket.encode(),
        role: if terms.ws == WorkspaceId::ZERO { Role::Owner } else { role(terms.class) },
        expires: WallTime::from_millis(now.0.saturating_add(terms.millis)),
        uses: terms.uses,
        id: id.to_string(),
        workspace: workspace_id(&terms.ws),
        name,
    })
}

pub(super) fn class_of(role: Role) -> Option<Class> {
    match role {
        Role::Keeper => Some(Class::Keeper),
        Role::Viewer => Some(Class::Viewer),
        Role::Editor => Some(Class::Editor),
        Role::Admin => Some(Class::Admin),
        Role::Owner => None,
    }
}

async fn store(shared: &Shared, writes: Vec<weft_store::Write>) -> Result<(), ApiError> {
    let committer = shared.committer()?;
    let (sender, answer) = oneshot::channel();
    let done: weft_store::CommitDone = Box::new(move |result| drop(sender.send(result.map(|_| ()))));
    if committer.submit(writes, done).is_err() {
        return Err(ApiError::busy("the store has much to do"));
    }
    match answer.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(ApiError::failed(opening::chain(&error)).hint(error.hint())),
        Err(_) => Err(ApiError::busy("the node is ending")),
    }
}

/// The open tickets, and who waits.
pub(super) async fn list(
    shared: &Arc<Shared>,
    folder: Option<&std::path::Path>,
) -> Result<Invitations, ApiError> {
    let only = match folder {
        Some(folder) => Some(shared.workspace_of(folder)?.0.ws),
        None => None,
    };
    let now = wall_now();
    let state = shared.state();
    let open = state.invitations.iter().filter(|(id, invitation)| {
        let waits = state.waiting.iter().any(|waiting| waiting.invitation == **id);
        only.is_none_or(|ws| invitation.ws == ws) && (invitation.is_open(now) || waits)
    });
    let invitations = open.map(|(id, invitation)| {
        let waiting = state.waiting.iter().filter(|waiting| waiting.invitation == *id);
        let name = state.registry.get(&invitation.ws).map(|record| record.name.clone());
        Invitation {
            id: id.to_string(),
            role: if invitation.is_link() { Role::Owner } else { role(invitation.class) },
            expires: WallTime::from_millis(invitation.expires.0),
            uses_left: invitation.uses_left,
            waiting: waiting.map(|waiting| waiting.told.clone()).collect(),
            workspace: workspace_id(&invitation.ws),
            workspace_name: name.unwrap_or_default(),
        }
    });
    Ok(Invitations { invitations: invitations.collect() })
}

/// The id of an invitation's workspace: nothing when it links a device.
fn workspace_id(ws: &WorkspaceId) -> String {
    if *ws == WorkspaceId::ZERO { String::new() } else { ws.to_string() }
}

/// The signs of a person, and their names for the phone.
pub(super) fn spoken(fingerprint: &Fingerprint) -> String {
    format!("{fingerprint} ({})", fingerprint.names().join(" "))
}

/// A person's word about somebody who waits, named by the invitation or the user.
pub(super) async fn answer(shared: &Arc<Shared>, id: &str, yes: bool) -> Result<Invitations, ApiError> {
    {
        let mut state = shared.state();
        let fits = |waiting: &WaitingNewcomer| {
            !id.is_empty()
                && (waiting.invitation.to_string().starts_with(id) || waiting.told.user.starts_with(id))
        };
        let found: Vec<usize> =
            (0..state.waiting.len()).filter(|index| fits(&state.waiting[*index])).collect();
        match found.as_slice() {
            [one] => {
                let waiting = state.waiting.remove(*one);
                // An error means that the newcomer has gone.
                let _ = waiting.answer.send(yes);
            }
            [] => {
                return Err(ApiError::not_found(format!("nobody waits under {id}"))
                    .hint("`weft invitations` lists who waits"));
            }
            _ => {
                return Err(ApiError::usage(format!("several people wait under {id}"))
                    .hint("name one of them by the user id that `weft invitations` shows"));
            }
        }
    }
    list(shared, None).await
}

/// Takes a ticket back.
pub(super) async fn cancel(shared: &Arc<Shared>, id: &str) -> Result<Invitations, ApiError> {
    let write = {
        let mut state = shared.state();
        let found: Vec<InvitationId> = state
            .invitations
            .iter()
            .map(|(known, _)| *known)
            .filter(|known| !id.is_empty() && known.to_string().starts_with(id))
            .collect();
        let [one] = found.as_slice() else {
            return Err(ApiError::not_found(format!("no invitation is called {id}"))
                .hint("`weft invitations` lists them"));
        };
        state.invitations.cancel(one);
        state.waiting.retain(|waiting| waiting.invitation != *one);
        opening::keep_invitations(&state.invitations)
    };
    store(shared, vec![write]).await?;
    list(shared, None).await
}

/// Serves somebody with a ticket.
pub(super) async fn serve(shared: Arc<Shared>, peer: EndpointId, mut stream: FrameStream) {
    if let Err(error) = talk(&shared, peer, &mut stream).await {
        tracing::info!(%peer, "somebody with a ticket did not come in: {error}");
    }
}

#[derive(Debug, thiserror::Error)]
enum TalkError {
    #[error("the connection ended")]
    Stream(#[from] StreamError),
    #[error("nothing came in time")]
    Silent,
    #[error("this node ends; the same ticket works again later")]
    Ends,
    #[error("{0}")]
    Api(#[from] ApiError),
}

async fn talk(shared: &Arc<Shared>, peer: EndpointId, stream: &mut FrameStream) -> Result<(), TalkError> {
    let Some(net) = &shared.net else { return Ok(()) };
    let mut inviter = Inviter::new(net.id(), peer);
    loop {
        let received = tokio::time::timeout(SILENCE_MAX, stream.recv());
        let Some(frame) = received.await.map_err(|_| TalkError::Silent)?? else { return Ok(()) };
        let mut inputs = vec![InviterInput::Frame(frame.to_vec())];
        while let Some(input) = inputs.pop() {
            let effects = {
                let mut state = shared.state();
                let state = &mut *state;
                inviter.handle(wall_now(), input, &mut state.invitations, &mut state.rng)
            };
            for effect in effects {
                match effect {
                    InviterEffect::Send(bytes) => stream.send(Bytes::from(bytes)).await?,
                    InviterEffect::Describe(ws) => {
                        inputs.push(InviterInput::Describe(describe(shared, ws).await));
                    }
                    InviterEffect::Ask(request) => {
                        inputs.push(ask(shared, request.invitation, (&*request).into(), stream).await?);
                    }
                    InviterEffect::AskLink(request) => {
                        inputs.push(ask(shared, request.invitation, (&*request).into(), stream).await?);
                    }
                    InviterEffect::DescribeUs => {
                        inputs.push(InviterInput::DescribeUs(linking::describe_us(shared).await));
                    }
                    InviterEffect::Recover(user, device) => {
                        let workspaces = recovering::workspaces_of(shared, user, device).await;
                        inputs.push(InviterInput::Recovered(workspaces));
                    }
                    InviterEffect::Link(request) => inputs.push(linking::take_in(shared, &request).await),
                    InviterEffect::Save => {
                        let write = opening::keep_invitations(&shared.state().invitations);
                        store(shared, vec![write]).await?;
                    }
                    InviterEffect::Admit(request) => inputs.push(let_in(shared, &request).await),
                    InviterEffect::Close => {
                        stream.finish().await?;
                        return Ok(());
                    }
                }
            }
        }
    }
}

async fn describe(shared: &Arc<Shared>, ws: WorkspaceId) -> Description {
    let label = shared.profile().label.clone();
    let Some(workspace) = shared.handle(&ws) else { return Description::default() };
    let told =
        workspace.ask(|engine| (engine.replica().workspace_name().unwrap_or_default(), engine.progressed()));
    let (name, done) = told.await.unwrap_or_default();
    Description { workspace: name, inviter: label, files: done.files, bytes: done.bytes }
}

/// Waits for a person's word; the newcomer may hang up meanwhile. A node that ends has not said no.
async fn ask(
    shared: &Arc<Shared>,
    invitation: InvitationId,
    told: Newcomer,
    stream: &mut FrameStream,
) -> Result<InviterInput, TalkError> {
    let (sender, answer) = oneshot::channel();
    let user = told.user.clone();
    shared.state().waiting.push(WaitingNewcomer { invitation, told, answer: sender });
    let yes = tokio::select! {
        answered = tokio::time::timeout(ANSWER_TIME_MAX, answer) => matches!(answered, Ok(Ok(true))),
        _ = stream.recv() => false,
    };
    shared.state().waiting.retain(|waiting| waiting.told.user != user);
    if !yes && shared.state().is_stopping {
        return Err(TalkError::Ends);
    }
    Ok(if yes { InviterInput::Confirm } else { InviterInput::Decline })
}

/// Writes what lets a newcomer in, and gives what the newcomer begins with.
async fn let_in(shared: &Arc<Shared>, request: &JoinRequest) -> InviterInput {
    let Some(workspace) = shared.handle(&request.ws) else { return InviterInput::NotAllowed };
    match admitted(shared, &workspace, request).await {
        Ok(entries) => InviterInput::Admitted(entries),
        Err(error) => {
            tracing::warn!("a newcomer could not be let in: {error}");
            InviterInput::NotAllowed
        }
    }
}

async fn admitted(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    request: &JoinRequest,
) -> Result<Vec<Vec<u8>>, ApiError> {
    let mut rng = shared.fork_rng();
    let (request, user) = (request.clone(), shared.profile().user_id());
    let device = request.device;
    let written = workspace.ask(move |engine| {
        let replica = engine.replica();
        let members = replica.membership()?;
        if members.is_live(&device) {
            return Some(Ok(()));
        }
        let newcomer = (&request.chain, &request.label, request.class);
        let operations = if request.user == user {
            // A device of our own has our role.
            add_own_device(members, replica.keyring(), &request.chain, &request.label, &mut rng)
        } else {
            admit(members, replica.keyring(), &user, newcomer, &mut rng)
        };
        Some(operations.map(|operations| {
            // The name of the write is of no interest: membership tells when it is there.
            engine.feed(Input::WriteAcl { write: WriteId(0), operations });
        }))
    });
    let written = written.await.ok_or_else(ended)?.ok_or_else(ended)?;
    written.map_err(|error| ApiError::not_allowed(error.to_string()))?;
    let_in_entries(shared, workspace, device).await
}

/// Waits until a device is in and stored; gives what it begins with.
pub(super) async fn let_in_entries(
    shared: &Arc<Shared>,
    workspace: &WorkspaceHandle,
    device: DeviceId,
) -> Result<Vec<Vec<u8>>, ApiError> {
    until(workspace, move |members| members.is_live(&device)).await?;
    control_entries_of(shared, workspace).await
}

/// Genesis and every entry of a workspace's control lane, in stored order.
pub(super) async fn control_entries_of(
    shared: &Shared,
    workspace: &WorkspaceHandle,
) -> Result<Vec<Vec<u8>>, ApiError> {
    let logs = workspace.ask(|engine| engine.replica().membership().map(|members| members.control_logs()));
    let logs: Vec<LogId> = logs.await.ok_or_else(ended)?.unwrap_or_default();
    control_entries(shared, workspace.ws, &logs)
}

/// Genesis and every entry of the control lane, in stored order.
fn control_entries(shared: &Shared, ws: WorkspaceId, logs: &[LogId]) -> Result<Vec<Vec<u8>>, ApiError> {
    let mut entries = Vec::new();
    let mut after = StoredOrder::START;
    loop {
        let read = shared.storage.entries_after(ws, after, EntryFilter::WithoutData, READ_BYTES);
        let read = read.map_err(|error| ApiError::failed(opening::chain(&error)))?;
        let Some(last) = read.last() else { return Ok(entries) };
        after = last.order;
        let wanted =
            read.into_iter().filter(|entry| entry.kind == Kind::Genesis || logs.contains(&entry.at.log));
        entries.extend(wanted.map(|entry| entry.bytes.to_vec()));
    }
}
