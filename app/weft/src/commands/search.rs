//! Looking through a workspace, and its index.

use weft_node::api::{
    ApiError, FileVersion, IndexRebuild, IndexStatus, ReplaceApply, ReplacePreview, ReplaceQuery, Search,
};

use super::Outcome;
use crate::{
    arguments::{FolderArgument, IndexAction, IndexArguments, ReplaceArguments, SearchArguments},
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
        stream: None,
    };
    let found = with_node(environment, Need::Device, async |node| node.ask(request.clone()).await).await?;
    output.result(&found, text::found)?;
    Ok(Outcome::Done)
}

pub(super) async fn replace(
    arguments: &ReplaceArguments,
    environment: &Environment,
    output: &Output,
) -> Result<Outcome, ApiError> {
    let what = ReplaceQuery {
        folder: folder_or_current(arguments.folder.as_deref())?,
        query: arguments.query.clone(),
        replacement: arguments.replacement.clone(),
        is_regex: arguments.regex,
        ignore_case: arguments.ignore_case,
        whole_words: arguments.whole_words,
    };
    with_node(environment, Need::Device, async |node| {
        let shown = node.ask(ReplacePreview { what: what.clone() }).await?;
        let places: u64 = shown.files.iter().map(|file| file.matches).sum();
        if places == 0 || !arguments.yes {
            output.result(&shown, text::to_replace)?;
        }
        let question = text::replace_question(places, shown.files.len() as u64);
        let is_meant = arguments.yes || output.can_ask() && output.ask(&question, false)?;
        if places == 0 || !is_meant {
            return Ok(Outcome::Done);
        }
        let version = |file: &weft_node::api::FileToReplace| FileVersion {
            path: file.path.clone(),
            version: file.version.clone(),
        };
        let files = shown.files.iter().map(version).collect();
        let mut applied = node.ask(ReplaceApply { what: what.clone(), files }).await?;
        if arguments.yes {
            // Nobody has read of them yet.
            applied.left_out.extend(shown.left_out);
        }
        output.result(&applied, text::replaced)?;
        Ok(if applied.left_out.is_empty() && !shown.has_more { Outcome::Done } else { Outcome::NeedsPerson })
    })
    .await
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
