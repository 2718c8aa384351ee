//! `weft share`: a ticket, and somebody who waits for whoever comes with it.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;
use weft_node::api::{
    ApiError, ErrorKind, Invitation, InvitationsConfirm, InvitationsList, InvitationsRefuse, Newcomer, Share,
    Shared,
};

use super::{Outcome, network_need, note_unused};
use crate::{
    arguments::ShareArguments,
    connection::{Connection, with_node},
    environment::{Environment, folder_or_current},
    output::Output,
    text,
};

/// The longest life of a ticket.
pub(super) const EXPIRES_MAX: Duration = Duration::from_secs(7 * 86_400);
/// How often the list of newcomers is read.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// A line of `--json` after the ticket.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Waiting { id: &'a str, user: &'a str, fingerprint: &'a str },
    Closed { id: &'a str },
}

pub(super) async fn share(
    arguments: &ShareArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    if arguments.expires > EXPIRES_MAX || arguments.expires.is_zero() {
        return Err(ApiError::usage("a ticket works for at most 7d").hint("for example --expires 24h"));
    }
    let request = Share {
        folder: folder_or_current(arguments.folder.folder.as_deref())?,
        role: arguments.role,
        expires_seconds: arguments.expires.as_secs_f64(),
        uses: arguments.uses,
        confirm: arguments.yes,
    };
    with_node(environment, network_need(&arguments.network), async |node| {
        note_unused(&arguments.network, node, output);
        let shared = node.ask(request.clone()).await?;
        output.result(&shared, text::shared)?;
        let can_ask = output.can_ask() && !arguments.yes;
        if node.is_own() || can_ask { serve(node, &shared, can_ask, output).await } else { Ok(()) }
    })
    .await?;
    Ok(Outcome::Done)
}

/// Serves as the node until Ctrl-C, or, with a node that runs anyway, until the invitation is used up.
pub(super) async fn serve(
    node: &Connection,
    shared: &Shared,
    can_ask: bool,
    output: &Output,
) -> Result<(), ApiError> {
    let ending = if node.is_own() {
        "This device serves until Ctrl-C."
    } else {
        "Ctrl-C stops waiting, not the node."
    };
    output.note(&format!("Waiting for whoever comes with the ticket. {ending}"));
    tokio::select! {
        result = watch(node, shared, can_ask, output) => result,
        () = node.interrupted() => {
            output.note("Stopped.");
            Ok(())
        }
    }
}

async fn watch(node: &Connection, shared: &Shared, can_ask: bool, output: &Output) -> Result<(), ApiError> {
    let mut known = BTreeSet::new();
    let mut is_open = true;
    loop {
        let list = node.ask(InvitationsList { folder: None }).await?;
        let invitation = list.invitations.iter().find(|invitation| invitation.id == shared.id);
        for newcomer in invitation.into_iter().flat_map(|invitation| &invitation.waiting) {
            if known.insert(newcomer.user.clone()) {
                let invitation = invitation.expect("the invitation that has this newcomer");
                meet(node, invitation, newcomer, can_ask, output).await?;
            }
        }
        if is_open && invitation.is_none() {
            is_open = false;
            output.note("The ticket is used up or no longer works.");
            if output.json {
                output.json_line(&Line::Closed { id: &shared.id })?;
            }
            if !node.is_own() {
                return Ok(());
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn meet(
    node: &Connection,
    invitation: &Invitation,
    newcomer: &Newcomer,
    can_ask: bool,
    output: &Output,
) -> Result<(), ApiError> {
    if output.json {
        let (id, user) = (invitation.id.as_str(), newcomer.user.as_str());
        return output.json_line(&Line::Waiting { id, user, fingerprint: &newcomer.fingerprint });
    }
    let is_link = invitation.workspace.is_empty();
    output.print(&format!("\n{}\n", text::newcomer(newcomer, invitation, &output.look())))?;
    if !can_ask {
        let what = if is_link { "Link it" } else { "Let them in" };
        let id = text::short_id(&newcomer.user);
        output.note(&format!("{what} with: weft invitations --confirm {id}"));
        return Ok(());
    }
    let asked = *output;
    let question = match is_link {
        true => "Is it your device, and is the fingerprint the same there? Link it?",
        false => "Is the fingerprint the same there? Let them in?",
    };
    let answer = tokio::task::spawn_blocking(move || asked.ask(question, false));
    let is_welcome = answer.await.map_err(|_| ApiError::failed("the question could not be asked"))??;
    let id = newcomer.user.clone();
    let decided = if is_welcome {
        node.ask(InvitationsConfirm { id }).await
    } else {
        node.ask(InvitationsRefuse { id }).await
    };
    match decided {
        Ok(_) if is_welcome => output.note(if is_link { "It is linked." } else { "They are in." }),
        Ok(_) => output.note("Refused."),
        // They went away while the person thought, or somebody else decided.
        Err(error) if error.kind == ErrorKind::NotFound => output.error(&error),
        Err(error) => return Err(error),
    }
    Ok(())
}
