//! People: invitations, members, and the devices this node talks to.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use weft_node::api::{
    Admit, ApiError, Audit, AuditReport, ChangeRole, Invitations, InvitationsCancel, InvitationsConfirm,
    InvitationsList, InvitationsRefuse, Members, NetworkOptions, Peers, Revoke, Role, VoidExport,
};

use super::{Outcome, print_node_line};
use crate::{
    arguments::{
        AdmitArguments, AuditArguments, ExportVoidArguments, FolderArgument, InvitationsArguments,
        RevokeArguments, RoleArguments,
    },
    connection::{Connection, Need, with_node},
    environment::{Environment, absolute, folder_or_current},
    output::Output,
    text,
};

/// What a trail may have at most: the limit of operations of a workspace, with room to spare.
const TRAIL_BYTES_MAX: u64 = 1 << 30;

pub(super) async fn invitations(
    arguments: &InvitationsArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    // Letting somebody in takes the network: that device waits at the other end.
    let is_answer = arguments.confirm.is_some() || arguments.refuse.is_some();
    let need = if is_answer { Need::Network(NetworkOptions::default()) } else { Need::Device };
    let list = with_node(environment, need, async |node| decide(arguments, node).await).await?;
    let done = match (&arguments.confirm, &arguments.refuse, &arguments.cancel) {
        (Some(_), _, _) => "Let in.",
        (_, Some(_), _) => "Sent away.",
        (_, _, Some(_)) => "Cancelled: nobody can come with that ticket any more.",
        _ => "",
    };
    output.result(&list, |list, look| match done {
        "" => text::invitations(list, look),
        done => format!("{done}\n"),
    })?;
    Ok(Outcome::Done)
}

async fn decide(arguments: &InvitationsArguments, node: &Connection) -> Result<Invitations, ApiError> {
    if let Some(id) = arguments.confirm.clone() {
        return node.ask(InvitationsConfirm { id }).await;
    }
    if let Some(id) = arguments.refuse.clone() {
        return node.ask(InvitationsRefuse { id }).await;
    }
    if let Some(id) = arguments.cancel.clone() {
        return node.ask(InvitationsCancel { id }).await;
    }
    let folder = match arguments.folder.folder.as_deref() {
        Some(folder) => Some(folder_or_current(Some(folder))?),
        None => None,
    };
    node.ask(InvitationsList { folder }).await
}

pub(super) async fn members(
    arguments: &FolderArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Members { folder: folder_or_current(arguments.folder.as_deref())? };
    let members = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&members, text::members)?;
    Ok(Outcome::Done)
}

pub(super) async fn audit(
    arguments: &AuditArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    if let Some(file) = &arguments.check {
        return check_trail(file, output);
    }
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = Audit { folder, entries: arguments.entries };
    let report = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&report, text::audit)?;
    Ok(if report.damaged.is_empty() { Outcome::Done } else { Outcome::NeedsPerson })
}

/// Needs neither a device nor a workspace.
fn check_trail(file: &Path, output: &Output) -> Result<Outcome, ApiError> {
    let told = |error: io::Error| {
        ApiError::failed(format!("{} cannot be read: {error}", file.display())).hint("check the path")
    };
    let mut text = Vec::new();
    let opened = File::open(file).map_err(told)?;
    opened.take(TRAIL_BYTES_MAX + 1).read_to_end(&mut text).map_err(told)?;
    let is_no_trail = |reason: String| {
        ApiError::usage(format!("{} is no trail: {reason}", file.display()))
            .hint("`weft audit --json --entries > trail.json` writes one")
    };
    if text.len() as u64 > TRAIL_BYTES_MAX {
        return Err(is_no_trail("it is far too long".to_owned()));
    }
    let trail: AuditReport = serde_json::from_slice(&text).map_err(|error| is_no_trail(error.to_string()))?;
    let checked = weft_node::check_trail(&trail)?;
    output.result(&checked, text::checked_trail)?;
    Ok(if checked.damaged.is_empty() { Outcome::Done } else { Outcome::NeedsPerson })
}

pub(super) async fn export_void(
    arguments: &ExportVoidArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = VoidExport { folder, who: arguments.of.clone(), to: absolute(&arguments.to)? };
    let exported = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&exported, text::void_exported)?;
    Ok(Outcome::Done)
}

pub(super) async fn admit(
    arguments: &AdmitArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = Admit { folder, who: arguments.who.clone() };
    let admitted = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&admitted, text::admitted)?;
    Ok(Outcome::Done)
}

pub(super) async fn role(
    arguments: &RoleArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = ChangeRole { folder, who: arguments.who.clone(), role: arguments.role };
    with_node(environment, Need::Device, async |node| {
        let members = node.ask(request.clone()).await?;
        output.result(&members, |members, look| {
            let article = if matches!(request.role, Role::Admin | Role::Editor) { "an" } else { "a" };
            let who = text::plain(&request.who);
            format!("{who} is {article} {} now.\n\n{}", request.role, text::members(members, look))
        })?;
        print_node_line(node, is_alone(node).await?, output).await
    })
    .await?;
    Ok(Outcome::Done)
}

pub(super) async fn revoke(
    arguments: &RevokeArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = Revoke { folder, who: arguments.who.clone(), preview: false };
    with_node(environment, Need::Device, async |node| {
        if output.can_ask() && !arguments.yes {
            let would = node.ask(Revoke { preview: true, ..request.clone() }).await?;
            let question = text::revoke_question(&would, &output.look());
            let asked = *output;
            let answer = tokio::task::spawn_blocking(move || asked.ask(&question, false));
            if !answer.await.map_err(|_| ApiError::failed("the question could not be asked"))?? {
                output.note("Nothing was changed.");
                return Ok(());
            }
        }
        let revoked = node.ask(request.clone()).await?;
        output.result(&revoked, text::revoked)?;
        print_node_line(node, is_alone(node).await?, output).await
    })
    .await?;
    Ok(Outcome::Done)
}

/// Whether nobody is connected who could hear of it.
async fn is_alone(node: &Connection) -> Result<bool, ApiError> {
    Ok(node.ask(Peers {}).await?.peers.iter().all(|peer| !peer.connected))
}

pub(super) async fn peers(environment: &Environment, output: &Output) -> Result<Outcome, ApiError> {
    let peers = with_node(environment, Need::Device, async |node| node.ask(Peers {}).await).await?;
    output.result(&peers, text::peers)?;
    Ok(Outcome::Done)
}
