//! `weft join`.

use std::io::Read;

use weft_node::api::{ApiError, Join, JoinPreview, Joined};

use super::{Outcome, network_need, node::print_ready, note_unused, print_node_line};
use crate::{
    arguments::JoinArguments,
    connection::{Connection, with_node},
    environment::{Environment, absolute},
    output::Output,
    progress::ProgressView,
    text,
};

/// The longest ticket that is read from standard input; real ones have some hundred letters.
const TICKET_BYTES_MAX: u64 = 64 * 1024;

pub(super) async fn join(
    arguments: &JoinArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let ticket = read_ticket(&arguments.ticket)?;
    weft_node::check_ticket(&ticket)?;
    let folder = arguments.folder.as_deref().map(absolute).transpose()?;
    let parent = absolute(std::path::Path::new("."))?;
    let timeout_seconds = arguments.timeout.as_secs_f64();
    let preview = JoinPreview {
        ticket: ticket.clone(),
        folder: folder.clone(),
        parent: parent.clone(),
        timeout_seconds,
    };
    let request = Join { ticket, folder, parent, existing: arguments.existing.into(), timeout_seconds };
    with_node(environment, network_need(&arguments.network), async |node| {
        note_unused(&arguments.network, node, output);
        if !agree(node, &preview, arguments, output).await? {
            return Ok(());
        }
        let joined = carry_out(node, &request, output).await?;
        output.result(&joined, text::joined)?;
        if arguments.stay && node.is_own() {
            print_ready(node, output).await?;
            node.interrupted().await;
            return Ok(());
        }
        print_node_line(node, false, output).await
    })
    .await?;
    Ok(Outcome::Done)
}

pub(super) fn read_ticket(argument: &str) -> Result<String, ApiError> {
    if argument != "-" {
        return Ok(argument.trim().to_owned());
    }
    let mut ticket = String::new();
    let read = std::io::stdin().lock().take(TICKET_BYTES_MAX).read_to_string(&mut ticket);
    match read {
        Ok(_) if ticket.trim().is_empty() => {
            Err(ApiError::usage("there is no ticket on standard input").hint("paste it and end with Ctrl-D"))
        }
        Ok(_) => Ok(ticket.trim().to_owned()),
        Err(error) => Err(ApiError::failed(format!("the ticket cannot be read: {error}"))),
    }
}

/// Shows what would happen, and asks where somebody can be asked. `false` = nothing more to do.
async fn agree(
    node: &Connection,
    preview: &JoinPreview,
    arguments: &JoinArguments,
    output: &Output,
) -> Result<bool, ApiError> {
    if arguments.yes && !arguments.preview {
        return Ok(true);
    }
    if !arguments.preview && !output.can_ask() {
        return Err(ApiError::usage("joining needs your consent, and nobody can be asked here")
            .hint("look with --preview, then join with --yes")
            .data_state("nothing was changed"));
    }
    let view = ProgressView::new(output);
    let previewed = node.ask_with(preview.clone(), view.sink()).await?;
    drop(view);
    output.result(&previewed, text::preview)?;
    if arguments.preview {
        return Ok(false);
    }
    let asked = *output;
    let answer = tokio::task::spawn_blocking(move || asked.ask("Join?", true)).await;
    answer.map_err(|_| ApiError::failed("the question could not be asked"))?
}

async fn carry_out(node: &Connection, request: &Join, output: &Output) -> Result<Joined, ApiError> {
    let view = ProgressView::new(output);
    node.ask_with(request.clone(), view.sink()).await
}
