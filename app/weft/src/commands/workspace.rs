//! Workspaces: making and leaving them, and who has what.

use weft_node::api::{
    ApiError, Digest, Init, Leave, MirrorDecision, MirrorResume, NetworkOptions, Policy, Stage, Status, Wait,
    WorkspaceState,
};

use super::{Outcome, print_node_line};
use crate::{
    arguments::{FolderArgument, InitArguments, MirrorResumeArguments, PolicyArguments, WaitArguments},
    connection::{Need, with_node},
    environment::{Environment, folder_or_current},
    output::Output,
    progress::ProgressView,
    text,
};

pub(super) async fn init(
    arguments: &InitArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = Init { folder, name: arguments.name.clone() };
    with_node(environment, Need::DeviceForLong, async |node| {
        let view = ProgressView::new(output);
        let made = node.ask_with(request.clone(), view.sink()).await?;
        drop(view);
        output.result(&made, text::initialised)?;
        print_node_line(node, false, output).await
    })
    .await?;
    Ok(Outcome::Done)
}

pub(super) async fn leave(
    arguments: &FolderArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Leave { folder: folder_or_current(arguments.folder.as_deref())? };
    let left = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&left, text::left)?;
    Ok(Outcome::Done)
}

pub(super) async fn status(
    arguments: &FolderArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Status { folder: folder_or_current(arguments.folder.as_deref())? };
    with_node(environment, Need::Device, async |node| {
        let status = node.ask(request.clone()).await?;
        output.result(&status, text::status)?;
        let is_alone = !status.peers.is_empty() && !status.peers.iter().any(|peer| peer.connected);
        // To somebody who was put out nothing is sent, node or not.
        match status.state {
            WorkspaceState::Removed => Ok(()),
            _ => print_node_line(node, is_alone, output).await,
        }
    })
    .await?;
    Ok(Outcome::Done)
}

pub(super) async fn wait(
    arguments: &WaitArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Wait {
        folder: folder_or_current(arguments.folder.folder.as_deref())?,
        peers: arguments.peers,
        timeout_seconds: arguments.timeout.as_secs_f64(),
    };
    let need = Need::Network(NetworkOptions::default());
    let waited = with_node(environment, need, async |node| {
        let view = ProgressView::new(output);
        view.sink().report(weft_node::api::Progress::new(Stage::Wait));
        node.ask_with(request.clone(), view.sink()).await
    })
    .await?;
    output.result(&waited, text::waited)?;
    Ok(Outcome::Done)
}

pub(super) async fn digest(
    arguments: &FolderArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Digest { folder: folder_or_current(arguments.folder.as_deref())? };
    let digests = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&digests, text::digest)?;
    Ok(Outcome::Done)
}

pub(super) async fn policy(
    arguments: &PolicyArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(arguments.folder.folder.as_deref())?;
    let request = Policy { folder, branch_switch: arguments.branch_switch, ai_local_only: None };
    let told = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&told, text::policies)?;
    Ok(Outcome::Done)
}

pub(super) async fn resume(
    arguments: &MirrorResumeArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let decision = match (arguments.restore, arguments.share) {
        (true, _) => MirrorDecision::Restore,
        (_, true) => MirrorDecision::Share,
        _ => MirrorDecision::Deleted,
    };
    let request = MirrorResume { folder: folder_or_current(arguments.folder.folder.as_deref())?, decision };
    let resumed = with_node(environment, Need::DeviceForLong, async |node| {
        let view = ProgressView::new(output);
        node.ask_with(request.clone(), view.sink()).await
    })
    .await?;
    output.result(&resumed, |resumed, _| text::resumed(resumed, decision))?;
    Ok(Outcome::Done)
}
