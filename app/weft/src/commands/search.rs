//! Looking through a workspace, and its index.

use weft_node::api::{ApiError, IndexRebuild, IndexStatus, Search};

use super::Outcome;
use crate::{
    arguments::{FolderArgument, IndexAction, IndexArguments, SearchArguments},
    connection::{Need, with_node},
    environment::{Environment, folder_or_current},
    output::Output,
    progress::ProgressView,
    text,
};

pub(super) async fn search(
    arguments: &SearchArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let request = Search {
        folder: folder_or_current(arguments.folder.as_deref())?,
        query: arguments.query.clone(),
        kind: arguments.kind(),
        ignore_case: arguments.ignore_case,
        whole_words: arguments.whole_words,
        limit: arguments.number,
    };
    let found = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&found, text::found)?;
    Ok(Outcome::Done)
}

pub(super) async fn index(
    arguments: &IndexArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    match &arguments.action {
        Some(IndexAction::Rebuild(folder)) => rebuild(folder, environment, output).await,
        Some(IndexAction::Status(folder)) => status(folder, environment, output).await,
        None => status(&arguments.folder, environment, output).await,
    }
}

async fn status(
    folder: &FolderArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(folder.folder.as_deref())?;
    // Without a running node nothing goes on building it when this has answered.
    let report = with_node(environment, Need::DeviceForLong, async |node| {
        node.ask(IndexStatus { folder: folder.clone(), wait: node.is_own() }).await
    });
    output.result(&report.await?, text::index)?;
    Ok(Outcome::Done)
}

async fn rebuild(
    folder: &FolderArgument,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let folder = folder_or_current(folder.folder.as_deref())?;
    let progress = ProgressView::new(output);
    let report = with_node(environment, Need::DeviceForLong, async |node| {
        node.ask_with(IndexRebuild { folder: folder.clone() }, progress.sink()).await
    });
    output.result(&report.await?, text::index)?;
    Ok(Outcome::Done)
}
