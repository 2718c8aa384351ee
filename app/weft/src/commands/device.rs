//! `weft device`: the devices of one person.

mod recovery;

use weft_node::api::{ApiError, DeviceAccept, DeviceAcceptPreview, DeviceAccepted, DeviceLink, DeviceList};

use super::{Outcome, join::read_ticket, network_need, note_unused, print_node_line, share};
use crate::{
    arguments::{DeviceAcceptArguments, DeviceAction, DeviceLinkArguments},
    connection::{Connection, Need, with_node},
    environment::{Environment, folder_or_current},
    output::Output,
    progress::ProgressView,
    text,
};

pub(super) async fn device(
    action: &DeviceAction,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    match action {
        DeviceAction::Link(arguments) => link(arguments, environment, output).await?,
        DeviceAction::Accept(arguments) => accept(arguments, environment, output).await?,
        DeviceAction::List => list(environment, output).await?,
        DeviceAction::Recovery(arguments) => recovery::recovery(arguments, environment, output).await?,
    }
    Ok(Outcome::Done)
}

async fn link(
    arguments: &DeviceLinkArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    if arguments.expires > share::EXPIRES_MAX || arguments.expires.is_zero() {
        return Err(ApiError::usage("a ticket works for at most 7d").hint("for example --expires 1h"));
    }
    let request = DeviceLink { expires_seconds: arguments.expires.as_secs_f64(), confirm: arguments.yes };
    with_node(environment, network_need(&arguments.network), async |node| {
        note_unused(&arguments.network, node, output);
        let shared = node.ask(request.clone()).await?;
        output.result(&shared, text::shared)?;
        let can_ask = output.can_ask() && !arguments.yes;
        if node.is_own() || can_ask { share::serve(node, &shared, can_ask, output).await } else { Ok(()) }
    })
    .await
}

async fn accept(
    arguments: &DeviceAcceptArguments,
    environment: &Environment,
    output: &Output,
) -> Result<(), ApiError> {
    let ticket = read_ticket(&arguments.ticket)?;
    weft_node::check_ticket(&ticket)?;
    let parent = folder_or_current(arguments.parent.as_deref())?;
    let timeout_seconds = arguments.timeout.as_secs_f64();
    let preview = DeviceAcceptPreview { ticket: ticket.clone(), parent: parent.clone(), timeout_seconds };
    let request = DeviceAccept { ticket, parent, existing: arguments.existing.into(), timeout_seconds };
    with_node(environment, network_need(&arguments.network), async |node| {
        note_unused(&arguments.network, node, output);
        if !arguments.yes && !agree(node, &preview, output).await? {
            return Ok(());
        }
        let view = ProgressView::new(output);
        let accepted: DeviceAccepted = node.ask_with(request.clone(), view.sink()).await?;
        drop(view);
        output.result(&accepted, text::accepted)?;
        print_node_line(node, false, output).await
    })
    .await
}

/// Shows what would happen, and asks. `false` = nothing more to do.
async fn agree(node: &Connection, preview: &DeviceAcceptPreview, output: &Output) -> Result<bool, ApiError> {
    if !output.can_ask() {
        return Err(ApiError::usage("linking needs your consent, and nobody can be asked here")
            .hint("add --yes")
            .data_state("nothing was changed"));
    }
    let view = ProgressView::new(output);
    let previewed = node.ask_with(preview.clone(), view.sink()).await?;
    drop(view);
    output.result(&previewed, text::accept_preview)?;
    let asked = *output;
    let answer = tokio::task::spawn_blocking(move || asked.ask("Link this device?", true)).await;
    answer.map_err(|_| ApiError::failed("the question could not be asked"))?
}

async fn list(environment: &Environment, output: &Output) -> Result<(), ApiError> {
    let devices = with_node(environment, Need::Device, async |node| node.ask(DeviceList {}).await).await?;
    output.result(&devices, text::own_devices)
}
